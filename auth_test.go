package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

const (
	base     = "http://localhost"
	ann      = "ann@example.com"
	bob      = "bob@example.com"
	password = "window tractor ocean violin"
	another  = "candle meadow rocket puzzle"
)

// countingHasher is bcrypt at its cheapest, and counts.
type countingHasher struct {
	auth.Bcrypt
	hashed, verified atomic.Int64
}

func (h *countingHasher) Hash(p string) (string, error) {
	h.hashed.Add(1)
	return h.Bcrypt.Hash(p)
}

func (h *countingHasher) Verify(hash, p string) (bool, bool, error) {
	h.verified.Add(1)
	return h.Bcrypt.Verify(hash, p)
}

// site is a small application with everything that this package offers.
type site struct {
	t       testing.TB
	m       *auth.Manager
	store   auth.Store
	hasher  *countingHasher
	mux     *http.ServeMux
	handler http.Handler

	mu     sync.Mutex
	events []auth.Event
	logged strings.Builder
}

func (s *site) Write(b []byte) (int, error) {
	watch.Write(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged.Write(b)
}

// event returns the events of that name so far.
func (s *site) event(name string) (found []auth.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Name == name {
			found = append(found, e)
		}
	}
	return found
}

func newSite(t testing.TB, adjust func(*auth.Config)) *site {
	return newSiteOn(t, memstore.New(), adjust)
}

func newSiteOn(t testing.TB, store auth.Store, adjust func(*auth.Config)) *site {
	t.Helper()
	s := &site{t: t, store: store, hasher: &countingHasher{Bcrypt: 4}, mux: http.NewServeMux()}
	cfg := &auth.Config{BaseURL: base, Hasher: s.hasher, Logger: slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if adjust != nil {
		adjust(cfg)
	}
	cfg.Hooks = append(cfg.Hooks, auth.Hooks{Event: func(_ context.Context, e auth.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
		watch.Event(context.Background(), e)
	}})
	m, err := auth.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	s.routes()
	s.handler = watch.Handler(m.Handler(s.mux))
	return s
}

// unwatched is for tests that send what no browser of ours would: secrets in an address, and bodies that nobody may
// read.
func (s *site) unwatched() { s.handler = s.m.Handler(s.mux) }

func (s *site) routes() {
	m := s.m
	pwd := func(remember bool) auth.Proof { return auth.Proof{Factor: auth.FactorPassword, Remember: remember} }
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "home") })
	s.mux.HandleFunc("GET /form", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.CSRFToken(r.Context())) })
	s.mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		u, err := m.Signup(r.Context(), auth.ParseSignup(r))
		if err == nil {
			err = m.Login(w, r, u, pwd(false))
		}
		s.done(w, r, err)
	})
	s.mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		u, err := m.Authenticate(r.Context(), f)
		if err == nil {
			err = m.Login(w, r, u, pwd(f.Remember))
		}
		s.done(w, r, err)
	})
	s.mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { s.done(w, r, m.Logout(w, r)) })
	s.mux.HandleFunc("POST /everywhere", func(w http.ResponseWriter, r *http.Request) { s.done(w, r, m.LogoutEverywhere(w, r)) })
	s.mux.HandleFunc("POST /elsewhere", func(w http.ResponseWriter, r *http.Request) { s.done(w, r, m.LogoutElsewhere(w, r)) })
	s.mux.HandleFunc("POST /reauth", func(w http.ResponseWriter, r *http.Request) {
		s.done(w, r, m.Reauthenticate(w, r, auth.ParseLogin(r)))
	})
	s.mux.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		u := auth.CurrentUser(r.Context())
		if u == nil {
			s.done(w, r, auth.ErrNotLoggedIn)
			return
		}
		s.done(w, r, m.ChangePassword(r.Context(), u, auth.ParsePassword(r)))
	})
	s.mux.Handle("/me", m.RequireLogin(http.HandlerFunc(whoami)))
	s.mux.Handle("/fresh", m.RequireFresh(10*time.Minute)(http.HandlerFunc(whoami)))
	s.mux.Handle("/guest", m.RequireGuest(http.HandlerFunc(whoami)))
	s.mux.HandleFunc("/who", whoami)
	s.mux.HandleFunc("POST /cart", func(w http.ResponseWriter, r *http.Request) {
		if err := auth.SetSessionValue(r.Context(), "cart", r.PostFormValue("cart")); err != nil {
			w.WriteHeader(http.StatusConflict)
		}
	})
	s.mux.HandleFunc("GET /cart", func(w http.ResponseWriter, r *http.Request) {
		cart, _ := auth.SessionValue[string](r.Context(), "cart")
		io.WriteString(w, cart)
	})
}

// done ends a request with the status that err asks for.
func (s *site) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		w.WriteHeader(auth.Status(err))
		io.WriteString(w, "refused")
		return
	}
	s.m.Redirect(w, r)
}

func whoami(w http.ResponseWriter, r *http.Request) {
	if u := auth.CurrentUser(r.Context()); u != nil {
		io.WriteString(w, u.Email)
		return
	}
	io.WriteString(w, "nobody")
}

// browser keeps cookies, and sends what browsers send.
type browser struct {
	t       testing.TB
	h       http.Handler
	base    string
	cookies map[string]*http.Cookie
}

func (s *site) browser() *browser {
	return &browser{t: s.t, h: s.handler, base: base, cookies: map[string]*http.Cookie{}}
}

type response struct {
	*httptest.ResponseRecorder
	cookies []*http.Cookie
}

func (r *response) body() string { return r.Body.String() }

// cookie returns the cookie of that name that the response sets, or nil.
func (r *response) cookie(name string) *http.Cookie {
	for _, c := range r.cookies {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, b.base+path, body)
	r.RequestURI = path
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	if method != "GET" && method != "HEAD" {
		r.Header.Set("Origin", b.base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

func (b *browser) do(r *http.Request) *response {
	rec := httptest.NewRecorder()
	b.h.ServeHTTP(rec, r)
	resp := &response{rec, rec.Result().Cookies()}
	for _, c := range resp.cookies {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return resp
}

func (b *browser) get(path string) *response { return b.do(b.request("GET", path, nil)) }

// post sends a form with its CSRF token.
func (b *browser) post(path string, fields ...string) *response {
	return b.do(b.form(path, fields...))
}

func (b *browser) form(path string, fields ...string) *http.Request {
	v := url.Values{"csrf_token": {b.get("/form").body()}}
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	r := b.request("POST", path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (b *browser) signup(email string) *response {
	return b.post("/signup", "email", email, "password", password, "confirm", password)
}

func (b *browser) login(email, password string, more ...string) *response {
	return b.post("/login", append([]string{"email", email, "password", password}, more...)...)
}

// token returns the value of the session cookie.
func (b *browser) token() string {
	if c := b.cookies["session"]; c != nil {
		return c.Value
	}
	return ""
}

// with returns a browser that has only that session cookie: someone who stole it.
func (b *browser) with(token string) *browser {
	return &browser{t: b.t, h: b.h, base: b.base, cookies: map[string]*http.Cookie{"session": {Name: "session", Value: token}}}
}

func wantStatus(t testing.TB, what string, r *response, status int) {
	t.Helper()
	if r.Code != status {
		t.Errorf("%s: status %d, want %d: %s", what, r.Code, status, r.body())
	}
}

func wantWho(t testing.TB, what string, b *browser, who string) {
	t.Helper()
	if got := b.get("/who").body(); got != who {
		t.Errorf("%s: logged in is %q, want %q", what, got, who)
	}
}

func TestEvening(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	wantStatus(t, "page for users, as a guest", b.get("/me?x=1"), 303)
	if got := b.get("/me?x=1").Header().Get("Location"); got != "/login?next=%2Fme%3Fx%3D1" {
		t.Errorf("guest is sent to %q", got)
	}
	wantStatus(t, "signup", b.signup(" Ann@Example.COM "), 303)
	wantWho(t, "after signup", b, ann)
	if got := b.get("/me").body(); got != ann {
		t.Errorf("own page says %q", got)
	}
	wantStatus(t, "logout", b.post("/logout"), 303)
	wantWho(t, "after logout", b, "nobody")
	wantStatus(t, "wrong password", b.login(ann, password+"!"), 422)
	wantWho(t, "after a wrong password", b, "nobody")
	r := b.login("ANN@example.com", password, "next", "/me?x=1")
	if r.Code != 303 || r.Header().Get("Location") != "/me?x=1" {
		t.Errorf("login: %d to %q", r.Code, r.Header().Get("Location"))
	}
	wantWho(t, "after login", b, ann)
	for _, name := range []string{auth.EventSignedUp, auth.EventLoggedOut, auth.EventLoginFailed} {
		if n := len(s.event(name)); n != 1 {
			t.Errorf("%d events %q, want 1", n, name)
		}
	}
	if n := len(s.event(auth.EventLoggedIn)); n != 2 {
		t.Errorf("%d events %q, want 2", n, auth.EventLoggedIn)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := auth.New(auth.Stores{}, &auth.Config{
		BaseURL: "http://shop.example", LoginURL: "//evil", ReauthURL: "reauth", HomeURL: `/\evil`, CookieName: "a b",
		Lifetime: -1, IdleTimeout: -1, RememberFor: -1, HashWait: -1, HashSeats: -1, MaxForm: -1,
		Hasher: auth.Bcrypt(9), Passwords: auth.Policy{MinLength: 7},
	})
	if err == nil {
		t.Fatal("New accepts what cannot work")
	}
	for _, name := range []string{
		"UserStore", "CredentialStore", "SessionStore", "BaseURL", "LoginURL", "ReauthURL", "HomeURL", "CookieName",
		"Lifetime", "IdleTimeout", "RememberFor", "HashWait", "HashSeats", "MaxForm", "Bcrypt(9)", "MinLength",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("New does not name %s in:\n%v", name, err)
		}
	}
	for _, bad := range []string{"", "shop.example", "ftp://shop.example", "https://", "https://a.example/path", "https://u:p@a.example", "https://a.example?q", "http://a.example", "://",
		"https://a.example:", "https://a.example:99999", "https://a.example:0443", "https://bücher.example", "https://*", "https://<x>", "https://a,b", "https://a b"} {
		if _, err := auth.New(memstore.New(), &auth.Config{BaseURL: bad, Hasher: &countingHasher{Bcrypt: 4}}); err == nil {
			t.Errorf("New accepts BaseURL %q", bad)
		}
	}
	for _, good := range []string{"https://a.example", "https://a.example/", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "http://dev.localhost"} {
		if _, err := auth.New(memstore.New(), &auth.Config{BaseURL: good, Hasher: &countingHasher{Bcrypt: 4}}); err != nil {
			t.Errorf("New refuses BaseURL %q: %v", good, err)
		}
	}
	for _, odd := range []*auth.Config{{BaseURL: base, CookieName: "csrf_token"}, {BaseURL: base, LoginURL: "/login#top"}, {BaseURL: "", Passwords: auth.Policy{MinLength: 3}}} {
		if _, err := auth.New(memstore.New(), odd); err == nil || odd.BaseURL == "" && !strings.Contains(err.Error(), "MinLength") {
			t.Errorf("New accepts %+v: %v", odd, err)
		}
	}
	if _, err := auth.New(&auth.Stores{}, &auth.Config{BaseURL: base}); err == nil || !strings.Contains(err.Error(), "UserStore") {
		t.Errorf("New of empty Stores: %v", err)
	}
	if _, err := auth.New(nil, nil); err == nil || !strings.Contains(err.Error(), "store") || !strings.Contains(err.Error(), "BaseURL") {
		t.Errorf("New(nil, nil): %v", err)
	}
	if _, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://lan.example", InsecureHTTP: true, Hasher: &countingHasher{Bcrypt: 4}}); err != nil {
		t.Errorf("New with InsecureHTTP: %v", err)
	}
}

// Unknown, wrong, without password, disabled: outside it is all the same.
func TestFailedLoginsAreAlike(t *testing.T) {
	var calls []string
	s := newSiteOn(t, &storetest.Faulty{Store: memstore.New(), Before: func(method string) error {
		calls = append(calls, method)
		return nil
	}}, nil)
	s.browser().signup(ann)
	s.browser().signup(bob)
	u, err := s.store.UserByLogin(t.Context(), bob)
	if err != nil {
		t.Fatal(err)
	}
	u.Disabled = time.Now()
	if err := s.store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if err := s.store.CreateUser(t.Context(), &auth.User{ID: "none", Email: "none@example.com", Stamp: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := s.store.CreateUser(t.Context(), &auth.User{ID: "odd", Email: "odd@example.com", Stamp: "x", PasswordHash: "$2a$04$not a hash at all, but as long as one would have to be...."}); err != nil {
		t.Fatal(err)
	}
	var first *response
	var firstCalls string
	for n, try := range []struct{ name, email, password, reason string }{
		{"unknown", "nobody@example.com", password, "unknown user"},
		{"wrong", ann, another, "wrong password"},
		{"disabled", bob, password, "disabled"},
		{"no password", "none@example.com", password, "no password"},
		{"not an email", "ann", password, "unknown user"},
		{"unreadable", "odd@example.com", password, "unreadable hash"},
	} {
		b := s.somewhere(n)
		r := b.form("/login", "email", try.email, "password", try.password)
		s.hasher.verified.Store(0)
		s.hasher.hashed.Store(0)
		calls = nil
		resp := b.do(r)
		want := int64(1)
		if try.name == "unreadable" {
			want = 2 // the first finds that out without any work
		}
		if v, h := s.hasher.verified.Load(), s.hasher.hashed.Load(); v != want || h != 0 {
			t.Errorf("%s: %d times Verify and %d times Hash, want %d and 0", try.name, v, h, want)
		}
		events := s.event(auth.EventLoginFailed)
		if got := events[len(events)-1].Reason; got != try.reason {
			t.Errorf("%s: the event's reason is %q, want %q", try.name, got, try.reason)
		}
		if first == nil {
			first, firstCalls = resp, fmt.Sprint(calls)
		}
		if got := fmt.Sprint(calls); got != firstCalls {
			t.Errorf("%s: the store is asked for %s, and for %q for %s", try.name, got, "unknown", firstCalls)
		}
		if resp.Code != first.Code || resp.body() != first.body() || fmt.Sprint(resp.Header()) != fmt.Sprint(first.Header()) {
			t.Errorf("%s: the answer differs from that of %q:\n%d %v %q\n%d %v %q", try.name, "unknown",
				resp.Code, resp.Header(), resp.body(), first.Code, first.Header(), first.body())
		}
	}
}

// Who is not wanted gets the answer of a wrong password for the right one, and uses up guesses.
func TestAuthenticateHook(t *testing.T) {
	unwanted := errors.New("unwanted")
	var refuse error
	s := newSite(t, func(c *auth.Config) {
		c.Hooks = append(c.Hooks, auth.Hooks{}, auth.Hooks{Authenticate: func(_ context.Context, u *auth.User) error { return refuse }})
	})
	b := s.browser()
	b.signup(ann)
	refuse = unwanted
	wantStatus(t, "reauthenticate", b.post("/reauth", "password", password), 422)
	f := &auth.LoginForm{Email: ann, Password: password}
	refuse = &auth.ThrottledError{After: time.Minute}
	if _, err := s.m.Authenticate(t.Context(), f); auth.RetryAfter(err) != 0 || len(f.Errors) != 1 || f.Errors[0].Code != auth.CodeBadLogin {
		t.Errorf("a hook that is throttled shows: %v, %v", err, f.Errors)
	}
	refuse = unwanted
	_, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
	if !errors.Is(err, auth.ErrBadLogin) || !errors.Is(err, unwanted) {
		t.Errorf("error %v", err)
	}
	wrong, right := s.somewhere(1).login(ann, another), s.somewhere(2).login(ann, password)
	if wrong.Code != 422 || right.Code != 422 || wrong.body() != right.body() || fmt.Sprint(wrong.Header()) != fmt.Sprint(right.Header()) {
		t.Errorf("wrong password: %d %v %q\nright password: %d %v %q", wrong.Code, wrong.Header(), wrong.body(), right.Code, right.Header(), right.body())
	}
	if e := s.event(auth.EventLoginFailed); len(e) != 5 || e[4].Reason != "refused by a hook" || e[4].UserID == "" || !errors.Is(e[4].Err, unwanted) {
		t.Errorf("events %+v", e)
	}
	s.somewhere(3).login(ann, password)
	wantStatus(t, "after five", s.somewhere(5).login(ann, password), 429)
	refuse = nil
	if err := s.m.Unlock(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "wanted again", s.somewhere(6).login(ann, password), 303)
}

func TestParallelSignupsOfOneAddress(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.HashSeats, c.HashWait = 8, time.Minute })
	var won, taken atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			f := &auth.SignupForm{Email: ann, Password: password, Confirm: password}
			_, err := s.m.Signup(t.Context(), f)
			switch {
			case err == nil:
				won.Add(1)
			case f.Errors.Get("email") != "":
				taken.Add(1)
			default:
				t.Errorf("signup: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || taken.Load() != 49 {
		t.Errorf("%d accounts, %d told that it is taken; want 1 and 49", won.Load(), taken.Load())
	}
}

func TestStaleHashIsUpgradedOnce(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	old, _ := s.store.UserByLogin(t.Context(), ann)
	s.hasher.Bcrypt = 5
	s.hasher.hashed.Store(0)
	for range 2 {
		wantStatus(t, "login", s.browser().login(ann, password), 303)
	}
	upgraded, _ := s.store.UserByLogin(t.Context(), ann)
	if !strings.HasPrefix(upgraded.PasswordHash, "$2a$05$") || s.hasher.hashed.Load() != 1 {
		t.Errorf("hash is %.7s after %d hashings, want cost 5 after 1", upgraded.PasswordHash, s.hasher.hashed.Load())
	}
	if upgraded.Stamp != old.Stamp {
		t.Error("the stamp changed: an upgrade must not end sessions")
	}
	wantWho(t, "a session of before the upgrade", b, ann)
	if n := len(s.event(auth.EventHashUpgraded)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestSetPasswordLosesToAnotherChange(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	mine, _ := s.store.UserByLogin(t.Context(), ann)
	theirs := *mine
	if err := s.m.SetPassword(t.Context(), &theirs, another); err != nil {
		t.Fatal(err)
	}
	if err := s.m.SetPassword(t.Context(), mine, "pocket thunder garden hammer"); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("the second change of what was read before the first: %v, want ErrConflict", err)
	}
	wantStatus(t, "login by the first change", s.browser().login(ann, another), 303)
}

func TestSetPasswordWinsOverOtherUpdates(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	mine, _ := s.store.UserByLogin(t.Context(), ann)
	theirs := *mine
	theirs.Confirmed = time.Now()
	if err := s.store.UpdateUser(t.Context(), &theirs); err != nil {
		t.Fatal(err)
	}
	if err := s.m.SetPassword(t.Context(), mine, another); err != nil {
		t.Fatal(err)
	}
	u, _ := s.store.UserByLogin(t.Context(), ann)
	if u.Confirmed.IsZero() {
		t.Error("the other update is lost")
	}
	wantStatus(t, "login", s.browser().login(ann, another), 303)
}

func TestStatus(t *testing.T) {
	for err, want := range map[error]int{
		nil: 200, auth.ErrBadLogin: 422, &http.MaxBytesError{}: 413, auth.ErrFormType: 415, auth.ErrForm: 400,
		auth.ErrNotLoggedIn: 401, auth.ErrDisabled: 403, auth.ErrBusy: 503, errors.New("x"): 500, context.Canceled: 500,
		auth.ErrNotFound: 404, auth.ErrConflict: 409, auth.ErrUnavailable: 503, context.DeadlineExceeded: 503, io.ErrUnexpectedEOF: 503,
		fmt.Errorf("wrapped: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}): 503,
		fmt.Errorf("wrapped: %w", auth.ErrBusy):                                         503,
		&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}:                       500,
		&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}:   503,
	} {
		if got := auth.Status(err); got != want {
			t.Errorf("Status(%v) = %d, want %d", err, got, want)
		}
	}
	if got := auth.Status(auth.FormErrors{{}}); got != 422 {
		t.Errorf("Status(FormErrors) = %d", got)
	}
}
