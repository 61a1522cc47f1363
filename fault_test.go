package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

var errStore = errors.New("SECRET-XYZ: disk of db-3 is full")

// faulty fails the nth call of one method, or all from the nth on.
type faulty struct {
	storetest.Faulty
	method string
	first  int64
	once   bool
	kind   string // "before" the call takes effect, "after" it, or by a "panic"
	calls  atomic.Int64
	failed atomic.Int64
}

func newFaulty(method string, first int64) *faulty {
	f := &faulty{Faulty: storetest.Faulty{Store: memstore.New()}, method: method, first: first, kind: "before"}
	f.Before = func(method string) error { return f.fail(method, "before", "panic") }
	f.After = func(method string) error { return f.fail(method, "after") }
	return f
}

func (f *faulty) fail(method string, kinds ...string) error {
	if method != f.method || !slices.Contains(kinds, f.kind) {
		return nil
	}
	if n := f.calls.Add(1); n < f.first || f.once && n > f.first {
		return nil
	}
	f.failed.Add(1)
	if f.kind == "panic" {
		panic(errStore)
	}
	return errStore
}

// Any fault of any method, at any of its calls, before or after its effect: the
// answer is generic, no page goes out that a lost session was behind, what was
// ended stays ended, and when the fault is over everything goes on.
func TestStoreFaults(t *testing.T) {
	for _, method := range []string{
		"CreateUser", "UpdateUser", "UserByID", "UserByLogin",
		"CreateSession", "Session", "UpdateSession", "DeleteSession", "DeleteSessions", "Sessions",
		"Credential", "PutCredential", "UpdateCredential",
	} {
		for first := int64(1); first <= 12; first++ {
			for _, mode := range []struct {
				kind string
				once bool
			}{{"before", true}, {"after", true}, {"before", false}, {"panic", true}} {
				f := newFaulty(method, first)
				f.kind, f.once = mode.kind, mode.once
				walkFaulty(t, f)
				if f.failed.Load() == 0 {
					first = 12 // the walk has no more calls of it
					break
				}
			}
		}
	}
}

func walkFaulty(t *testing.T, f *faulty) {
	t.Helper()
	s := newSiteOn(t, f, nil)
	s.mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		auth.SetSessionValue(r.Context(), "cart", "put")
		io.WriteString(w, "PAGE")
	})
	s.handler = recovered(s.handler)
	b := s.browser()
	step := func(what string, r *response) bool {
		failed := f.failed.Load() > 0
		if strings.Contains(r.body(), "SECRET") {
			t.Errorf("%s fault %d, %s: the answer tells %q", f.method, f.first, what, r.body())
		}
		if r.Code >= 500 && !failed {
			t.Errorf("%s fault %d, %s: %d without a fault", f.method, f.first, what, r.Code)
		}
		if r.Code >= 500 && strings.Contains(r.body(), "PAGE") {
			t.Errorf("%s fault %d, %s: the page went out with status %d", f.method, f.first, what, r.Code)
		}
		return r.Code < 400
	}
	step("signup", b.signup(ann))
	step("login", b.login(ann, password))
	old := b.token()
	step("page", b.get("/page"))
	step("reauth", b.post("/reauth", "password", password))
	if step("elsewhere", b.post("/elsewhere")) && b.token() != old && old != "" {
		ended(t, f, "token of before elsewhere", b.with(old))
	}
	before := b.token()
	if step("password", b.post("/password", "current", password, "password", another, "confirm", another)) && b.token() != before && before != "" {
		ended(t, f, "token of before the password change", b.with(before))
	}
	last := b.token()
	if r := b.post("/logout"); step("logout", r) && last != "" && r.Header().Get("Location") != "" {
		ended(t, f, "token of before the logout", b.with(last))
	}
	f.method = "" // the fault is over
	fresh := s.browser()
	if fresh.login(ann, password).Code != 303 && fresh.login(ann, another).Code != 303 && fresh.signup(ann).Code != 303 {
		t.Errorf("%s fault %d: the account cannot be used afterwards", f.method, f.first)
	}
}

// recovered does with a panic what net/http does: the connection ends.
func recovered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.(*httptest.ResponseRecorder).Code = 599
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// ended checks that nobody is logged in by a token. An answer of 503 is no login.
func ended(t *testing.T, f *faulty, what string, b *browser) {
	t.Helper()
	method := f.method
	f.method = ""
	defer func() { f.method = method }()
	if got := b.get("/who").body(); got != "nobody" {
		t.Errorf("%s fault %d (%s): %s still opens: %q", method, f.first, f.kind, what, got)
	}
}

// When sessions cannot be read public pages go out as to guests, protected ones
// say that it is for a moment, and nothing is forgotten.
func TestUnreadableStore(t *testing.T) {
	f := newFaulty("", 1)
	s := newSiteOn(t, f, nil)
	b := s.browser()
	b.signup(ann)
	form := b.form("/cart", "cart", "x")
	f.method, f.first = "Session", 1
	s.mux.HandleFunc("GET /enter", func(w http.ResponseWriter, r *http.Request) {
		u, _ := s.store.UserByLogin(r.Context(), ann)
		s.done(w, r, s.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword}))
	})
	if r := b.get("/"); r.Code != 200 || r.body() != "home" || len(r.cookies) != 0 {
		t.Errorf("public page: %d %q %v", r.Code, r.body(), r.cookies)
	}
	for _, path := range []string{"/me", "/fresh", "/guest"} {
		r := b.get(path)
		if r.Code != 503 || r.Header().Get("Retry-After") == "" || len(r.cookies) != 0 || strings.Contains(r.body(), ann) {
			t.Errorf("%s: %d %v %q", path, r.Code, r.Header(), r.body())
		}
	}
	if r := b.do(form); r.Code != 503 {
		t.Errorf("a form of the session: %d", r.Code)
	}
	if r := b.get("/enter"); r.Code != 500 || len(r.cookies) != 0 {
		t.Errorf("login over a session that cannot be read: %d %v", r.Code, r.cookies)
	}
	f.method = ""
	wantWho(t, "when it is over", b, ann)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	if live, err := s.m.Sessions(t.Context(), u); err != nil || len(live) != 1 {
		t.Errorf("%d sessions, %v; want the one of before", len(live), err)
	}
	if len(s.event(auth.EventFailure)) == 0 {
		t.Error("no event")
	}
}

func TestLogoutThatFailsSaysSo(t *testing.T) {
	f := newFaulty("", 1)
	s := newSiteOn(t, f, nil)
	b := s.browser()
	b.signup(ann)
	r := b.form("/logout")
	f.method, f.first = "DeleteSession", 1
	resp := b.do(r)
	if resp.Code != 500 || len(resp.cookies) != 0 {
		t.Errorf("logout: %d, cookies %v", resp.Code, resp.cookies)
	}
	f.method = ""
	old := b.token()
	wantStatus(t, "logout, again", b.post("/logout"), 303)
	wantWho(t, "the token", b.with(old), "nobody")
}

// A request whose client has gone still ends the session.
func TestLogoutOutlivesTheClient(t *testing.T) {
	store := &cancelAware{Store: memstore.New()}
	s := newSiteOn(t, store, nil)
	b := s.browser()
	b.signup(ann)
	old := b.token()
	r := b.form("/logout")
	ctx, cancel := context.WithCancel(r.Context())
	store.cancel = cancel
	b.do(r.WithContext(ctx))
	store.cancel = nil
	wantWho(t, "the token", b.with(old), "nobody")
}

// cancelAware cancels the request once its session is read, and refuses
// cancelled contexts as databases do.
type cancelAware struct {
	auth.Store
	cancel func()
}

func (c *cancelAware) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	rec, u, err := c.Store.Session(ctx, id)
	if c.cancel != nil {
		c.cancel()
	}
	return rec, u, err
}

func (c *cancelAware) DeleteSession(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.Store.DeleteSession(ctx, id)
}

func TestStoresAskTheUserStore(t *testing.T) {
	sessions, users := memstore.New(), memstore.New()
	s := newSiteOn(t, auth.Stores{UserStore: users, CredentialStore: users, SessionStore: sessions}, nil)
	b := s.browser()
	b.signup(ann)
	wantWho(t, "users in one store, sessions in another", b, ann)
	u, _ := users.UserByLogin(t.Context(), ann)
	// A user of that ID in the store of the sessions is somebody else.
	stranger := *u
	stranger.Email = "stranger@example.com"
	if err := sessions.CreateUser(t.Context(), &stranger); err != nil {
		t.Fatal(err)
	}
	wantWho(t, "with a namesake beside the sessions", b, ann)
	if err := users.DeleteUser(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	wantWho(t, "deleted from the users", b, "nobody")
}
