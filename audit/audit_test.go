package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/storetest"
)

const (
	ann     = "ann@example.com"
	bob     = "bob@example.com"
	another = "candle meadow rocket puzzle"
)

// site is an application with a trail.
type site struct {
	t      *testing.T
	store  *storetest.Faulty
	trail  *audit.Trail
	m      *auth.Manager
	events authtest.Events
	app    http.Handler
}

func newSite(t *testing.T, cfg *audit.Config) *site {
	t.Helper()
	s := &site{t: t, store: &storetest.Faulty{Store: memstore.New()}}
	var err error
	if s.trail, err = audit.New(s.store, cfg); err != nil {
		t.Fatal(err)
	}
	s.m, err = auth.New(s.store, authtest.Config(t, &auth.Config{Hooks: []auth.Hooks{s.trail.Hooks(), s.events.Hooks()}}))
	if err != nil {
		t.Fatal(err)
	}
	s.trail.Attach(s.m)
	look, err := pages.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.app = look.Handler(s.m, nil)
	return s
}

func (s *site) visitor() *authtest.Client {
	c := authtest.NewClient(s.t, s.app)
	c.TokenPath = "/account/sessions"
	c.Header.Set("User-Agent", "Browser of the test")
	return c
}

// event has the Manager record something about a user.
func (s *site) event(userID, name string) {
	s.m.Record(s.t.Context(), auth.Event{Name: name, UserID: userID})
}

// page returns a page of the trail, each entry as one line.
func (s *site) page(userID, before string, n int) (lines []string, next string) {
	s.t.Helper()
	entries, next, err := s.trail.Page(s.t.Context(), userID, before, n)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		line := e.Name
		if e.Reason != "" {
			line += " " + e.Reason
		}
		if e.More > 0 {
			line += fmt.Sprintf(" +%d", e.More)
		}
		lines = append(lines, line)
	}
	return lines, next
}

func (s *site) want(what, userID string, want ...string) {
	s.t.Helper()
	if got, _ := s.page(userID, "", 0); !slices.Equal(got, want) {
		s.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// An evening, by HTTP: what is kept of it, and of each event.
func TestTrail(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitor()
	c.Signup(ann, authtest.Password)
	c.Logout()
	c.Login(ann, another)
	c.Login(bob, another) // nobody
	c.Login(ann, authtest.Password)
	u, err := s.store.UserByLogin(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	s.want("evening", u.ID, "logged_in pwd", "login_failed wrong password", "logged_out", "logged_in pwd", "new_browser", "signed_up")

	entries, _, err := s.trail.Page(t.Context(), u.ID, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	in, failed := entries[0], entries[1]
	live, err := s.m.Sessions(t.Context(), u)
	if err != nil || len(live) != 1 {
		t.Fatal(len(live), err)
	}
	if in.Address != c.Address || in.Agent != "Browser of the test" || in.Session != live[0].ID[:12] || time.Since(in.Time) > time.Hour || in.Time.Location() != time.UTC {
		t.Errorf("%+v", in)
	}
	if failed.Address != c.Address || failed.Agent != "" || failed.Session != "" {
		t.Errorf("%+v", failed)
	}
}

// Nothing that opens anything is in the store, nor what a store or a hook says of itself.
func TestNoSecrets(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitor()
	c.Signup(ann, authtest.Password)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	s.m.Record(t.Context(), auth.Event{Name: auth.EventLoginFailed, UserID: u.ID, Path: "/a-path", Method: "POST",
		SessionID: strings.Repeat("s", 43), Err: errors.New("the password is swordfish"), Reason: strings.Repeat("ü", 200)})
	s.want("a long reason", u.ID, "login_failed "+strings.Repeat("ü", 100), "logged_in pwd", "new_browser", "signed_up")
	list, err := s.store.Credentials(t.Context(), u.ID, "audit."+time.Now().UTC().Format("2006-01"))
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	token := c.Cookie("session").Value
	for _, secret := range []string{authtest.Password, token, ann, u.Stamp, u.PasswordHash, "swordfish", "a-path", "POST", strings.Repeat("s", 13)} {
		if strings.Contains(string(list[0].Data), secret) {
			t.Errorf("%q is in\n%s", secret, list[0].Data)
		}
	}
}

// What is noise, and what has no user, is not kept; what other features record is.
func TestEvents(t *testing.T) {
	names := []string{auth.EventLoggedIn, auth.EventHashUpgraded, auth.EventDenied, auth.EventSessionRejected, auth.EventCSRFRefused,
		auth.EventThrottled, auth.EventBusy, auth.EventFailure, email.EventNotified, email.EventConfirmed, "key_added"}
	s := newSite(t, nil)
	for _, name := range names {
		s.event("u1", name)
		s.event("", name)
	}
	s.want("by default", "u1", "key_added", email.EventConfirmed, auth.EventLoggedIn)
	s.want("nobody", "")

	s = newSite(t, &audit.Config{Events: func(e auth.Event) bool { return true }})
	for _, name := range names {
		s.event("u1", name)
	}
	slices.Reverse(names)
	s.want("all", "u1", slices.DeleteFunc(names, func(n string) bool { return n == auth.EventFailure })...)
}

// Pages follow each other without a gap and without an overlap, whatever comes in between, over days and months.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, &audit.Config{PerDay: 100})
		var want []string
		for i := range 90 {
			name := fmt.Sprintf("e%d", i)
			s.event("u1", name)
			s.event("u2", "other")
			want = append(want, name)
			time.Sleep(time.Duration(i%5) * 9 * time.Hour)
		}
		slices.Reverse(want)
		for _, n := range []int{1, 7, 30, 90, 1000} {
			var got []string
			for cursor, pages := "", 0; ; pages++ {
				lines, next := s.page("u1", cursor, n)
				if got = append(got, lines...); next == "" {
					if all := (90 + n - 1) / n; pages+1 != all {
						t.Errorf("%d at a time: %d pages, want %d", n, pages+1, all)
					}
					break
				}
				cursor = next
				s.event("u2", "other")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d at a time: %q", n, got)
			}
		}
		_, cursor := s.page("u1", "", 10)
		if lines, _ := s.page("u2", cursor, 0); len(lines) == 0 || slices.ContainsFunc(lines, func(l string) bool { return l != "other" }) {
			t.Errorf("the cursor of another user shows %q", lines)
		}
		if lines, next := s.page("nobody", cursor, 0); lines != nil || next != "" {
			t.Errorf("nobody has %q", lines)
		}
	})
}

func TestCursors(t *testing.T) {
	s := newSite(t, nil)
	s.event("u1", "e")
	for _, cursor := range []string{"x", "20261301.1", "20260101", "20260101.", "20260101.x", "20260101.1 ", "20260101.01", "20260101.+1", "2026-01-01.1",
		"20260101.99999999999999999999", " 20260101.1", "20260101.1.1", "\x00", strings.Repeat("9", 1000)} {
		entries, next, err := s.trail.Page(t.Context(), "u1", cursor, 0)
		if !errors.Is(err, audit.ErrCursor) || auth.Status(err) != http.StatusNotFound || entries != nil || next != "" {
			t.Errorf("%q: %v, %q, %v", cursor, entries, next, err)
		}
	}
	for cursor, n := range map[string]int{"99991231.0": 1, "00010101.5": 0, "20000101.3": 0} {
		if lines, _ := s.page("u1", cursor, 0); len(lines) != n {
			t.Errorf("%q: %q", cursor, lines)
		}
	}
}

// An attack neither fills the store nor buries what else happened on that day.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.event("u1", auth.EventLoggedIn)
		for range 5 {
			for range 1000 { // as many as may wait
				s.event("u1", auth.EventLoginFailed)
			}
			synctest.Wait()
		}
		s.event("u1", auth.EventPasswordChanged)
		entries, _, err := s.trail.Page(t.Context(), "u1", "", 0)
		if err != nil || len(entries) != 22 {
			t.Fatalf("%d entries, error %v", len(entries), err)
		}
		if last := entries[1]; last.More != 4980 || last.Until.Before(last.Time) || entries[2].More != 0 {
			t.Errorf("%+v", last)
		}
		if entries[0].Name != auth.EventPasswordChanged || entries[21].Name != auth.EventLoggedIn {
			t.Errorf("buried: %+v, %+v", entries[0], entries[21])
		}
		s.events.WantNone(t, auth.EventFailure)
		time.Sleep(24 * time.Hour)
		s.event("u1", auth.EventLoginFailed)
		if lines, _ := s.page("u1", "", 1); lines[0] != auth.EventLoginFailed {
			t.Errorf("on the next day: %q", lines)
		}
	})
}

// Entries end by themselves: nobody is shown them, and the store has its room back.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight, UTC
		s := newSite(t, &audit.Config{Keep: 40 * 24 * time.Hour})
		s.event("u1", "old")
		synctest.Wait()
		time.Sleep(41*24*time.Hour - time.Second)
		s.event("u1", "new")
		s.want("within", "u1", "new", "old")
		time.Sleep(2 * time.Second)
		s.want("after", "u1", "new")
		list, err := s.store.Credentials(t.Context(), "u1", "audit.2000-01")
		if err != nil || len(list) != 0 {
			t.Errorf("%d credentials are left, error %v", len(list), err)
		}
	})
}

// A trail goes with its account, what is still to be written included; others stay.
func TestDelete(t *testing.T) {
	s := newSite(t, &audit.Config{Events: func(auth.Event) bool { return true }})
	u, other := authtest.User(t, s.m, ann), authtest.User(t, s.m, bob)
	s.event(u.ID, "before")
	s.event(other.ID, "before")
	if err := s.m.DeleteAccount(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	s.want("deleted", u.ID)
	s.want("another", other.ID, "before", "email_changed", "signed_up")
}

// A store of its own is emptied, too.
func TestDeleteElsewhere(t *testing.T) {
	store := memstore.New()
	trail, err := audit.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{trail.Hooks()}})
	u := authtest.User(t, m, ann)
	if entries, _, err := trail.Page(t.Context(), u.ID, "", 0); len(entries) != 2 || err != nil {
		t.Fatal(entries, err)
	}
	if err := m.DeleteAccount(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := trail.Page(t.Context(), u.ID, "", 0); len(entries) != 0 || err != nil {
		t.Error(entries, err)
	}
}

func TestExport(t *testing.T) {
	s := newSite(t, nil)
	u := authtest.User(t, s.m, ann)
	for i := range 1100 { // more than a page
		s.event(u.ID, fmt.Sprint("e", i))
		if i%500 == 0 {
			s.page(u.ID, "", 1)
		}
	}
	all, err := s.m.Export(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(all["history"])
	var history []map[string]any
	if err != nil || json.Unmarshal(text, &history) != nil || len(history) != 1102 || history[0]["event"] != "e1099" || history[0]["time"] == nil {
		t.Errorf("%d entries, first %v, last %v, error %v", len(history), history[0], history[len(history)-1], err)
	}
	s.page(u.ID, "", 0) // wait
	s.store.Before = func(method string) error { return fails(method == "Credentials") }
	if _, err := s.m.Export(t.Context(), u); !errors.Is(err, errStore) {
		t.Errorf("a store that fails: %v", err)
	}
}

var errStore = errors.New("the store fails")

func fails(yes bool) error {
	if yes {
		return errStore
	}
	return nil
}

// A store that fails, by an error or a panic, keeps nobody out, and is told once: the failure itself is not kept.
func TestStoreFails(t *testing.T) {
	for _, method := range []string{"Credential", "PutCredential", "UpdateCredential"} {
		for name, fault := range map[string]func() error{"error": func() error { return errStore }, "panic": func() error { panic("the store panics") }} {
			t.Run(method+" "+name, func(t *testing.T) {
				s := newSite(t, &audit.Config{Events: func(auth.Event) bool { return true }})
				u := authtest.User(t, s.m, ann)
				s.page(u.ID, "", 0) // wait
				broken := &storetest.Faulty{Store: s.store.Store, Before: func(m string) error {
					if m == method {
						return fault()
					}
					return nil
				}}
				trail, err := audit.New(broken, nil)
				if err != nil {
					t.Fatal(err)
				}
				userID := u.ID
				if method == "PutCredential" {
					userID = "new"
				}
				trail.Attach(s.m)
				trail.Hooks().Event(t.Context(), auth.Event{Name: auth.EventLoggedIn, UserID: userID, Time: time.Now()})
				trail.Page(t.Context(), userID, "", 0) // wait
				if e := s.events.Want(t, auth.EventFailure); e.UserID != userID || e.Reason != "audit trail" || e.Err == nil {
					t.Errorf("%+v", e)
				}
				s.events.WantNone(t, auth.EventFailure)
			})
		}
	}
}

// A login does not wait for the trail: that would tell who has an account, and a store that hangs would keep everybody out.
func TestNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		hung, err := audit.New(&storetest.Faulty{Store: memstore.New(), Before: func(string) error {
			time.Sleep(time.Hour)
			return errStore
		}}, &audit.Config{QueueSize: 2})
		if err != nil {
			t.Fatal(err)
		}
		hung.Attach(s.m)
		begin := time.Now()
		for range 5 {
			hung.Hooks().Event(t.Context(), auth.Event{Name: auth.EventLoginFailed, UserID: "u1", Time: time.Now()})
		}
		if !time.Now().Equal(begin) {
			t.Errorf("waited for %v", time.Since(begin))
		}
		for range 2 { // one is being written, two wait
			if e := s.events.Want(t, auth.EventFailure); !strings.Contains(e.Err.Error(), "the queue is full") {
				t.Errorf("%+v", e)
			}
		}
		s.events.WantNone(t, auth.EventFailure)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := hung.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed: %v", err)
		}
		time.Sleep(5 * time.Hour)
		s.events.Want(t, auth.EventFailure)
		s.events.Want(t, auth.EventFailure)
		s.events.WantNone(t, auth.EventFailure)
	})
}

// What has begun is written though the client has gone.
func TestOutlivesTheClient(t *testing.T) {
	s := newSite(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.m.Record(ctx, auth.Event{Name: auth.EventLoginFailed, UserID: "u1"})
	s.want("cancelled", "u1", auth.EventLoginFailed)
}

// Close writes what there is; what comes afterwards is told.
func TestClose(t *testing.T) {
	s := newSite(t, nil)
	for range 10 {
		s.event("u1", "e")
	}
	if err := s.trail.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh, err := audit.New(s.store, nil)
	if err != nil {
		t.Fatal(err)
	}
	if entries, _, err := fresh.Page(t.Context(), "u1", "", 0); len(entries) != 10 || err != nil {
		t.Errorf("%d entries, error %v", len(entries), err)
	}
	s.events.WantNone(t, auth.EventFailure)
	s.event("u1", "late")
	if e := s.events.Want(t, auth.EventFailure); e.UserID != "u1" || e.Reason != "audit trail" {
		t.Errorf("%+v", e)
	}
	if err := s.trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Many processes write to one day of one user, and nothing is lost.
func TestAtOnce(t *testing.T) {
	store := memstore.New()
	var trails []*audit.Trail
	for range 6 {
		trail, err := audit.New(store, &audit.Config{PerDay: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		trails = append(trails, trail)
	}
	var all sync.WaitGroup
	for i, trail := range trails {
		all.Go(func() {
			for j := range 25 {
				trail.Hooks().Event(t.Context(), auth.Event{Name: fmt.Sprint(i, ".", j), UserID: "u1", Time: time.Now()})
				if j%5 == 0 {
					trail.Page(t.Context(), "u1", "", 1) // wait
				}
			}
			trail.Close(context.Background())
		})
	}
	all.Wait()
	entries, _, err := trails[0].Page(t.Context(), "u1", "", 1000)
	seen := map[string]bool{}
	for _, e := range entries {
		seen[e.Name] = true
	}
	if err != nil || len(seen) != 150 {
		t.Errorf("%d different entries of %d, want 150; error %v", len(seen), len(entries), err)
	}
}

// What cannot be read is an error, and is not overwritten.
func TestUnreadable(t *testing.T) {
	s := newSite(t, nil)
	s.event("u1", "e")
	s.page("u1", "", 0)
	list, err := s.store.Credentials(t.Context(), "u1", "audit."+time.Now().UTC().Format("2006-01"))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	list[0].Data = []byte(`[{"time":`)
	if err := s.store.UpdateCredential(t.Context(), list[0]); err != nil {
		t.Fatal(err)
	}
	s.event("u1", "e")
	if _, _, err := s.trail.Page(t.Context(), "u1", "", 0); err == nil {
		t.Error("shown")
	}
	s.events.Want(t, auth.EventFailure)
	if c, err := s.store.Credential(t.Context(), list[0].Kind, list[0].ID); err != nil || string(c.Data) != `[{"time":` {
		t.Errorf("%s, %v", c.Data, err)
	}
}

// Without a Manager a failure is in the log of the program.
func TestWithoutAttach(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	trail, err := audit.New(&storetest.Faulty{Store: memstore.New(), Before: func(string) error { return errStore }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	trail.Hooks().Event(t.Context(), auth.Event{Name: auth.EventLoggedIn, UserID: "u1", Time: time.Now()})
	trail.Close(t.Context())
	for _, want := range []string{`"level":"ERROR"`, `"msg":"auth: failed"`, `"user":"u1"`, `"reason":"audit trail"`, errStore.Error()} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in %s", want, log.String())
		}
	}
}

func TestNew(t *testing.T) {
	_, err := audit.New(nil, &audit.Config{Keep: time.Hour, PerDay: -1, QueueSize: -1})
	for _, word := range []string{"store", "Keep", "PerDay", "QueueSize"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not in: %v", word, err)
		}
	}
}
