package authtest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"github.com/vestibule-go/auth"
)

// network returns what calls a server, and leaves no connection open behind it.
func network() http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true}
}

// transport returns l.Transport or its default.
func (l Login) transport() http.RoundTripper {
	if l.Transport != nil {
		return l.Transport
	}
	return network()
}

// visitor does for an http.Client what a browser does. It is safe for concurrent use.
type visitor struct {
	m       *auth.Manager
	base    *url.URL // the cookies are this address's, whichever is called
	jar     http.CookieJar
	next    http.RoundTripper
	address string

	mu      sync.Mutex
	token   string // as it was for these cookies
	cookies string
}

// RoundTrip implements [http.RoundTripper].
func (v *visitor) RoundTrip(sent *http.Request) (*http.Response, error) {
	if err := v.refuse(sent.URL); err != nil {
		if sent.Body != nil {
			sent.Body.Close()
		}
		return nil, err
	}
	r := sent.Clone(sent.Context())
	page := *v.base
	page.Path, page.RawPath, page.RawQuery = cmp.Or(r.URL.Path, "/"), r.URL.RawPath, r.URL.RawQuery
	if r.URL.Host == "" {
		r.URL = &page
	}
	v.dress(r, &page)
	resp, err := v.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	v.jar.SetCookies(&page, resp.Cookies())
	resp.Request = sent
	return resp, nil
}

// refuse returns an error for addresses that are not the application's.
func (v *visitor) refuse(u *url.URL) error {
	_, called := v.next.(direct)
	ip := net.ParseIP(u.Hostname())
	switch {
	case u.Host == "" && called, u.Host == v.base.Host, u.Hostname() == "localhost", ip != nil && ip.IsLoopback():
		return nil
	case u.Host == "":
		return fmt.Errorf("authtest: %q has no host: give the application to Login.App, or write the URL of the httptest.Server before it", u)
	}
	return fmt.Errorf("authtest: %q is not the application, which is at %s or on this machine", u, v.base)
}

// dress adds what a browser would.
func (v *visitor) dress(r *http.Request, page *url.URL) {
	h := r.Header
	fromHere(h, r.Method, v.m.BaseURL())
	if unsafe(r.Method) {
		if _, own := h[http.CanonicalHeaderKey(tokenHeader)]; !own && !hasToken(r) {
			h.Set(tokenHeader, v.csrfToken())
		}
	}
	for _, c := range v.jar.Cookies(page) {
		r.AddCookie(c)
	}
}

// fromHere makes h say that the request comes from a page of the application, unless it says
// itself where it comes from.
func fromHere(h http.Header, method, origin string) {
	if _, said := h["Origin"]; said {
		return
	}
	if _, said := h["Sec-Fetch-Site"]; !said {
		h.Set("Sec-Fetch-Site", "same-origin")
	}
	if unsafe(method) {
		h.Set("Origin", origin)
	}
}

// csrfToken returns the token for the cookies in the jar. It is that of the last page, so to speak: a new one
// is asked for only when a cookie has changed, so that with an expired session an old token is sent, as a
// browser would.
func (v *visitor) csrfToken() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	cookies := v.jar.Cookies(v.base)
	if now := join(cookies); now != v.cookies {
		p := probe(context.Background(), v.m, v.address, cookies) // r may be sent by a handler of m
		v.jar.SetCookies(v.base, p.cookies)
		v.token, v.cookies = p.token, join(v.jar.Cookies(v.base))
	}
	return v.token
}

// hasToken reports whether the form in r's body has a token of the test's own.
func hasToken(r *http.Request) bool {
	if r.GetBody == nil || !strings.HasPrefix(r.Header.Get("Content-Type"), formType) {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	text, _ := io.ReadAll(body)
	form, _ := url.ParseQuery(string(text))
	return form.Has(tokenField)
}

func join(cookies []*http.Cookie) string {
	var b strings.Builder
	for _, c := range cookies {
		b.WriteString(c.Name + "=" + c.Value + ";")
	}
	return b.String()
}

// direct calls a handler as a server would, without a network.
type direct struct {
	handler http.Handler
	address *string // of the visitor
}

// RoundTrip implements [http.RoundTripper].
func (d direct) RoundTrip(sent *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(context.Background()) // the values of sent's stay at home, as on a network
	defer cancel()
	defer context.AfterFunc(sent.Context(), cancel)()
	got := sent.Clone(ctx)
	got.RequestURI, got.RemoteAddr, got.Host = sent.URL.RequestURI(), net.JoinHostPort(*d.address, "1234"), cmp.Or(sent.Host, sent.URL.Host)
	got.Proto, got.ProtoMajor, got.ProtoMinor = "HTTP/1.1", 1, 1
	var err error
	if got.URL, err = url.ParseRequestURI(got.RequestURI); err != nil {
		return nil, err
	}
	if got.Body == nil {
		got.Body = http.NoBody
	}
	defer got.Body.Close()
	rec := httptest.NewRecorder()
	d.handler.ServeHTTP(rec, got)
	resp := rec.Result()
	resp.Request = sent
	if sent.Method == "HEAD" {
		resp.Body = http.NoBody
	}
	return resp, nil
}
