package guides

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/pages"
)

//go:embed templates/*.html
var templates embed.FS

// newSite returns the pages in the shop's own frame and words.
func newSite() (*pages.Site, error) {
	own, err := fs.Sub(templates, "templates")
	if err != nil {
		return nil, err
	}
	words, err := shopWords()
	if err != nil {
		return nil, err
	}
	return pages.New(&pages.Config{Name: "The Shop", Templates: own, Languages: words})
}

// shopWords is English with some texts of the shop's own, and German as it comes.
func shopWords() (lang.Catalog, error) {
	english, err := lang.English().With(map[string]string{
		"login.title":  "Welcome back",
		"login.button": "Let me in",
	})
	if err != nil {
		return nil, err
	}
	words := lang.Builtin() // English is the first
	words[0] = english
	return words, nil
}

// withFrench adds a language: file is lang/en.json, translated.
func withFrench(words lang.Catalog, file []byte) (lang.Catalog, error) {
	french, err := lang.Parse("fr", file)
	if err != nil {
		return nil, err // names every key that is missing
	}
	return append(words, french), nil
}

// byPreference speaks the language that the visitor has chosen, and else the one that the browser asks for.
func byPreference(words lang.Catalog) func(*http.Request) *lang.Language {
	match := words.Matcher()
	return func(r *http.Request) *lang.Language {
		if choice, ok := auth.SessionValue[string](r.Context(), "language"); ok {
			return match(choice)
		}
		return match(r.Header.Get("Accept-Language"))
	}
}

// shopRoutes has a login page of its own, and takes the rest from site.
func shopRoutes(m *auth.Manager, site *pages.Site, links *email.Links) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(m, links))
	mux.Handle("GET /login", m.RequireGuest(http.HandlerFunc(showLogin)))
	mux.Handle("POST /login", m.RequireGuest(login(m)))
	return m.Handler(mux)
}

func showLogin(w http.ResponseWriter, r *http.Request) {
	renderLogin(w, r, new(auth.LoginForm), http.StatusOK)
}

func login(m *auth.Manager) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		u, err := m.Authenticate(r.Context(), f)
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword, Remember: f.Remember})
		}
		switch {
		case err == nil:
			m.Redirect(w, r)
		case auth.PendingPassword(r.Context()) != nil: // see MarkCompromised
			http.Redirect(w, r, m.PasswordURL(f.Next), http.StatusSeeOther)
		case auth.Pending(r.Context()) != nil:
			http.Redirect(w, r, m.SecondFactorURL(f.Next), http.StatusSeeOther)
		default:
			renderLogin(w, r, f, auth.Status(err))
		}
	}
}

func renderLogin(w http.ResponseWriter, r *http.Request, f *auth.LoginForm, status int) {
	data := map[string]any{"Form": f, "Token": auth.CSRFToken(r.Context()), "Next": r.FormValue("next")} // before the first byte
	w.WriteHeader(status)
	loginPage.Execute(w, data)
}

var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<title>Log in</title>
<form method="post" action="/login">
<input type="hidden" name="csrf_token" value="{{.Token}}">
<input type="hidden" name="next" value="{{.Next}}">
{{with .Form.Errors.Get ""}}<p role="alert">{{.}}</p>{{end}}
<label>Email <input name="email" autocomplete="username" required value="{{.Form.Email}}"></label> {{.Form.Errors.Get "email"}}
<label>Password <input name="password" type="password" autocomplete="current-password" required></label> {{.Form.Errors.Get "password"}}
<label><input name="remember" type="checkbox"> Stay logged in</label>
<button>Log in</button>
</form>
`))
