package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/justinas/nosurf"
	"golang.org/x/crypto/bcrypt"
)

// wired is what a careful developer writes today: scs with gob, as it comes, nosurf with its
// cookie made fit for http, bcrypt, and one query for the session and one for the user. It has
// none of what this library adds: no revocation, no limits, no seats, no equal answers.
type wired struct {
	sessions *scs.SessionManager
	users    userTable
}

// userTable is the developer's own table of users.
type userTable interface {
	add(ctx context.Context, id, email, hash string) error
	byID(ctx context.Context, id string) (email string, err error)
	byEmail(ctx context.Context, email string) (id, hash string, err error)
}

type wiredKey struct{}

func wiredApp(s *storage) *app {
	a := &wired{sessions: scs.New(), users: s.wiredUsers()}
	a.sessions.Store = s.wiredSessions()
	a.sessions.Lifetime = 24 * time.Hour
	a.sessions.IdleTimeout = 0 // with one every request would write
	a.sessions.HashTokenInStore = true
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, publicPage, shown{}) })
	mux.Handle("GET /dashboard", a.requireLogin(func(w http.ResponseWriter, r *http.Request) {
		email, _ := r.Context().Value(wiredKey{}).(string)
		show(w, dashboardPage, shown{email, nosurf.Token(r)})
	}))
	mux.Handle("POST /like", a.requireLogin(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
	}))
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { show(w, loginPage, shown{Token: nosurf.Token(r)}) })
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("POST /signup", a.signup)
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { done(w, r, a.sessions.Destroy(r.Context())) })
	protected := nosurf.New(mux)
	protected.SetBaseCookie(http.Cookie{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	protected.SetIsTLSFunc(func(*http.Request) bool { return false })
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		protected.ServeHTTP(w, r)
	})
	return &app{name: "wired", handler: a.sessions.LoadAndSave(limited), accounts: true}
}

func (a *wired) requireLogin(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := a.sessions.GetString(r.Context(), "user")
		if id == "" {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		email, err := a.users.byID(r.Context(), id)
		if err != nil {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		next(w, r.WithContext(context.WithValue(r.Context(), wiredKey{}, email)))
	})
}

var errWrong = errors.New("wrong email or password")

// nobody is a hash to compare with when there is no user.
var nobody, _ = bcrypt.GenerateFromPassword([]byte("nobody"), cost)

func (a *wired) login(w http.ResponseWriter, r *http.Request) {
	id, hash, err := a.users.byEmail(r.Context(), strings.ToLower(strings.TrimSpace(r.PostFormValue("email"))))
	if errors.Is(err, sql.ErrNoRows) {
		hash, err = string(nobody), nil
	}
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(r.PostFormValue("password"))); err != nil || id == "" {
		http.Error(w, errWrong.Error(), http.StatusUnprocessableEntity)
		return
	}
	a.enter(w, r, id)
}

func (a *wired) signup(w http.ResponseWriter, r *http.Request) {
	email, err := mail.ParseAddress(r.PostFormValue("email"))
	if err != nil || len(r.PostFormValue("password")) < 15 {
		http.Error(w, "a proper email and 15 characters are needed", http.StatusUnprocessableEntity)
		return
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(r.PostFormValue("password")), cost)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	id := rand.Text()
	if err := a.users.add(r.Context(), id, strings.ToLower(email.Address), string(hash)); err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	a.enter(w, r, id)
}

func (a *wired) enter(w http.ResponseWriter, r *http.Request, id string) {
	err := a.sessions.RenewToken(r.Context())
	if err == nil {
		a.sessions.Put(r.Context(), "user", id)
		a.sessions.Put(r.Context(), "since", time.Now().Unix())
	}
	done(w, r, err)
}
