// Minimal is a whole application with accounts: sign up, log in, see a page of
// your own, log out. It forgets everyone when it ends.
package main

import (
	"html/template"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

var home = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Home</title><link rel="stylesheet" href="/vestibule.css">
<body class="vestibule-frame"><main class="vestibule"><h1>Hello, {{.User.Email}}</h1>
<form method="post" action="/logout"><input type="hidden" name="csrf_token" value="{{.Token}}">
<button>Log out</button></form></main></body></html>`))

func main() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", app(m)))
}

func app(m *auth.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(greet)))
	return m.Handler(mux)
}

func greet(w http.ResponseWriter, r *http.Request) {
	home.Execute(w, map[string]any{"User": auth.CurrentUser(r.Context()), "Token": auth.CSRFToken(r.Context())})
}
