package authtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

// Login says how users are logged in for a test. The zero Login is that of someone who has just logged in with
// a password, for as long as the browser is open. A nil user is a guest, who can have none of it.
//
// The methods call Manager.Login, so what keeps a user out of the application keeps them out of the
// test, and fails it. A Login is not changed by them, and safe for concurrent use.
type Login struct {
	// App is the application, which SignIn and Client call without a network. Nil means
	// that they go over the network.
	App http.Handler

	// Transport is what they use there; nil means one that keeps no connection
	// open. A test with httptest.NewTLSServer sets it to that of the server's Client.
	Transport http.RoundTripper

	// Factors are the ways in which the user has proved who they are, in their
	// order; nil means auth.FactorPassword alone.
	Factors []string

	// Remembered is auth.Proof.Remember: the session outlasts the browser, and has no idle timeout.
	Remembered bool

	// Stale dates every proof to 1970, so that no RequireFresh lets the user through before they have proved
	// once more who they are. The session lasts as long as any. It needs [Hooks].
	Stale bool

	// Pending leaves the login pending: nobody is logged in, and Pending of package auth returns the user or, if their
	// password is marked as compromised, PendingPassword. Whether the application
	// would have asked this user for a second factor does not matter. It needs [Hooks].
	Pending bool
}

// SignIn returns a client as which u has just logged in with a password: see [Login.SignIn].
func SignIn(t testing.TB, m *auth.Manager, u *auth.User) *http.Client {
	t.Helper()
	return Login{}.SignIn(t, m, u)
}

// Request returns a request of u, who has just logged in with a password: see [Login.Request].
func Request(t testing.TB, m *auth.Manager, u *auth.User, method, target string, form url.Values) *http.Request {
	t.Helper()
	return Login{}.Request(t, m, u, method, target, form)
}

// SignIn returns a client as which u is logged in. It keeps cookies, says that its requests come from
// the application itself, and adds the CSRF token to unsafe ones, in the header X-CSRF-Token.
// It leaves alone what a request says itself of any of these, a field "csrf_token" included.
//
// With l.App it calls that, at paths such as "/dashboard". Without, it goes over the network: to an
// httptest.Server at its URL, whatever m's BaseURL is. Every server on this machine, and the one at BaseURL, counts as
// the application and gets its cookies; others are an error.
//
// It does not follow redirects, so that the test gets to see them; set CheckRedirect to nil to
// change that. Close bodies, as with any client: over the network an open one keeps its goroutines.
// The client is safe for concurrent use.
func (l Login) SignIn(t testing.TB, m *auth.Manager, u *auth.User) *http.Client {
	t.Helper()
	l.check(t, u)
	v := &visitor{m: m, base: base(t, m), address: "127.0.0.1", next: l.transport()}
	if l.App != nil {
		v.address = newAddress()
		v.next = direct{l.App, &v.address}
	}
	cookies, token := l.enter(t, m, u, v.address)
	v.jar = newJar(v.base, cookies)
	v.token, v.cookies = token, join(v.jar.Cookies(v.base))
	return &http.Client{Transport: v, CheckRedirect: stay}
}

// Client returns a visitor as which u is logged in. It calls l.App or, without that, whatever listens at m's BaseURL.
func (l Login) Client(t testing.TB, m *auth.Manager, u *auth.User) *Client {
	t.Helper()
	l.check(t, u)
	c := NewClient(t, l.App)
	c.BaseURL = m.BaseURL()
	if l.App == nil {
		c.Address, c.http.Transport = "127.0.0.1", l.transport()
	}
	cookies, token := l.enter(t, m, u, c.Address)
	c.http.Jar.SetCookies(base(t, m), cookies)
	c.token = token
	return c
}

// Request returns a request as a browser would send it in which u is logged
// in, for a handler: it carries the cookies, the signs of coming from the
// application itself and, if its method is unsafe, the CSRF token in a header.
// l.App and l.Transport are not looked at.
//
// A form that is not nil becomes the body. For a body of another kind set Body
// and the Content-Type afterwards.
func (l Login) Request(t testing.TB, m *auth.Manager, u *auth.User, method, target string, form url.Values) *http.Request {
	t.Helper()
	r := newRequest(t, method, target, form)
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	cookies, token := l.enter(t, m, u, address)
	for _, c := range newJar(base(t, m), cookies).Cookies(base(t, m)) {
		r.AddCookie(c)
	}
	if unsafe(method) {
		r.Header.Set(tokenHeader, token)
	}
	return r
}

// Cookies returns the cookies that the application sets when u logs in, with all that they say: for
// a real browser, which is given them before the test opens the first page.
func (l Login) Cookies(t testing.TB, m *auth.Manager, u *auth.User) []*http.Cookie {
	t.Helper()
	cookies, _ := l.enter(t, m, u, "127.0.0.1")
	return cookies
}

const tokenHeader = "X-CSRF-Token"

// check fails the test if it asks for what cannot be.
func (l Login) check(t testing.TB, u *auth.User) {
	t.Helper()
	if l.App != nil && l.Transport != nil {
		t.Fatalf("authtest: Login has both an App, which is called without a network, and a Transport: set one of them")
	}
	if u == nil && (l.Factors != nil || l.Remembered || l.Stale || l.Pending) {
		t.Fatalf("authtest: Login of nobody: a guest cannot be %s; give a user", l.what())
	}
}

// what names the first thing that l asks for.
func (l Login) what() string {
	switch {
	case l.Stale:
		return "Stale"
	case l.Pending:
		return "Pending"
	case l.Remembered:
		return "Remembered"
	}
	return "asked for Factors"
}

// enter logs u in, from that address, and returns the cookies that the browser then has,
// and the CSRF token.
func (l Login) enter(t testing.TB, m *auth.Manager, u *auth.User, address string) ([]*http.Cookie, string) {
	t.Helper()
	l.check(t, u)
	var cookies []*http.Cookie
	if u != nil {
		cookies = l.login(t, m, u, address)
	}
	p := probe(t.Context(), m, address, cookies)
	if u != nil && p.userID != u.ID {
		t.Fatalf("authtest: the session of %s ended at once: has the user been changed since it was read, is it another Manager's, or does a Hooks.Check refuse it? The log says which", u)
	}
	return append(cookies, p.cookies...), p.token
}

// login logs u in and returns the cookies that are set.
func (l Login) login(t testing.TB, m *auth.Manager, u *auth.User, address string) []*http.Cookie {
	t.Helper()
	factors, fresh, err := l.Factors, false, error(nil)
	if factors == nil {
		factors = []string{auth.FactorPassword}
	}
	cookies := visit(setUp(t.Context(), setup{l.Stale, l.Pending}), m, address, nil, func(w http.ResponseWriter, r *http.Request) {
		err = auth.ErrNotLoggedIn
		for _, f := range factors {
			if err = m.Login(w, r, u, auth.Proof{Factor: f, Remember: l.Remembered}); err != nil && !waits(err) {
				return
			}
		}
		fresh = auth.CurrentSession(r.Context()).Fresh(time.Hour)
	})
	if fault := l.fault(u, err, fresh); fault != "" {
		t.Fatalf("authtest: log in %s: %s", u, fault)
	}
	return cookies
}

// waits reports whether the login is pending.
func waits(err error) bool {
	return errors.Is(err, auth.ErrSecondFactor) || errors.Is(err, auth.ErrNewPassword)
}

const hookless = " needs a Manager of authtest.New, or one with authtest.Hooks at the end of Config.Hooks"

// fault says what is wrong with how the login ended, and what to do about it, or "".
func (l Login) fault(u *auth.User, err error, fresh bool) string {
	switch {
	case len(l.Factors) == 0 && l.Factors != nil:
		return "Login.Factors is empty: name one, or leave it nil for the password"
	case l.Pending && err == nil:
		return "it is not pending: Login.Pending" + hookless
	case l.Pending && waits(err):
		return ""
	case errors.Is(err, auth.ErrSecondFactor):
		return "another factor is needed: name those that the user has proved in Login.Factors, or set Login.Pending"
	case errors.Is(err, auth.ErrNewPassword):
		return "the user must choose a new password first: set Login.Pending"
	case errors.Is(err, email.ErrUnconfirmed):
		return "the address is not confirmed, and the Manager lets nobody in without: make the user by authtest.User"
	case err != nil:
		return "the Manager refuses: " + err.Error()
	case l.Stale && fresh:
		return "it is not stale: Login.Stale" + hookless
	}
	return ""
}

// Hooks are what makes a login Stale or Pending: as the last of auth.Config.Hooks, where [Config] puts them. They change the
// session that is about to be stored, as any Hooks.Login could, and only in logins of this package's own: those that
// come from elsewhere they leave alone, and no request can claim to be one. So package auth needs no clock and no second
// way in, and they weaken nothing where they are forgotten; but they belong into tests.
func Hooks() auth.Hooks {
	return auth.Hooks{Login: func(_ http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
		as, _ := r.Context().Value(setupKey{}).(setup)
		if as.stale {
			for f := range s.Factors {
				s.Factors[f] = longAgo
			}
		}
		if as.pending && !u.Compromised() { // they wait already, for something else
			return auth.ErrSecondFactor
		}
		return nil
	}}
}

// longAgo is before any time.Now() less the d of a RequireFresh, in bubbles of
// testing/synctest too, which begin in the year 2000.
var longAgo = time.Unix(0, 0).UTC()

// setup marks, in a context, what this package does to prepare a test. No request that comes from
// elsewhere has it.
type setup struct{ stale, pending bool }

type setupKey struct{}

func setUp(ctx context.Context, as setup) context.Context {
	return context.WithValue(ctx, setupKey{}, as)
}

// isSetUp reports whether the test is being prepared.
func isSetUp(ctx context.Context) bool {
	_, ok := ctx.Value(setupKey{}).(setup)
	return ok
}

// visit calls f in a request that has come through m.Handler, and returns the cookies
// that are set.
func visit(ctx context.Context, m *auth.Manager, address string, cookies []*http.Cookie, f http.HandlerFunc) []*http.Cookie {
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.RemoteAddr = net.JoinHostPort(address, "1234")
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	rec := httptest.NewRecorder()
	m.Handler(f).ServeHTTP(rec, r)
	return rec.Result().Cookies()
}

// probed is what m makes of a browser's cookies.
type probed struct {
	userID  string // who is logged in, or whose login is pending
	token   string // for the next form
	cookies []*http.Cookie
}

func probe(ctx context.Context, m *auth.Manager, address string, cookies []*http.Cookie) (p probed) {
	p.cookies = visit(setUp(ctx, setup{}), m, address, cookies, func(_ http.ResponseWriter, r *http.Request) {
		for _, u := range []*auth.User{auth.CurrentUser(r.Context()), auth.Pending(r.Context()), auth.PendingPassword(r.Context())} {
			if u != nil {
				p.userID = u.ID
			}
		}
		p.token = auth.CSRFToken(r.Context())
	})
	return p
}

func base(t testing.TB, m *auth.Manager) *url.URL {
	t.Helper()
	u, err := url.Parse(m.BaseURL())
	if err != nil { // auth.New has parsed it
		t.Fatalf("authtest: BaseURL: %v", err)
	}
	u.Path = "/"
	return u
}

func newJar(base *url.URL, cookies []*http.Cookie) http.CookieJar {
	jar, _ := cookiejar.New(nil) // never fails
	jar.SetCookies(base, cookies)
	return jar
}

// stay is a CheckRedirect that follows none.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
