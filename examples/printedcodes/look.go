package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
)

// This file makes the pages of the factor look like those of package pages: the same style sheet, the
// same classes, the same headers.

//go:embed templates frame codes.css
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*.html"))

// page is what a template is executed with.
type page struct {
	Title  string
	Errors auth.FormErrors // of the one field that there is
	Next   string          // where the visitor goes on to

	On, Few, Drafted bool
	Left             int
	Codes            []string
	Made             time.Time
	Email            string

	ctx *http.Request
}

// Token is the CSRF token. Who asks for it gets a cookie.
func (p *page) Token() string { return auth.CSRFToken(p.ctx.Context()) }

// User is who is logged in, or nil.
func (p *page) User() *auth.User { return auth.CurrentUser(p.ctx.Context()) }

// render sends a page, once it is complete.
func render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	p.ctx = r
	if p.Next = r.PostForm.Get("next"); p.Next == "" {
		p.Next = r.URL.Query().Get("next")
	}
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, p); err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	w.Write(body.Bytes())
}

// style sends what the common style sheet does not have: the list of codes, and the printed page.
func style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, files, "codes.css")
}
