package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/sqlstore"
)

// start starts the program with an empty database, and mails that go to the outbox.
func start(t *testing.T) (*auth.Manager, http.Handler, *authtest.Outbox) {
	t.Helper()
	db, store, err := open("pgx", newDatabase(t), sqlstore.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	site, err := newSite()
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{db}
	m, err := auth.New(store, authtest.Config(t, config(site, s)))
	if err != nil {
		t.Fatal(err)
	}
	out := new(authtest.Outbox)
	links, err := email.New(m, store, &email.Config{Mailer: out, SiteName: "The Shop"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	return m, newApp(m, site, links, s), out
}

func TestWalk(t *testing.T) {
	m, app, out := start(t)
	c := authtest.Login{App: app}.Client(t, m, nil)
	c.Get("/").Want(http.StatusOK, "Log in", "Sign up", "The shop is empty")
	c.Get("/shop.css").Want(http.StatusOK, "body > nav")
	c.Get("/login").Want(http.StatusOK, "/shop.css", "Sign up", "/password/forgot")
	c.Signup("ann@example.com", authtest.Password).Follow().Want(http.StatusOK, "Look into your mail")
	c.Login("ann@example.com", authtest.Password).Want(http.StatusUnprocessableEntity, "No mail to confirm your address?")
	form := c.Get(out.Link(out.Wait(t, "ann@example.com", email.KindConfirm))).Follow().Want(http.StatusOK, "Confirm your address")
	c.Post("/confirm", url.Values{"token": {form.Field("token")}, "password": {authtest.Password}}).Follow().Want(http.StatusOK, "Your address is confirmed")
	c.Login("ann@example.com", authtest.Password).Follow().Want(http.StatusOK, "ann@example.com", "Log out")

	const other = "a much better password"
	c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {other}, "confirm": {other}}).Follow().Want(http.StatusOK, "changed")
	out.Wait(t, "ann@example.com", email.KindPasswordChanged)
	c.Get("/shelf").Want(http.StatusOK, "nothing on it yet")
	c.Post("/shelf", url.Values{"name": {" "}, "price": {"12"}}).Want(http.StatusUnprocessableEntity, "Please give it a name")
	c.Post("/shelf", url.Values{"name": {"A <lamp>"}, "price": {"-1"}}).Want(http.StatusUnprocessableEntity, "Please give it a name")
	c.Post("/shelf", url.Values{"name": {"A <lamp>"}, "price": {"12"}}).Follow().Want(http.StatusOK, "A &lt;lamp&gt;, $12")
	c.Logout()
	c.Get("/").Want(http.StatusOK, "A &lt;lamp&gt;, $12")
	c.Get("/shelf").WantLogin(m, "/shelf")
	c.Login("ann@example.com", authtest.Password).Want(http.StatusUnprocessableEntity)
	c.Login("ann@example.com", other).WantRedirect("/")

	bob := authtest.Login{App: app}.Client(t, m, authtest.User(t, m, "bob@example.com"))
	bob.Get("/shelf").Want(http.StatusOK, "nothing on it yet")
	bob.Header.Set("Sec-Fetch-Site", "cross-site")
	bob.Post("/shelf", url.Values{"name": {"A forgery"}, "price": {"0"}}).Want(http.StatusForbidden)

	c.Post("/account/delete", url.Values{"password": {other}})
	c.Get("/").Want(http.StatusOK, "The shop is empty")
}

func TestClear(t *testing.T) {
	m, app, _ := start(t)
	u := authtest.User(t, m, "ann@example.com")
	ann := authtest.Login{App: app}.Client(t, m, u)
	bob := authtest.Login{App: app}.Client(t, m, authtest.User(t, m, "bob@example.com"))
	for _, c := range []*authtest.Client{ann, bob} {
		c.Post("/shelf", url.Values{"name": {"A lamp"}, "price": {"12"}}).WantRedirect("/shelf")
	}
	stale := authtest.Login{App: app, Stale: true}.Client(t, m, u)
	stale.Get("/shelf/clear").WantRedirect(m.ReauthURL("/shelf/clear"))
	stale.Post("/shelf/clear", nil)
	ann.Get("/shelf").Want(http.StatusOK, "A lamp")

	ann.Get("/shelf/clear").Want(http.StatusOK, "for good")
	ann.Post("/shelf/clear", nil).Follow().Want(http.StatusOK, "nothing on it yet")
	bob.Get("/shelf").Want(http.StatusOK, "A lamp")

}

// newDatabase makes a database for this test alone, and returns its address.
func newDatabase(t *testing.T) string {
	t.Helper()
	address := os.Getenv("AUTH_TEST_POSTGRES_DSN")
	if address == "" {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
			t.Fatal("AUTH_TEST_POSTGRES_DSN is not set, and AUTH_TEST_REQUIRE_ALL is")
		}
		t.Skip("AUTH_TEST_POSTGRES_DSN is not set: there is no server to test with")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	name := "tutorial_" + strings.ToLower(rand.Text())
	if _, err := server.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := server.Exec("DROP DATABASE " + name); err != nil {
			t.Error(err)
		}
	})
	u.Path = "/" + name
	return u.String()
}
