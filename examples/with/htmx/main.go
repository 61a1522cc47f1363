// Htmx has a form that htmx sends. Put htmx.min.js into the folder static beside the program.
package main

import (
	"html/template"
	"log"
	"net/http"
	"net/url"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

func main() {
	var s site
	cfg := s.config("http://localhost:8080")
	var err error
	if s.m, err = auth.New(memstore.New(), cfg); err != nil {
		log.Fatal(err)
	}
	log.Print("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", s.app()))
}

type site struct{ m *auth.Manager }

func (s *site) config(base string) *auth.Config {
	cfg := &auth.Config{BaseURL: base, CSRFRefused: http.HandlerFunc(pages.CSRFRefused)}
	cfg.Unauthorized = s.ask(func(r *http.Request, next string) string {
		if auth.PendingPassword(r.Context()) != nil {
			return s.m.PasswordURL(next)
		}
		return s.m.LoginURL(next)
	})
	cfg.NeedsRefresh = s.ask(func(_ *http.Request, next string) string { return s.m.ReauthURL(next) })
	return cfg
}

// ask has the browser, not htmx, go to a page that can help: htmx would follow a redirect
// and put that page into the middle of this one.
func (s *site) ask(page func(r *http.Request, next string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "HX-Request")
		if r.Header.Get("HX-Request") == "" {
			http.Redirect(w, r, page(r, back(r, r.Referer())), http.StatusSeeOther)
			return
		}
		w.Header().Set("HX-Redirect", page(r, back(r, r.Header.Get("HX-Current-URL"))))
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// back returns the page to come back to: what was asked for or, from htmx and from forms, where
// that was done. What it returns is made safe by LoginURL.
func back(r *http.Request, from string) string {
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		return r.URL.RequestURI()
	}
	u, err := url.Parse(from)
	if err != nil {
		return ""
	}
	return u.RequestURI()
}

func (s *site) app() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(s.m))
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	mux.Handle("GET /{$}", s.m.RequireLogin(show(http.StatusOK, "page", "")))
	mux.Handle("POST /notes", s.m.RequireLogin(http.HandlerFunc(add)))
	return s.m.Handler(mux)
}

// add answers with the form alone: a refused one by 422, as everywhere.
func add(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("text") == "" {
		show(http.StatusUnprocessableEntity, "form", "Please write something.").ServeHTTP(w, r)
		return
	}
	show(http.StatusOK, "form", "Saved: "+r.PostFormValue("text")).ServeHTTP(w, r)
}

func show(status int, name, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data := map[string]string{"Message": message, "Token": auth.CSRFToken(r.Context())}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		views.ExecuteTemplate(w, name, data)
	}
}

// By itself htmx 2 shows nothing of an answer by 422.
var views = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes</title>
<meta name="htmx-config" content='{"allowEval":false,"includeIndicatorStyles":false,"responseHandling":[
  {"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"422","swap":true},{"code":"[45]..","swap":false,"error":true}]}'>
<script src="/static/htmx.min.js" defer></script>
{{template "form" .}}
<form method="post" action="/logout"><input type="hidden" name="csrf_token" value="{{.Token}}"><button>Log out</button></form>
{{define "form"}}<form hx-post="/notes" hx-swap="outerHTML" method="post" action="/notes">
<input type="hidden" name="csrf_token" value="{{.Token}}">{{with .Message}}<p role="status">{{.}}</p>{{end}}
<label>Note <input name="text"></label><button>Save</button></form>{{end}}`))
