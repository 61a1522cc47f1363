package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/sqlstore"
)

// newTestApp returns the shop with an empty shelf in a file of its own, and accounts in memory.
func newTestApp(t *testing.T) (*auth.Manager, http.Handler) {
	db, _, err := open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db"), sqlstore.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	site, err := newSite()
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{db}
	m, links, _ := authtest.NewWithMails(t, config(site, s), nil)
	return m, newApp(m, site, links, s)
}

func TestShelf(t *testing.T) {
	m, app := newTestApp(t)
	ann := authtest.Login{App: app}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	ann.Post("/shelf", url.Values{"name": {"A lamp"}, "price": {"12"}}).WantRedirect("/shelf")
	ann.Get("/shelf").Want(http.StatusOK, "A lamp, $12")
}

func TestShelfIsForMembers(t *testing.T) {
	m, app := newTestApp(t)
	guest := authtest.Login{App: app}.Client(t, m, nil)
	guest.Get("/shelf").WantLogin(m, "/shelf")
}

func TestClearNeedsThePassword(t *testing.T) {
	m, app := newTestApp(t)
	c := authtest.Login{App: app, Stale: true}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	c.Get("/shelf/clear").WantRedirect(m.ReauthURL("/shelf/clear"))
	c.Post("/reauth?next=/shelf/clear", url.Values{"password": {authtest.Password}}).WantRedirect("/shelf/clear")
	c.Get("/shelf/clear").Want(http.StatusOK, "Clear it")
}
