package authtest

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
)

// WantRedirect fails the test, without ending it, unless resp redirects to target, a path with its query or a whole
// address. In which order the query is, and whether the path came with its host, does not matter. With Manager.ReauthURL,
// SecondFactorURL and PasswordURL it tells whether a guard sent the visitor there, and back.
//
// The response that an httptest.ResponseRecorder recorded is its Result.
func WantRedirect(t testing.TB, resp *http.Response, target string) {
	t.Helper()
	if location := resp.Header.Get("Location"); !redirects(resp.StatusCode, location) {
		t.Errorf("authtest: status %d, want a redirect to %q", resp.StatusCode, target)
	} else if !same(resp, location, target) {
		t.Errorf("authtest: redirected to %q, want %q", location, target)
	}
}

// WantLogin fails the test, without ending it, unless resp sends the visitor to m's login page, and from there back to
// next, a path with its query. An empty next means back to nowhere in particular: that is what a POST gets which does not say
// from which page it comes. A next to which nobody is sent back ends the test.
func WantLogin(t testing.TB, m *auth.Manager, resp *http.Response, next string) {
	t.Helper()
	if next != "" && m.LoginURL(next) == m.LoginURL("") {
		t.Fatalf("authtest: the login page leads nobody back to %q: give the path of a page of the application", next)
	}
	WantRedirect(t, resp, m.LoginURL(next))
}

// redirects reports whether an answer sends the visitor to another page, to be asked for by GET.
func redirects(status int, location string) bool {
	return location != "" && (status == http.StatusMovedPermanently || status == http.StatusFound || status == http.StatusSeeOther)
}

// same reports whether two references in resp lead to the same page.
func same(resp *http.Response, location, target string) bool {
	from := &url.URL{}
	if resp.Request != nil && resp.Request.URL != nil {
		from = resp.Request.URL
	}
	a, err := from.Parse(location)
	if err != nil {
		return false
	}
	b, err := from.Parse(target)
	return err == nil && a.Scheme == b.Scheme && a.Host == b.Host && a.EscapedPath() == b.EscapedPath() && reflect.DeepEqual(a.Query(), b.Query())
}

// Want fails the test, without ending it, unless the response has that status, and each of the texts is in its
// body. It returns r.
func (r *Response) Want(status int, texts ...string) *Response {
	r.client.t.Helper()
	if r.Status != status {
		r.client.t.Errorf("authtest: %s %s: status %d, want %d; Location %q, body:\n%s", r.Method, r.URL, r.Status, status, r.Location, r.Body)
		return r
	}
	for _, text := range texts {
		if !strings.Contains(r.Body, text) {
			r.client.t.Errorf("authtest: %s %s: %q is not in the page:\n%s", r.Method, r.URL, text, r.Body)
		}
	}
	return r
}

// WantRedirect is the function of that name. It returns r.
func (r *Response) WantRedirect(target string) *Response {
	r.client.t.Helper()
	WantRedirect(r.client.t, r.result(), target)
	return r
}

// WantLogin is the function of that name. It returns r.
func (r *Response) WantLogin(m *auth.Manager, next string) *Response {
	r.client.t.Helper()
	WantLogin(r.client.t, m, r.result(), next)
	return r
}

// result returns r, without its body, as package net/http has it.
func (r *Response) result() *http.Response {
	from, _ := url.Parse(r.URL) // Do made it from one; nil is none
	return &http.Response{StatusCode: r.Status, Header: r.Header, Request: &http.Request{Method: r.Method, URL: from}}
}
