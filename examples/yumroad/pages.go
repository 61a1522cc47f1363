package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"hash/crc32"
	"html/template"
	"net/http"
	"strconv"

	"github.com/vestibule-go/auth"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages has one template for each page, by its name, inside the layout.
var pages = parsePages("home", "product", "signup", "login", "reauth", "password", "dashboard", "failure")

func parsePages(names ...string) map[string]*template.Template {
	funcs := template.FuncMap{"asset": asset, "art": art}
	layout := template.Must(template.New("layout.html").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	all := make(map[string]*template.Template)
	for _, name := range names {
		page := template.Must(layout.Clone())
		all[name] = template.Must(page.ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return all
}

// view is what a template gets to see.
type view struct {
	Title    string
	Notice   string          // a word to the visitor, above everything else
	Form     any             // what was typed, to be shown again
	Errors   auth.FormErrors // what is wrong with it
	Products []product

	// The rest is set by render.
	User        *auth.User // nil for guests
	Path        string
	MinPassword int

	ctx context.Context
}

// CSRF returns the token for a form. It is a method so that only pages with a
// form ask for it: a guest who merely looks around needs no cookie.
func (v view) CSRF() string { return auth.CSRFToken(v.ctx) }

// Account returns the email of the user whose password is asked for: also of one who has
// to change it before they are logged in.
func (v view) Account() string {
	if u := cmp.Or(auth.CurrentUser(v.ctx), auth.PendingPassword(v.ctx)); u != nil {
		return u.Email
	}
	return ""
}

// Error returns what is wrong with a field, or "".
func (v view) Error(field string) string { return v.Errors.Get(field) }

// First reports whether field is the first with an error: there the visitor goes on.
func (v view) First(field string) bool {
	for _, e := range v.Errors {
		if e.Field != "" {
			return e.Field == field
		}
	}
	return false
}

// Label returns the name of a field as the visitor knows it.
func (v view) Label(field string) string {
	if label, ok := newPasswordLabels[field]; ok && v.Path == "/account/password" {
		return label
	}
	return labels[field]
}

var (
	labels = map[string]string{
		"email": "Email", "password": "Password", "confirm": "Password, once more", "current": "Current password",
		"name": "Name", "description": "Description", "price": "Price",
	}
	newPasswordLabels = map[string]string{"password": "New password", "confirm": "New password, once more"}
)

// render sends a page. It is complete before its first byte goes out: an error in
// a template gives no half page, and a CSRF token can still set its cookie.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.ctx, v.User, v.Path, v.MinPassword = r.Context(), auth.CurrentUser(r.Context()), r.URL.Path, s.auth.MinPassword()
	var page bytes.Buffer
	if err := pages[name].Execute(&page, v); err != nil {
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

// broken answers where the shop itself is at fault.
func (s *shop) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	s.fail(w, r, http.StatusInternalServerError)
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
