// Package authtest helps applications to test what they build on package auth.
//
// The test of a page for which one has to be logged in:
//
//	m := authtest.New(t, nil)
//	c := authtest.Login{App: newApp(m)}.Client(t, m, authtest.User(t, m, "ann@example.com"))
//	c.Get("/dashboard").Want(http.StatusOK, "Hello, ann@example.com")
//
// newApp is the application's own: it makes the handler that serves visitors. And
// the test that nobody else gets in:
//
//	authtest.NewClient(t, newApp(m)).Get("/dashboard").WantLogin(m, "/dashboard")
//
// # What there is
//
// [New] makes a Manager in memory, with cheap hashes, [NewWithMails] one with an [Outbox] for the mails, and
// [Config] completes the Config of an application that makes its Manager itself. [User]
// signs a user up.
//
// The user is logged in, without a form, by a [Login]: its fields make the session remembered, or
// stale, so that RequireFresh asks for the password once more, or pending, as while a second
// factor is missing. What comes out is what the test likes to work with:
//
//   - a [Client], which finds the CSRF token in the page as a browser would: for whole applications, from page to page. [NewClient] makes the one of a guest.
//   - an [http.Client], by [SignIn]: for an httptest.Server, and for code that wants one.
//   - an [http.Request], by [Request]: for one handler, without an application around it.
//   - cookies, by [Login.Cookies]: for a real browser.
//
// [Response.Want], [WantLogin] and [WantRedirect] say what is to come back; if it does not, the test fails and goes on. [Events] and
// [Outbox] have what is to be recorded and mailed. What a test cannot go on without ends it: an event or a mail that it
// waits for, a login that is refused. The message says what to do.
//
// Functions that take a test may be called from its own goroutine only, as its FailNow; what they return says itself
// how it may be used.
//
// # What it does not do
//
// Nothing is switched off for the test: sessions are stored, passwords, hooks and CSRF tokens checked by the code that
// serves visitors, and a user gets in by the same door, Manager.Login. There is no clock to set either. Nothing
// here opens a connection, unless the test asks for one, and no goroutine is left behind, so that it works in a bubble of testing/synctest, where a
// session's idle hour passes in no time.
//
// docs/testing.md is a guide, with a listing for each of these.
package authtest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
)

// Password is a password that the default policy accepts. Users made by [User] and [UnconfirmedUser] have it.
const Password = "window tractor ocean violin"

// BaseURL is the address of the application under test, unless another is given.
const BaseURL = "http://localhost"

// Hasher is an [auth.Hasher] for tests, about a hundred times as fast as the
// default. Whoever gets hold of its hashes can as quickly guess the passwords:
// never give it to a Manager that people use. The zero Hasher is ready for use,
// and safe for concurrent use.
type Hasher struct{}

// cheapest is less than what auth.New accepts of auth.Bcrypt itself.
const cheapest = auth.Bcrypt(4)

// Hash implements [auth.Hasher].
func (Hasher) Hash(password string) (string, error) { return cheapest.Hash(password) }

// Verify implements [auth.Hasher].
func (Hasher) Verify(hash, password string) (ok, stale bool, err error) {
	return cheapest.Verify(hash, password)
}

// Config returns cfg, completed for a test: where it leaves it open it has the BaseURL and the
// [Hasher] of this package, and logs to the test, and its last hooks are [Hooks]. A nil
// cfg means the zero Config; cfg itself is not changed. It is for Managers on a store of the
// test's own, and for applications that call auth.New themselves.
func Config(t testing.TB, cfg *auth.Config) *auth.Config {
	var c auth.Config
	if cfg != nil {
		c = *cfg
	}
	if c.BaseURL == "" {
		c.BaseURL = BaseURL
	}
	if c.Hasher == nil {
		c.Hasher = Hasher{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c.Hooks = append(slices.Clone(c.Hooks), Hooks())
	return &c
}

// New returns a Manager on a new, empty memstore, with the [Config] that is made of
// cfg, which may be nil. What it makes impossible fails the test.
//
// For a store of another kind call auth.New with that Config.
func New(t testing.TB, cfg *auth.Config) *auth.Manager {
	t.Helper()
	return newOn(t, memstore.New(), cfg)
}

func newOn(t testing.TB, store auth.Store, cfg *auth.Config) *auth.Manager {
	t.Helper()
	m, err := auth.New(store, Config(t, cfg))
	if err != nil {
		t.Fatalf("authtest: %v", err)
	}
	return m
}

// NewWithMails is [New], and also returns the Links of package email, for the application's handlers and those of package pages, and
// the Outbox in which their mails arrive. A nil mails means the zero email.Config; its Mailer is
// the Outbox, and another one fails the test. The Links are closed when the test ends.
func NewWithMails(t testing.TB, cfg *auth.Config, mails *email.Config) (*auth.Manager, *email.Links, *Outbox) {
	t.Helper()
	var c email.Config
	if mails != nil {
		c = *mails
	}
	if c.Mailer != nil {
		t.Fatalf("authtest: email.Config.Mailer is the place of the Outbox: leave it nil, or call email.New yourself")
	}
	store, out := memstore.New(), new(Outbox)
	c.Mailer = out
	m := newOn(t, store, cfg)
	links, err := email.New(m, store, &c)
	if err != nil {
		t.Fatalf("authtest: %v", err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	return m, links, out
}

// User signs up a user with that email, which is confirmed, and with [Password]. If that is refused
// the test fails. The Manager's hooks and its log are told of it, as of any signup and Manager.SetEmail. What is
// returned is the user as stored: read it again after the application has changed it.
func User(t testing.TB, m *auth.Manager, email string) *auth.User {
	t.Helper()
	u := UnconfirmedUser(t, m, email)
	if err := m.SetEmail(setUp(t.Context(), setup{}), u, u.Email); err != nil {
		t.Fatalf("authtest: confirm %s: %v; if the store cannot update users, make an UnconfirmedUser", email, err)
	}
	return u
}

// UnconfirmedUser is [User] for one who has not proved yet to read mail sent to that address, as everybody who has
// just signed up.
func UnconfirmedUser(t testing.TB, m *auth.Manager, email string) *auth.User {
	t.Helper()
	u, err := m.Signup(setUp(t.Context(), setup{}), &auth.SignupForm{Email: email, Password: Password, Confirm: Password})
	if err != nil {
		t.Fatalf("authtest: sign up %s: %v", email, err)
	}
	return u
}

// newRequest returns a request as a server gets it, from a page of its own.
func newRequest(t testing.TB, method, target string, form url.Values) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	if form != nil {
		r = httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", formType)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

const formType = "application/x-www-form-urlencoded"

// unsafe reports whether a request of that method needs a CSRF token.
func unsafe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return false
	}
	return true
}
