package main

import (
	"html/template"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
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
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		return err
	}
	log.Print("listening on http://localhost:8080")
	return http.ListenAndServe("localhost:8080", newApp(m))
}

func newApp(m *auth.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
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
