// Package authtest helps applications to test what they build on package auth.
//
// A handler that needs a user is tested with a signed-in request:
//
//	m := authtest.New(t, nil)
//	rec := httptest.NewRecorder()
//	m.RequireLogin(dashboard).ServeHTTP(rec, authtest.Request(t, m, authtest.User(t, m, "ann@example.com"), "GET", "/dashboard", nil))
//
// A whole application is walked through with a [Client], which keeps cookies and
// finds CSRF tokens as a browser would:
//
//	c := authtest.NewClient(t, app)
//	c.Signup("ann@example.com", authtest.Password)
//	if r := c.Get("/dashboard"); r.Status != http.StatusOK { … }
//
// An [Outbox] keeps the mails that the application sends, and finds the links in them.
//
// Nothing is switched off for the test: passwords are hashed, sessions stored
// and CSRF tokens checked by the code that serves visitors. None of them
// opens a connection or starts a goroutine, so they work in a bubble of
// testing/synctest, where a session's idle hour passes in no time.
package authtest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

// Password is a password that the default policy accepts. Users made by [User] have it.
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

// New returns a Manager on a new, empty memstore. Where cfg leaves it open the
// Manager has the BaseURL and the Hasher of this package, and logs to the test.
// A nil cfg means the zero Config; cfg itself is not changed. What the Config
// makes impossible fails the test.
//
// To test with a store of your own, give a [Hasher] to auth.New.
func New(t testing.TB, cfg *auth.Config) *auth.Manager {
	t.Helper()
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
	m, err := auth.New(memstore.New(), &c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// User signs up a user with that email and with [Password]. If that is refused
// the test fails.
func User(t testing.TB, m *auth.Manager, email string) *auth.User {
	t.Helper()
	u, err := m.Signup(t.Context(), &auth.SignupForm{Email: email, Password: Password, Confirm: Password})
	if err != nil {
		t.Fatalf("authtest: sign up %s: %v", email, err)
	}
	return u
}

// Request returns a request as a browser would send it in which u has just
// logged in with a password: it carries the cookies, the signs of coming from the
// application itself and, if its method is unsafe, the CSRF token in a header. Without u it is that of a
// guest. If the login is refused, or left pending by a second factor, the test fails.
//
// A form that is not nil becomes the body. For a body of another kind set Body
// and the Content-Type afterwards.
func Request(t testing.TB, m *auth.Manager, u *auth.User, method, target string, form url.Values) *http.Request {
	t.Helper()
	var err error
	var token string
	rec := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u != nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		token = auth.CSRFToken(r.Context())
	})).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if err != nil {
		t.Fatalf("authtest: log in %v: %v", u, err)
	}
	r := newRequest(t, method, target, form)
	for _, c := range rec.Result().Cookies() {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	if unsafe(method) {
		r.Header.Set("X-CSRF-Token", token)
	}
	return r
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
