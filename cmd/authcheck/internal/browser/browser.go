package browser

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Browser is one visitor. It is not safe for concurrent use.
type Browser struct {
	client  *Client
	source  string
	cookies map[string]*http.Cookie
}

// New returns a visitor without a cookie, who comes from an address of this machine; "" is any.
func (c *Client) New(source string) *Browser {
	return &Browser{client: c, source: source, cookies: map[string]*http.Cookie{}}
}

// Copy returns a visitor with the same cookies: a thief.
func (b *Browser) Copy() *Browser {
	return &Browser{client: b.client, source: b.source, cookies: maps.Clone(b.cookies)}
}

// Cookies returns the cookies by their names, in the order of these.
func (b *Browser) Cookies() []*http.Cookie {
	var all []*http.Cookie
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		all = append(all, b.cookies[name])
	}
	return all
}

// Cookie returns the cookie of that name, or nil.
func (b *Browser) Cookie(name string) *http.Cookie { return b.cookies[name] }

// SetCookie plants a cookie.
func (b *Browser) SetCookie(name, value string) {
	b.cookies[name] = &http.Cookie{Name: name, Value: value}
}

// DropCookie forgets a cookie.
func (b *Browser) DropCookie(name string) { delete(b.cookies, name) }

// Request is what to send. Its zero value is GET of the front page.
type Request struct {
	Method  string
	Target  string // path, perhaps with a query
	Form    url.Values
	Raw     string // body, instead of Form
	Body    io.Reader
	Type    string // of Raw
	Header  http.Header
	Host    string
	Foreign bool // as a page of another site would make a browser send it
	Length  int64
}

// Attacker is the site on which the visitor is lured.
const Attacker = "https://attacker.invalid"

// Send sends a request, and keeps the cookies of the answer. Redirects are not followed.
func (b *Browser) Send(ctx context.Context, q *Request) (*Answer, error) {
	r, err := b.request(ctx, q)
	if err != nil {
		return nil, err
	}
	a, err := b.client.do(ctx, r, b.source)
	if err == nil {
		b.keep(a.SetCookies)
	}
	return a, err
}

func (b *Browser) request(ctx context.Context, q *Request) (*http.Request, error) {
	target, err := b.client.resolve(q.Target)
	if err != nil {
		return nil, err
	}
	method := q.Method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://placeholder/", q.body())
	if err != nil {
		return nil, err
	}
	r.URL, r.Host = target, target.Host
	if q.Host != "" {
		r.Host = q.Host
	}
	if q.Length > 0 {
		r.ContentLength = q.Length
	}
	// What a server does not expect it may leave on the line, where the next request would be.
	r.Close = q.Body != nil || q.Raw != "" || method != http.MethodGet && method != http.MethodPost || method == http.MethodGet && q.Form != nil
	b.headers(r, q)
	return r, nil
}

func (q *Request) body() io.Reader {
	switch {
	case q.Body != nil:
		return q.Body
	case q.Raw != "":
		return strings.NewReader(q.Raw)
	case q.Form != nil:
		return strings.NewReader(q.Form.Encode())
	}
	return nil
}

func (b *Browser) headers(r *http.Request, q *Request) {
	h := r.Header
	h.Set("User-Agent", "Mozilla/5.0 (authcheck)")
	h.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	h.Set("Accept-Language", "en")
	switch {
	case q.Type != "":
		h.Set("Content-Type", q.Type)
	case q.Form != nil || q.Body != nil:
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	origin, site := b.client.Origin(), "same-origin"
	if q.Foreign {
		origin, site = Attacker, "cross-site"
	}
	h.Set("Sec-Fetch-Site", site)
	h.Set("Sec-Fetch-Mode", "navigate")
	h.Set("Sec-Fetch-Dest", "document")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Origin", origin)
		h.Set("Referer", origin+"/")
	}
	for _, c := range b.Cookies() {
		h.Add("Cookie", c.Name+"="+c.Value)
	}
	if jar := h.Values("Cookie"); len(jar) > 1 {
		h.Set("Cookie", strings.Join(jar, "; "))
	}
	for name, values := range q.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
}

// Origin is what a browser says of a form on a page of the application.
func (c *Client) Origin() string {
	scheme := c.base.Scheme
	for name, value := range c.header {
		if strings.EqualFold(name, "X-Forwarded-Proto") {
			scheme = value
		}
	}
	return scheme + "://" + c.base.Host
}

var errElsewhere = errors.New("this leads to another host, where authcheck does not go")

// resolve returns the address of a target, which is on this host. A path that url.Parse would refuse is sent as it is.
func (c *Client) resolve(target string) (*url.URL, error) {
	if !strings.HasPrefix(target, "/") {
		u, err := url.Parse(target)
		if err != nil {
			return nil, err
		}
		if u.Host != "" && u.Host != c.base.Host {
			return nil, errElsewhere
		}
		target = u.RequestURI()
	}
	path, query, _ := strings.Cut(target, "?")
	u := &url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Path: path, RawQuery: query}
	if clean, err := url.PathUnescape(path); err == nil && clean != path {
		u.Path, u.RawPath = clean, path
	}
	if strings.HasPrefix(path, "//") {
		u.Opaque = path // or it would be read as a host
	}
	return u, nil
}

// keep does with Set-Cookie what browsers do, as far as it matters on one host: an attribute Domain of another host is
// kept for whoever looks at it.
func (b *Browser) keep(set []*http.Cookie) {
	for _, c := range set {
		expired := !c.Expires.IsZero() && c.Expires.Before(time.Now()) && c.MaxAge == 0
		if c.MaxAge < 0 || expired {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c
	}
}

// Get opens a page, and follows redirects on this host.
func (b *Browser) Get(ctx context.Context, target string) (*Answer, error) {
	a, err := b.Send(ctx, &Request{Target: target})
	if err != nil {
		return nil, err
	}
	return b.Follow(ctx, a)
}

// Follow goes where an answer sends the visitor, up to five times, as long as it is on this host.
func (b *Browser) Follow(ctx context.Context, a *Answer) (*Answer, error) {
	for range 5 {
		to, ok := b.client.onward(a)
		if !ok {
			return a, nil
		}
		next, err := b.Send(ctx, &Request{Target: to})
		if err != nil {
			return nil, err
		}
		a = next
	}
	return a, nil
}

// onward returns the target of a redirect to this host.
func (c *Client) onward(a *Answer) (string, bool) {
	location := a.Header.Get("Location")
	if a.Status < 300 || a.Status > 399 || location == "" {
		return "", false
	}
	u, err := a.URL.Parse(location)
	if err != nil || u.Host != c.base.Host && !c.samePlace(u) {
		return "", false
	}
	u.Fragment = ""
	return u.RequestURI(), true
}

// samePlace reports whether an address is the application's by another name of this machine, as in the links of its mails.
func (c *Client) samePlace(u *url.URL) bool {
	return loopback(u.Hostname()) && loopback(c.base.Hostname()) && u.Port() == c.base.Port()
}
