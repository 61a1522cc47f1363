package pages_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/internal/leak"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

const (
	ann     = "ann@example.com"
	another = "candle meadow rocket puzzle"
)

// newSite returns the pages that cfg asks for.
func newSite(t testing.TB, cfg *pages.Config) *pages.Site {
	t.Helper()
	s, err := pages.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newClient returns a visitor of a site that is nothing but pages, without mail.
func newClient(t testing.TB, cfg *auth.Config, look *pages.Config) *authtest.Client {
	t.Helper()
	s := newSite(t, look)
	c := authtest.NewClient(t, watch.Handler(s.Handler(authtest.New(t, watched(cfg, s)), nil)))
	c.TokenPath = "/account/password"
	return c
}

// watch sees what every test of this package writes down: see TestMain.
var watch leak.Watch

func TestMain(m *testing.M) { os.Exit(watch.Run(m)) }

// watched completes cfg for the pages of s.
func watched(cfg *auth.Config, s *pages.Site) *auth.Config {
	if cfg == nil {
		cfg = new(auth.Config)
	}
	cfg.CSRFRefused = http.HandlerFunc(s.CSRFRefused)
	cfg.Logger = slog.New(slog.NewTextHandler(&watch, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Hooks = append(cfg.Hooks, auth.Hooks{Event: watch.Event})
	return cfg
}

// newUser returns a visitor who is logged in.
func newUser(t testing.TB, cfg *auth.Config, look *pages.Config) *authtest.Client {
	t.Helper()
	c := newClient(t, cfg, look)
	want(t, c.Signup(ann, authtest.Password), 303, "/")
	return c
}

// want checks an answer, and what holds for all of them.
func want(t testing.TB, r *authtest.Response, status int, location string) {
	t.Helper()
	if r.Status != status || r.Location != location {
		t.Errorf("%s %s: status %d to %q, want %d to %q\n%s", r.Method, r.URL, r.Status, r.Location, status, location, r.Body)
	}
	checkHeader(t, r)
	if r.Method != "HEAD" && strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		checkPage(t, r)
	}
}

func checkHeader(t testing.TB, r *authtest.Response) {
	t.Helper()
	for k, v := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := r.Header.Values(k); len(got) != 1 || got[0] != v {
			t.Errorf("%s %s: %s is %q, want %q", r.Method, r.URL, k, got, v)
		}
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" && !strings.HasSuffix(r.URL, ".css") {
		t.Errorf("%s %s: Cache-Control is %q", r.Method, r.URL, got)
	}
}

var (
	tags       = regexp.MustCompile(`<[a-z][a-z0-9]*(?:[^>"]|"[^"]*")*>`)
	attributes = regexp.MustCompile(`\s([a-z-]+)(?:="([^"]*)")?`)
)

// parse returns the tags of a page of ours, which are all written alike, each as its
// attributes. The name is under "".
func parse(page string) (all []map[string]string) {
	for _, tag := range tags.FindAllString(page, -1) {
		name, _, _ := strings.Cut(strings.Trim(tag, "<>"), " ")
		attr := map[string]string{"": name}
		for _, m := range attributes.FindAllStringSubmatch(tag, -1) {
			attr[m[1]] = m[2]
		}
		all = append(all, attr)
	}
	return all
}

// checkPage checks what holds for every page: what the Content-Security-Policy would
// block is not there, every field has a label and every reference a target.
func checkPage(t testing.TB, r *authtest.Response) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %s: %s", r.Method, r.URL, fmt.Sprintf(format, args...))
	}
	count, ids, labels, focus := map[string]int{}, map[string]bool{}, map[string]bool{}, 0
	all := parse(r.Body)
	for _, tag := range all {
		count[tag[""]]++
		if id, ok := tag["id"]; ok && ids[id] {
			bad("ID %q is there twice", id)
		}
		ids[tag["id"]], labels[tag["for"]] = true, true
		if _, ok := tag["autofocus"]; ok {
			focus++
		}
	}
	for _, name := range []string{"html", "title", "main", "h1"} {
		if count[name] != 1 {
			bad("%d elements %s", count[name], name)
		}
	}
	if count["script"]+count["style"]+count["iframe"]+count["img"] > 0 || focus > 1 {
		bad("elements %v, %d in focus", count, focus)
	}
	for _, tag := range all {
		for k, v := range tag {
			if k == "style" || k == "onclick" || strings.HasPrefix(k, "on") || strings.Contains(strings.ToLower(v), "javascript:") {
				bad("attribute %s=%q", k, v)
			}
		}
		for _, id := range append(strings.Fields(tag["aria-describedby"]), strings.TrimPrefix(tag["href"], "#")) {
			if !ids[id] && !strings.HasPrefix(id, "/") {
				bad("no element with ID %q", id)
			}
		}
		if tag[""] == "form" && (tag["method"] != "post" || !strings.HasPrefix(tag["action"], "/")) {
			bad("form %v", tag)
		}
		if tag[""] == "input" && tag["type"] != "hidden" && !labels[tag["id"]] {
			bad("no label for %v", tag)
		}
		if _, ok := tag["value"]; ok && tag["type"] == "password" {
			bad("a password in %v", tag)
		}
	}
	if strings.Contains(r.Body, `action="/`) && r.Field("csrf_token") == "" {
		bad("a form without a token")
	}
}

// inputs returns the visible fields of a page: names, types and autocomplete.
func inputs(r *authtest.Response) (all []string) {
	for _, tag := range parse(r.Body) {
		if tag[""] == "input" && tag["type"] != "hidden" {
			all = append(all, strings.TrimSpace(tag["name"]+" "+tag["type"]+" "+tag["autocomplete"]))
		}
	}
	return all
}

func TestForms(t *testing.T) {
	guest, user := newClient(t, nil, nil), newUser(t, nil, nil)
	for _, test := range []struct {
		c      *authtest.Client
		path   string
		fields []string
	}{
		{guest, "/signup", []string{"email text username", "password password new-password", "confirm password new-password"}},
		{guest, "/login", []string{"email text username", "password password current-password", "remember checkbox"}},
		{user, "/reauth", []string{"email text username", "password password current-password"}},
		{user, "/account/password", []string{"email text username", "current password current-password", "password password new-password", "confirm password new-password"}},
	} {
		r := test.c.Get(test.path)
		want(t, r, 200, "")
		if got := inputs(r); !slices.Equal(got, test.fields) {
			t.Errorf("%s: fields %q, want %q", test.path, got, test.fields)
		}
		if strings.Contains(r.Body, "autofocus") || strings.Contains(r.Body, "aria-invalid") || strings.Contains(r.Body, "maxlength") {
			t.Errorf("%s: a new form looks refused:\n%s", test.path, r.Body)
		}
	}
}

// The hint is read out with the field, before anything is typed, and after a
// refusal that was about something else.
func TestHint(t *testing.T) {
	cfg := &auth.Config{Passwords: auth.Policy{MinLength: 17}}
	const hint = `id="password-hint">At least 17 characters. `
	const read = `name="password" autocomplete="new-password" required aria-describedby="password-hint"`
	guest := newClient(t, cfg, nil)
	mustContain(t, guest.Get("/signup"), hint, read)
	mustContain(t, guest.Post("/signup", url.Values{"email": {ann}, "password": {another}, "confirm": {"no"}}), hint, read)
	mustContain(t, newUser(t, cfg, nil).Get("/account/password"), hint, read)
	if r := guest.Get("/login"); strings.Contains(r.Body, "-hint") {
		t.Errorf("a hint where no password is chosen:\n%s", r.Body)
	}
}

// down is a checker of breaches that is out of order.
type down struct{}

func (down) Breached(context.Context, string) (bool, error) { return false, errors.New("SECRET-XYZ") }

func TestUnchecked(t *testing.T) {
	c := newClient(t, &auth.Config{Passwords: auth.Policy{Breaches: down{}, BreachesRequired: true}}, nil)
	r := c.Signup(ann, another)
	want(t, r, 503, "")
	mustContain(t, r, `role="status"`, "leaked cannot be found out just now")
	if r.Header.Get("Retry-After") == "" || r.Field("email") != ann || strings.Contains(r.Body, "SECRET") {
		t.Errorf("%v\n%s", r.Header, r.Body)
	}
}

func TestGuards(t *testing.T) {
	guest, user := newClient(t, nil, nil), newUser(t, nil, nil)
	want(t, guest.Get("/reauth"), 303, "/login?next=%2Freauth")
	want(t, guest.Get("/account/password"), 303, "/login?next=%2Faccount%2Fpassword")
	want(t, guest.Post("/account/password", nil), 303, "/login")
	want(t, user.Get("/login"), 303, "/")
	want(t, user.Get("/signup?next=/dashboard"), 303, "/dashboard")
	want(t, user.Post("/login", url.Values{"email": {"x"}}), 303, "/")
	want(t, guest.Get("/nowhere"), 404, "")
	want(t, guest.Get("/login/"), 404, "")
	want(t, guest.Get("/login").Follow(), 200, "")
	mustContain(t, guest.Get("/account/password").Follow(), "Please log in to go on.")
	if r := guest.Get("/login"); strings.Contains(r.Body, "to go on") {
		t.Errorf("who comes by themselves is asked to go on:\n%s", r.Body)
	}
}

func TestMethods(t *testing.T) {
	c := newUser(t, nil, nil)
	send := func(method, path string) *authtest.Response {
		c.Get("/account/password")
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("X-CSRF-Token", c.Token())
		return c.Do(r)
	}
	for path, allow := range map[string]string{
		"/signup": "GET, HEAD, POST", "/login": "GET, HEAD, POST", "/logout": "POST",
		"/reauth": "GET, HEAD, POST", "/account/password": "GET, HEAD, POST", "/vestibule.css": "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "BREW"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			r := send(method, path)
			want(t, r, 405, "")
			if got := r.Header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got, allow)
			}
		}
	}
	want(t, send("HEAD", "/reauth"), 200, "")
}

func TestSignup(t *testing.T) {
	c := newClient(t, nil, nil)
	form := url.Values{"email": {" Ann@Example.com "}, "password": {authtest.Password}, "confirm": {authtest.Password + "x"}}
	r := c.Post("/signup", form)
	want(t, r, 422, "")
	if got := r.Field("email"); got != "Ann@Example.com" {
		t.Errorf("email is %q", got)
	}
	mustContain(t, r, "<title>Error: Sign up</title>", `role="alert"`, `<a href="#confirm">Password again</a>`, `aria-describedby="confirm-error" autofocus>`)
	c.Post("/signup", url.Values{"email": {ann}, "password": {another}, "confirm": {another}})
	want(t, c.Get("/reauth"), 200, "")
	want(t, c.Logout(), 303, "/")
	form.Set("confirm", authtest.Password)
	r = c.Post("/signup", form)
	want(t, r, 422, "")
	mustContain(t, r, "Someone has signed up with this email already.")
}

func TestLogin(t *testing.T) {
	c := newUser(t, nil, nil)
	c.Logout()
	r := c.Login(ann, another)
	want(t, r, 422, "")
	if r.Field("email") != ann {
		t.Errorf("email is %q", r.Field("email"))
	}
	mustContain(t, r, "The email or the password is wrong.", `aria-describedby="summary" autofocus>`)
	mustBeAlike(t, c.Login("bob@example.com", another), r)
	want(t, c.Login(ann, ""), 422, "")
	r = c.Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "remember": {"yes"}, "next": {"/dashboard?page=2"}})
	want(t, r, 303, "/dashboard?page=2")
	if s := r.Cookie("session"); s == nil || s.MaxAge <= 0 {
		t.Errorf("session is not remembered: %v", s)
	}
}

var tokens = regexp.MustCompile(`name="csrf_token" value="[^"]*"`)

func stripToken(page string) string { return tokens.ReplaceAllString(page, "") }

// mustBeAlike checks that an unknown user gets the same page as a wrong password.
func mustBeAlike(t testing.TB, unknown, wrong *authtest.Response) {
	t.Helper()
	page := strings.ReplaceAll(stripToken(unknown.Body), "bob@example.com", ann)
	if unknown.Status != wrong.Status || page != stripToken(wrong.Body) {
		t.Errorf("an unknown user gets\n%s\nand a wrong password\n%s", unknown.Body, wrong.Body)
	}
}

func mustContain(t testing.TB, r *authtest.Response, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(r.Body, part) {
			t.Errorf("%s %s: no %q in\n%s", r.Method, r.URL, part, r.Body)
		}
	}
}

func TestKeepsTyped(t *testing.T) {
	c := newClient(t, nil, nil)
	r := c.Post("/login", url.Values{"email": {ann}, "password": {another}, "remember": {"yes"}, "next": {"/dashboard?a=1&b=2"}})
	want(t, r, 422, "")
	if r.Field("next") != "/dashboard?a=1&b=2" {
		t.Errorf("next is %q", r.Field("next"))
	}
	mustContain(t, r, `value="yes" checked>`, `<a href="/signup?next=%2Fdashboard%3Fa%3D1%26b%3D2">`)
}

func TestLogout(t *testing.T) {
	c := newUser(t, nil, nil)
	want(t, c.Logout(), 303, "/")
	want(t, c.Get("/reauth"), 303, "/login?next=%2Freauth")
	want(t, c.Logout(), 303, "/")
}

func TestReauth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newUser(t, nil, &pages.Config{Fresh: 20 * time.Minute})
		time.Sleep(19 * time.Minute)
		want(t, c.Get("/account/password"), 200, "")
		time.Sleep(2 * time.Minute)
		want(t, c.Get("/account/password"), 303, "/reauth?next=%2Faccount%2Fpassword")
		r := c.Get("/account/password").Follow()
		want(t, r, 200, "")
		next := url.Values{"next": {r.Field("next")}, "password": {another}}
		r = c.Post("/reauth", next)
		want(t, r, 422, "")
		mustContain(t, r, "This is not your current password.", ann, `aria-describedby="password-error" autofocus>`)
		next.Set("password", authtest.Password)
		want(t, c.Post("/reauth", next), 303, "/account/password")
		want(t, c.Get("/account/password"), 200, "")
	})
}

func TestFreshByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newUser(t, nil, nil)
		time.Sleep(15*time.Minute + time.Second)
		want(t, c.Get("/account/password"), 303, "/reauth?next=%2Faccount%2Fpassword")
	})
}

func TestPassword(t *testing.T) {
	c := newUser(t, nil, nil)
	r := c.Post("/account/password", url.Values{"current": {"x"}, "password": {another}, "confirm": {another}})
	want(t, r, 422, "")
	mustContain(t, r, "This is not your current password.", `id="current-error"`)
	want(t, c.Post("/account/password", nil), 422, "")
	r = c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {another}, "confirm": {another}})
	want(t, r, 303, "/account/password")
	r = r.Follow()
	want(t, r, 200, "")
	mustContain(t, r, "Your password is changed")
	want(t, c.Get("/account/password"), 200, "")
	if inputs(c.Get("/account/password")) == nil {
		t.Error("the form does not come back")
	}
	c.Logout()
	want(t, c.Login(ann, authtest.Password), 422, "")
	want(t, c.Login(ann, another), 303, "/")
}

// TestNoEcho sends forms that are refused, and looks for what was secret in them.
func TestNoEcho(t *testing.T) {
	const secret = "Sesame<&\"'>Sesame"
	for path, c := range map[string]*authtest.Client{
		"/signup": newClient(t, nil, nil), "/login": newClient(t, nil, nil),
		"/reauth": newUser(t, nil, nil), "/account/password": newUser(t, nil, nil),
	} {
		form := url.Values{"email": {ann + ">"}, "password": {secret}, "confirm": {secret + "x"}, "current": {secret}}
		for _, token := range []string{"", "stale"} {
			status := 422
			if token != "" {
				form.Set("csrf_token", token)
				status = 403
			}
			r := c.Post(path, form)
			want(t, r, status, "")
			if strings.Contains(r.Body, "Sesame") {
				t.Errorf("%s, token %q: the password comes back:\n%s", path, token, r.Body)
			}
		}
	}
}

func TestNoInjection(t *testing.T) {
	const attack = `/"><script>alert(1)</script>'onfocus=alert(1)`
	c := newClient(t, nil, &pages.Config{Name: attack})
	form := url.Values{"email": {attack}, "password": {"x"}, "confirm": {"x"}, "next": {"/dashboard?" + attack}}
	for _, path := range []string{"/signup", "/login", "/login?next=" + url.QueryEscape("/x?"+attack)} {
		form.Del("csrf_token")
		want(t, c.Get(path), 200, "")
		r := c.Post(path, form)
		want(t, r, 422, "")
		form.Set("csrf_token", "stale")
		stale := c.Post(path, form)
		want(t, stale, 403, "")
		if r.Field("email") != attack || stale.Field("email") != attack {
			t.Errorf("%s: email came back as %q and %q", path, r.Field("email"), stale.Field("email"))
		}
	}
}

// elsewhere holds targets that lead away from the application, in one browser or another.
var elsewhere = []string{
	"https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example",
	"/\n/evil.example", "\t//evil.example", " //evil.example", "javascript:alert(1)", "http:evil.example", "evil.example",
	"/%2f\\evil.example\x00", "https:/evil.example", "@evil.example", "", "/a\r\nX: y",
}

func TestNext(t *testing.T) {
	c := newUser(t, nil, nil)
	for _, next := range elsewhere {
		c.Logout()
		query := "?next=" + url.QueryEscape(next)
		r := c.Get("/login" + query)
		want(t, r, 200, "")
		if r.Field("next") != "" || !strings.Contains(r.Body, `href="/signup"`) {
			t.Errorf("%q is kept in\n%s", next, r.Body)
		}
		want(t, c.Post("/login"+query, url.Values{"email": {ann}, "password": {authtest.Password}, "next": {next}}), 303, "/")
		want(t, c.Get("/login"+query), 303, "/")
	}
}

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := &auth.Config{Hasher: slow{}, HashSeats: 1, HashWait: time.Second}
		h := pages.Handler(authtest.New(t, cfg))
		go func() { authtest.NewClient(t, h).Login("bob@example.com", another) }()
		synctest.Wait()
		c := authtest.NewClient(t, h)
		r := c.Post("/login", url.Values{"email": {ann}, "password": {another}, "next": {"/dashboard"}})
		want(t, r, 503, "")
		mustContain(t, r, `role="status"`, "try again in a few seconds")
		if r.Header.Get("Retry-After") == "" || r.Field("email") != ann || r.Field("next") != "/dashboard" || strings.Contains(r.Body, "aria-invalid") {
			t.Errorf("the form does not come back: %v\n%s", r.Header, r.Body)
		}
		r = c.Signup(ann, authtest.Password)
		want(t, r, 503, "")
		time.Sleep(time.Minute)
		want(t, c.Signup(ann, authtest.Password), 303, "/")
	})
}

// Too many guesses: the form comes back as it was, and says when to send it again.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil, nil)
		wrong := url.Values{"email": {ann}, "password": {another}, "next": {"/dashboard"}, "remember": {"on"}}
		for range 5 {
			want(t, c.Post("/login", wrong), 422, "")
		}
		r := c.Post("/login", wrong)
		want(t, r, 429, "")
		mustContain(t, r, `role="alert"`, "too many attempts", "in 1 second.", "checked")
		if r.Header.Get("Retry-After") != "1" || r.Field("email") != ann || r.Field("next") != "/dashboard" || strings.Contains(r.Body, "aria-invalid") {
			t.Errorf("the form does not come back: %v\n%s", r.Header, r.Body)
		}
	})
}

// A password that others may know leads to a new one, and then on.
func TestCompromised(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	if err := m.MarkCompromised(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	c := authtest.NewClient(t, pages.Handler(m))
	c.TokenPath = "/login"
	want(t, c.Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "next": {"/dashboard"}}), 303, "/account/password?next=%2Fdashboard")
	want(t, c.Get("/reauth"), 303, "/account/password?next=%2Freauth")
	r := c.Get("/account/password?next=/dashboard")
	want(t, r, 200, "")
	mustContain(t, r, "Choose a new password", ann)
	form := url.Values{"current": {authtest.Password}, "password": {"short"}, "confirm": {"short"}, "next": {"/dashboard"}}
	r = c.Post("/account/password", form)
	want(t, r, 422, "")
	mustContain(t, r, "Choose a new password")
	form["password"], form["confirm"] = []string{another}, []string{another}
	want(t, c.Post("/account/password", form), 303, "/account/password?next=%2Fdashboard")
	r = c.Get("/account/password?next=%2Fdashboard")
	want(t, r, 200, "")
	mustContain(t, r, "Your password is changed", `href="/dashboard"`)
	want(t, c.Get("/reauth"), 200, "")
}

// slow is a hasher that takes half a minute.
type slow struct{ authtest.Hasher }

func (s slow) Verify(hash, password string) (ok, stale bool, err error) {
	time.Sleep(30 * time.Second)
	return s.Hasher.Verify(hash, password)
}

func TestStale(t *testing.T) {
	stale := func(c *authtest.Client, path string) *authtest.Response {
		t.Helper()
		r := c.Post(path, url.Values{"email": {"Ann@Example.com"}, "password": {authtest.Password}, "confirm": {authtest.Password}, "csrf_token": {"x"}, "next": {"/dashboard"}, "remember": {"on"}})
		want(t, r, 403, "")
		return r
	}
	c := newClient(t, nil, nil)
	for _, path := range []string{"/signup", "/login"} {
		r := stale(c, path)
		mustContain(t, r, "Nothing has happened yet", `action="`+path+`"`)
		if r.Field("email") != "Ann@Example.com" || r.Field("next") != "/dashboard" || strings.Contains(r.Body, "aria-invalid") {
			t.Errorf("%s: the form does not come back:\n%s", path, r.Body)
		}
	}
	want(t, c.Login(ann, authtest.Password), 422, "") // with the fresh token
	for _, path := range []string{"/reauth", "/account/password"} {
		r := stale(c, path)
		mustContain(t, r, "logged out in the meantime", `action="/login"`)
		if r.Field("next") != "/dashboard" || r.Field("email") != "" {
			t.Errorf("%s: next is %q, email is %q", path, r.Field("next"), r.Field("email"))
		}
	}
	mustContain(t, stale(c, "/logout"), "logged out already")
	mustContain(t, stale(c, "/nowhere"), "This is not possible")

	c = newUser(t, nil, nil)
	for _, path := range []string{"/reauth", "/account/password", "/logout"} {
		mustContain(t, stale(c, path), "Nothing has happened yet", `action="`+path+`"`)
	}
	for _, path := range []string{"/login", "/signup"} {
		mustContain(t, stale(c, path), "You are logged in already", ann, `href="/dashboard"`)
	}
	want(t, c.Logout(), 303, "/")
}

// TestRefused sends what another site made a browser send: nothing of it comes back.
func TestRefused(t *testing.T) {
	c := newClient(t, nil, nil)
	c.Header.Set("Origin", "https://evil.example")
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	r := c.Login(ann, authtest.Password)
	want(t, r, 403, "")
	if strings.Contains(r.Body, ann) || strings.Contains(r.Body, "<form") {
		t.Errorf("page:\n%s", r.Body)
	}
	for accept, typ := range map[string]string{
		"application/json": "application/problem+json", "application/problem+json": "application/problem+json",
		"text/html": "text/html; charset=utf-8", "text/html, application/json": "text/html; charset=utf-8", "": "text/html; charset=utf-8",
	} {
		c.Header.Set("Accept", accept)
		r = c.Login(ann, authtest.Password)
		want(t, r, 403, "")
		if got := r.Header.Get("Content-Type"); got != typ {
			t.Errorf("Accept %q: type %q", accept, got)
		}
	}
	rec := httptest.NewRecorder()
	pages.CSRFRefused(rec, httptest.NewRequest("POST", "/login", nil))
	if rec.Code != 403 {
		t.Errorf("outside a Manager: status %d", rec.Code)
	}
}

func TestUnreadable(t *testing.T) {
	c := newUser(t, nil, nil)
	send := func(path, typ, body string) *authtest.Response {
		c.Get("/account/password")
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", typ)
		r.Header.Set("X-CSRF-Token", c.Token())
		return c.Do(r)
	}
	for _, path := range []string{"/reauth", "/account/password"} {
		for _, typ := range []string{"application/xml", "text/plain", "multipart/form-data; boundary=x"} {
			want(t, send(path, typ, "{}"), 415, "")
		}
	}
	want(t, c.Post("/reauth", url.Values{"password": {authtest.Password, authtest.Password}}), 422, "")
	want(t, c.Post("/reauth", url.Values{"password": {authtest.Password}, "next": {"/a", "/b"}}), 422, "")
}

// broken is a store that fails.
type broken struct {
	*memstore.Store
	fails bool
}

var errStore = errors.New("database is gone, password was hunter2")

func (s *broken) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	if s.fails {
		return nil, errStore
	}
	return s.Store.UserByLogin(ctx, login)
}

func (s *broken) CreateUser(ctx context.Context, u *auth.User) error {
	if s.fails {
		return errStore
	}
	return s.Store.CreateUser(ctx, u)
}

func (s *broken) UpdateUser(ctx context.Context, u *auth.User) error {
	if s.fails {
		return errStore
	}
	return s.Store.UpdateUser(ctx, u)
}

func (s *broken) DeleteSession(ctx context.Context, id string) error {
	if s.fails {
		return errStore
	}
	return s.Store.DeleteSession(ctx, id)
}

func TestStoreFails(t *testing.T) {
	store := &broken{Store: memstore.New()}
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	guest, user := authtest.NewClient(t, pages.Handler(m)), authtest.NewClient(t, pages.Handler(m))
	user.Signup(ann, authtest.Password)
	user.Get("/account/password")
	store.fails = true
	for _, r := range []*authtest.Response{
		guest.Login(ann, authtest.Password),
		guest.Signup("bob@example.com", authtest.Password),
		user.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {another}, "confirm": {another}}),
		user.Logout(),
	} {
		want(t, r, 500, "")
		mustContain(t, r, "Something went wrong")
		if strings.Contains(r.Body, "database") {
			t.Errorf("%s tells too much:\n%s", r.URL, r.Body)
		}
	}
}

func TestHooks(t *testing.T) {
	refuse := error(nil)
	cfg := &auth.Config{Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error { return refuse }}}}
	m := authtest.New(t, cfg)
	authtest.User(t, m, ann)
	login := func() *authtest.Response {
		return authtest.NewClient(t, pages.Handler(m)).Post("/login", url.Values{"email": {ann}, "password": {authtest.Password}, "next": {"/a?b"}})
	}
	refuse = auth.ErrSecondFactor
	want(t, login(), 401, "")
	refuse = auth.ErrDisabled
	want(t, login(), 403, "")
	refuse = auth.ErrBadLogin
	r := login()
	want(t, r, 422, "")
	mustContain(t, r, "The email or the password is wrong.")
	refuse = auth.FormErrors{{Field: "email", Code: "closed", Message: "Come back tomorrow."}}
	r = login()
	want(t, r, 422, "")
	mustContain(t, r, "Come back tomorrow.")
	refuse = errors.New("secret of the house")
	want(t, login(), 500, "")
	cfg.SecondFactorURL = "/code"
	m = authtest.New(t, cfg)
	authtest.User(t, m, ann)
	refuse = auth.ErrSecondFactor
	want(t, login(), 303, "/code?next=%2Fa%3Fb")
}

func TestStyle(t *testing.T) {
	c := newClient(t, nil, nil)
	c.Header.Set("Cookie", "session=whatever")
	r := c.Get("/vestibule.css")
	want(t, r, 200, "")
	if r.Header.Get("Content-Type") != "text/css; charset=utf-8" || strings.Contains(r.Body, "url(") || strings.Contains(r.Body, "@import") || len(r.Cookies()) > 0 {
		t.Errorf("%v\n%s", r.Header, r.Body)
	}
	c.Header.Set("If-None-Match", r.Header.Get("ETag"))
	want(t, c.Get("/vestibule.css"), 304, "")
}

// TestContrast checks the colours of the sheet (WCAG 2.2, 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	sheet := newClient(t, nil, nil).Get("/vestibule.css").Body
	light, dark, ok := strings.Cut(sheet, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark colours")
	}
	for _, mode := range []string{light, dark} {
		for _, pair := range []struct {
			fore, back string
			least      float64
		}{
			{"ink", "card", 4.5}, {"ink", "ground", 4.5}, {"soft", "card", 4.5}, {"bad", "card", 4.5}, {"accent", "card", 4.5},
			{"on-accent", "accent", 4.5}, {"on-accent", "pressed", 4.5}, {"ink", "bad-ground", 4.5}, {"ink", "note-ground", 4.5},
			{"line", "card", 3}, {"bad", "bad-ground", 3}, {"note", "note-ground", 3},
		} {
			a, b := luminance(t, mode, pair.fore), luminance(t, mode, pair.back)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
				t.Errorf("%s on %s: %.2f, want %.1f", pair.fore, pair.back, ratio, pair.least)
			}
		}
	}
}

func TestNotFoundSetsNoCookie(t *testing.T) {
	r := newClient(t, nil, nil).Get("/nowhere")
	want(t, r, 404, "")
	if len(r.Cookies()) > 0 {
		t.Errorf("cookies %v", r.Cookies())
	}
}

func TestName(t *testing.T) {
	c := newClient(t, nil, &pages.Config{Name: "Fish & Chips"})
	mustContain(t, c.Get("/login"), "<title>Log in – Fish &amp; Chips</title>", `<a href="/">Fish &amp; Chips</a>`)
	if strings.Contains(newClient(t, nil, nil).Get("/login").Body, "<header>") {
		t.Error("a header without a name")
	}
}

func TestLayout(t *testing.T) {
	layout := fstest.MapFS{"layout.html": {Data: []byte(`<!doctype html><html lang="en"><title>{{.Title}} at {{.Site}}</title><body>
<nav>{{with .User}}{{.Email}} <form method="post" action="/logout"><input type="hidden" name="csrf_token" value="{{$.Token}}"></form>{{end}}{{.Status}}</nav>
<main>{{.Body}}</main></html>`)}}
	c := newUser(t, nil, &pages.Config{Name: "Shop", Templates: layout})
	r := c.Get("/reauth")
	want(t, r, 200, "")
	mustContain(t, r, "<title>Is it still you? at Shop</title>", "<nav>"+ann, "200</nav>")
	want(t, c.Post("/logout", url.Values{"csrf_token": {r.Field("csrf_token")}}), 303, "/")
	r = c.Get("/login?next=%2fa")
	want(t, r, 200, "")
	mustContain(t, r, "<nav>200</nav>")
}

// A template that cannot work is found before there are visitors; one that fails later gives a clean 500.
func TestTemplatesFail(t *testing.T) {
	for name, text := range map[string]string{
		"layout.html": "half a page {{.Nothing}}", "login.html": `<a href="{{if .Site}}">{{end}}`, "message.html": "{{", "part.html": "{{template", "signup.html": `{{template "none"}}`,
	} {
		_, err := pages.New(&pages.Config{Templates: fstest.MapFS{name: {Data: []byte(text)}}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %q: error %v", name, text, err)
		}
	}
	log := new(strings.Builder)
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	defer slog.SetDefault(old)
	funcs := template.FuncMap{"fail": func(path string) (string, error) {
		if path == "/login" {
			return "", errors.New("out of ink")
		}
		return "", nil
	}}
	r := newClient(t, nil, &pages.Config{Funcs: funcs, Templates: fstest.MapFS{"layout.html": {Data: []byte("half a page {{fail .Path}}")}}}).Get("/login")
	want(t, r, 500, "")
	if r.Body != "Internal Server Error\n" || !strings.Contains(log.String(), "render") {
		t.Errorf("body %q, log %q", r.Body, log)
	}
}

// TestReplace proves that an application can replace a page, and its policy.
func TestReplace(t *testing.T) {
	m := authtest.New(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `ours <input name="csrf_token" value="%s">`, template.HTMLEscapeString(auth.CSRFToken(r.Context())))
	})
	mux.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "home") })))
	app := m.Handler(mux)
	c := authtest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		app.ServeHTTP(w, r)
	}))
	if r := c.Get("/login"); !strings.HasPrefix(r.Body, "ours") {
		t.Errorf("page:\n%s", r.Body)
	}
	if r := c.Login(ann, authtest.Password); r.Status != 422 || r.Header.Get("Content-Security-Policy") != "default-src 'self'" {
		t.Errorf("status %d, header %v", r.Status, r.Header)
	}
	if r := c.Signup(ann, authtest.Password).Follow(); r.Body != "home" {
		t.Errorf("page:\n%s", r.Body)
	}
}
