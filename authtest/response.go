package authtest

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Response is the answer to a request of a [Client], read to its end. It is not made
// otherwise, and not safe for concurrent use.
type Response struct {
	Status   int         // of HTTP
	Header   http.Header // cookies included
	Body     string      // the whole of it
	Location string      // where it redirects to, as the header says; else empty
	Method   string      // of the request
	URL      string      // of the request, complete

	client *Client
}

// Follow goes where the response redirects to, from page to page as a browser
// would, and returns the first that is no redirect: r itself, perhaps. More
// than ten redirects fail the test, and so does one to another site.
func (r *Response) Follow() *Response {
	c := r.client
	c.t.Helper()
	for range 10 {
		if !r.redirects() {
			return r
		}
		r = c.Get(r.target())
	}
	c.t.Fatalf("authtest: too many redirects, the last to %s", r.Location)
	return nil
}

func (r *Response) redirects() bool { return redirects(r.Status, r.Location) }

// target returns the complete address that r redirects to.
func (r *Response) target() string {
	c := r.client
	c.t.Helper()
	from, err := url.Parse(r.URL)
	if err != nil {
		c.t.Fatalf("authtest: %v", err)
	}
	to, err := from.Parse(r.Location)
	if err != nil || to.Scheme != from.Scheme || to.Host != from.Host {
		c.t.Fatalf("authtest: %s %s redirects to another site: %s", r.Method, r.URL, r.Location)
	}
	return to.String()
}

// Cookies returns the cookies that the response sets.
func (r *Response) Cookies() []*http.Cookie { return (&http.Response{Header: r.Header}).Cookies() }

// Cookie returns the cookie of that name which the response sets, or nil.
func (r *Response) Cookie(name string) *http.Cookie { return find(r.Cookies(), name) }

// Field returns the value of the first input of that name in the page, or "".
func (r *Response) Field(name string) string {
	for _, tag := range inputs.FindAllString(r.Body, -1) {
		if attribute(tag, "name") == name {
			return attribute(tag, "value")
		}
	}
	return ""
}

const tokenField = "csrf_token"

var (
	inputs     = regexp.MustCompile(`(?i)<input\s(?:[^>"']|"[^"]*"|'[^']*')*>`)
	attributes = regexp.MustCompile(`(?i)([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]+))?`)
)

// attribute returns the value of an attribute of a tag, or "".
func attribute(tag, name string) string {
	for _, m := range attributes.FindAllStringSubmatch(tag, -1) {
		if strings.EqualFold(m[1], name) {
			return html.UnescapeString(unquote(m[2]))
		}
	}
	return ""
}

func unquote(s string) string {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		return s[1 : len(s)-1]
	}
	return s
}

func find(cookies []*http.Cookie, name string) *http.Cookie {
	for _, c := range cookies {
		if c.Name == name {
			return c
		}
	}
	return nil
}
