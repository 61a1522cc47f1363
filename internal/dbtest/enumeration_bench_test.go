package dbtest

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/timing"
)

// cheapBcrypt is bcrypt at its cheapest, which the library refuses.
type cheapBcrypt struct{ auth.Bcrypt }

// BenchmarkEnumeration is that of the root, with users in a database: a row that is found
// must not take longer than one that is not. Hashing at the default cost is 250 times as slow as
// here.
func BenchmarkEnumeration(b *testing.B) {
	for _, d := range []database{modernc, pgx} {
		b.Run(d.name, func(b *testing.B) {
			for b.Loop() {
				compareTimes(b, d.source(b))
			}
		})
	}
}

func compareTimes(b *testing.B, src source) {
	store := src.store(b, src.open(b))
	hasher := cheapBcrypt{4}
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost", Hasher: hasher, Logger: slog.New(slog.DiscardHandler)})
	must(b, err)
	hash, err := hasher.Hash("window tractor ocean violin")
	must(b, err)
	h := loginPage(m)

	page := httptest.NewRecorder()
	h.ServeHTTP(page, httptest.NewRequest("GET", "http://localhost/", nil))
	token, cookies := page.Body.String(), page.Result().Cookies()
	create := func(_ int, email string) {
		must(b, store.CreateUser(b.Context(), &auth.User{ID: "id-" + email, Email: email, PasswordHash: hash, Stamp: "stamp"}))
	}
	timing.Compare(b, 2500, create, func(i int, email string) {
		form := url.Values{"csrf_token": {token}, "email": {email}, "password": {"candle meadow rocket puzzle"}}
		r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://localhost")
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:1234", i>>8, i&255)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusUnprocessableEntity {
			b.Fatalf("%s: status %d, want 422", email, w.Code)
		}
	})
}

// loginPage is a form's token, and what takes the form.
func loginPage(m *auth.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.CSRFToken(r.Context())) })
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		_, err := m.Authenticate(r.Context(), auth.ParseLogin(r))
		w.WriteHeader(auth.Status(err))
	})
	return m.Handler(mux)
}
