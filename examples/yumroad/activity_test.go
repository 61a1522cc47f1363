package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

// Users see what happened in their accounts, page by page, and nobody else does.
func TestActivity(t *testing.T) {
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), nil)
	c, other := visitor(t, s), visitor(t, s)
	wantRedirect(t, c.Get("/account/activity"), "/login?next=%2Faccount%2Factivity")
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, other.Signup(bob, authtest.Password), http.StatusSeeOther)
	want(t, c.Get("/account/sessions"), http.StatusOK, `href="/account/activity"`)
	want(t, c.Get("/dashboard"), http.StatusOK, `href="/account/activity"`)
	for range 25 { // more than are kept, and than fit on a page
		c.Post("/logout", nil)
		c.Login(ann, authtest.Password)
	}
	visitor(t, s).Login(ann, "guess guess guess guess")

	page := c.Get("/account/activity")
	want(t, page, http.StatusOK, "Somebody typed a wrong password.", "You logged in.", c.Address, "The same happened 6 times more on that day.")
	if texts := regexp.MustCompile(`<h2>[^<]*`).FindAllString(page.Body, -1); len(texts) != activityPage || strings.Contains(strings.Join(texts, ""), "_") {
		t.Errorf("%d: %q", len(texts), texts)
	}
	older := regexp.MustCompile(`/account/activity\?before=[0-9.]+`)
	path := older.FindString(page.Body)
	for pages := 1; path != ""; pages++ {
		if page = c.Get(path); pages > 3 {
			t.Fatal("no end of pages")
		}
		path = older.FindString(page.Body)
	}
	want(t, page, http.StatusOK, "The account was made.", "/account/activity\"")
	want(t, c.Get("/account/activity?before=20000101.0"), http.StatusOK, "Nothing else.")
	want(t, c.Get("/account/activity?before=elsewhere"), http.StatusNotFound, "There is nothing here")

	if r := other.Get(older.FindString(c.Get("/account/activity").Body)); r.Status != http.StatusOK || strings.Contains(r.Body, c.Address) || strings.Contains(r.Body, "logged out") {
		t.Errorf("of somebody else: %d\n%s", r.Status, r.Body)
	}
	want(t, c.Get("/account/export"), http.StatusOK, `"history"`, `"event": "signed_up"`)
}

// A mail that others ask for is told in words, too.
func TestActivityOfMails(t *testing.T) {
	c := newMember(t)
	c.Post("/password/forgot", url.Values{"email": {ann}})
	want(t, c.Get("/account/activity"), http.StatusOK, "Somebody asked for a link to set a new password.", "This device", "We sent a link to confirm the email.")
}
