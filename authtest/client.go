package authtest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// Client is a visitor with a browser: it keeps cookies, says where its requests
// come from, and fills in CSRF tokens. Make one with [NewClient] or, logged in, with [Login.Client], one for each
// visitor. It is not safe for concurrent use.
//
// What goes wrong below HTTP, such as a connection that is refused, fails the
// test. Every answer is a [Response], whatever its status.
type Client struct {
	// BaseURL is the address of the application: that of its auth.Config.
	// NewClient sets it to the constant of that name.
	BaseURL string

	// Address is the visitor's IP address, which limits on guesses and signups go by. NewClient sets it
	// to one that no other Client of the test has. It has no effect on calls over a network.
	Address string

	// Header is sent with every request, besides what the Client sets itself.
	Header http.Header

	// The paths of the application's own forms. NewClient sets them to "/signup",
	// "/login" and "/logout".
	SignupPath, LoginPath, LogoutPath string

	// TokenPath is a page with a form in it, which the Client reads when it needs
	// a CSRF token, and neither the last page nor the one at the path of the form
	// has one. NewClient sets it to "/".
	TokenPath string

	t     testing.TB
	http  *http.Client
	token string // of the last page with a form in it; "": none, or outdated
	page  string // the address of the last page
}

// NewClient returns a visitor of the application app, which it calls without a
// network. If app is nil it calls whatever listens at its BaseURL, which you set.
func NewClient(t testing.TB, app http.Handler) *Client {
	jar, _ := cookiejar.New(nil) // never fails
	hc := &http.Client{Jar: jar, CheckRedirect: stay, Transport: network()}
	c := &Client{
		BaseURL: BaseURL, SignupPath: "/signup", LoginPath: "/login", LogoutPath: "/logout", TokenPath: "/",
		Address: newAddress(), Header: http.Header{"Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}}, t: t, http: hc,
	}
	if app != nil {
		hc.Transport = direct{app, &c.Address}
	}
	return c
}

// newAddress returns the next of the addresses that are for tests (RFC 2544, appendix C.2.2).
func newAddress() string {
	n := addresses.Add(1)
	return netip.AddrFrom4([4]byte{198, 18 + byte(n>>16&1), byte(n >> 8), byte(n)}).String()
}

var addresses atomic.Uint32

// Get asks for a page.
func (c *Client) Get(path string) *Response {
	c.t.Helper()
	return c.Do(c.request("GET", path, nil))
}

// Post sends a form, from a page of the application. If the form has no field
// "csrf_token" Post adds one: that of the page last seen or, if that had none,
// of the page at path, of TokenPath, or of LoginPath, which it then gets first.
// Where all have none the form goes out without; form itself is not changed.
func (c *Client) Post(path string, form url.Values) *Response {
	c.t.Helper()
	full := make(url.Values, len(form)+1)
	for k, v := range form {
		full[k] = v
	}
	if !full.Has(tokenField) {
		if token := c.findToken(path); token != "" {
			full.Set(tokenField, token)
		}
	}
	r := c.request("POST", path, strings.NewReader(full.Encode()))
	r.Header.Set("Content-Type", formType)
	return c.Do(r)
}

// Signup sends the form to sign up, to SignupPath.
func (c *Client) Signup(email, password string) *Response {
	c.t.Helper()
	return c.Post(c.SignupPath, url.Values{"email": {email}, "password": {password}, "confirm": {password}})
}

// Login sends the form to log in, to LoginPath.
func (c *Client) Login(email, password string) *Response {
	c.t.Helper()
	return c.Post(c.LoginPath, url.Values{"email": {email}, "password": {password}})
}

// Logout sends the form to log out, to LogoutPath. Look at the answer: it is 403, and the visitor still logged in, if no page that
// Post looks at has a CSRF token. Set TokenPath to one that has.
func (c *Client) Logout() *Response {
	c.t.Helper()
	return c.Post(c.LogoutPath, nil)
}

// Do sends any request with the Client's cookies, and adds nothing but what r's
// header leaves open. The URL of r is relative to BaseURL. Use it for other methods and for
// other bodies than forms; Token has the CSRF token for the header X-CSRF-Token.
func (c *Client) Do(r *http.Request) *Response {
	c.t.Helper()
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		c.t.Fatalf("authtest: BaseURL: %v", err)
	}
	r.URL, r.Host, r.RequestURI = base.ResolveReference(r.URL), "", ""
	c.dress(r, base)
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatalf("authtest: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("authtest: read the answer of %s %s: %v", r.Method, r.URL, err)
	}
	return c.seen(&Response{
		Status: resp.StatusCode, Header: resp.Header, Body: string(body), Method: r.Method, URL: r.URL.String(),
		Location: resp.Header.Get("Location"), client: c,
	})
}

// Token returns the CSRF token of the last page with a form in it, or "" if
// there was none, or if a cookie has been set since.
func (c *Client) Token() string { return c.token }

// Cookie returns the cookie of that name which the Client would send to the root of the
// application, or nil.
func (c *Client) Cookie(name string) *http.Cookie {
	c.t.Helper()
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		c.t.Fatalf("authtest: BaseURL: %v", err)
	}
	return find(c.http.Jar.Cookies(base), name)
}

func (c *Client) request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, path, body)
	if err != nil {
		c.t.Fatalf("authtest: %v", err)
	}
	return r
}

// dress adds what a browser adds to a request from the last page.
func (c *Client) dress(r *http.Request, base *url.URL) {
	for k, v := range c.Header {
		if _, said := r.Header[k]; !said {
			r.Header[k] = slices.Clone(v)
		}
	}
	fromHere(r.Header, r.Method, base.Scheme+"://"+base.Host)
	if r.Header.Get("Referer") == "" && c.page != "" {
		r.Header.Set("Referer", c.page)
	}
}

// seen notes what the next request needs to know of an answer. A cookie may be a new
// session's, for which an old page's token does not count.
func (c *Client) seen(r *Response) *Response {
	if token := r.Field(tokenField); token != "" {
		c.token = token
	} else if len(r.Header.Values("Set-Cookie")) > 0 {
		c.token = ""
	}
	if !r.redirects() {
		c.page = r.URL
	}
	return r
}

// findToken returns the token for a form that is sent to path.
func (c *Client) findToken(path string) string {
	c.t.Helper()
	for _, page := range []string{path, c.TokenPath, c.LoginPath} {
		if c.token == "" {
			c.Get(page)
		}
	}
	return c.token
}
