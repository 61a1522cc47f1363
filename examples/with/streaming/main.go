// Streaming sends events to users for as long as they listen.
package main

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

func main() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	srv := &http.Server{Addr: "localhost:8080", Handler: app(m, time.Tick(time.Second)), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	log.Print("listening on http://localhost:8080")
	log.Fatal(srv.ListenAndServe())
}

func app(m *auth.Manager, ticks <-chan time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /events", m.RequireLogin(events(ticks)))
	mux.Handle("GET /last", m.RequireLogin(http.HandlerFunc(last)))
	return m.Handler(mux)
}

func events(ticks <-chan time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.SetWriteDeadline(time.Time{}) // WriteTimeout is for pages
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // for nginx
		// What the session is to keep it is told before the first byte.
		if err := auth.SetSessionValue(r.Context(), "listened", "yes"); err != nil {
			log.Print(err)
		}
		fmt.Fprintf(w, "data: hello %s\n\n", auth.CurrentUser(r.Context()).Email)
		for rc.Flush() == nil {
			select {
			case <-r.Context().Done():
				return
			case now := <-ticks:
				fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
			}
		}
	}
}

func last(w http.ResponseWriter, r *http.Request) {
	listened, _ := auth.SessionValue[string](r.Context(), "listened")
	fmt.Fprintf(w, "listened: %s\n", listened)
}
