package pages_test

import (
	"fmt"
	"html/template"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

// An application with accounts: the pages, and one page of its own.
func ExampleHandler() {
	m, err := auth.New(memstore.New(), &auth.Config{
		BaseURL:     "http://localhost:8080",
		CSRFRefused: http.HandlerFunc(pages.CSRFRefused),
	})
	if err != nil {
		log.Fatal(err)
	}
	home := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello,", auth.CurrentUser(r.Context()).Email)
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(home)))
	log.Fatal(http.ListenAndServe("localhost:8080", m.Handler(mux)))
}

// The pages in the frame of the application, with its name and its style sheet.
func ExampleSite() {
	site := pages.Site{
		Name: "Yumroad",
		Layout: template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<head><title>{{.Title}} – {{.Name}}</title><link rel="stylesheet" href="/shop.css"></head>
<body><nav><a href="/">{{.Name}}</a></nav><main>{{.Body}}</main></body>
</html>`)),
	}
	m, err := auth.New(memstore.New(), &auth.Config{
		BaseURL:     "https://shop.example",
		CSRFRefused: http.HandlerFunc(site.CSRFRefused),
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", m.Handler(site.Handler(m)))
}
