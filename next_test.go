package auth_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
)

func TestSafeNext(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/me": "/me", "/me?x=1&y=%20z": "/me?x=1&y=%20z", "/a/b/": "/a/b/", "/me#part": "/me", "/?": "/?", "/me?next=//evil.example": "/me?next=//evil.example",
		"/jörg": "/j%C3%B6rg", "/a:b": "/a:b", "/@evil.example": "/@evil.example", "/%2f%2fevil.example": "/%2f%2fevil.example", "/%2fevil.example/é": "/%2fevil.example/%C3%A9", "/x/%2f/^": "/x/%2f/^", "/a//b": "/a//b",
	} {
		if got, ok := auth.SafeNext(in); got != want || !ok {
			t.Errorf("%q: %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, bad := range []string{
		"", "me", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, `/\/evil.example`,
		"https://evil.example", "http:evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "/\n/evil.example",
		"/\r/evil.example", "\t//evil.example", " //evil.example", " /me", "/me\x00", "/\x01", "/a b", "/a\\b", "/\x7f", "/%zz", "/\xff", "//", "//@evil.example",
		"//evil.example@localhost", "/" + strings.Repeat("a", 2048), "\u2028/x", "?x", "#x", ".//evil.example", "//[::1]", "http:///evil.example", "/..//evil.example", "/.//evil.example", "/a/../b", "/%2e%2e/a", "/.",
	} {
		if got, ok := auth.SafeNext(bad); ok {
			t.Errorf("%q is followed to %q", bad, got)
		}
	}
}

func TestRedirect(t *testing.T) {
	s := newSite(t, nil)
	for _, try := range []struct{ name, query, form, want string }{
		{"nothing", "", "", "/"},
		{"query", "/a", "", "/a"},
		{"form", "", "/b", "/b"},
		{"form wins", "/a", "/b", "/b"},
		{"evil form", "/a", "//evil.example", "/a"},
		{"evil both", "https://evil.example", "//evil.example", "/"},
	} {
		r := httptest.NewRequest("POST", "/login?next="+try.query, strings.NewReader("next="+try.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.m.Redirect(w, r)
		if w.Code != 303 || w.Header().Get("Location") != try.want {
			t.Errorf("%s: %d to %q, want %q", try.name, w.Code, w.Header().Get("Location"), try.want)
		}
	}
}

func TestLoginURL(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.LoginURL = "/login?affiliate=7" })
	for next, want := range map[string]string{
		"/me?a=b": "/login?affiliate=7&next=%2Fme%3Fa%3Db", "//evil.example": "/login?affiliate=7", "": "/login?affiliate=7",
	} {
		if got := s.m.LoginURL(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}
