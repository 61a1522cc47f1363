package authtest_test

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
)

const ann = "ann@example.com"

var form = template.Must(template.New("").Parse(`<!doctype html>
<form method="post"><input type="hidden" name="csrf_token" value="{{.}}"><input name="email" value="a &gt; 'b'"></form>`))

func page(w http.ResponseWriter, r *http.Request) { show(w, r, http.StatusOK) }

func show(w http.ResponseWriter, r *http.Request, status int) {
	token := auth.CSRFToken(r.Context())
	w.WriteHeader(status)
	form.Execute(w, token)
}

// app returns a small application.
func app(m *auth.Manager) http.Handler {
	mux := http.NewServeMux()
	done := func(w http.ResponseWriter, r *http.Request, u *auth.User, err error) {
		if err == nil && u != nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		if err != nil {
			show(w, r, auth.Status(err))
			return
		}
		m.Redirect(w, r)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "home") })
	mux.HandleFunc("GET /signup", page)
	mux.HandleFunc("GET /login", page)
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		u, err := m.Signup(r.Context(), auth.ParseSignup(r))
		done(w, r, u, err)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		u, err := m.Authenticate(r.Context(), auth.ParseLogin(r))
		done(w, r, u, err)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { done(w, r, nil, m.Logout(w, r)) })
	mux.Handle("GET /dashboard", m.RequireLogin(http.HandlerFunc(whoami)))
	mux.Handle("POST /dashboard", m.RequireLogin(http.HandlerFunc(whoami)))
	mux.HandleFunc("GET /old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "old/er", http.StatusFound) })
	mux.HandleFunc("GET /old/er", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusMovedPermanently) })
	return m.Handler(mux)
}

func whoami(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s of %s from %s", r.Method, auth.CurrentUser(r.Context()).Email, r.Referer())
}

func TestRequest(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	for _, test := range []struct {
		user   *auth.User
		method string
		form   url.Values
		status int
	}{
		{u, "GET", nil, 200},
		{u, "POST", url.Values{"name": {"A & B"}}, 200},
		{u, "POST", nil, 200},
		{u, "DELETE", nil, 200},
		{nil, "GET", nil, 303},
		{nil, "POST", url.Values{"name": {"A & B"}}, 303},
	} {
		rec, name := httptest.NewRecorder(), ""
		m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name = r.PostFormValue("name")
			if got := auth.CurrentUser(r.Context()).Email; got != ann {
				t.Errorf("user is %s", got)
			}
		})).ServeHTTP(rec, authtest.Request(t, m, test.user, test.method, "/dashboard", test.form))
		if rec.Code != test.status {
			t.Errorf("%s by %v: status %d, want %d: %s", test.method, test.user, rec.Code, test.status, rec.Body)
		}
		if rec.Code == 200 && name != test.form.Get("name") {
			t.Errorf("%s: name is %q", test.method, name)
		}
	}
}

// TestRequestIsChecked proves that the middleware is not told to look away.
func TestRequestIsChecked(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	for name, spoil := range map[string]func(*http.Request){
		"no token":     func(r *http.Request) { r.Header.Del("X-CSRF-Token") },
		"another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"no cookie":    func(r *http.Request) { r.Header.Del("Cookie") },
	} {
		rec := httptest.NewRecorder()
		r := authtest.Request(t, m, u, "POST", "/dashboard", nil)
		spoil(r)
		m.RequireLogin(http.HandlerFunc(whoami)).ServeHTTP(rec, r)
		if rec.Code != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, rec.Code)
		}
	}
}

func TestRequestOnHTTPS(t *testing.T) {
	m := authtest.New(t, &auth.Config{BaseURL: "https://shop.example"})
	rec := httptest.NewRecorder()
	m.RequireLogin(http.HandlerFunc(whoami)).ServeHTTP(rec, authtest.Request(t, m, authtest.User(t, m, ann), "POST", "/", nil))
	if rec.Code != 200 {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
}

func TestClient(t *testing.T) {
	m := authtest.New(t, nil)
	walk(t, authtest.NewClient(t, app(m)))
}

func TestClientOnHTTPS(t *testing.T) {
	m := authtest.New(t, &auth.Config{BaseURL: "https://shop.example"})
	c := authtest.NewClient(t, app(m))
	c.BaseURL = "https://shop.example"
	walk(t, c)
}

func TestClientOverTheNetwork(t *testing.T) {
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	defer srv.Close()
	h = app(authtest.New(t, &auth.Config{BaseURL: srv.URL}))
	c := authtest.NewClient(t, nil)
	c.BaseURL = srv.URL
	walk(t, c)
}

// walk spends an evening in the application.
func walk(t *testing.T, c *authtest.Client) {
	t.Helper()
	want := func(r *authtest.Response, status int, location string) {
		t.Helper()
		if r.Status != status || r.Location != location {
			t.Errorf("%s %s: status %d to %q, want %d to %q; %s", r.Method, r.URL, r.Status, r.Location, status, location, r.Body)
		}
	}
	want(c.Get("/dashboard"), 303, "/login?next=%2Fdashboard")
	want(c.Signup(ann, "short"), 422, "")
	want(c.Signup(ann, authtest.Password), 303, "/")
	want(c.Get("/dashboard"), 200, "")
	want(c.Logout(), 303, "/")
	want(c.Get("/dashboard"), 303, "/login?next=%2Fdashboard")
	want(c.Login(ann, "wrong"), 422, "")
	want(c.Post("/login?next=/dashboard", url.Values{"email": {ann}, "password": {authtest.Password}}), 303, "/dashboard")
	r := c.Get("/dashboard")
	if want := "GET of " + ann + " from " + c.BaseURL + "/login"; r.Body != want {
		t.Errorf("page is %q, want %q", r.Body, want)
	}
}

func TestToken(t *testing.T) {
	c := authtest.NewClient(t, app(authtest.New(t, nil)))
	login := c.Get("/login")
	if login.Field("csrf_token") == "" || login.Field("csrf_token") != c.Token() || login.Field("email") != "a > 'b'" || login.Field("x") != "" {
		t.Errorf("fields read wrongly from %s", login.Body)
	}
	values := url.Values{"email": {ann}, "csrf_token": {"stale"}}
	if r := c.Post("/login", values); r.Status != http.StatusForbidden {
		t.Errorf("a token of the test's own was replaced: status %d", r.Status)
	}
	values.Del("csrf_token")
	if r := c.Post("/login", values); r.Status != 422 || values.Has("csrf_token") {
		t.Errorf("status %d; form is now %v", r.Status, values)
	}
}

func TestDo(t *testing.T) {
	c := authtest.NewClient(t, app(authtest.New(t, nil)))
	c.Signup(ann, authtest.Password)
	c.Get("/login")
	send := func(token string) *authtest.Response {
		r := httptest.NewRequest("POST", "/dashboard", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-CSRF-Token", token)
		return c.Do(r)
	}
	if r := send(c.Token()); r.Status != 200 || !strings.HasPrefix(r.Body, "POST of "+ann) {
		t.Errorf("status %d: %s", r.Status, r.Body)
	}
	if r := send(""); r.Status != http.StatusForbidden {
		t.Errorf("without a token: status %d", r.Status)
	}
	evil := httptest.NewRequest("POST", "/dashboard", nil)
	evil.Header.Set("X-CSRF-Token", c.Token())
	evil.Header.Set("Origin", "https://evil.example")
	if r := c.Do(evil); r.Status != http.StatusForbidden {
		t.Errorf("from another origin: status %d", r.Status)
	}
	if r := c.Do(httptest.NewRequest("HEAD", "/dashboard", nil)); r.Status != 200 || r.Body != "" {
		t.Errorf("HEAD: status %d, body %q", r.Status, r.Body)
	}
}

func TestHeader(t *testing.T) {
	c := authtest.NewClient(t, app(authtest.New(t, nil)))
	c.Header.Set("Accept", "application/json")
	if r := c.Get("/dashboard"); r.Status != http.StatusUnauthorized || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, type %q", r.Status, r.Header.Get("Content-Type"))
	}
	c.Header.Set("Origin", "https://evil.example")
	if r := c.Login(ann, authtest.Password); r.Status != http.StatusForbidden {
		t.Errorf("from another origin: status %d", r.Status)
	}
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	c.Header.Del("Origin")
	if r := c.Login(ann, authtest.Password); r.Status != http.StatusForbidden {
		t.Errorf("from another site: status %d", r.Status)
	}
}

func TestFollow(t *testing.T) {
	c := authtest.NewClient(t, app(authtest.New(t, nil)))
	if r := c.Get("/old").Follow(); r.Body != "home" {
		t.Errorf("%s: %s", r.URL, r.Body)
	}
}

func TestCookies(t *testing.T) {
	c := authtest.NewClient(t, app(authtest.New(t, nil)))
	r := c.Signup(ann, authtest.Password)
	set, kept := r.Cookie("session"), c.Cookie("session")
	if set == nil || kept == nil || set.Value != kept.Value || !set.HttpOnly {
		t.Errorf("set %v, kept %v", set, kept)
	}
	if c.Logout(); c.Cookie("session") != nil {
		t.Error("session cookie outlives the logout")
	}
}

func TestHasher(t *testing.T) {
	hash, err := authtest.Hasher{}.Hash(authtest.Password)
	if err != nil {
		t.Fatal(err)
	}
	ok, stale, err := authtest.Hasher{}.Verify(hash, authtest.Password)
	if !ok || stale || err != nil {
		t.Errorf("Verify: %v, %v, %v", ok, stale, err)
	}
	if ok, _, _ := (authtest.Hasher{}).Verify(hash, authtest.Password+"x"); ok {
		t.Error("another password fits")
	}
}

// TestIdle waits for an hour that takes no time.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := authtest.NewClient(t, app(authtest.New(t, &auth.Config{IdleTimeout: time.Hour})))
		c.Signup(ann, authtest.Password)
		for range 3 {
			time.Sleep(50 * time.Minute)
			if r := c.Get("/dashboard"); r.Status != 200 {
				t.Fatalf("logged out while active: status %d", r.Status)
			}
		}
		time.Sleep(time.Hour + time.Second)
		if r := c.Get("/dashboard"); r.Status != 303 {
			t.Errorf("still logged in after an idle hour: status %d", r.Status)
		}
	})
}

// failing is a test that keeps what it would report. A fatal failure ends it.
type failing struct {
	testing.TB
	failed bool
	said   string
}

var errFailed = errors.New("failed")

func (f *failing) Errorf(format string, args ...any) {
	f.failed, f.said = true, f.said+fmt.Sprintf(format, args...)
}

func (f *failing) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprint(args...)) }

func (f *failing) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	panic(errFailed)
}

// failure calls f as a test, and returns what it reports, and whether that ended it.
func failure(t *testing.T, f func(testing.TB)) (said string, fatal bool) {
	t.Helper()
	fake := &failing{TB: t}
	func() {
		defer func() {
			e := recover()
			if fatal = e == errFailed; e != nil && !fatal {
				panic(e)
			}
		}()
		f(fake)
	}()
	return fake.said, fatal
}

func TestFailures(t *testing.T) {
	m := authtest.New(t, nil)
	authtest.User(t, m, "taken@example.com")
	disabled := *authtest.User(t, m, "disabled@example.com")
	disabled.Disabled = time.Now()
	away := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, cmp.Or(r.URL.Query().Get("to"), "/"), http.StatusSeeOther)
	})
	for name, f := range map[string]func(t testing.TB){
		"config":       func(t testing.TB) { authtest.New(t, &auth.Config{BaseURL: "shop"}) },
		"taken":        func(t testing.TB) { authtest.User(t, m, "taken@example.com") },
		"disabled":     func(t testing.TB) { authtest.Request(t, m, &disabled, "GET", "/", nil) },
		"loop":         func(t testing.TB) { authtest.NewClient(t, away).Get("/").Follow() },
		"another site": func(t testing.TB) { authtest.NewClient(t, away).Get("/?to=https://evil.example/").Follow() },
		"bad path":     func(t testing.TB) { authtest.NewClient(t, away).Get("%zz") },
		"bad base":     func(t testing.TB) { c := authtest.NewClient(t, away); c.BaseURL = ":"; c.Get("/") },
		"bad cookie":   func(t testing.TB) { c := authtest.NewClient(t, away); c.BaseURL = ":"; c.Cookie("x") },
	} {
		if _, fatal := failure(t, f); !fatal {
			t.Errorf("%s: the test did not fail", name)
		}
	}
}

// Every visitor has an address of their own, as limits on guesses need it.
func TestAddress(t *testing.T) {
	seen := map[string]bool{}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })
	for range 300 {
		c := authtest.NewClient(t, app)
		first, second := c.Get("/").Body, c.Get("/").Body
		if first != second || seen[first] || first != c.Address+":1234" {
			t.Fatalf("a visitor comes from %s and then from %s", first, second)
		}
		seen[first] = true
	}
	c := authtest.NewClient(t, app)
	c.Address = "2001:db8::1"
	if got := c.Get("/").Body; got != "[2001:db8::1]:1234" {
		t.Errorf("from %s", got)
	}
}
