package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/sqlstore"
)

func main() {
	log.Fatal(run())
}

func run() error {
	db, store, err := open("sqlite", "file:shop.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)", sqlstore.SQLite)
	if err != nil {
		return err
	}
	defer db.Close()
	site, err := newSite()
	if err != nil {
		return err
	}
	s := &shop{db}
	m, err := auth.New(store, config(site, s))
	if err != nil {
		return err
	}
	links, err := email.New(m, store, &email.Config{Mailer: terminal{}, SiteName: "The Shop"})
	if err != nil {
		return err
	}
	defer links.Close(context.Background())
	log.Print("listening on http://localhost:8080")
	return http.ListenAndServe("localhost:8080", newApp(m, site, links, s))
}

func config(site *pages.Site, s *shop) *auth.Config {
	return &auth.Config{
		BaseURL:     "http://localhost:8080",
		CSRFRefused: http.HandlerFunc(site.CSRFRefused),
		Hooks: []auth.Hooks{
			email.Hooks(0),     // nobody gets in who has not confirmed their address
			{Delete: s.forget}, // who deletes their account takes their products along
		},
	}
}

func newApp(m *auth.Manager, site *pages.Site, links *email.Links, s *shop) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(m, links))
	mux.Handle("GET /shop.css", http.FileServerFS(files))
	mux.HandleFunc("GET /{$}", s.home)
	mux.Handle("GET /shelf", m.RequireLogin(http.HandlerFunc(s.shelf)))
	mux.Handle("POST /shelf", m.RequireLogin(http.HandlerFunc(s.add)))
	fresh := m.RequireFresh(5 * time.Minute)
	mux.Handle("GET /shelf/clear", fresh(http.HandlerFunc(s.clearPage)))
	mux.Handle("POST /shelf/clear", fresh(http.HandlerFunc(s.clear)))
	return m.Handler(mux)
}

func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	list, err := s.products(r.Context(), "")
	if err != nil {
		fail(w, err)
		return
	}
	show(w, r, http.StatusOK, "home.html", &page{Title: "Welcome", Products: list})
}
