package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/metrics"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/storetest"
	"github.com/vestibule-go/auth/throttle"
)

const ann = "ann@example.com"

// exposition returns what a Set shows, as text.
func exposition(set *metrics.Set) string {
	w := httptest.NewRecorder()
	set.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// scrape returns the values of all series, by name and labels as they are written.
func scrape(t testing.TB, set *metrics.Set) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	set.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if ct := w.Header().Get("Content-Type"); w.Code != 200 || ct != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("status %d, Content-Type %q", w.Code, ct)
	}
	all := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndex(line, " ")
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:]), 64)
		if _, twice := all[line[:i]]; err != nil || twice {
			t.Fatalf("line %q: %v, twice: %v", line, err, twice)
		}
		all[line[:i]] = v
	}
	return all
}

func want(t *testing.T, all map[string]float64, series map[string]float64) {
	t.Helper()
	for name, v := range series {
		if got, ok := all[name]; !ok || got != v {
			t.Errorf("%s is %v (there: %v), want %v", name, got, ok, v)
		}
	}
}

func event(name, reason string) string {
	return fmt.Sprintf("auth_events_total{event=%q,reason=%q}", name, reason)
}

func call(method, outcome string) string {
	return fmt.Sprintf("auth_store_calls_total{method=%q,outcome=%q}", method, outcome)
}

// app is an application with pages, all of which is counted.
func app(t *testing.T, set *metrics.Set) (*auth.Manager, *authtest.Client) {
	t.Helper()
	store := set.Store(memstore.New())
	cfg := authtest.Config(t, &auth.Config{Hasher: set.Hasher(authtest.Hasher{}), Hooks: []auth.Hooks{set.Hooks(), email.Hooks(24 * time.Hour)}})
	m, err := auth.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: &authtest.Outbox{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	site, err := pages.New(&pages.Config{SignupLogsIn: true})
	if err != nil {
		t.Fatal(err)
	}
	set.Watch(m)
	set.WatchMails(links)
	return m, authtest.NewClient(t, m.Handler(site.Handler(m, links)))
}

func TestWhatVisitorsDo(t *testing.T) {
	set := metrics.New()
	_, c := app(t, set)
	c.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	before := scrape(t, set)
	c.Get("/account/password").Want(http.StatusOK)
	after := scrape(t, set)
	// One query for a signed-in request, as without metrics.
	want(t, after, map[string]float64{call("Session", "ok"): before[call("Session", "ok")] + 1, call("UserByID", "ok"): before[call("UserByID", "ok")]})

	c.Post("/account/password", url.Values{"current": {"wrong"}, "password": {authtest.Password + "2"}, "confirm": {authtest.Password + "2"}})
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	c.Logout().Want(http.StatusForbidden)
	c.Header.Del("Sec-Fetch-Site")
	c.Post("/logout", url.Values{"csrf_token": {"wrong"}})
	c.Logout().Want(http.StatusSeeOther)
	for range 6 {
		c.Login("nobody@example.com", authtest.Password)
	}
	c.Login(ann, authtest.Password).Want(http.StatusSeeOther)
	all := scrape(t, set)
	want(t, all, map[string]float64{
		event("signed_up", ""): 1, event("logged_in", "pwd"): 2, event("logged_out", ""): 1,
		event("login_failed", "wrong password"): 1, event("login_failed", "unknown user"): 5, event("throttled", "account"): 1,
		event("csrf_refused", "other site"): 1, event("csrf_refused", "no token, or another"): 1, event("csrf_refused", "other"): 0,
		event("mail_asked", "confirm"): 1, event("other", ""): 0, event("failed", "other"): 0,
		call("UserByLogin", "not_found"): 6, call("UserByLogin", "error"): 0,
		"auth_hash_waiting": 0, "auth_mail_queue_capacity": 1000,
		`auth_hash_duration_seconds_count{operation="verify"}`: 7,
	})
	if all["auth_hash_seats"] < 1 {
		t.Error("no seats")
	}
	if calls := all[call("Session", "ok")] + all[call("Session", "not_found")]; calls != all[`auth_store_call_duration_seconds_count{method="Session"}`] {
		t.Errorf("%v calls are not as many as durations", calls)
	}
}

// Gauges are read when somebody looks.
func TestGauges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set, stop := metrics.New(), make(chan bool)
		m := authtest.New(t, &auth.Config{Hasher: set.Hasher(slow{stop}), HashSeats: 2, HashWait: time.Hour})
		set.Watch(m)
		set.Watch(authtest.New(t, &auth.Config{HashSeats: 3}))
		set.Watch(nil)
		set.WatchMails(nil)
		set.WatchMails(queue{7, 10})
		for range 5 {
			go m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: authtest.Password})
		}
		synctest.Wait()
		want(t, scrape(t, set), map[string]float64{"auth_hash_seats": 5, "auth_hash_seats_used": 2, "auth_hash_waiting": 3, "auth_mail_queue_length": 7, "auth_mail_queue_capacity": 10})
		time.Sleep(80 * time.Millisecond)
		close(stop)
		synctest.Wait()
		want(t, scrape(t, set), map[string]float64{
			"auth_hash_seats_used": 0, "auth_hash_waiting": 0,
			`auth_hash_duration_seconds_count{operation="verify"}`: 5, `auth_hash_duration_seconds_sum{operation="verify"}`: 0.16,
			`auth_hash_duration_seconds_bucket{operation="verify",le="0.01"}`: 3, `auth_hash_duration_seconds_bucket{operation="verify",le="0.075"}`: 3,
			`auth_hash_duration_seconds_bucket{operation="verify",le="0.1"}`: 5, `auth_hash_duration_seconds_bucket{operation="verify",le="+Inf"}`: 5,
		})
	})
}

type queue struct{ mails, room int }

func (q queue) Queued() (mails, room int) { return q.mails, q.room }

// slow is a Hasher that verifies when it is told to.
type slow struct{ stop chan bool }

func (slow) Hash(string) (string, error) { return "hash", nil }

func (h slow) Verify(string, string) (ok, stale bool, err error) {
	<-h.stop
	return false, false, nil
}

// Nothing that a visitor, a hook or an application makes up becomes a series.
func TestCardinality(t *testing.T) {
	set := metrics.New()
	before := scrape(t, set)
	hook := set.Hooks().Event
	for name := range before {
		if strings.Contains(name, "event=") {
			name = strings.Split(name, `"`)[1]
			for i := range 50 {
				hook(t.Context(), auth.Event{Name: name, Reason: fmt.Sprint("invented ", i), Err: errors.New(ann)})
				hook(t.Context(), auth.Event{Name: fmt.Sprint("invented \"\n ", i), Reason: ann})
			}
		}
	}
	store := set.Store(&storetest.Faulty{Store: memstore.New(), Before: func(string) error { return errors.New(ann) }})
	store.UserByID(t.Context(), ann)
	after := scrape(t, set)
	if len(after) != len(before) {
		t.Errorf("%d series, %d before", len(after), len(before))
	}
	for name := range after {
		if strings.Contains(name, "invented") || strings.Contains(name, "ann@") {
			t.Errorf("series %s", name)
		}
	}
	if len(after) > 450 {
		t.Errorf("%d series are many", len(after))
	}
}

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		e             auth.Event
		event, reason string
	}{
		{auth.Event{Name: "login_failed", Reason: "wrong password"}, "login_failed", "wrong password"},
		{auth.Event{Name: "login_failed", Reason: "verify password: disabled"}, "login_failed", "disabled"},
		{auth.Event{Name: "login_failed"}, "login_failed", "other"},
		{auth.Event{Name: "logged_out", Reason: ann}, "logged_out", ""},
		{auth.Event{Name: "failed", Reason: "send mail: reset", Err: errors.New("x")}, "failed", "send mail"},
		{auth.Event{Name: "failed", Reason: "find user", Err: fmt.Errorf("x: %w", context.Canceled)}, "failed", "canceled"},
		{auth.Event{Name: "failed", Reason: "find user", Err: context.DeadlineExceeded}, "failed", "find user"},
		{auth.Event{Name: ann, Reason: ann}, "other", ""},
		{auth.Event{}, "other", ""},
	} {
		if event, reason := metrics.Labels(c.e); event != c.event || reason != c.reason {
			t.Errorf("%+v: %q, %q; want %q, %q", c.e, event, reason, c.event, c.reason)
		}
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) auth.Store { return metrics.New().Store(memstore.New()) })
}

// Outcomes are told apart, and handed on as they are.
func TestOutcomes(t *testing.T) {
	set, failing := metrics.New(), error(nil)
	store := set.Store(&storetest.Faulty{Store: memstore.New(), Before: func(string) error { return failing }})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx     context.Context
		err     error
		outcome string
	}{
		{t.Context(), fmt.Errorf("x: %w", auth.ErrNotFound), "not_found"}, {t.Context(), auth.ErrConflict, "conflict"}, {t.Context(), auth.ErrExists, "exists"},
		{t.Context(), errors.ErrUnsupported, "unsupported"}, {t.Context(), context.Canceled, "canceled"}, {gone, errors.New("cut off"), "canceled"},
		{t.Context(), context.DeadlineExceeded, "error"}, {t.Context(), errors.New("broken"), "error"},
	} {
		before := scrape(t, set)[call("Sessions", c.outcome)]
		failing = c.err
		if _, err := store.Sessions(c.ctx, "u"); err != c.err {
			t.Errorf("%v became %v", c.err, err)
		}
		want(t, scrape(t, set), map[string]float64{call("Sessions", c.outcome): before + 1})
	}
	failing = nil
	if _, err := store.Sessions(t.Context(), "u"); err != nil {
		t.Error(err)
	}
	want(t, scrape(t, set), map[string]float64{call("Sessions", "ok"): 1, call("Sessions", "error"): 2})
}

func TestPanickingStore(t *testing.T) {
	set := metrics.New()
	store := set.Store(&storetest.Faulty{Store: memstore.New(), Before: func(string) error { panic("store") }})
	for _, f := range []func(){func() { store.UserByID(t.Context(), "u") }, func() { store.DeleteUser(t.Context(), "u") }} {
		func() {
			defer func() {
				if p := recover(); p != "store" {
					t.Errorf("panicked with %v", p)
				}
			}()
			f()
		}()
	}
	want(t, scrape(t, set), map[string]float64{call("UserByID", "error"): 1, call("DeleteUser", "error"): 1, call("UserByID", "ok"): 0})
}

// What auth.New refuses it refuses with metrics, too.
func TestNothingIsHiddenFromNew(t *testing.T) {
	set := metrics.New()
	for says, c := range map[string]struct {
		store  auth.Store
		hasher auth.Hasher
	}{
		"store is nil":           {set.Store(nil), nil},
		"Stores.UserStore":       {set.Store(auth.Stores{}), nil},
		"Stores.SessionStore":    {set.Store(&auth.Stores{UserStore: memstore.New(), CredentialStore: memstore.New()}), nil},
		"store is nil\n":         {set.Store((*auth.Stores)(nil)), set.Hasher(auth.Bcrypt(4))},
		"Hasher is Bcrypt(9)":    {memstore.New(), set.Hasher(auth.Bcrypt(9))},
		"Hasher is Bcrypt(32), ": {memstore.New(), set.Hasher(auth.Bcrypt(32))},
	} {
		if _, err := auth.New(c.store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: c.hasher}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want an error that says %q, got %v", says, err)
		}
	}
	if hash, err := set.Hasher(nil).Hash(authtest.Password); err != nil || !strings.HasPrefix(hash, "$2a$12$") {
		t.Errorf("nil hashes to %q, %v", hash, err)
	}
	whole := set.Store(&auth.Stores{UserStore: memstore.New(), CredentialStore: memstore.New(), SessionStore: memstore.New()})
	if _, err := auth.New(whole, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}}); err != nil {
		t.Error(err)
	}
}

func TestMethods(t *testing.T) {
	set := metrics.New()
	w := httptest.NewRecorder()
	if set.ServeHTTP(w, httptest.NewRequest("POST", "/", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
	w = httptest.NewRecorder()
	if set.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control: %q", w.Header().Get("Cache-Control"))
	}
}

// The text is what the format asks for: HELP and TYPE once before the series of each metric, buckets that grow.
func TestFormat(t *testing.T) {
	set := metrics.New()
	app(t, set)
	w := httptest.NewRecorder()
	set.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	help := regexp.MustCompile(`^# HELP (auth_[a-z_]+) [^\\\n]+\.$`)
	kind := regexp.MustCompile(`^# TYPE (auth_[a-z_]+) (counter|gauge|histogram)$`)
	series := regexp.MustCompile(`^(auth_[a-z_]+?)(_bucket|_sum|_count)?(\{([a-z]+="[^"\\\n]*",?)+\})? \S+$`)
	name, typ, seen := "", "", map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if m := help.FindStringSubmatch(line); m != nil {
			if name, typ = m[1], ""; seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			continue
		}
		if m := kind.FindStringSubmatch(line); m != nil && m[1] == name && typ == "" {
			if typ = m[2]; (typ == "counter") != strings.HasSuffix(name, "_total") || typ == "histogram" && !strings.HasSuffix(name, "_seconds") {
				t.Errorf("%s is a %s", name, typ)
			}
			continue
		}
		if m := series.FindStringSubmatch(line); m == nil || m[1] != name || (m[2] != "") != (typ == "histogram") {
			t.Errorf("a line of %s: %q", name, line)
		}
	}
	if !seen["auth_mail_queue_length"] || !seen["auth_hash_seats"] || len(seen) != 9 {
		t.Errorf("there are %v", seen)
	}
}

func TestExpvar(t *testing.T) {
	set := metrics.New()
	app(t, set)
	var v expvar.Var = set
	var all map[string]any
	if err := json.Unmarshal([]byte(v.String()), &all); err != nil {
		t.Fatal(err)
	}
	set.Hooks().Event(t.Context(), auth.Event{Name: auth.EventThrottled, Reason: throttle.Signup})
	if err := json.Unmarshal([]byte(v.String()), &all); err != nil {
		t.Fatal(err)
	}
	events, _ := all["auth_events_total"].(map[string]any)
	if events["throttled signup"] != 1.0 || all["auth_mail_queue_capacity"] != 1000.0 || all["auth_store_call_duration_seconds_count"] == nil {
		t.Errorf("got %s", v)
	}
}
