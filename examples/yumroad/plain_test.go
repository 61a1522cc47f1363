package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

// newPlain serves the pages as they come, in their own layout.
func newPlain(t *testing.T) (base string, mails *authtest.Outbox) {
	t.Helper()
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	site, err := pages.New(&pages.Config{Name: "Vestibule"})
	if err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{BaseURL: srv.URL, HomeURL: "/account/sessions", Hasher: authtest.Hasher{}, Hooks: []auth.Hooks{email.Hooks(0)}, CSRFRefused: http.HandlerFunc(site.CSRFRefused)})
	if err != nil {
		t.Fatal(err)
	}
	mails = new(authtest.Outbox)
	links, err := email.New(m, store, &email.Config{Mailer: mails})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(t.Context()) })
	h = m.Handler(site.Handler(m, links))
	return srv.URL, mails
}

// TestPlainPages looks at every page in the layout of package pages, in both its languages.
func TestPlainPages(t *testing.T) {
	for _, words := range lang.Builtin() {
		language := words.Tag()
		t.Run(language, func(t *testing.T) {
			b := startChromium(t)
			p := &plain{chromium: b, words: words}
			b.base, p.mails = newPlain(t)
			p.speak(language)
			p.guest()
			p.user()
			b.wantQuiet(http.StatusNotFound, http.StatusForbidden, http.StatusMethodNotAllowed)
		})
	}
	wantAxe(t)
}

// plain is a visitor of these pages.
type plain struct {
	*chromium
	mails *authtest.Outbox
	words *lang.Language
}

// speak makes the browser ask for that language.
func (p *plain) speak(language string) {
	p.t.Helper()
	agent := eval[string](p.chromium, "navigator.userAgent")
	if _, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language}); err != nil {
		p.t.Fatalf("browser: %v", err)
	}
}

// look checks the page that is there, which has to be in the right language and to say that: texts, or
// keys of texts.
func (p *plain) look(name string, texts ...string) {
	p.t.Helper()
	if got := eval[string](p.chromium, "document.documentElement.lang"); got != p.words.Tag() {
		p.t.Errorf("page %s is in %q, want %q", name, got, p.words.Tag())
	}
	text := p.text()
	if strings.ContainsAny(text, "{}") || slices.ContainsFunc(p.words.Keys(), func(key string) bool { return strings.Contains(text, key) }) {
		p.t.Errorf("page %s has something else than words on it:\n%s", name, text)
	}
	for _, want := range texts {
		if p.words.Has(want) {
			want = p.words.Text(want)
		}
		p.wantText(want)
	}
	p.shoot("plain-" + p.words.Tag() + "-" + name)
}

// refuse sends the form of the page with what cannot be accepted.
func (p *plain) refuse(name, focus string, fields ...string) {
	p.t.Helper()
	path := p.path()
	p.fill(fields...)
	p.submit(path, path, http.StatusUnprocessableEntity)
	p.wantFocus(focus)
	p.look(name)
}

// send fills in the form of the page and sends it.
func (p *plain) send(want string, fields ...string) {
	p.t.Helper()
	path := p.path()
	p.fill(fields...)
	p.submit(path, want, http.StatusOK)
}

func (p *plain) goTo(path string) {
	p.t.Helper()
	to, _, _ := strings.Cut(path, "?")
	p.open(path, to, http.StatusOK)
}

// link waits for a mail, and returns where its link leads to.
func (p *plain) link(to, kind string) (path string) {
	p.t.Helper()
	return p.mails.Link(p.mails.Wait(p.t, to, kind))
}

func (p *plain) guest() {
	p.t.Helper()
	p.goTo("/signup")
	p.look("signup", "signup.title")
	p.refuse("signup-refused", "email", "email", "ann", "password", "short", "confirm", "other")
	p.wantText(p.words.Text("form.summary"))
	p.send("/signup", "email", ann, "password", authtest.Password, "confirm", authtest.Password)
	p.look("signup-sent", "notice.signup_sent.title")
	first := p.link(ann, email.KindConfirm)
	p.goTo("/confirm/resend")
	p.look("resend", "resend.lead")
	p.refuse("resend-refused", "email", "email", "ann")
	p.send("/confirm/resend", "email", ann)
	p.look("resend-sent", "notice.resend_sent.text")
	p.goTo(first)
	p.look("confirm", "confirm.lead")
	p.refuse("confirm-refused", "password", "password", "wrong")
	p.send("/confirm", "password", authtest.Password)
	p.look("confirmed", "notice.confirmed.title")
	p.open(first, "/confirm", http.StatusNotFound)
	p.look("bad-link", "message.link.title")

	p.goTo("/password/forgot")
	p.look("forgot", "forgot.lead")
	p.refuse("forgot-refused", "email", "email", "ann")
	p.send("/password/forgot", "email", ann)
	p.look("forgot-sent", "notice.forgot_sent.text")
	p.goTo(p.link(ann, email.KindReset))
	p.look("reset", "reset.lead")
	p.refuse("reset-refused", "password", "password", "short", "confirm", "other")
	p.send("/password/reset", "password", newPassword, "confirm", newPassword)
	p.look("reset-done", "notice.reset_done.title")
	p.open("/nowhere", "/nowhere", http.StatusNotFound)
	p.look("not-found", "message.404.title")
	p.open("/logout", "/logout", http.StatusMethodNotAllowed)
	p.look("wrong-method", "message.405.title")
}

func (p *plain) user() {
	p.t.Helper()
	p.goTo("/login")
	p.look("login", "login.title")
	p.refuse("login-refused", "password", "email", ann, "password", "wrong")
	if _, err := chromedp.Call(p.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		p.t.Fatalf("browser: %v", err)
	}
	p.fill("password", newPassword)
	p.submit("/login", "/login", http.StatusForbidden) // as after a day in another tab
	p.look("login-stale", "form.stale")
	p.send("/account/sessions", "email", ann, "password", newPassword)
	p.look("sessions", "sessions.title")
	p.load(chromedp.Click(chromedp.CSS(`form[action$="revoke-others"] button`)))
	p.look("sessions-revoked", "sessions.revoked.others")
	p.goTo("/reauth?next=" + url.QueryEscape("/account/password"))
	p.look("reauth", "reauth.lead")
	p.refuse("reauth-refused", "password", "password", "wrong")
	p.send("/account/password", "password", newPassword)
	p.look("password", "password.lead")
	p.refuse("password-refused", "current", "current", "wrong", "password", authtest.Password, "confirm", authtest.Password)
	p.send("/account/password", "current", newPassword, "password", authtest.Password, "confirm", authtest.Password)
	p.look("password-changed", "notice.password_changed.title")
	p.goTo("/account/email")
	p.look("email", "email.lead")
	p.refuse("email-refused", "email", "email", ann)
	p.send("/account/email", "email", ann2)
	p.look("email-sent", "notice.email_sent.title")
	p.goTo(p.link(ann2, email.KindChange))
	p.look("confirm-change", ann2)
	p.goTo("/account/delete")
	p.look("delete", "delete.lead")
	p.submit("/account/delete", "/account/delete", http.StatusOK)
	p.look("deleted", "notice.deleted.title")
}
