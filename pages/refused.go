package pages

import (
	"net/http"

	"github.com/vestibule-go/auth"
)

// CSRFRefused is for auth.Config.CSRFRefused, as an [http.HandlerFunc], and shows
// pages in their plain frame. See [Site.CSRFRefused].
func CSRFRefused(w http.ResponseWriter, r *http.Request) { Site{}.CSRFRefused(w, r) }

// CSRFRefused answers, by 403, requests that fail the check against cross-site
// request forgery. If a form of this package was only open for too long it comes
// back, with the typed email, a new token and a word of explanation. Clients
// that prefer JSON get that (RFC 9457).
func (s Site) CSRFRefused(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, http.StatusForbidden, "csrf_refused", "The CSRF token is missing or too old, or the request came from another site.")
		return
	}
	if auth.StaleForm(r.Context()) {
		if c := stale(r); c != nil {
			s.again(w, r, c)
			return
		}
	}
	s.message(w, r, http.StatusForbidden)
}

func (s Site) again(w http.ResponseWriter, r *http.Request, c content) {
	if f, ok := c.(*form); ok {
		s.form(w, r, http.StatusForbidden, f)
		return
	}
	s.page(w, r, http.StatusForbidden, c)
}

const (
	tooOld = "This page was open for too long to be sent. Nothing has happened yet: please send it again. If you read this a second time, allow this site to set cookies."
	left   = "You have been logged out in the meantime. Please log in again."
)

// stale returns what to show to someone whose form was too old, or nil if it is
// none of this package.
func stale(r *http.Request) content {
	u := auth.CurrentUser(r.Context())
	switch r.URL.Path {
	case "/login", "/signup":
		if u != nil {
			return &message{"You are logged in already", "You have logged in as " + u.Email + " on another page.", link{Label: "Continue", Path: toward(r)}}
		}
		return entry(r)
	case "/logout":
		if u == nil {
			return &message{"You are logged out already", "Nothing more is to be done.", link{Label: "To the start page", Path: "/"}}
		}
		return noticed(logoutForm(), tooOld)
	case "/reauth", "/account/password":
		if u == nil {
			return back(r)
		}
		if r.URL.Path == "/reauth" {
			return noticed(reauthForm(u, new(auth.LoginForm)), tooOld)
		}
		return noticed(passwordForm(u, new(auth.PasswordForm)), tooOld)
	}
	return nil
}

// entry returns the form that r sent to enter, with the email that was typed.
func entry(r *http.Request) *form {
	if r.URL.Path == "/signup" {
		return noticed(signupForm(&auth.SignupForm{Email: auth.ParseSignup(r).Email}), tooOld)
	}
	f := auth.ParseLogin(r)
	return noticed(loginForm(&auth.LoginForm{Email: f.Email, Remember: f.Remember}), tooOld)
}

// back returns the form to log in, and from there to where r was sent from.
func back(r *http.Request) *form {
	f := noticed(loginForm(new(auth.LoginForm)), left)
	if f.Next = wanted(r); f.Next == "" && r.URL.Path != "/reauth" {
		f.Next = r.URL.Path
	}
	return f
}

func noticed(f *form, notice string) *form {
	f.Notice = notice
	return f
}

// toward returns where the visitor wants to go, or the start page.
func toward(r *http.Request) string {
	if next := wanted(r); next != "" {
		return next
	}
	return "/"
}
