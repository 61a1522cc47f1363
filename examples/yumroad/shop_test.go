package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth/authtest"
)

const (
	ann = "ann@example.com"
	bob = "bob@example.com"
)

// newShop opens a shop on a database file, with hashes that take no time.
func newShop(t *testing.T, file string, change func(*options)) *shop {
	t.Helper()
	o, err := parseOptions([]string{"-db", file, "-bcrypt-cost", "4", "-base-url", authtest.BaseURL}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(o)
	}
	s, err := openShop(t.Context(), o, slog.New(slog.NewTextHandler(&watch, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

// newVisitor returns a guest of a new shop.
func newVisitor(t *testing.T) *authtest.Client {
	t.Helper()
	return visitor(t, newShop(t, filepath.Join(t.TempDir(), "shop.db"), nil))
}

func visitor(t *testing.T, s *shop) *authtest.Client {
	t.Helper()
	c := authtest.NewClient(t, watch.Handler(s.handler()))
	c.TokenPath = "/dashboard"
	return c
}

// newMember returns a visitor who has just signed up.
func newMember(t *testing.T) *authtest.Client {
	t.Helper()
	c := newVisitor(t)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther, "")
	return c
}

// logout sends the form that is on every page: see TestEveryPageCanLogOut.
func logout(c *authtest.Client) *authtest.Response {
	return c.Post("/logout", url.Values{"next": {"/"}})
}

// want checks the status of an answer, and that the page says all that.
func want(t *testing.T, r *authtest.Response, status int, texts ...string) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("%s %s: status %d, want %d\n%s", r.Method, r.URL, r.Status, status, r.Body)
	}
	for _, text := range texts {
		if !strings.Contains(r.Body, text) {
			t.Errorf("%s %s: page does not say %q:\n%s", r.Method, r.URL, text, r.Body)
		}
	}
}

// wantRedirect checks that an answer sends the visitor to target.
func wantRedirect(t *testing.T, r *authtest.Response, target string) {
	t.Helper()
	want(t, r, http.StatusSeeOther)
	if r.Location != target {
		t.Errorf("%s %s: sent to %q, want %q", r.Method, r.URL, r.Location, target)
	}
}

func TestGuestPages(t *testing.T) {
	c := newVisitor(t)
	want(t, c.Get("/"), http.StatusOK, "The shelf is empty", `href="/login"`, `href="/signup"`)
	want(t, c.Get("/healthz"), http.StatusOK, "ok\n")
	want(t, c.Get("/signup"), http.StatusOK, `autocomplete="new-password"`, "At least 15 characters")
	want(t, c.Get("/login?next=/products/x"), http.StatusOK, `autocomplete="current-password"`, `name="next" value="/products/x"`, `href="/signup?next=%2Fproducts%2Fx"`)
	want(t, c.Get("/products/none"), http.StatusNotFound, "There is nothing here")
	want(t, c.Get("/nowhere"), http.StatusNotFound, "There is nothing here")
	want(t, c.Get("/static/none.css"), http.StatusNotFound)
}

func TestBrowsingNeedsNoCookie(t *testing.T) {
	c := newVisitor(t)
	for _, path := range []string{"/", "/healthz", "/nowhere", asset("style.css")} {
		if set := c.Get(path).Header.Values("Set-Cookie"); len(set) > 0 {
			t.Errorf("GET %s sets a cookie: %q", path, set)
		}
	}
	if vary := c.Get("/healthz").Header.Get("Vary"); vary != "" {
		t.Errorf("/healthz goes through the session: Vary is %q", vary)
	}
}

func TestSignup(t *testing.T) {
	c := newVisitor(t)
	wantRedirect(t, c.Signup("Ann@Example.com", authtest.Password), "/dashboard")
	r := c.Get("/dashboard")
	want(t, r, http.StatusOK, ann, "Nothing yet")
	if cc := r.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control of the dashboard is %q", cc)
	}
	wantRedirect(t, c.Get("/signup"), "/dashboard")
	wantRedirect(t, c.Get("/login?next=/products/x"), "/products/x")
}

func TestSignupGoesOnToNext(t *testing.T) {
	c := newVisitor(t)
	form := url.Values{"email": {ann}, "password": {authtest.Password}, "confirm": {authtest.Password}, "next": {"/products/x?y=1"}}
	wantRedirect(t, c.Post("/signup", form), "/products/x?y=1")
}

func TestSignupRefused(t *testing.T) {
	c := newVisitor(t)
	r := c.Post("/signup", url.Values{"email": {"ann <b>"}, "password": {"short-secret"}, "confirm": {"other-secret"}, "next": {"/products/x"}})
	want(t, r, http.StatusUnprocessableEntity,
		`value="ann &lt;b&gt;"`, `aria-invalid="true" aria-describedby="email-error" autofocus`, `id="email-error"`,
		`aria-invalid="true" aria-describedby="password-error"`, "at least 15", `id="confirm-error"`,
		`role="alert"`, `<a href="#email">Email</a>`, "<title>Error: Sign up", `name="next" value="/products/x"`)
	if strings.Count(r.Body, "autofocus") != 1 {
		t.Error("not exactly one field has autofocus")
	}
	if strings.Contains(r.Body, "secret") {
		t.Error("the page has a password in it")
	}
	want(t, c.Get("/dashboard"), http.StatusSeeOther)
}

func TestSignupTaken(t *testing.T) {
	c := newMember(t)
	want(t, c.Logout(), http.StatusSeeOther)
	want(t, c.Signup(ann, authtest.Password), http.StatusUnprocessableEntity, "already")
}

func TestLogin(t *testing.T) {
	c := newMember(t)
	wantRedirect(t, logout(c), "/")
	for _, form := range []url.Values{
		{"email": {ann}, "password": {"not her password"}, "next": {"/products/x"}},
		{"email": {"nobody@example.com"}, "password": {authtest.Password}, "next": {"/products/x"}},
	} {
		r := c.Post("/login", form)
		want(t, r, http.StatusUnprocessableEntity, "The email or the password is wrong.", `value="`+form.Get("email")+`"`, `value="/products/x"`)
		if strings.Contains(r.Body, form.Get("password")) {
			t.Error("the page has the password in it")
		}
	}
	want(t, c.Login("", ""), http.StatusUnprocessableEntity, `id="email-error"`, `id="password-error"`)
	r := c.Login(ann, authtest.Password)
	wantRedirect(t, r, "/dashboard")
	if cookie := r.Cookie("session"); cookie == nil || cookie.MaxAge != 0 || !cookie.Expires.IsZero() || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("session cookie is %+v", cookie)
	}
}

func TestLoginNext(t *testing.T) {
	for next, target := range map[string]string{
		"/products/x?a=b":     "/products/x?a=b",
		"//evil.example":      "/dashboard",
		"https://evil.exampl": "/dashboard",
		"/\\evil.example":     "/dashboard",
	} {
		c := newMember(t)
		want(t, c.Logout(), http.StatusSeeOther)
		wantRedirect(t, c.Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "next": {next}}), target)
	}
}

func TestRemember(t *testing.T) {
	c := newMember(t)
	want(t, c.Logout(), http.StatusSeeOther)
	r := c.Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "remember": {"on"}})
	wantRedirect(t, r, "/dashboard")
	cookie := r.Cookie("session")
	if cookie == nil || cookie.MaxAge == 0 && time.Until(cookie.Expires) < 29*24*time.Hour {
		t.Errorf("session cookie of a remembered visitor is %+v", cookie)
	}
}

func TestLogout(t *testing.T) {
	c := newMember(t)
	stolen := c.Cookie("session")
	wantRedirect(t, logout(c), "/")
	wantRedirect(t, c.Get("/dashboard"), "/login?next=%2Fdashboard")
	r, _ := http.NewRequest("GET", "/dashboard", nil)
	r.AddCookie(stolen)
	wantRedirect(t, c.Do(r), "/login?next=%2Fdashboard")
	wantRedirect(t, logout(c), "/") // once more does no harm
}

func TestLogoutEverywhere(t *testing.T) {
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), nil)
	here, there := visitor(t, s), visitor(t, s)
	want(t, here.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, there.Login(ann, authtest.Password), http.StatusSeeOther)
	want(t, here.Get("/account/sessions"), http.StatusOK, "This device")
	wantRedirect(t, here.Post("/account/sessions/revoke-all", nil), "/login")
	want(t, here.Get("/dashboard"), http.StatusSeeOther)
	want(t, there.Get("/dashboard"), http.StatusSeeOther)
}

func TestProtectedPages(t *testing.T) {
	c := newVisitor(t)
	for path, target := range map[string]string{
		"/dashboard":        "/login?next=%2Fdashboard",
		"/dashboard?page=2": "/login?next=%2Fdashboard%3Fpage%3D2",
		"/reauth":           "/login?next=%2Freauth",
		"/account/password": "/login?next=%2Faccount%2Fpassword",
		"/account/sessions": "/login?next=%2Faccount%2Fsessions",
		"/account/email":    "/login?next=%2Faccount%2Femail",
		"/account/export":   "/login?next=%2Faccount%2Fexport",
		"/account/delete":   "/login?next=%2Faccount%2Fdelete",
	} {
		wantRedirect(t, c.Get(path), target)
	}
	want(t, c.Get("/login"), http.StatusOK)
	for _, path := range []string{"/products", "/reauth", "/account/password", "/account/sessions/revoke-all", "/account/delete"} {
		r := c.Post(path, nil)
		want(t, r, http.StatusSeeOther)
		if !strings.HasPrefix(r.Location, "/login") {
			t.Errorf("POST %s sends guests to %q", path, r.Location)
		}
	}
}

func TestJSON(t *testing.T) {
	c := newVisitor(t)
	c.Header.Set("Accept", "application/json")
	for _, r := range []*authtest.Response{c.Get("/dashboard"), c.Post("/login", url.Values{"csrf_token": {"none"}})} {
		status, code := http.StatusUnauthorized, "login_required"
		if r.Method == "POST" {
			status, code = http.StatusForbidden, "csrf_refused"
		}
		want(t, r, status, code)
		if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s %s: Content-Type is %q", r.Method, r.URL, ct)
		}
	}
}

func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.db")
	first := newShop(t, file, nil)
	c := visitor(t, first)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	cookie := c.Cookie("session")
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest("GET", "/dashboard", nil)
	r.AddCookie(cookie)
	want(t, visitor(t, newShop(t, file, nil)).Do(r), http.StatusOK, ann)
}

func TestPassword(t *testing.T) {
	const other = "lantern pebble quiet harvest"
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), nil)
	c, elsewhere := visitor(t, s), visitor(t, s)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, elsewhere.Login(ann, authtest.Password), http.StatusSeeOther)
	want(t, c.Get("/account/password"), http.StatusOK, `autocomplete="current-password"`, `autocomplete="username"`, "New password again")
	r := c.Post("/account/password", url.Values{"current": {"wrong"}, "password": {other}, "confirm": {"else"}})
	want(t, r, http.StatusUnprocessableEntity, `id="confirm-error"`)
	r = c.Post("/account/password", url.Values{"current": {"wrong"}, "password": {other}, "confirm": {other}})
	want(t, r, http.StatusUnprocessableEntity, `id="current-error"`, "not your current password", `<a href="#current">Current password</a>`)
	r = c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {other}, "confirm": {other}})
	wantRedirect(t, r, "/account/password")
	want(t, r.Follow(), http.StatusOK, "Your password is changed", `href="/dashboard"`)
	if r := c.Get("/account/password"); strings.Contains(r.Body, "Your password is changed") {
		t.Error("the notice is shown twice")
	}
	want(t, elsewhere.Get("/dashboard"), http.StatusSeeOther)
	want(t, c.Logout(), http.StatusSeeOther)
	want(t, c.Login(ann, authtest.Password), http.StatusUnprocessableEntity)
	want(t, c.Login(ann, other), http.StatusSeeOther)
}

func TestReauth(t *testing.T) {
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(o *options) { o.fresh = time.Nanosecond })
	c := visitor(t, s)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	r := c.Get("/account/password")
	wantRedirect(t, r, "/reauth?next=%2Faccount%2Fpassword")
	want(t, r.Follow(), http.StatusOK, ann, `name="next" value="/account/password"`)
	want(t, c.Post("/reauth", url.Values{"password": {"wrong"}, "next": {"/account/password"}}),
		http.StatusUnprocessableEntity, "This is not your current password.", `aria-invalid="true" aria-describedby="password-error" autofocus`, `value="/account/password"`)
	want(t, c.Post("/reauth", nil), http.StatusUnprocessableEntity, "Please fill in")
	before := c.Cookie("session").Value
	wantRedirect(t, c.Post("/reauth", url.Values{"password": {authtest.Password}, "next": {"/account/password"}}), "/account/password")
	if c.Cookie("session").Value == before {
		t.Error("the session has its old token still")
	}
	// What was sent to a page that asks for the password first is gone; the visitor
	// comes back to its form.
	c.Header.Set("Referer", c.BaseURL+"/account/password")
	wantRedirect(t, c.Post("/account/password", url.Values{"current": {authtest.Password}}), "/reauth?next=%2Faccount%2Fpassword")
}

func TestProducts(t *testing.T) {
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), nil)
	c, other := visitor(t, s), visitor(t, s)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, other.Signup(bob, authtest.Password), http.StatusSeeOther)
	r := c.Post("/products", url.Values{"name": {" Zine <1> "}, "description": {"Line one\nLine two"}, "price": {"12.5"}, "owner": {"someone"}})
	wantRedirect(t, r, "/dashboard")
	r = r.Follow()
	want(t, r, http.StatusOK, "Zine &lt;1&gt;", "$12.50", "is on the shelf")
	path := regexp.MustCompile(`/products/[a-z0-9]+`).FindString(r.Body)
	want(t, c.Get(path), http.StatusOK, "Zine &lt;1&gt;", "Line one\nLine two", "$12.50", "This is yours")
	want(t, c.Get("/"), http.StatusOK, path)
	r = other.Get(path)
	want(t, r, http.StatusOK, "Zine &lt;1&gt;")
	if strings.Contains(r.Body, "This is yours") {
		t.Error("the product belongs to everyone")
	}
	want(t, other.Get("/"), http.StatusOK, path)
	if strings.Contains(other.Get("/dashboard").Body, path) {
		t.Error("another user's product is on the dashboard")
	}
}

func TestProductRefused(t *testing.T) {
	c := newMember(t)
	r := c.Post("/products", url.Values{"name": {""}, "description": {"kept <text>"}, "price": {"twelve"}})
	want(t, r, http.StatusUnprocessableEntity, `id="name-error"`, `id="price-error"`, `value="twelve"`, "kept &lt;text&gt;", "such as 12.50")
	for _, form := range []url.Values{
		{"name": {strings.Repeat("ä", 101)}, "price": {"1"}},
		{"name": {"two\nlines"}, "price": {"1"}},
		{"name": {"x"}, "price": {""}},
		{"name": {"x"}, "price": {"1"}, "description": {strings.Repeat("x", 2001)}},
		{"name": {"x"}, "price": {"1"}, "description": {"nul \x00"}},
		{"name": {"x\xff"}, "price": {"1"}},
	} {
		want(t, c.Post("/products", form), http.StatusUnprocessableEntity, `aria-invalid="true"`)
	}
	want(t, c.Get("/"), http.StatusOK, "The shelf is empty")
}

func TestPrice(t *testing.T) {
	for in, cents := range map[string]int64{"0": 0, "12": 1200, "12.5": 1250, "12.50": 1250, "0.01": 1, "999999.99": 99999999} {
		if got, ok := parsePrice(in); !ok || got != cents {
			t.Errorf("parsePrice(%q) = %d, %t", in, got, ok)
		}
	}
	for _, in := range []string{"", "-1", "+1", "1,50", "1.", ".5", "1.005", "1e3", "0x1", "1000000", "NaN", "١"} {
		if got, ok := parsePrice(in); ok {
			t.Errorf("parsePrice(%q) = %d", in, got)
		}
	}
	for cents, want := range map[int64]string{0: "Free", 1: "$0.01", 1250: "$12.50"} {
		if got := (product{Cents: cents}).Price(); got != want {
			t.Errorf("%d cents are shown as %q", cents, got)
		}
	}
}
