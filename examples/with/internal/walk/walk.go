// Package walk is the test that the examples have in common: the evening of a visitor.
package walk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
)

// Ann is who visits.
const Ann = "ann@example.com"

// Through walks a visitor through the application that build makes. Everybody may see "/", users
// "/notes/{id}", and "/secret" if they have just logged in; "/notes" takes a form.
// wrongMethod is the status for a method that a path does not know.
func Through(t *testing.T, build func(*auth.Manager) http.Handler, wrongMethod int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := authtest.NewClient(t, build(authtest.New(t, nil)))
		guest(t, c)
		enter(t, c)
		forms(t, c)
		elsewhere(t, c, wrongMethod)
		grownOld(t, c)
		leave(t, c)
	})
}

func guest(t *testing.T, c *authtest.Client) {
	t.Helper()
	if r := c.Get("/"); r.Status != 200 || !strings.Contains(r.Body, "Hello, stranger") || len(r.Cookies()) > 0 {
		t.Errorf("the public page: %d, cookies %v: %s", r.Status, r.Cookies(), r.Body)
	}
	for path, want := range map[string]int{"/login": 200, "/signup": 200, "/vestibule.css": 200, "/session": 200, "/nowhere": 404} {
		if r := c.Get(path); r.Status != want {
			t.Errorf("%s: %d, want %d", path, r.Status, want)
		}
	}
	for path, next := range map[string]string{"/notes/7?page=2": "%2Fnotes%2F7%3Fpage%3D2", "/secret": "%2Fsecret"} {
		if r := c.Get(path); r.Status != 303 || r.Location != "/login?next="+next {
			t.Errorf("a guest at %s: %d to %s", path, r.Status, r.Location)
		}
	}
}

func enter(t *testing.T, c *authtest.Client) {
	t.Helper()
	c.Get("/signup?next=%2Fnotes%2F7")
	r := c.Post("/signup", url.Values{
		"email": {Ann}, "password": {authtest.Password}, "confirm": {authtest.Password}, "next": {"/notes/7"},
	})
	if r.Location != "/notes/7" || c.Cookie("session") == nil {
		t.Fatalf("after the signup: %d to %q, cookies %v", r.Status, r.Location, r.Cookies())
	}
	if r = r.Follow(); r.Status != 200 || !strings.Contains(r.Body, "Note 7 of "+Ann) {
		t.Errorf("the protected page: %d %s", r.Status, r.Body)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the protected page may be cached: %q", r.Header.Get("Cache-Control"))
	}
	if r = c.Get("/"); !strings.Contains(r.Body, "Hello, "+Ann) {
		t.Errorf("the public page, logged in: %s", r.Body)
	}
}

func forms(t *testing.T, c *authtest.Client) {
	t.Helper()
	for _, token := range []string{"", "made-up"} {
		if r := c.Post("/notes", url.Values{"id": {"8"}, "csrf_token": {token}}); r.Status != 403 {
			t.Errorf("a form with the token %q: %d", token, r.Status)
		}
	}
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	if r := c.Post("/notes", url.Values{"id": {"8"}}); r.Status != 403 {
		t.Errorf("a form from another site: %d", r.Status)
	}
	c.Header.Del("Sec-Fetch-Site")
	if r := c.Post("/notes", url.Values{"id": {"8"}}); r.Status != 303 || r.Location != "/notes/8" {
		t.Errorf("a form: %d to %q: %s", r.Status, r.Location, r.Body)
	}
	if r := c.Post("/notes", url.Values{"id": {strings.Repeat("8", 1<<17)}}); r.Status != 413 {
		t.Errorf("a form that is too large: %d", r.Status)
	}
}

// elsewhere asks for what there is not.
func elsewhere(t *testing.T, c *authtest.Client, wrongMethod int) {
	t.Helper()
	c.Get("/notes/7")
	r, _ := http.NewRequest("DELETE", "/notes/7", nil)
	r.Header.Set("X-CSRF-Token", c.Token())
	if resp := c.Do(r); resp.Status != wrongMethod {
		t.Errorf("a method that the router does not know there: %d", resp.Status)
	}
	if resp := c.Get("/nowhere"); resp.Status != 404 {
		t.Errorf("a page that is not there: %d", resp.Status)
	}
	if resp := c.Get("/account/sessions"); resp.Status != 200 {
		t.Errorf("the list of sessions: %d", resp.Status)
	}
}

func grownOld(t *testing.T, c *authtest.Client) {
	t.Helper()
	if r := c.Get("/secret"); r.Status != 200 {
		t.Errorf("the page for fresh logins: %d", r.Status)
	}
	time.Sleep(20 * time.Minute)
	r := c.Get("/secret")
	if r.Location != "/reauth?next=%2Fsecret" {
		t.Errorf("after 20 minutes: %d to %q", r.Status, r.Location)
	}
	r.Follow()
	if r = c.Post("/reauth", url.Values{"password": {authtest.Password}, "next": {"/secret"}}).Follow(); r.Status != 200 || r.URL != authtest.BaseURL+"/secret" {
		t.Errorf("after the password: %d at %s", r.Status, r.URL)
	}
}

func leave(t *testing.T, c *authtest.Client) {
	t.Helper()
	old := c.Cookie("session")
	c.Get("/")
	if r := c.Logout(); r.Location != "/" {
		t.Errorf("after the logout: %d to %q", r.Status, r.Location)
	}
	if c.Cookie("session") != nil {
		t.Error("the cookie is still there")
	}
	r, _ := http.NewRequest("GET", "/notes/7", nil)
	r.AddCookie(old)
	if resp := c.Do(r); resp.Status != 303 {
		t.Errorf("with the old cookie: %d", resp.Status)
	}
}
