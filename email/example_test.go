package email_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
)

// printer is a Mailer for development: it shows where a mail would go, and keeps its text.
type printer struct{ last chan string }

func (p printer) Send(_ context.Context, m *email.Message) error {
	fmt.Println("Mail to", m.To+":", m.Subject)
	p.last <- m.Text
	return nil
}

// Signing up with confirmation: a link is mailed, and the page behind it asks for the password.
func Example() {
	mailer := printer{make(chan string, 1)}
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hooks: []auth.Hooks{email.Hooks(0)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	links, err := email.New(m, store, &email.Config{Mailer: mailer, SiteName: "The Shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer links.Close(context.Background())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /signup", func(w http.ResponseWriter, r *http.Request) { show(w, r, "/signup", "", nil, nil) })
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseSignup(r)
		if err := links.Signup(r.Context(), f); err != nil {
			show(w, r, "/signup", "", f.Errors, err)
			return
		}
		fmt.Fprint(w, "Please look into your mail.") // whether or not there was an account
	})
	mux.HandleFunc("GET /confirm", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		token := r.URL.Query().Get("token")
		_, err := links.Confirmation(r.Context(), token) // uses nothing up
		show(w, r, "/confirm", token, nil, err)
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		f, token := auth.ParseLogin(r), r.PostFormValue("token")
		u, err := links.Confirm(r.Context(), token, f)
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword}) // the password was right
		}
		if err != nil {
			show(w, r, "/confirm", token, f.Errors, err)
			return
		}
		fmt.Fprint(w, "Welcome, ", u.Email)
	})
	app := m.Handler(mux)

	visit := newBrowser(app)
	fmt.Println(visit("POST", "/signup", url.Values{"email": {"ann@example.com"}, "password": {password}, "confirm": {password}}))
	token := link.FindStringSubmatch(<-mailer.last)[1]
	visit("GET", "/confirm?token="+token, nil)
	fmt.Println(visit("POST", "/confirm", url.Values{"token": {token}, "password": {password}}))
	fmt.Println(visit("POST", "/confirm", url.Values{"token": {token}, "password": {password}}))
	// Unordered output:
	// Please look into your mail.
	// Mail to ann@example.com: Please confirm your address for The Shop
	// Welcome, ann@example.com
	// This link does not work, or not any more.
}

// show renders a form, with what is wrong with it.
func show(w http.ResponseWriter, r *http.Request, action, token string, faults auth.FormErrors, err error) {
	csrf := auth.CSRFToken(r.Context()) // before the first byte
	w.WriteHeader(auth.Status(err))
	if errors.Is(err, email.ErrLink) {
		fmt.Fprint(w, "This link does not work, or not any more.")
		return
	}
	form.Execute(w, map[string]any{"Action": action, "Token": token, "CSRF": csrf, "Errors": faults})
}

var form = template.Must(template.New("").Parse(`<!doctype html>
<form method="post" action="{{.Action}}">
<input type="hidden" name="csrf_token" value="{{.CSRF}}"><input type="hidden" name="token" value="{{.Token}}">
{{range .Errors}}<p>{{.Message}}</p>{{end}}
{{if eq .Action "/signup"}}<input name="email" type="email" autocomplete="username">{{end}}
<input name="password" type="password">
{{if eq .Action "/signup"}}<input name="confirm" type="password" autocomplete="new-password">{{end}}
<button>Go</button>
</form>`))

// newBrowser returns a function that makes requests as a browser would, with cookies and CSRF tokens.
func newBrowser(app http.Handler) func(method, path string, form url.Values) string {
	jar, _ := cookiejar.New(nil) // never fails
	send := func(method, path string, form url.Values) string {
		r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		app.ServeHTTP(rec, r)
		jar.SetCookies(r.URL, rec.Result().Cookies())
		return rec.Body.String()
	}
	csrf := regexp.MustCompile(`name="csrf_token" value="([^"]*)"`)
	return func(method, path string, form url.Values) string {
		if method == "POST" {
			form.Set("csrf_token", html.UnescapeString(csrf.FindStringSubmatch(send("GET", "/signup", nil))[1]))
		}
		return send(method, path, form)
	}
}

// Mails as files, to look at while an application is written.
func ExampleDir() {
	folder, err := os.MkdirTemp("", "mails")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	mailer, err := email.NewDir(folder, "The Shop <noreply@shop.example>")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := mailer.Send(context.Background(), &email.Message{To: "ann@example.com", Subject: "Hello", Text: "Welcome.\n"}); err != nil {
		fmt.Println(err)
		return
	}
	mails, _ := filepath.Glob(filepath.Join(folder, "*.eml"))
	fmt.Println(len(mails), "mail")
	// Output: 1 mail
}
