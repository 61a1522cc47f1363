// Templ has pages made with templ. After a change of notes.templ:
//
//	go run github.com/a-h/templ/cmd/templ@v0.3.1100 generate
package main

import (
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

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
	mux.Handle("GET /secret", fresh(templ.Handler(notes("A page for who has just logged in"))))
	return m.Handler(mux)
}

// show renders the whole page before its first byte goes out, as a guest's CSRF token needs.
func show(w http.ResponseWriter, r *http.Request, page templ.Component) {
	templ.Handler(page).ServeHTTP(w, r)
}

func home(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if u := auth.CurrentUser(r.Context()); u != nil {
		name = u.Email
	}
	show(w, r, notes("Hello, "+name))
}

func note(w http.ResponseWriter, r *http.Request) {
	show(w, r, notes("Note "+r.PathValue("id")+" of "+auth.CurrentUser(r.Context()).Email))
}

func open(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/notes/"+url.PathEscape(r.PostFormValue("id")), http.StatusSeeOther)
}
