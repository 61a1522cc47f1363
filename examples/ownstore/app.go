package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/password"
)

// app is the application: two pages of its own, and those of package pages.
type app struct {
	auth    *auth.Manager
	links   *email.Links
	site    *pages.Site
	members *members
}

// newApp sets the application up on what openStores returns. Passwords are hashed by preferred; hashes that the earlier
// application has left are read, and replaced when their users log in.
func newApp(own *members, store auth.Store, mailer email.Mailer, baseURL string, preferred auth.Hasher) (*app, error) {
	site, err := pages.New(&pages.Config{Name: "Ownstore"})
	if err != nil {
		return nil, err
	}
	a := &app{site: site, members: own}
	a.auth, err = auth.New(store, &auth.Config{
		BaseURL:     baseURL,
		Hasher:      password.Migrating{Preferred: preferred, Others: []password.Verifier{password.Werkzeug{}}},
		CSRFRefused: http.HandlerFunc(site.CSRFRefused),
		Hooks:       []auth.Hooks{email.Hooks(0), {Export: exportMember}},
	})
	if err != nil {
		return nil, err
	}
	a.links, err = email.New(a.auth, store, &email.Config{Mailer: mailer, SiteName: "Ownstore"})
	return a, err
}

// exportMember adds the application's columns to the copy that users can take along. There is no
// Hooks.Delete, for the row goes with DeleteUser. What is in other tables needs one, or a foreign key
// with ON DELETE CASCADE.
func exportMember(_ context.Context, u *auth.User) (string, any, error) {
	return "member", u.Value, nil
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", a.site.Handler(a.auth, a.links))
	mux.Handle("GET /{$}", a.auth.RequireLogin(http.HandlerFunc(a.home)))
	mux.Handle("POST /{$}", a.auth.RequireLogin(http.HandlerFunc(a.saveProfile)))
	mux.Handle("GET /signup", a.auth.RequireGuest(http.HandlerFunc(a.signupPage)))
	mux.Handle("POST /signup", a.auth.RequireGuest(http.HandlerFunc(a.signup)))
	return a.auth.Handler(mux)
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	m, _ := auth.UserValue[*Member](r.Context())
	show(w, r, http.StatusOK, &page{Name: "home", Member: m})
}

// saveProfile changes what members may change of themselves. The form carries the version of the row that
// it was made from: if the row has changed since, in another tab or by an administrator, nothing is
// saved, and the form comes back with what was typed and the version of today.
func (a *app) saveProfile(w http.ResponseWriter, r *http.Request) {
	m, _ := auth.UserValue[*Member](r.Context())
	next := *m // the other fields, which no form may change, stay
	next.DisplayName, next.Plan = strings.TrimSpace(r.PostFormValue("display_name")), r.PostFormValue("plan")
	seen := *auth.CurrentUser(r.Context())
	seen.Version, _ = strconv.ParseInt(r.PostFormValue("version"), 10, 64) // 0 is nobody's
	p := &page{Name: "home", Member: &next}
	err := next.check(&p.Errors)
	if err == nil {
		err = a.members.save(r.Context(), &seen, &next)
	}
	switch {
	case err == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case errors.Is(err, auth.ErrConflict):
		p.Notice = "This was changed meanwhile. Look at it, and save it again."
	case len(p.Errors) == 0:
		slog.ErrorContext(r.Context(), "save profile", "error", err)
		p.Notice = "This could not be saved. Please try again later."
	}
	show(w, r, auth.Status(err), p)
}

func (a *app) signupPage(w http.ResponseWriter, r *http.Request) {
	show(w, r, http.StatusOK, &page{Name: "signup", Member: new(Member)})
}

// signup is the page of package pages with one field more. What is wrong with that is noted in f.Errors
// before, so that visitors learn all that they have to mend at once, and what it says goes by the context
// into the row that CreateUser makes: see withMember.
//
// Whoever signs up chooses the name, and proves only later that the address is theirs. So show it to
// nobody else before the address is confirmed.
func (a *app) signup(w http.ResponseWriter, r *http.Request) {
	f := auth.ParseSignup(r)
	m := newMember(r.Context())
	m.DisplayName = strings.TrimSpace(r.PostFormValue("display_name"))
	m.check(&f.Errors)
	p := &page{Name: "sent"}
	err := a.links.Signup(withMember(r.Context(), m), f)
	if err != nil {
		p = &page{Name: "signup", Member: m, Email: f.Email, Errors: f.Errors}
	}
	if auth.RetryAfter(err) > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(auth.RetryAfter(err)))
	}
	show(w, r, auth.Status(err), p)
}

// check notes what is wrong with m, and returns it as an error.
func (m *Member) check(errs *auth.FormErrors) error {
	switch {
	case m.DisplayName == "":
		errs.Add("display_name", auth.CodeRequired, 0)
	case len(m.DisplayName) > 100:
		errs.Add("display_name", auth.CodeTooLong, 100)
	case strings.ToValidUTF8(m.DisplayName, "") != m.DisplayName:
		errs.Add("display_name", auth.CodeInvalid, 0)
	}
	if m.Plan != "free" && m.Plan != "pro" {
		errs.Add("plan", auth.CodeInvalid, 0)
	}
	if len(*errs) > 0 {
		return *errs
	}
	return nil
}

//go:embed pages.html
var source string

var templates = template.Must(template.New("").Parse(source))

// page is what the templates show.
type page struct {
	Name          string // of the template
	Member        *Member
	Email, Notice string
	Errors        auth.FormErrors

	User  *auth.User // nil: a guest
	Hello string
	Token string
}

func show(w http.ResponseWriter, r *http.Request, status int, p *page) {
	p.User, p.Token = auth.CurrentUser(r.Context()), auth.CSRFToken(r.Context())
	if m, ok := auth.UserValue[*Member](r.Context()); ok {
		p.Hello = m.DisplayName
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, p.Name, p); err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
