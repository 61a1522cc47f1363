package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/sqlstore"
)

// start starts the program with the database in that file.
func start(t *testing.T, source string) (*auth.Manager, http.Handler) {
	t.Helper()
	db, store, err := open("sqlite", source, sqlstore.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	m, err := auth.New(store, authtest.Config(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	return m, newApp(m)
}

// Ann is logged in still when the program has been started again.
func TestWalk(t *testing.T) {
	source := "file:" + filepath.Join(t.TempDir(), "shop.db")
	_, app := start(t, source)
	c := authtest.NewClient(t, app)
	c.Signup("ann@example.com", authtest.Password).Follow().Want(http.StatusOK, "Hello, ann@example.com")

	m, app := start(t, source)
	again := authtest.NewClient(t, app)
	again.Header.Set("Cookie", "session="+c.Cookie("session").Value)
	again.Get("/").Want(http.StatusOK, "Hello, ann@example.com")
	authtest.NewClient(t, app).Get("/").WantLogin(m, "/")
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, _, err := open("sqlite", "file:"+filepath.Join(t.TempDir(), "missing", "shop.db"), sqlstore.SQLite); err == nil {
		t.Error("a database in a folder that is not there")
	}
	if _, _, err := open("oracle", "", sqlstore.SQLite); err == nil {
		t.Error("a driver that is not there")
	}
}
