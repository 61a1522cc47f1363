package main

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

func TestWrongMethod(t *testing.T) {
	c := newMember(t)
	own := []string{"/", "/dashboard", "/products", "/products/x", "/healthz", "/static/style.css"} // all else is of package pages
	for path, allow := range map[string]string{
		"/":                            "GET, HEAD",
		"/signup":                      "GET, HEAD, POST",
		"/login":                       "GET, HEAD, POST",
		"/logout":                      "POST",
		"/dashboard":                   "GET, HEAD",
		"/products":                    "POST",
		"/products/x":                  "GET, HEAD",
		"/reauth":                      "GET, HEAD, POST",
		"/account/password":            "GET, HEAD, POST",
		"/account/sessions":            "GET, HEAD",
		"/account/sessions/x/revoke":   "POST",
		"/account/sessions/revoke-all": "POST",
		"/account/export":              "GET, HEAD",
		"/confirm":                     "GET, HEAD, POST",
		"/password/forgot":             "GET, HEAD, POST",
		"/healthz":                     "GET, HEAD",
		"/static/style.css":            "GET, HEAD",
	} {
		c.Get("/dashboard") // for the token
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue
			}
			r, _ := http.NewRequest(method, path, nil)
			text := "That is not possible here"
			if !slices.Contains(own, path) {
				text = "This is no page to open"
				r.Header.Set("X-CSRF-Token", c.Token())
			}
			got := c.Do(r)
			want(t, got, http.StatusMethodNotAllowed, text)
			if got.Header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got.Header.Get("Allow"), allow)
			}
		}
	}
	r, _ := http.NewRequest("HEAD", "/dashboard", nil)
	want(t, c.Do(r), http.StatusOK)
	r, _ = http.NewRequest("POST", "/nowhere", nil)
	want(t, c.Do(r), http.StatusNotFound, "There is nothing here")
	want(t, c.Get("/account/nowhere"), http.StatusNotFound, "There is no such page")
}

func TestHeaders(t *testing.T) {
	const csp = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	c := newMember(t)
	big, _ := http.NewRequest("POST", "/login", strings.NewReader("email="+strings.Repeat("x", 70<<10)))
	big.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	wrong, _ := http.NewRequest("DELETE", "/login", nil)
	answers := []*authtest.Response{c.Do(big), c.Do(wrong), c.Post("/products", nil)}
	for _, path := range []string{"/", "/login", "/dashboard", "/account/password", "/account/sessions", "/confirm?token=x", "/session", "/nowhere", "/healthz", "/static/style.css", asset("logo.svg"), "//x", "/static/"} {
		answers = append(answers, c.Get(path))
	}
	for _, r := range answers {
		// For an answer of its own, which has neither style nor forms, package auth may ask for less.
		if got := r.Header.Get("Content-Security-Policy"); got != csp && (r.Status != http.StatusRequestEntityTooLarge || !strings.HasPrefix(got, "default-src 'none'; ")) {
			t.Errorf("%s %s, status %d: Content-Security-Policy is %q", r.Method, r.URL, r.Status, got)
		}
		for name, value := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "",
		} {
			if name == "Referrer-Policy" && strings.Contains(r.URL, "token=") {
				value = "no-referrer"
			}
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s %s, status %d: %s is %q, want %q", r.Method, r.URL, r.Status, name, got, value)
			}
		}
	}
}

func TestHTTPS(t *testing.T) {
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(o *options) { o.baseURL = "https://shop.example" })
	c := visitor(t, s)
	c.BaseURL = "https://shop.example"
	r := c.Signup(ann, authtest.Password)
	wantRedirect(t, r, "/dashboard")
	if cookie := r.Cookie("__Host-session"); cookie == nil || !cookie.Secure {
		t.Errorf("cookies are %v", r.Cookies())
	}
	if got := r.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
}

func TestStatic(t *testing.T) {
	c := newVisitor(t)
	r := c.Get(asset("style.css"))
	want(t, r, http.StatusOK, ":root")
	if ct, cc := r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"); ct != "text/css; charset=utf-8" || !strings.Contains(cc, "immutable") {
		t.Errorf("Content-Type %q, Cache-Control %q", ct, cc)
	}
	again, _ := http.NewRequest("GET", "/static/style.css", nil)
	again.Header.Set("If-None-Match", r.Header.Get("ETag"))
	want(t, c.Do(again), http.StatusNotModified)
	if ct := c.Get("/static/logo.svg").Header.Get("Content-Type"); ct != "image/svg+xml" {
		t.Errorf("Content-Type of the logo is %q", ct)
	}
	for i := range artworks {
		p := "/static/art" + string(rune('1'+i)) + ".svg"
		want(t, c.Get(p), http.StatusOK, "<svg")
	}
}

func TestTooLarge(t *testing.T) {
	c := newVisitor(t)
	want(t, c.Post("/signup", url.Values{"email": {strings.Repeat("x", 70<<10)}}), http.StatusRequestEntityTooLarge)
}

func TestNotAForm(t *testing.T) {
	c := newVisitor(t)
	c.Get("/login")
	r, _ := http.NewRequest("POST", "/login", strings.NewReader("<email>x</email>"))
	r.Header.Set("Content-Type", "application/xml")
	r.Header.Set("X-CSRF-Token", c.Token())
	want(t, c.Do(r), http.StatusUnsupportedMediaType, "This form cannot be read")
}

func TestOtherSite(t *testing.T) {
	c := newMember(t)
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	c.Header.Set("Origin", "https://evil.example")
	want(t, c.Logout(), http.StatusForbidden, "This is not possible")
	want(t, c.Post("/products", url.Values{"name": {"x"}, "price": {"1"}}), http.StatusForbidden, "This is not possible")
	c.Header.Del("Sec-Fetch-Site")
	c.Header.Del("Origin")
	want(t, c.Get("/dashboard"), http.StatusOK)
}

// stale sends a form with the token of another visitor.
func stale(t *testing.T, c *authtest.Client, path string, form url.Values) *authtest.Response {
	t.Helper()
	other := newVisitor(t)
	other.Get("/login")
	form.Set("csrf_token", other.Token())
	return c.Post(path, form)
}

func TestStaleLogin(t *testing.T) {
	c := newMember(t)
	c.Logout()
	r := stale(t, c, "/login", url.Values{"email": {ann}, "password": {authtest.Password}, "next": {"/products/x"}, "remember": {"on"}})
	want(t, r, http.StatusForbidden, "too long", `value="`+ann+`"`, `value="/products/x"`, " checked")
	if strings.Contains(r.Body, authtest.Password) {
		t.Error("the page has the password in it")
	}
	// The page has a token that counts.
	wantRedirect(t, c.Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "next": {r.Field("next")}}), "/products/x")
}

func TestStaleSignup(t *testing.T) {
	c := newVisitor(t)
	r := stale(t, c, "/signup", url.Values{"email": {ann}, "password": {authtest.Password}, "confirm": {authtest.Password}})
	want(t, r, http.StatusForbidden, "too long", `value="`+ann+`"`)
	wantRedirect(t, c.Signup(r.Field("email"), authtest.Password), "/dashboard")
}

func TestStaleForms(t *testing.T) {
	c := newMember(t)
	r := stale(t, c, "/products", url.Values{"name": {"A long story"}, "price": {"3"}, "description": {"that must not be lost"}})
	want(t, r, http.StatusForbidden, "too long", "A long story", "that must not be lost")
	want(t, stale(t, c, "/login", url.Values{"email": {bob}}), http.StatusForbidden, "You are logged in already", ann)
	want(t, stale(t, c, "/logout", url.Values{}), http.StatusForbidden, "too long", "Log out</button>")
	want(t, c.Logout(), http.StatusSeeOther)
	want(t, stale(t, c, "/products", url.Values{"name": {"x"}}), http.StatusForbidden, "You are logged out", "/login?next=%2Fdashboard")
}

// slowHasher hashes at once, and then never finishes to verify before it is told to.
type slowHasher struct{ started, finish chan struct{} }

func (h slowHasher) Hash(string) (string, error) { return "hash", nil }

func (h slowHasher) Verify(string, string) (ok, stale bool, err error) {
	h.started <- struct{}{}
	<-h.finish
	return true, false, nil
}

func TestBusy(t *testing.T) {
	var o *options
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(all *options) { o = all })
	slow := slowHasher{make(chan struct{}), make(chan struct{})}
	cfg := s.config(o)
	cfg.Hasher, cfg.HashSeats, cfg.HashWait = slow, 1, time.Millisecond
	var err error
	if s.auth, err = auth.New(s.users, cfg); err != nil {
		t.Fatal(err)
	}
	if s.links, err = email.New(s.auth, s.users, &email.Config{Mailer: &logMailer{out: io.Discard}}); err != nil {
		t.Fatal(err)
	}
	first, second := visitor(t, s), visitor(t, s)
	want(t, first.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, first.Logout(), http.StatusSeeOther)
	done := make(chan *authtest.Response)
	go func() { done <- first.Login(ann, authtest.Password) }()
	<-slow.started // the only seat is taken
	r := second.Login(ann, authtest.Password)
	want(t, r, http.StatusServiceUnavailable, "try again in a few seconds", `value="`+ann+`"`)
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(slow.finish)
	want(t, <-done, http.StatusSeeOther)
}

func TestThrottled(t *testing.T) {
	c := newVisitor(t)
	for range 5 {
		want(t, c.Login(ann, authtest.Password), http.StatusUnprocessableEntity)
	}
	r := c.Login(ann, authtest.Password)
	want(t, r, http.StatusTooManyRequests, "too many attempts", `value="`+ann+`"`)
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestCompromised(t *testing.T) {
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), nil)
	c := visitor(t, s)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	u, err := s.users.UserByLogin(t.Context(), ann)
	if err == nil {
		err = s.auth.MarkCompromised(t.Context(), u)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantRedirect(t, c.Login(ann, authtest.Password), "/account/password")
	wantRedirect(t, c.Get("/dashboard"), "/account/password?next=%2Fdashboard")
	want(t, c.Get("/account/password"), http.StatusOK, "Others may know", `value="`+ann+`"`)
	const next = "candle meadow rocket puzzle"
	wantRedirect(t, c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {next}, "confirm": {next}}), "/account/password")
	want(t, c.Get("/account/password"), http.StatusOK, "Your password is changed", `href="/dashboard"`)
	want(t, c.Get("/dashboard"), http.StatusOK, ann)
}

// logoutForm is what a page for members must have.
var logoutForm = regexp.MustCompile(`<form method="post" action="/logout">\s*<input type="hidden" name="csrf_token" value="[^"]+">\s*<input type="hidden" name="next" value="/">\s*<button class="quiet">Log out</button>`)

func TestEveryPageCanLogOut(t *testing.T) {
	c := newMember(t)
	pages := []*authtest.Response{
		c.Get("/"), c.Get("/dashboard"), c.Get("/reauth"), c.Get("/account/password"), c.Get("/nowhere"), c.Get("/products/none"),
		c.Get("/account/sessions"), c.Get("/account/email"), c.Get("/account/delete"), c.Get("/account/nowhere"), c.Get("/confirm"), c.Get("/confirm/resend"),
		c.Get("/password/forgot"), c.Get("/password/reset"),
		c.Get("/logout"), c.Post("/products", nil), c.Post("/account/password", nil), c.Post("/reauth", nil),
		stale(t, c, "/logout", url.Values{}),
	}
	c.Post("/products", url.Values{"name": {"x"}, "price": {"1"}})
	r := c.Get("/dashboard")
	pages = append(pages, r, c.Get(regexp.MustCompile(`/products/[a-z0-9]+`).FindString(r.Body)))
	for _, p := range pages {
		if !logoutForm.MatchString(p.Body) {
			t.Errorf("%s %s, status %d: no form to log out:\n%s", p.Method, p.URL, p.Status, p.Body)
		}
		if cc := p.Header.Get("Cache-Control"); cc != "no-store" {
			t.Errorf("%s %s, status %d: Cache-Control is %q", p.Method, p.URL, p.Status, cc)
		}
	}
}
