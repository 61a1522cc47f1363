// Servemux has accounts on the ServeMux of net/http.
package main

import (
	"html/template"
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

func main() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", app(m)))
}

func app(m *auth.Manager) http.Handler {
	fresh := m.RequireFresh(15 * time.Minute)
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m)) // sign up, log in and so on: whatever is not below
	mux.HandleFunc("GET /{$}", home)
	mux.Handle("GET /notes/{id}", m.RequireLogin(http.HandlerFunc(note)))
	mux.Handle("POST /notes", m.RequireLogin(http.HandlerFunc(open)))
	mux.Handle("GET /secret", fresh(http.HandlerFunc(secret)))
	return m.Handler(mux)
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes</title>
<h1>{{.Text}}</h1>
{{if .User}}<form method="post" action="/notes">{{template "token" .}}<label>Note <input name="id"></label><button>Open</button></form>
<form method="post" action="/logout">{{template "token" .}}<button>Log out</button></form>
{{else}}<a href="/login">Log in</a>{{end}}
{{define "token"}}<input type="hidden" name="csrf_token" value="{{.Token}}">{{end}}`))

func show(w http.ResponseWriter, r *http.Request, text string) {
	u := auth.CurrentUser(r.Context())
	data := map[string]any{"Text": text, "User": u}
	if u != nil {
		data["Token"] = auth.CSRFToken(r.Context())
	}
	page.Execute(w, data)
}

func home(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if u := auth.CurrentUser(r.Context()); u != nil {
		name = u.Email
	}
	show(w, r, "Hello, "+name)
}

func note(w http.ResponseWriter, r *http.Request) {
	show(w, r, "Note "+r.PathValue("id")+" of "+auth.CurrentUser(r.Context()).Email)
}

func open(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/notes/"+url.PathEscape(r.PostFormValue("id")), http.StatusSeeOther)
}

func secret(w http.ResponseWriter, r *http.Request) { show(w, r, "A page for who has just logged in") }
