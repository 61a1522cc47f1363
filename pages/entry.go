package pages

import (
	"errors"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

// Signing up, in and out.

func (p *pages) showSignup(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.signupPage(r, new(auth.SignupForm)))
}

func (p *pages) signup(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "email", "password", "confirm", "next")
	f := in.signup()
	switch {
	case err != nil:
	case p.links != nil && !p.cfg.SignupLogsIn:
		if err = p.links.Signup(r.Context(), f); err == nil {
			p.sent(w, r, "signup_sent")
			return
		}
	default:
		err = p.signupAndLogin(w, r, f)
	}
	p.done(w, r, err, func() *Page { return p.signupPage(r, f) })
}

// signupAndLogin also mails the link to confirm the address, as far as the limits allow it.
func (p *pages) signupAndLogin(w http.ResponseWriter, r *http.Request, f *auth.SignupForm) error {
	u, err := p.m.Signup(r.Context(), f)
	if err != nil {
		return err
	}
	if p.links != nil {
		p.links.SendConfirmation(r.Context(), &auth.LoginForm{Email: u.Email}) // events say if it fails, and one can ask again
	}
	return p.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
}

func (p *pages) showLogin(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.loginPage(r, new(auth.LoginForm)))
}

func (p *pages) login(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "email", "password", "remember", "next")
	f := in.login()
	var u *auth.User
	if err == nil {
		u, err = p.m.Authenticate(r.Context(), f)
	}
	if err == nil {
		err = p.enter(w, r, u, f)
	}
	p.done(w, r, err, func() *Page { return p.loginPage(r, f) })
}

// enter logs u in, and tells u if that is in a new browser: also when another factor is missing yet, as whoever came
// so far has the password.
func (p *pages) enter(w http.ResponseWriter, r *http.Request, u *auth.User, f *auth.LoginForm) error {
	isNew := !p.m.KnownBrowser(r.Context(), u)
	err := p.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword, Remember: f.Remember})
	in := err == nil || errors.Is(err, auth.ErrSecondFactor) || errors.Is(err, auth.ErrNewPassword)
	if in && isNew && p.cfg.TellNewBrowsers && p.links != nil && settled(u) {
		p.links.Notify(r.Context(), u, email.KindNewBrowser)
	}
	return err
}

// settled reports whether u has had time to log in everywhere for the first time.
func settled(u *auth.User) bool {
	return time.Since(u.Created) > time.Hour && time.Since(u.Confirmed) > time.Hour
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request) {
	err := p.m.Logout(w, r)
	p.done(w, r, err, func() *Page { return p.logoutPage(r) })
}

func (p *pages) showReauth(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.reauthPage(r, auth.CurrentUser(r.Context()), new(auth.LoginForm)))
}

func (p *pages) reauth(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	in, err := read(w, r, "password", "next")
	f := in.login()
	if err == nil {
		err = p.m.Reauthenticate(w, r, f)
	}
	p.done(w, r, err, func() *Page { return p.reauthPage(r, u, f) })
}
