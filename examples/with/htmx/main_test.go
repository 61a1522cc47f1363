package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth/authtest"
)

func visitor(t *testing.T) *authtest.Client {
	var s site
	s.m = authtest.New(t, s.config(authtest.BaseURL))
	return authtest.NewClient(t, s.app())
}

// htmx makes the client's requests those of htmx, on the page at path.
func htmx(c *authtest.Client, path string) {
	c.Header = http.Header{"Accept": {"*/*"}, "Hx-Request": {"true"}, "Hx-Current-Url": {authtest.BaseURL + path}}
}

func TestForm(t *testing.T) {
	c := visitor(t)
	c.Signup("ann@example.com", authtest.Password)
	if r := c.Get("/"); r.Status != 200 || !strings.Contains(r.Body, `{"code":"422","swap":true}`) {
		t.Fatalf("the page: %d %s", r.Status, r.Body)
	}
	htmx(c, "/")
	for text, want := range map[string]int{"": 422, "milk": 200} {
		r := c.Post("/notes", url.Values{"text": {text}})
		if r.Status != want || r.Field("csrf_token") == "" || strings.Contains(r.Body, "<html") {
			t.Errorf("text %q: %d %s", text, r.Status, r.Body)
		}
	}
	if r := c.Post("/notes", url.Values{"text": {"milk"}, "csrf_token": {""}}); r.Status != 403 {
		t.Errorf("without a token: %d", r.Status)
	}
	// A header does as well as the field.
	r, _ := http.NewRequest("POST", "/notes", strings.NewReader("text=milk"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-CSRF-Token", c.Token())
	if resp := c.Do(r); resp.Status != 200 {
		t.Errorf("with the token in a header: %d", resp.Status)
	}
}

// A login that ends while the page is open sends the whole page to the login, and back to where it was.
func TestLoginExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := visitor(t)
		c.Signup("ann@example.com", authtest.Password)
		c.Get("/")
		token := c.Token()
		time.Sleep(2 * time.Hour)
		htmx(c, "/?list=2")
		c.Header.Del("Accept")
		r, _ := http.NewRequest("GET", "/", nil)
		resp := c.Do(r)
		if got := resp.Header.Get("HX-Redirect"); resp.Status != 401 || got != "/login?next=%2F%3Flist%3D2" || resp.Location != "" {
			t.Errorf("htmx: %d, HX-Redirect %q, Location %q", resp.Status, got, resp.Location)
		}
		if !slices.Contains(resp.Header.Values("Vary"), "HX-Request") {
			t.Error("caches are not told")
		}
		if resp = c.Post("/notes", url.Values{"text": {"milk"}, "csrf_token": {token}}); resp.Status != 403 {
			t.Errorf("a form of a session that has ended: %d", resp.Status)
		}
		c.Header = http.Header{"Accept": {"text/html"}}
		if resp = c.Get("/"); resp.Status != 303 || resp.Location != "/login?next=%2F" {
			t.Errorf("a browser: %d to %q", resp.Status, resp.Location)
		}
		for _, from := range []string{"https://evil.example/phish", "javascript:alert(1)", "//evil.example", "%"} {
			c.Header = http.Header{"Hx-Request": {"true"}, "Hx-Current-Url": {from}}
			if got := c.Get("/").Header.Get("HX-Redirect"); strings.Contains(got, "evil") || !strings.HasPrefix(got, "/login") {
				t.Errorf("from %s: %q", from, got)
			}
		}
	})
}
