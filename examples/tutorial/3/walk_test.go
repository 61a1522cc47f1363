package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
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
	site, err := pages.New(&pages.Config{Name: "The Shop"})
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
	c.Get("/").WantLogin(m, "/")
	c.Signup("ann@example.com", authtest.Password).Follow().Want(http.StatusOK, "Look into your mail")
	c.Login("ann@example.com", authtest.Password).Want(http.StatusUnprocessableEntity, "No mail to confirm your address?")
	form := c.Get(out.Link(out.Wait(t, "ann@example.com", email.KindConfirm))).Follow().Want(http.StatusOK, "Confirm your address")
	c.Post("/confirm", url.Values{"token": {form.Field("token")}, "password": {authtest.Password}}).Follow().Want(http.StatusOK, "Your address is confirmed")
	c.Login("ann@example.com", authtest.Password).Follow().Want(http.StatusOK, "Hello, ann@example.com")

	const other = "a much better password"
	c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {other}, "confirm": {other}}).Follow().Want(http.StatusOK, "changed")
	out.Wait(t, "ann@example.com", email.KindPasswordChanged)
	c.Logout()
	c.Get("/").WantLogin(m, "/")
	c.Login("ann@example.com", authtest.Password).Want(http.StatusUnprocessableEntity)
	c.Login("ann@example.com", other).WantRedirect("/")
}

func Example_terminal() {
	terminal{}.Send(context.Background(), &email.Message{To: "ann@example.com", Subject: "Hello", Text: "Welcome.\n"})
	// Output:
	// --- to ann@example.com: Hello
	//
	// Welcome.
	// ---
}

// Mails as files, instead.
func TestDir(t *testing.T) {
	t.Chdir(t.TempDir())
	send := func() error {
		mailer, err := email.NewDir("mails", "The Shop <noreply@shop.example>")
		if err != nil {
			return err
		}
		return mailer.Send(t.Context(), &email.Message{To: "ann@example.com", Subject: "Hello", Text: "Welcome.\n"})
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir("mails"); len(list) != 1 {
		t.Errorf("%d files, %v", len(list), err)
	}
}
