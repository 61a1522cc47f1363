package pages_test

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/pages"
)

// What package auth says in English, the catalog says in the same words: so an application that shows
// FieldError.Message next to these pages speaks with one voice.
func TestWordsOfTheRoot(t *testing.T) {
	l := lang.English()
	for _, code := range []string{
		auth.CodeRequired, auth.CodeRepeated, auth.CodeInvalid, auth.CodeTaken, auth.CodeTooShort, auth.CodeTooLong, auth.CodeCommon,
		auth.CodeSimilar, auth.CodeBreached, auth.CodeMismatch, auth.CodeWrong, auth.CodeBadLogin, "of the application",
	} {
		for _, field := range []string{"email", "password"} {
			var e auth.FormErrors
			e.Add(field, code, 17)
			key := "error." + code
			if l.Has(key + "." + field) {
				key += "." + field
			} else if !l.Has(key) {
				key = "error.other"
			}
			if got := l.Text(key, "limit", 17); got != e[0].Message {
				t.Errorf("%s of %s: %q, and package auth says %q", code, field, got, e[0].Message)
			}
		}
	}
	hint := ""
	m := authtest.New(t, nil)
	authtest.NewClient(t, m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hint = auth.PasswordHint(r.Context()) }))).Get("/")
	if got := l.Text("password.hint", "limit", 15); got != hint {
		t.Errorf("the hint is %q, and package auth says %q", got, hint)
	}
}

// Every text that a page asks for is in the catalog.
func TestNoKeyShows(t *testing.T) {
	key := regexp.MustCompile(`[>"](?:[a-z_]+\.)+(?:title|lead|text|button|[a-z_]+)[<"]`)
	l := newLife(t, block(), nil)
	c := l.newMember(ann)
	guest := l.client()
	for _, r := range []*authtest.Response{
		guest.Get("/signup"), guest.Get("/login"), guest.Get("/password/forgot"), guest.Get("/confirm/resend"), guest.Get("/confirm"), guest.Get("/password/reset"),
		guest.Get("/nowhere"), guest.Get("/logout"), guest.Post("/login", nil), guest.Post("/signup", nil), guest.Post("/login?stale", map[string][]string{"csrf_token": {"x"}}),
		c.Get("/reauth"), c.Get("/account/password"), c.Get("/account/email"), c.Get("/account/sessions"), c.Get("/account/delete"), c.Post("/account/password", nil),
	} {
		if found := key.FindString(r.Body); found != "" && found != `"vestibule.css"` {
			t.Errorf("%s: %s in\n%s", r.URL, found, r.Body)
		}
	}
}

// An application's own words, and its own choice of language.
func TestOwnWords(t *testing.T) {
	short, err := lang.English().With(map[string]string{"login.title": "Hello again"})
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, nil, &pages.Config{Languages: lang.Catalog{short}})
	c.Header.Set("Accept-Language", "de")
	r := c.Get("/login")
	mustContain(t, r, "<h1>Hello again</h1>", `lang="en"`)
	for _, vary := range r.Header.Values("Vary") {
		if vary == "Accept-Language" {
			t.Error("one language varies by Accept-Language")
		}
	}
	german := lang.Builtin()[1]
	choose := func(r *http.Request) *lang.Language {
		if r.URL.Query().Get("lang") == "de" {
			return german
		}
		return nil
	}
	c = newClient(t, nil, &pages.Config{Language: choose})
	mustContain(t, c.Get("/login?lang=de"), "<h1>Anmelden</h1>")
	mustContain(t, c.Get("/login"), "<h1>Log in</h1>")
}

// An error of the application's own keeps its words.
func TestOwnErrors(t *testing.T) {
	refuse := auth.FormErrors{{Field: "email", Code: "closed", Message: "Come back tomorrow."}}
	cfg := &auth.Config{Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error { return refuse }}}}
	c := newClient(t, cfg, nil)
	c.Header.Set("Accept-Language", "de")
	r := c.Signup(ann, authtest.Password)
	want(t, r, 422, "")
	mustContain(t, r, "Come back tomorrow.", "Fehler: ")
}

// What the shop replaces, a page of its own does by the same methods.
func TestOwnHandler(t *testing.T) {
	m := authtest.New(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /account/sessions", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		live, err := m.Sessions(r.Context(), auth.CurrentUser(r.Context()))
		if err != nil || len(live) != 1 {
			t.Error(errors.Join(err, errors.New("one session is here")))
		}
		io.WriteString(w, "ours")
	})))
	c := authtest.NewClient(t, m.Handler(mux))
	c.Signup(ann, authtest.Password)
	if r := c.Get("/account/sessions"); r.Body != "ours" {
		t.Errorf("page:\n%s", r.Body)
	}
}
