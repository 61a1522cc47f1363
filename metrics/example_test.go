package metrics_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/metrics"
)

// Count everything, and show it at an address of its own.
func Example() {
	set := metrics.New()
	store := set.Store(memstore.New()) // or another; give this one to email.New, too
	m, err := auth.New(store, &auth.Config{
		BaseURL: "http://localhost:8080",
		Hasher:  set.Hasher(nil), // or another
		Hooks:   []auth.Hooks{set.Hooks()},
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	set.Watch(m) // and set.WatchMails(links), if there are mails
	private := http.NewServeMux()
	private.Handle("GET /metrics", set) // http.ListenAndServe("127.0.0.1:9100", private)

	m.Authenticate(httptest.NewRequest("GET", "/", nil).Context(), &auth.LoginForm{Email: "ann@example.com", Password: "a guess"})
	w := httptest.NewRecorder()
	private.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, `reason="unknown user"`) {
			fmt.Print(line)
		}
	}
	// Output: auth_events_total{event="login_failed",reason="unknown user"} 1
}
