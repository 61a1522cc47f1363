package auth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

type cheap struct{ auth.Bcrypt }

func TestSmoke(t *testing.T) {
	var m *auth.Manager
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	defer srv.Close()
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: srv.URL, Hasher: cheap{4}})
	if err != nil {
		t.Fatal(err)
	}
	app := http.NewServeMux()
	form := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, auth.CSRFToken(r.Context())) }
	app.HandleFunc("GET /login", form)
	app.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		u, err := m.Signup(r.Context(), auth.ParseSignup(r))
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		if err != nil {
			http.Error(w, err.Error(), auth.Status(err))
			return
		}
		m.Redirect(w, r)
	})
	app.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		u, err := m.Authenticate(r.Context(), f)
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword, Remember: f.Remember})
		}
		if err != nil {
			http.Error(w, err.Error(), auth.Status(err))
			return
		}
		m.Redirect(w, r)
	})
	app.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := m.Logout(w, r); err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		m.Redirect(w, r)
	})
	app.Handle("GET /me", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", auth.CurrentUser(r.Context()).Email, auth.CSRFToken(r.Context()))
	})))
	app.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "home") })
	mux.Handle("/", m.Handler(app))
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(p string) (*http.Response, string) {
		t.Helper()
		resp, err := c.Get(srv.URL + p)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		t.Log("GET", p, resp.StatusCode, resp.Header, string(b))
		return resp, string(b)
	}
	post := func(p, tok string, v url.Values) *http.Response {
		t.Helper()
		v.Set("csrf_token", tok)
		req, _ := http.NewRequest("POST", srv.URL+p, strings.NewReader(v.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", srv.URL)
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		t.Log("POST", p, resp.StatusCode, resp.Header, string(b))
		return resp
	}
	get("/")
	get("/me")
	_, tok := get("/login")
	post("/signup", tok, url.Values{"email": {"Ann@Example.com"}, "password": {"correct horse battery staple"}, "confirm": {"correct horse battery staple"}})
	_, b := get("/me")
	tok = strings.Fields(b)[1]
	post("/logout", "x", url.Values{})
	post("/logout", tok, url.Values{})
	get("/me")
	_, tok = get("/login")
	post("/login", tok, url.Values{"email": {"Ann@Example.com"}, "password": {"correct horse battery stapl"}})
	post("/login", tok, url.Values{"email": {"ann@Example.com"}, "password": {"correct horse battery staple"}, "remember": {"on"}, "next": {"/me?x=1"}})
	get("/me")
}
