package main

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/pages"
)

//go:embed templates shop.css
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*.html"))

// newSite returns the pages of package pages, within our layout.html.
func newSite() (*pages.Site, error) {
	own, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	english := lang.Catalog{lang.English()} // as our own pages
	return pages.New(&pages.Config{Name: "The Shop", Templates: own, Languages: english})
}

// page is a page of ours. It answers all that layout.html asks of a pages.Page.
type page struct {
	Title    string
	Notice   string
	Products []product
	User     *auth.User // nil: a guest
	Body     template.HTML

	r *http.Request
}

func (p *page) Lang() string  { return "en" }
func (p *page) Site() string  { return "The Shop" }
func (p *page) Token() string { return auth.CSRFToken(p.r.Context()) }

// show sends a page: the template of that name, with layout.html around it.
func show(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	p.User, p.r = auth.CurrentUser(r.Context()), r
	var body, whole bytes.Buffer
	err := templates.ExecuteTemplate(&body, name, p)
	if err == nil {
		p.Body = template.HTML(body.String())
		err = templates.ExecuteTemplate(&whole, "layout.html", p)
	}
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(whole.Bytes())
}

func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "Something is broken here. Please try again later.", http.StatusInternalServerError)
}
