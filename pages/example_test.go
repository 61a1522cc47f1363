package pages_test

import (
	"fmt"
	"log"
	"net/http"
	"testing/fstest"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
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

// The pages in the frame of the application, with its name and its style sheet, and with those for mail.
func ExampleNew() {
	site, err := pages.New(&pages.Config{
		Name: "Yumroad",
		Templates: fstest.MapFS{"layout.html": {Data: []byte(`<!doctype html>
<html lang="{{.Lang}}">
<head><title>{{.Title}} – {{.Site}}</title><link rel="stylesheet" href="/shop.css"></head>
<body><nav><a href="/">{{.Site}}</a></nav><main>{{.Body}}</main></body>
</html>`)}}, // rather an embed.FS
	})
	if err != nil {
		log.Fatal(err)
	}
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{
		BaseURL:     "https://shop.example",
		CSRFRefused: http.HandlerFunc(site.CSRFRefused),
		Hooks:       []auth.Hooks{email.Hooks(0)}, // who has not confirmed stays out
	})
	if err != nil {
		log.Fatal(err)
	}
	outbox, err := email.NewDir("mails", "Yumroad <noreply@shop.example>")
	if err != nil {
		log.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: outbox, SiteName: "Yumroad"})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", m.Handler(site.Handler(m, links)))
}
