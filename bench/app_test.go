package bench

import (
	"context"
	"net/http"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Whoever benchmarks logs in as Ann.
const (
	ann      = "ann@example.com"
	password = "window tractor ocean violin"
	baseURL  = "http://localhost"
)

// cost is bcrypt's cheapest: what a login takes beside the hash is to be seen.
const cost = bcrypt.MinCost

// app is one of the applications that are compared.
type app struct {
	name     string
	handler  http.Handler
	accounts bool // somebody can log in
}

// apps returns the applications on a store, in the order in which they are compared.
func apps(tb testing.TB, s *storage) []*app {
	return []*app{bareApp(), lookupApp(tb, s), wiredApp(s), authApp(tb, s)}
}

// bareApp is the application without accounts.
func bareApp() *app {
	return &app{name: "bare", handler: withoutAccounts(func(context.Context) (string, error) { return ann, nil })}
}

// lookupApp asks the database for the one user there is at each signed-in page.
func lookupApp(tb testing.TB, s *storage) *app {
	return &app{name: "lookup", handler: withoutAccounts(s.lookup(tb))}
}

// noToken looks like one of nosurf, with what html/template has to escape in it.
const noToken = "kq8+0bVdJr1m/3XeYc5nW7uZt2GhLs4oPf6aQiKxR9wjTzyBvMN+CEUDlSOgAHpI8F1kq80bVdJr1m3XeYc5nQ=="

func withoutAccounts(email func(context.Context) (string, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, publicPage, shown{}) })
	mux.HandleFunc("GET /dashboard", func(w http.ResponseWriter, r *http.Request) {
		e, err := email(r.Context())
		if err != nil {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		show(w, dashboardPage, shown{Email: e, Token: noToken})
	})
	mux.HandleFunc("POST /like", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "bad form", http.StatusBadRequest)
			return
		}
		if _, err := email(r.Context()); err != nil {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
	})
	return mux
}
