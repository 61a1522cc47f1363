// Proxy has accounts behind nginx, which speaks TLS for it. Its part is in nginx.conf.
package main

import (
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/netip"
	"time"

	"github.com/coder/websocket"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

func main() {
	m, err := auth.New(memstore.New(), config())
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on 127.0.0.1:8080, for nginx")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(m, time.Tick(time.Second)))) // not :8080, or visitors could come past nginx
}

func config() *auth.Config {
	return &auth.Config{
		BaseURL:        "https://notes.example",                               // what visitors type, not where nginx finds this
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, // from where nginx comes
		CSRFRefused:    http.HandlerFunc(pages.CSRFRefused),
	}
}

func app(m *auth.Manager, ticks <-chan time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m)) // sign up, log in and so on: whatever is not below
	mux.HandleFunc("GET /{$}", home)
	mux.Handle("POST /notes", m.RequireLogin(http.HandlerFunc(keep)))
	mux.Handle("GET /events", m.RequireLogin(events(ticks)))
	mux.Handle("GET /socket", m.RequireLogin(greet(m)))
	return m.Handler(mux)
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes</title>
{{if .User}}<h1>Hello, {{.User.Email}}</h1>
<form method="post" action="/notes">{{template "token" .}}<label>Note <input name="text"></label><button>Keep</button></form>
<form method="post" action="/logout">{{template "token" .}}<button>Log out</button></form>
{{else}}<h1>Hello, stranger</h1><a href="/login">Log in</a>{{end}}
{{define "token"}}<input type="hidden" name="csrf_token" value="{{.Token}}">{{end}}`))

func home(w http.ResponseWriter, r *http.Request) {
	data := map[string]any{"User": auth.CurrentUser(r.Context())}
	if auth.CurrentUser(r.Context()) != nil {
		data["Token"] = auth.CSRFToken(r.Context())
	}
	page.Execute(w, data)
}

func keep(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) }

func events(ticks <-chan time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: hello %s\n\n", auth.CurrentUser(r.Context()).Email)
		for http.NewResponseController(w).Flush() == nil {
			select {
			case <-r.Context().Done():
				return
			case now := <-ticks:
				fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
			}
		}
	}
}

// greet says one word over a web socket. The example websocket has one that stays open.
func greet(m *auth.Manager) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != m.BaseURL() {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{m.BaseURL()}})
		if err != nil {
			return // Accept has answered
		}
		defer conn.CloseNow()
		if conn.Write(r.Context(), websocket.MessageText, []byte("hello "+auth.CurrentUser(r.Context()).Email)) == nil {
			conn.Close(websocket.StatusNormalClosure, "")
		}
	}
}
