package authtest_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

// The application that the listings of docs/testing.md and the examples test.

// newApp makes it: pages of its own, and the ready ones.
func newApp(m *auth.Manager) http.Handler { return newAppWithMails(m, nil) }

func newAppWithMails(m *auth.Manager, links *email.Links) http.Handler {
	site, err := pages.New(nil)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(m, links))
	mux.Handle("GET /dashboard", m.RequireLogin(http.HandlerFunc(dashboard)))
	mux.Handle("POST /orders", m.RequireLogin(http.HandlerFunc(order)))
	mux.Handle("GET /card", m.RequireFresh(10*time.Minute)(http.HandlerFunc(dashboard)))
	mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) { code(m, w, r) })
	return m.Handler(mux)
}

var dashboardPage = template.Must(template.New("").Parse(`<p>Hello, {{.Email}}
<form action="/orders" method="post"><input type="hidden" name="csrf_token" value="{{.Token}}"><input name="product"></form>`))

func dashboard(w http.ResponseWriter, r *http.Request) {
	dashboardPage.Execute(w, map[string]string{"Email": auth.CurrentUser(r.Context()).Email, "Token": auth.CSRFToken(r.Context())})
}

func order(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusCreated)
	template.Must(template.New("").Parse("{{.}} is on its way")).Execute(w, r.PostFormValue("product"))
}

// code is the page for the second factor.
func code(m *auth.Manager, w http.ResponseWriter, r *http.Request) {
	u := auth.Pending(r.Context())
	if u == nil || r.PostFormValue("code") != "123456" {
		auth.Problem(w, r, http.StatusForbidden, "wrong_code", "This code is wrong.")
		return
	}
	if err := m.Login(w, r, u, auth.Proof{Factor: "otp"}); err != nil {
		auth.Problem(w, r, auth.Status(err), "refused", "You cannot log in.")
		return
	}
	m.Redirect(w, r)
}

// newServer is newApp on the network.
func newServer(t *testing.T, m *auth.Manager) *httptest.Server {
	srv := httptest.NewServer(newApp(m))
	t.Cleanup(srv.Close)
	return srv
}

// newStore is the application's own store.
func newStore(*testing.T) auth.Store { return memstore.New() }
