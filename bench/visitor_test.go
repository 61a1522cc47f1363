package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// visitor is somebody with a browser, as far as one is needed here.
type visitor struct {
	app     *app
	cookies map[string]string
}

func newVisitor(a *app) *visitor { return &visitor{app: a, cookies: map[string]string{}} }

var count atomic.Uint32

// address returns one that no form has come from yet: nobody is to be kept out.
func address() string {
	n := count.Add(1)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 4711).String()
}

// request returns a request of the visitor, and form as its body if there is one.
func (v *visitor) request(method, path string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, baseURL+path, nil)
	if form != nil {
		r = httptest.NewRequest(method, baseURL+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", baseURL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.RemoteAddr = address()
	}
	r.RequestURI = path // as it comes over the wire
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// again returns a function that returns r with its form, as new each time, and by no more work than
// a server has with it.
func again(r *http.Request, form url.Values) func() *http.Request {
	body := form.Encode()
	return func() *http.Request {
		fresh := *r
		fresh.Body, fresh.Form, fresh.PostForm = io.NopCloser(strings.NewReader(body)), nil, nil
		fresh.RemoteAddr = address()
		return &fresh
	}
}

// do sends a request, and keeps the cookies of the answer.
func (v *visitor) do(tb testing.TB, r *http.Request, want int) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.app.handler.ServeHTTP(w, r)
	if w.Code != want {
		tb.Fatalf("%s: %s %s: %d, not %d: %s", v.app.name, r.Method, r.URL.Path, w.Code, want, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}

var tokens = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// token returns the token in the form at path.
func (v *visitor) token(tb testing.TB, path string) string {
	w := v.do(tb, v.request("GET", path, nil), http.StatusOK)
	m := tokens.FindStringSubmatch(w.Body.String())
	if m == nil {
		tb.Fatalf("%s: no token in %s", v.app.name, path)
	}
	return strings.ReplaceAll(m[1], "&#43;", "+")
}

func credentials(token, email string) url.Values {
	return url.Values{"csrf_token": {token}, "email": {email}, "password": {password}, "confirm": {password}}
}

// newEmail returns one that nobody has.
func newEmail() string { return fmt.Sprintf("ann%d@example.com", count.Add(1)) }

// enter signs the visitor up, and so in, if the application has accounts.
func (v *visitor) enter(tb testing.TB) (email string) {
	email = newEmail()
	if v.app.accounts {
		v.do(tb, v.request("POST", "/signup", credentials(v.token(tb, "/login"), email)), http.StatusSeeOther)
	}
	return email
}
