// Package pages has ready pages to sign up, log in, log out, prove once more who
// one is, and change the password.
//
//	m, err := auth.New(store, &auth.Config{BaseURL: base, CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
//	…
//	mux.Handle("/", pages.Handler(m))
//	mux.Handle("GET /{$}", m.RequireLogin(home))
//	http.ListenAndServe(addr, m.Handler(mux))
//
// The pages are
//
//	GET, POST  /signup            for guests
//	GET, POST  /login             for guests
//	POST       /logout            for everyone
//	GET, POST  /reauth            for users
//	GET, POST  /account/password  for users who have just proved who they are, or who must
//	GET        /vestibule.css     the style sheet, light and dark
//
// These are the defaults of auth.Config for LoginURL, ReauthURL, PasswordURL and HomeURL: leave
// them as they are, and do not mount the pages under a prefix. Who needs a second
// factor is sent to Config.SecondFactorURL. Whatever else
// they are asked for they answer by 404, whatever method they do not know by 405.
//
// # The look
//
// Everything can be replaced, from the outside in. A pattern of the application's
// own that is more specific than the one the pages are mounted under, such as
// "/login" or "GET /vestibule.css", takes the place of one of them. [Site] puts
// the application's frame around all of them. What a page does is a few lines on
// package auth, and the source of this package is made to be copied.
//
// The forms work without JavaScript, with a keyboard and with a screen reader:
// every field has its label, says what is wrong with it, and tells password
// managers what it is for. After a refusal the email is still there, and the
// passwords are not.
//
// # Headers
//
// The pages are never stored by caches, and load nothing but the style sheet. That,
// and that no other site frames them or takes forms from them, is what their
// Content-Security-Policy says; they send it unless the application has set
// another before.
package pages

import (
	"cmp"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

// Site adjusts the pages to an application. The zero Site is ready for use. Its
// methods are safe for concurrent use, as long as its fields do not change.
type Site struct {
	// Name is what the application is called, in titles and above the forms.
	Name string

	// Fresh is how long ago a user may have proved who they are to change the
	// password without being asked again; zero means 15 minutes. Who finds a browser
	// unattended can take the account over for so long, if they know the password.
	Fresh time.Duration

	// Layout is the frame of all pages, executed with a [*Page]; nil means a plain one.
	// It shows the Body, and links /vestibule.css or a style sheet of its own.
	Layout *template.Template
}

// Handler returns the pages for m, in their plain frame. Mount it under "/".
func Handler(m *auth.Manager) http.Handler { return Site{}.Handler(m) }

// Handler returns the pages for m. Mount it under "/". Without a Manager.Handler
// around it, it brings its own.
func (s Site) Handler(m *auth.Manager) http.Handler {
	p := &pages{s, m}
	mayChange := m.RequirePasswordChange(cmp.Or(s.Fresh, 15*time.Minute))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.message(w, r, http.StatusNotFound) })
	mux.Handle("/signup", p.route(m.RequireGuest, p.showSignup, p.signup))
	mux.Handle("/login", p.route(m.RequireGuest, p.showLogin, p.login))
	mux.Handle("/logout", p.route(m.Handler, nil, p.logout))
	mux.Handle("/reauth", p.route(m.RequireLogin, p.showReauth, p.reauth))
	mux.Handle("/account/password", p.route(mayChange, p.showPassword, p.password))
	guarded := m.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if r.URL.Path == "/vestibule.css" {
			s.style(w, r) // asks for no session
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// pages is a Site of a Manager.
type pages struct {
	Site
	m *auth.Manager
}

// route answers GET and POST from behind guard, and other methods by 405. A nil
// get is none of the methods it knows.
func (p *pages) route(guard func(http.Handler) http.Handler, get, post http.HandlerFunc) http.Handler {
	methods := map[string]http.Handler{"POST": guard(post)}
	allow := []string{"POST"}
	if get != nil {
		methods["GET"] = guard(get)
		methods["HEAD"] = methods["GET"]
		allow = []string{"GET", "HEAD", "POST"}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := methods[r.Method]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		p.message(w, r, http.StatusMethodNotAllowed)
	})
}

// policy lets a page load its style sheet and images from the application, send
// its forms there, and do nothing else (OWASP ASVS 5.0, 3.4.3 and 3.4.6).
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// setHeaders sets what every page is sent with.
func setHeaders(h http.Header) {
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", policy)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
