package bench

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/vestibule-go/auth"
)

// hasher lets auth.Bcrypt be as cheap as the one of the other application.
type hasher struct{}

func (hasher) Hash(password string) (string, error) { return auth.Bcrypt(cost).Hash(password) }

func (hasher) Verify(hash, password string) (ok, stale bool, err error) {
	return auth.Bcrypt(cost).Verify(hash, password)
}

// authApp is the application on this library.
func authApp(tb testing.TB, s *storage) *app {
	m, err := auth.New(s.store, &auth.Config{
		BaseURL: baseURL,
		Hasher:  hasher{},
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, publicPage, shown{}) })
	mux.Handle("GET /dashboard", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		show(w, dashboardPage, shown{auth.CurrentUser(r.Context()).Email, auth.CSRFToken(r.Context())})
	})))
	mux.Handle("POST /like", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
	})))
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		show(w, loginPage, shown{Token: auth.CSRFToken(r.Context())})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		u, err := m.Authenticate(r.Context(), auth.ParseLogin(r))
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		done(w, r, err)
	})
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		u, err := m.Signup(r.Context(), auth.ParseSignup(r))
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		done(w, r, err)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { done(w, r, m.Logout(w, r)) })
	return &app{name: "auth", handler: m.Handler(mux), accounts: true}
}

func done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		http.Error(w, err.Error(), auth.Status(err))
		return
	}
	http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
}
