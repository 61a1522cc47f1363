package main

import (
	"bytes"
	"context"
	"embed"
	"hash/crc32"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/vestibule-go/auth"
)

//go:embed templates
var templateFiles embed.FS

var (
	funcs     = template.FuncMap{"asset": asset, "art": art}
	templates = template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/*.html", "templates/frame/*.html"))
)

// frame returns the templates that package pages takes for its pages: the layout, and what is in it.
func frame() fs.FS {
	dir, err := fs.Sub(templateFiles, "templates/frame")
	if err != nil {
		panic(err) // it is part of the program
	}
	return dir
}

// view is what a template gets to see. The layout sees as much of it as of a pages.Page, by the same names:
// Title, Lang, User, Path, Token and Body.
type view struct {
	Heading  string
	Notice   string          // a word to the visitor, above everything else
	Form     any             // what was typed, to be shown again
	Errors   auth.FormErrors // what is wrong with it
	Products []product
	Activity []happening
	Older    string // the cursor of the next page of Activity

	// The rest is set by render.
	User *auth.User // nil for guests
	Path string
	Body template.HTML // what the layout is around

	ctx context.Context
}

// Title is for the title element.
func (v view) Title() string {
	if len(v.Errors) > 0 {
		return "Error: " + v.Heading
	}
	return v.Heading
}

// Lang returns the language of the page.
func (v view) Lang() string { return "en" }

// Token returns the CSRF token for a form. It is a method so that only pages with a
// form ask for it: a guest who merely looks around needs no cookie.
func (v view) Token() string { return auth.CSRFToken(v.ctx) }

// Error returns what is wrong with a field, or "".
func (v view) Error(field string) string { return v.Errors.Get(field) }

// First reports whether field is the first with an error: there the visitor goes on.
func (v view) First(field string) bool { return len(v.Errors) > 0 && v.Errors[0].Field == field }

// Label returns the name of a field as the visitor knows it.
func (v view) Label(field string) string { return labels[field] }

var labels = map[string]string{"name": "Name", "description": "Description", "price": "Price"}

// render sends a page. It is complete before its first byte goes out: an error in
// a template gives no half page, and a CSRF token can still set its cookie.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.ctx, v.User, v.Path = r.Context(), auth.CurrentUser(r.Context()), r.URL.Path
	var body, page bytes.Buffer
	err := templates.ExecuteTemplate(&body, name+".html", v)
	if err == nil {
		v.Body = template.HTML(body.String()) // which the template has escaped
		err = templates.ExecuteTemplate(&page, "layout.html", v)
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "page cannot be shown", "page", name, "error", err)
		http.Error(w, "Something went wrong. Please try again.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.User != nil || status != http.StatusOK {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// broken answers where the shop cannot get at its products, as when the database is away.
func (s *shop) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "5")
	s.fail(w, r, http.StatusServiceUnavailable)
}

// announce leaves a word for the next page, in the session.
func (s *shop) announce(r *http.Request, text string) {
	auth.SetSessionValue(r.Context(), "notice", text)
}

// announced returns that word, once.
func (s *shop) announced(r *http.Request) string {
	text, _ := auth.TakeSessionValue[string](r.Context(), "notice")
	return text
}

// artworks is how many illustrations there are: static/art1.svg and so on.
const artworks = 6

// art returns the illustration of a product, always the same one for a name.
func art(p product) string {
	return asset("art" + strconv.Itoa(int(crc32.ChecksumIEEE([]byte(p.Name))%artworks)+1) + ".svg")
}
