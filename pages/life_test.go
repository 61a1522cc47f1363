package pages_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/internal/leak/leakmail"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

const (
	carol = "carol@example.com"
	third = "garden thunder pillow anchor"
)

// life is an application with pages, and mail.
type life struct {
	t     testing.TB
	out   authtest.Outbox
	m     *auth.Manager
	store auth.Store
	app   http.Handler
}

func newLife(t testing.TB, cfg *auth.Config, look *pages.Config) *life {
	t.Helper()
	l, s := &life{t: t, store: memstore.New()}, newSite(t, look)
	cfg = watched(cfg, s)
	cfg.BaseURL, cfg.Hasher = authtest.BaseURL, authtest.Hasher{}
	var err error
	if l.m, err = auth.New(l.store, cfg); err != nil {
		t.Fatal(err)
	}
	links, err := email.New(l.m, l.store, &email.Config{Mailer: leakmail.Watch(&watch, &l.out), SiteName: "The Shop", Contact: "help@shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	l.app = watch.Handler(s.Handler(l.m, links))
	return l
}

func (l *life) client() *authtest.Client {
	c := authtest.NewClient(l.t, l.app)
	c.TokenPath = "/account/password"
	return c
}

// block keeps out who has not confirmed.
func block() *auth.Config { return &auth.Config{Hooks: []auth.Hooks{email.Hooks(0)}} }

// open opens the link of a mail, as the browser does: the token moves out of the address.
func (l *life) open(c *authtest.Client, m *email.Message, path string) *authtest.Response {
	l.t.Helper()
	link := l.out.Link(m)
	r := c.Get(link)
	if r.Status != 303 || r.Location != path || r.Header.Get("Referrer-Policy") != "no-referrer" {
		l.t.Errorf("%s: status %d to %q, %v", path, r.Status, r.Location, r.Header)
	}
	r = r.Follow()
	_, query, _ := strings.Cut(link, "token=")
	if strings.Contains(r.URL, query) || r.Field("token") != query {
		l.t.Errorf("%s: the token is %q in\n%s", r.URL, r.Field("token"), r.Body)
	}
	want(l.t, r, 200, "")
	return r
}

// send sends the form of a page with its hidden fields.
func send(c *authtest.Client, r *authtest.Response, path string, fields ...string) *authtest.Response {
	form := url.Values{}
	for _, hidden := range []string{"csrf_token", "token", "next"} {
		if v := r.Field(hidden); v != "" {
			form.Set(hidden, v)
		}
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.Post(path, form)
}

// says checks that the answer leads to a page with that text, which is said once.
func says(t testing.TB, r *authtest.Response, path string, texts ...string) {
	t.Helper()
	want(t, r, 303, path)
	page := r.Follow()
	want(t, page, 200, "")
	mustContain(t, page, texts...)
}

func who(c *authtest.Client) string {
	r, body := c.Get("/session"), struct{ User *struct{ Email string } }{}
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil || body.User == nil {
		return "nobody"
	}
	return body.User.Email
}

// newMember returns a visitor who has signed up, confirmed, and logged in.
func (l *life) newMember(address string) *authtest.Client {
	l.t.Helper()
	c := l.client()
	c.Signup(address, authtest.Password)
	r := l.open(c, l.out.Wait(l.t, address, email.KindConfirm), "/confirm")
	says(l.t, send(c, r, "/confirm", "password", authtest.Password), "/confirm", "Your address is confirmed")
	want(l.t, c.Login(address, authtest.Password), 303, "/")
	return c
}

func TestConfirm(t *testing.T) {
	l := newLife(t, block(), nil)
	c := l.client()
	says(t, c.Signup(ann, authtest.Password), "/signup", "Look into your mail")
	if inputs(c.Get("/signup")) == nil {
		t.Error("the notice is said twice")
	}
	r := c.Login(ann, authtest.Password)
	want(t, r, 422, "")
	mustContain(t, r, "The email or the password is wrong.", `href="/confirm/resend"`, `href="/password/forgot"`)
	m := l.out.Wait(t, ann, email.KindConfirm)
	for range 2 { // to look changes nothing
		l.open(l.client(), m, "/confirm")
	}
	r = l.open(c, m, "/confirm")
	if got := inputs(r); !slices.Equal(got, []string{"email text username", "password password current-password"}) || r.Field("email") != ann {
		t.Errorf("fields %q\n%s", got, r.Body)
	}
	bad := send(c, r, "/confirm", "password", another)
	want(t, bad, 422, "")
	mustContain(t, bad, "This is not your current password.")
	says(t, send(c, bad, "/confirm", "password", authtest.Password), "/confirm", "Your address is confirmed", `href="/login"`)
	if got := who(c); got != "nobody" {
		t.Errorf("a link has logged in %s", got)
	}
	used := c.Get(l.out.Link(m)).Follow()
	want(t, used, 404, "")
	mustContain(t, used, "This link is no good", `href="/confirm/resend"`)
	want(t, c.Login(ann, authtest.Password), 303, "/")
}

// Whoever signs up, the answer is the same.
func TestSignupTellsNobody(t *testing.T) {
	l := newLife(t, block(), nil)
	l.newMember(ann)
	c := l.client()
	taken := c.Signup(ann, another)
	free := l.client().Signup("bob@example.com", another)
	if taken.Status != free.Status || taken.Location != free.Location {
		t.Errorf("%d to %s, and %d to %s", taken.Status, taken.Location, free.Status, free.Location)
	}
	l.out.Wait(t, ann, email.KindTaken)
	want(t, l.client().Login(ann, authtest.Password), 303, "/")
}

func TestResend(t *testing.T) {
	l := newLife(t, block(), nil)
	c := l.client()
	c.Signup(ann, authtest.Password)
	first := l.out.Wait(t, ann, email.KindConfirm)
	for _, address := range []string{ann, "nobody@example.com"} {
		r := c.Get("/confirm/resend")
		want(t, r, 200, "")
		says(t, send(c, r, "/confirm/resend", "email", address), "/confirm/resend", "Look into your mail")
	}
	l.open(l.client(), l.out.Wait(t, ann, email.KindConfirm), "/confirm")
	l.open(l.client(), first, "/confirm")
	want(t, c.Post("/confirm/resend", url.Values{"email": {"x"}}), 422, "")
}

// With grace who signs up is in at once, and confirms later.
func TestSignupLogsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, &auth.Config{Hooks: []auth.Hooks{email.Hooks(24 * time.Hour)}}, &pages.Config{SignupLogsIn: true})
		c := l.client()
		want(t, c.Post("/signup", url.Values{"email": {ann}, "password": {authtest.Password}, "confirm": {authtest.Password}, "next": {"/dashboard"}}), 303, "/dashboard")
		if who(c) != ann {
			t.Error("nobody is logged in")
		}
		m := l.out.Wait(t, ann, email.KindConfirm)
		mustContain(t, c.Get("/confirm/resend"), `value="`+ann+`"`)
		r := l.open(c, m, "/confirm")
		says(t, send(c, r, "/confirm", "password", authtest.Password), "/confirm", "Your address is confirmed", ">Continue<")
		if who(c) != ann {
			t.Error("the session has ended")
		}
		time.Sleep(25 * time.Hour)
		want(t, c.Login(ann, authtest.Password), 303, "/")
		late := l.client()
		want(t, late.Signup("bob@example.com", authtest.Password), 303, "/")
		time.Sleep(25 * time.Hour)
		want(t, late.Login("bob@example.com", authtest.Password), 422, "")
	})
}

func TestForgotten(t *testing.T) {
	l := newLife(t, block(), nil)
	here, c := l.newMember(ann), l.client()
	for _, address := range []string{ann, "nobody@example.com"} {
		r := c.Get("/password/forgot?next=/dashboard")
		want(t, r, 200, "")
		says(t, send(c, r, "/password/forgot", "email", address), "/password/forgot?next=%2Fdashboard", "If there is an account", "/login?next=%2Fdashboard")
	}
	m := l.out.Wait(t, ann, email.KindReset)
	r := l.open(c, m, "/password/reset")
	if got := inputs(r); !slices.Equal(got, []string{"email text username", "password password new-password", "confirm password new-password"}) || r.Field("email") != ann {
		t.Errorf("fields %q\n%s", got, r.Body)
	}
	bad := send(c, r, "/password/reset", "password", "short", "confirm", "short")
	want(t, bad, 422, "")
	mustContain(t, bad, "at least 15 characters", `id="password-error"`)
	says(t, send(c, bad, "/password/reset", "password", another, "confirm", another), "/password/reset", "Your password is set", `href="/login"`)
	if who(here) != "nobody" || who(c) != "nobody" {
		t.Errorf("%s, %s are logged in", who(here), who(c))
	}
	want(t, send(c, bad, "/password/reset", "password", third, "confirm", third), 404, "")
	want(t, c.Login(ann, authtest.Password), 422, "")
	want(t, c.Login(ann, another), 303, "/")
	l.out.Wait(t, ann, email.KindPasswordChanged)
}

func TestChangedPasswordIsTold(t *testing.T) {
	l := newLife(t, block(), nil)
	c := l.newMember(ann)
	form := url.Values{"current": {authtest.Password}, "password": {another}, "confirm": {another}, "next": {"/dashboard"}}
	says(t, c.Post("/account/password", form), "/account/password?next=%2Fdashboard", "Your password is changed", `href="/dashboard"`)
	m := l.out.Wait(t, ann, email.KindPasswordChanged)
	if strings.Contains(m.Text, another) || strings.Contains(m.Text, "token=") || !strings.Contains(m.Text, "help@shop.example") {
		t.Errorf("the mail says\n%s", m.Text)
	}
}

func TestChangeEmail(t *testing.T) {
	l := newLife(t, block(), nil)
	c, there := l.newMember(ann), l.client()
	there.Login(ann, authtest.Password)
	r := c.Get("/account/email")
	want(t, r, 200, "")
	if got := inputs(r); !slices.Equal(got, []string{"email text email"}) {
		t.Errorf("fields %q", got)
	}
	want(t, send(c, r, "/account/email", "email", "x"), 422, "")
	want(t, send(c, r, "/account/email", "email", ann), 422, "")
	says(t, send(c, r, "/account/email", "email", carol), "/account/email", "We have sent a link there")
	if who(c) != ann {
		t.Errorf("%s is logged in before the link was used", who(c))
	}
	m := l.out.Wait(t, carol, email.KindChange)
	// Opened where nobody is logged in, it asks for the account's password.
	r = l.open(l.client(), m, "/confirm")
	mustContain(t, r, "will be known by "+carol)
	if r.Field("email") != ann {
		t.Errorf("the password of %s is asked for", r.Field("email"))
	}
	r = l.open(c, m, "/confirm")
	want(t, send(c, r, "/confirm", "password", another), 422, "")
	says(t, send(c, r, "/confirm", "password", authtest.Password), "/confirm", "Your address is confirmed", ">Continue<")
	if who(c) != carol || who(there) != "nobody" {
		t.Errorf("here is %s, there is %s", who(c), who(there))
	}
	l.out.Wait(t, ann, email.KindEmailChanged)
	want(t, l.client().Login(ann, authtest.Password), 422, "")
	want(t, l.client().Login(carol, authtest.Password), 303, "/")
}

// devices returns the paths at which the sessions on a page are ended, its own first.
func devices(r *authtest.Response) (paths []string) {
	for _, item := range strings.Split(r.Body, "<li>") {
		for _, tag := range parse(item) {
			if tag[""] != "form" || !strings.HasSuffix(tag["action"], "/revoke") {
				continue
			}
			if strings.Contains(item, "This device") {
				paths = slices.Insert(paths, 0, tag["action"])
			} else {
				paths = append(paths, tag["action"])
			}
		}
	}
	return paths
}

func TestDevices(t *testing.T) {
	l := newLife(t, block(), nil)
	here, bobs := l.newMember(ann), l.newMember("bob@example.com")
	other := func() *authtest.Client {
		c := l.client()
		c.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		want(t, c.Login(ann, authtest.Password), 303, "/")
		return c
	}
	one, two := other(), other()
	r := here.Get("/account/sessions")
	want(t, r, 200, "")
	mustContain(t, r, "Firefox on Linux", "Unknown device", "This device", one.Address, `datetime="`)
	all := devices(r)
	if len(all) != 3 || strings.Count(r.Body, "This device") != 1 {
		t.Fatalf("devices %v\n%s", all, r.Body)
	}
	foreign := bobs.Post(all[1], nil)
	want(t, foreign, 404, "")
	if who(one) != ann || who(two) != ann {
		t.Error("bob has ended a session of ann's")
	}
	says(t, here.Post(all[1], nil), "/account/sessions", "It is logged out.")
	if (who(one) == ann) == (who(two) == ann) {
		t.Errorf("%s and %s", who(one), who(two))
	}
	says(t, here.Post("/account/sessions/revoke-others", nil), "/account/sessions", "Wherever else you were logged in")
	if who(one) != "nobody" || who(two) != "nobody" || who(here) != ann {
		t.Errorf("%s, %s, %s", who(one), who(two), who(here))
	}
	want(t, here.Post(devices(here.Get("/account/sessions"))[0], nil), 303, "/login")
	one, two = other(), other()
	want(t, one.Post("/account/sessions/revoke-all", nil), 303, "/login")
	if who(one) != "nobody" || who(two) != "nobody" || who(bobs) != "bob@example.com" {
		t.Errorf("%s, %s, %s", who(one), who(two), who(bobs))
	}
}

// unlisting is a store that cannot tell which sessions there are.
type unlisting struct{ auth.Store }

func (unlisting) Sessions(context.Context, string) ([]*auth.SessionRecord, error) {
	return nil, errors.ErrUnsupported
}

func TestUnlistedDevices(t *testing.T) {
	m, err := auth.New(unlisting{memstore.New()}, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	c, there := authtest.NewClient(t, pages.Handler(m)), authtest.NewClient(t, pages.Handler(m))
	c.Signup(ann, authtest.Password)
	there.Login(ann, authtest.Password)
	r := c.Get("/account/sessions")
	want(t, r, 200, "")
	mustContain(t, r, "cannot be listed")
	want(t, send(c, r, "/account/sessions/revoke-others"), 303, "/account/sessions")
	if who(c) != ann || who(there) != "nobody" {
		t.Errorf("%s, %s", who(c), who(there))
	}
}

func TestExportAndDelete(t *testing.T) {
	cfg := block()
	deleted, fail := "", errStore
	cfg.Hooks = append(cfg.Hooks, auth.Hooks{
		Export: func(_ context.Context, u *auth.User) (string, any, error) { return "orders", []string{"a mug"}, nil },
		Delete: func(_ context.Context, u *auth.User) error { deleted = u.Email; return fail },
	})
	l := newLife(t, cfg, nil)
	c, there := l.newMember(ann), l.client()
	there.Login(ann, authtest.Password)
	r := c.Get("/account/export")
	want(t, r, 200, "")
	mustContain(t, r, ann, "a mug", `"sessions"`)
	if r.Header.Get("Content-Disposition") != `attachment; filename="account.json"` || !json.Valid([]byte(r.Body)) {
		t.Errorf("%v\n%s", r.Header, r.Body)
	}
	r = c.Get("/account/delete")
	want(t, r, 200, "")
	mustContain(t, r, "for good")
	want(t, send(c, r, "/account/delete"), 500, "")
	if who(c) != ann {
		t.Error("the account is gone, though its data are not")
	}
	fail = nil
	says(t, c.Post("/account/delete", nil), "/account/delete", "Your account is deleted")
	if deleted != ann || who(c) != "nobody" || who(there) != "nobody" {
		t.Errorf("deleted %q; %s, %s", deleted, who(c), who(there))
	}
	want(t, c.Get("/account/delete"), 303, "/login?next=%2Faccount%2Fdelete")
	want(t, c.Login(ann, authtest.Password), 422, "")
	l.out.Wait(t, ann, email.KindDeleted)
}

// A form to delete an account is still open, and somebody else has logged in meanwhile: it does nothing, and the one that
// comes back says whose account would go.
func TestDeleteOfAnother(t *testing.T) {
	l := newLife(t, nil, &pages.Config{SignupLogsIn: true})
	c := l.client()
	c.Signup(carol, authtest.Password)
	open := c.Get("/account/delete")
	if open.Field("email") != carol {
		t.Errorf("it does not say whose account it is:\n%s", open.Body)
	}
	c.Logout()
	c.Signup(ann, authtest.Password)
	again := send(c, open, "/account/delete", "email", carol)
	want(t, again, 403, "")
	if who(c) != ann || again.Field("email") != ann {
		t.Errorf("%s is logged in, and the form is\n%s", who(c), again.Body)
	}
}

// What changes an account wants a fresh proof (OWASP ASVS 5.0, 7.5.1 and 7.5.2).
func TestAccountNeedsFreshProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t, block(), nil)
		c := l.newMember(ann)
		id := devices(c.Get("/account/sessions"))[0]
		token := c.Token()
		time.Sleep(16 * time.Minute)
		for _, path := range []string{"/account/password", "/account/email", "/account/sessions", "/account/export", "/account/delete"} {
			want(t, c.Get(path), 303, "/reauth?next="+url.QueryEscape(path))
		}
		for _, path := range []string{"/account/password", "/account/email", id, "/account/sessions/revoke-others", "/account/sessions/revoke-all", "/account/delete"} {
			r := c.Post(path, url.Values{"csrf_token": {token}, "email": {carol}})
			if r.Status != 303 || !strings.HasPrefix(r.Location, "/reauth") {
				t.Errorf("%s: status %d to %q", path, r.Status, r.Location)
			}
		}
		if who(c) != ann {
			t.Errorf("%s is logged in", who(c))
		}
	})
}

// A link that is no good gives one answer, whatever is wrong with it, and forgets the token.
func TestBadLinks(t *testing.T) {
	l := newLife(t, block(), nil)
	c := l.client()
	l.client().Signup(ann, authtest.Password)
	link := l.out.Link(l.out.Wait(t, ann, email.KindConfirm))
	_, token, _ := strings.Cut(link, "token=")
	for _, path := range []string{"/confirm", "/password/reset"} {
		bad := []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 5000), "%00", "<b>"}
		if path == "/password/reset" {
			bad = append(bad, token)
		}
		for _, query := range bad {
			c.Get(link) // whose token must not count in the place of that one
			r := c.Get(path + "?token=" + query)
			if r.Status != 303 || r.Location != path {
				t.Errorf("%s, %q: status %d to %q", path, query, r.Status, r.Location)
			}
			r = r.Follow()
			want(t, r, 404, "")
			mustContain(t, r, "This link is no good")
			if c.Cookie("account_link") != nil {
				t.Errorf("%s, %q: the cookie stays", path, query)
			}
		}
		want(t, c.Post(path, url.Values{"token": {"x"}, "password": {another}, "confirm": {another}}), 404, "")
		want(t, c.Post(path, url.Values{"password": {another}, "confirm": {another}}), 404, "")
		want(t, c.Get(path), 404, "")
	}
}

// A form that was open for too long comes back with what is needed to send it again.
func TestStaleLinks(t *testing.T) {
	l := newLife(t, block(), nil)
	c := l.client()
	c.Signup(ann, authtest.Password)
	r := l.open(c, l.out.Wait(t, ann, email.KindConfirm), "/confirm")
	again := send(c, r, "/confirm", "email", ann, "password", authtest.Password, "csrf_token", "stale")
	want(t, again, 403, "")
	mustContain(t, again, "Nothing has happened yet")
	want(t, send(c, again, "/confirm", "password", authtest.Password), 303, "/confirm")
	for _, path := range []string{"/password/forgot", "/confirm/resend"} {
		again = c.Post(path, url.Values{"email": {ann}, "csrf_token": {"stale"}})
		want(t, again, 403, "")
		if again.Field("email") != ann {
			t.Errorf("%s: the email is not kept:\n%s", path, again.Body)
		}
	}
	again = c.Post("/password/reset", url.Values{"token": {"x"}, "email": {ann}, "password": {another}, "csrf_token": {"stale"}})
	want(t, again, 403, "")
	if again.Field("token") != "x" {
		t.Errorf("the token is not kept:\n%s", again.Body)
	}
}

// The cookies between two pages are short-lived, for this host alone, and out of reach of scripts.
func TestCookiesBetweenPages(t *testing.T) {
	s := newSite(t, nil)
	cfg := watched(nil, s)
	cfg.BaseURL, cfg.Hasher = "https://shop.example", authtest.Hasher{}
	store := memstore.New()
	m, err := auth.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: new(authtest.Outbox)})
	if err != nil {
		t.Fatal(err)
	}
	c := authtest.NewClient(t, s.Handler(m, links))
	c.BaseURL, c.TokenPath = cfg.BaseURL, "/login"
	for name, r := range map[string]*authtest.Response{
		"__Host-account_notice": c.Post("/password/forgot", url.Values{"email": {ann}}),
		"__Host-account_link":   c.Get("/confirm?token=x"),
	} {
		cookie := r.Cookie(name)
		if cookie == nil || !cookie.HttpOnly || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge <= 0 || cookie.MaxAge > 900 {
			t.Errorf("%s is %v", name, cookie)
		}
	}
	// What nobody has left is not said.
	for _, notice := range []string{"confirmed", "<b>", "signup_sent"} {
		c.Header.Set("Cookie", "__Host-account_notice="+notice)
		if r := c.Get("/login"); inputs(r) == nil {
			t.Errorf("%s: %s", notice, r.Body)
		}
	}
}

// Users are told of logins in browsers that are new to them, and of no others.
func TestTellNewBrowsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, second := block(), false
		cfg.Hooks = append(cfg.Hooks, auth.Hooks{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error {
			if second {
				return auth.ErrSecondFactor
			}
			return nil
		}})
		l := newLife(t, cfg, &pages.Config{TellNewBrowsers: true})
		known := l.newMember(ann)
		want(t, known.Logout(), 303, "/")
		told := func() (n int) {
			synctest.Wait()
			for _, m := range l.out.Messages() {
				if m.Kind == email.KindNewBrowser && m.To == ann {
					n++
				}
			}
			return n
		}
		l.client().Login(ann, authtest.Password)
		if told() != 0 {
			t.Error("told in the first hour")
		}
		time.Sleep(2 * time.Hour)
		for i, test := range []struct {
			c        *authtest.Client
			password string
			second   bool
			told     int
		}{
			{known, authtest.Password, false, 0}, {l.client(), another, false, 0}, {l.client(), authtest.Password, false, 1}, {l.client(), authtest.Password, true, 2},
		} {
			second = test.second
			test.c.Login(ann, test.password)
			if n := told(); n != test.told {
				t.Errorf("%d: told %d times, want %d", i, n, test.told)
			}
		}
	})
}

// Whoever is logged in finds the way out on every page of the account.
func TestAccountPagesCanLogOut(t *testing.T) {
	c := newLife(t, block(), nil).newMember(ann)
	for _, path := range []string{"/account/password", "/account/email", "/account/sessions", "/account/delete"} {
		r := c.Get(path)
		want(t, r, 200, "")
		mustContain(t, r, `action="/logout"`, `href="/account/sessions"`, `href="/account/export"`, `href="`+path+`" aria-current="page"`)
	}
}

// Every page speaks German to those who prefer it, and so do the mails.
func TestGerman(t *testing.T) {
	l := newLife(t, block(), nil)
	c := l.client()
	c.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
	r := c.Get("/signup")
	want(t, r, 200, "")
	mustContain(t, r, `<html lang="de">`, "<h1>Registrieren</h1>", "Mindestens 15 Zeichen")
	if r.Header.Get("Content-Language") != "de" || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Accept-Language") {
		t.Errorf("%v", r.Header)
	}
	r = c.Signup("ann", "short")
	want(t, r, 422, "")
	mustContain(t, r, "<title>Fehler: Registrieren</title>", "Bitte geben Sie eine E-Mail-Adresse ein", "mindestens 15 Zeichen")
	says(t, c.Signup(ann, authtest.Password), "/signup", "Sehen Sie in Ihre Mails")
	if m := l.out.Wait(t, ann, email.KindConfirm); !strings.Contains(m.HTML, `lang="de"`) {
		t.Errorf("the mail is\n%s", m.HTML)
	}
	want(t, c.Get("/nirgends"), 404, "")
	mustContain(t, c.Get("/nirgends"), "Diese Seite gibt es nicht")
	mustContain(t, c.Post("/login", url.Values{"csrf_token": {"stale"}}), "Diese Seite war zu lange offen")
}
