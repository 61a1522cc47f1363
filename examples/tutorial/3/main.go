package main

import (
	"context"
	"html/template"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/sqlstore"
)

func main() {
	log.Fatal(run())
}

func run() error {
	db, store, err := open("sqlite", "file:shop.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)", sqlstore.SQLite)
	if err != nil {
		return err
	}
	defer db.Close()
	site, err := pages.New(&pages.Config{Name: "The Shop"})
	if err != nil {
		return err
	}
	m, err := auth.New(store, config(site))
	if err != nil {
		return err
	}
	links, err := email.New(m, store, &email.Config{Mailer: terminal{}, SiteName: "The Shop"})
	if err != nil {
		return err
	}
	defer links.Close(context.Background())
	log.Print("listening on http://localhost:8080")
	return http.ListenAndServe("localhost:8080", newApp(m, site, links))
}

func config(site *pages.Site) *auth.Config {
	return &auth.Config{
		BaseURL:     "http://localhost:8080",
		CSRFRefused: http.HandlerFunc(site.CSRFRefused),
		Hooks:       []auth.Hooks{email.Hooks(0)}, // nobody gets in who has not confirmed their address
	}
}

func newApp(m *auth.Manager, site *pages.Site, links *email.Links) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(m, links))
	mux.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(home)))
	return m.Handler(mux)
}

func home(w http.ResponseWriter, r *http.Request) {
	homePage.Execute(w, map[string]any{"User": auth.CurrentUser(r.Context()), "Token": auth.CSRFToken(r.Context())})
}

var homePage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The Shop</title><link rel="stylesheet" href="/vestibule.css">
<body class="vestibule-frame"><main class="vestibule"><h1>Hello, {{.User.Email}}</h1>
<form method="post" action="/logout"><input type="hidden" name="csrf_token" value="{{.Token}}">
<button>Log out</button></form></main></body></html>`))
