package guides

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/lang"
)

func TestOwnPages(t *testing.T) {
	site, err := newSite()
	if err != nil {
		t.Fatal(err)
	}
	m := authtest.New(t, &auth.Config{SecondFactorURL: "/code"})
	app := shopRoutes(m, site, nil)
	c := authtest.NewClient(t, app)
	c.Get("/signup").Want(http.StatusOK, "/shop.css", "An account keeps your orders", `name="confirm"`, "The Shop")
	c.Signup("ann@example.com", authtest.Password).WantRedirect("/")
	c.Get("/account/password")
	c.Logout().WantRedirect("/")
	c.Get("/login?next=/orders").Want(http.StatusOK, `value="/orders"`)
	c.Login("ann@example.com", "wrong").Want(http.StatusUnprocessableEntity, "is wrong", "ann@example.com")
	c.Post("/login", url.Values{"email": {"ann@example.com"}, "password": {authtest.Password}, "next": {"/orders"}}).WantRedirect("/orders")
}

func TestOwnLoginSendsOn(t *testing.T) {
	site, err := newSite()
	if err != nil {
		t.Fatal(err)
	}
	second := auth.Hooks{Login: func(w http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
		if strings.HasPrefix(u.Email, "two") && !s.Has("otp") {
			return auth.ErrSecondFactor
		}
		return nil
	}}
	m := authtest.New(t, &auth.Config{SecondFactorURL: "/code", Hooks: []auth.Hooks{second}})
	app := shopRoutes(m, site, nil)
	authtest.User(t, m, "two@example.com")
	authtest.NewClient(t, app).Login("two@example.com", authtest.Password).WantRedirect(m.SecondFactorURL(""))

	ann := authtest.User(t, m, "ann@example.com")
	if err := m.MarkCompromised(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	authtest.NewClient(t, app).Login("ann@example.com", authtest.Password).WantRedirect(m.PasswordURL(""))
}

func TestOwnWords(t *testing.T) {
	words, err := shopWords()
	if err != nil {
		t.Fatal(err)
	}
	if got := words.Match("en").Text("login.title"); got != "Welcome back" {
		t.Errorf("English: %q", got)
	}
	if got := lang.English().Text("login.title"); got == "Welcome back" {
		t.Error("the library's own texts have changed")
	}
	file, err := os.ReadFile("../../lang/en.json")
	if err != nil {
		t.Fatal(err)
	}
	file = bytes.Replace(file, []byte(`"login.title": "Log in"`), []byte(`"login.title": "Se connecter"`), 1)
	if words, err = withFrench(words, file); err != nil {
		t.Fatal(err)
	}
	if _, err := withFrench(words, []byte(`{"login.title": "Se connecter"}`)); err == nil {
		t.Error("half a language is one")
	}

	m := authtest.New(t, nil)
	choose := byPreference(words)
	app := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("language") != "" {
			auth.SetSessionValue(r.Context(), "language", r.FormValue("language"))
		}
		w.Write([]byte(choose(r).Text("login.title")))
	}))
	c := authtest.NewClient(t, app)
	c.Header = http.Header{"Accept-Language": {"fr-CA, de"}}
	c.Get("/").Want(http.StatusOK, "Se connecter")
	c.Get("/?language=de").Want(http.StatusOK, "Anmelden")
	c.Get("/").Want(http.StatusOK, "Anmelden")
	rec := httptest.NewRecorder()
	app.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if got := rec.Body.String(); got != "Welcome back" {
		t.Errorf("without a word about it: %q", got)
	}
}
