package main

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/sqlstore"
)

// start starts the program with an empty database, and mails that go to the outbox.
func start(t *testing.T) (*auth.Manager, http.Handler, *authtest.Outbox) {
	t.Helper()
	db, store, err := open("sqlite", "file:"+filepath.Join(t.TempDir(), "shop.db"), sqlstore.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	site, err := newSite()
	if err != nil {
		t.Fatal(err)
	}
	m, err := auth.New(store, authtest.Config(t, config(site)))
	if err != nil {
		t.Fatal(err)
	}
	out := new(authtest.Outbox)
	links, err := email.New(m, store, &email.Config{Mailer: out, SiteName: "The Shop"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	return m, newApp(m, site, links), out
}

func TestWalk(t *testing.T) {
	m, app, out := start(t)
	c := authtest.Login{App: app}.Client(t, m, nil)
	c.Get("/").Want(http.StatusOK, "Log in", "Sign up", "sell what you make")
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
	c.Logout()
	c.Get("/").Want(http.StatusOK, "Sign up")
	c.Login("ann@example.com", authtest.Password).Want(http.StatusUnprocessableEntity)
	c.Login("ann@example.com", other).WantRedirect("/")
}
