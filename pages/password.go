package pages

import (
	"net/http"

	"github.com/vestibule-go/auth"
)

// Changing a password, and replacing one that is forgotten.

func (p *pages) showPassword(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.passwordPage(r, new(auth.PasswordForm)))
}

func (p *pages) password(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	if pending := auth.PendingPassword(r.Context()); pending != nil {
		u = pending
	}
	in, err := read(w, r, "current", "password", "confirm", "next")
	f := in.password()
	page := p.passwordPage(r, f) // for whom it was sent: afterwards nobody may be waiting for it
	if err == nil {
		err = p.change(r, u, f)
	}
	if err == nil {
		p.changed(w, r, "password_changed")
		return
	}
	p.done(w, r, err, func() *Page { page.Form.Errors = f.Errors; return page })
}

// change also tells the user by mail, if there is any.
func (p *pages) change(r *http.Request, u *auth.User, f *auth.PasswordForm) error {
	if p.links != nil {
		return p.links.ChangePassword(r.Context(), u, f)
	}
	return p.m.ChangePassword(r.Context(), u, f)
}

func (p *pages) showForgot(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.forgotPage(r, new(auth.LoginForm)))
}

func (p *pages) forgot(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "email", "next")
	f := in.login()
	if err == nil {
		err = p.links.Forgot(r.Context(), f)
	}
	if err == nil {
		p.sent(w, r, "forgot_sent")
		return
	}
	p.done(w, r, err, func() *Page { return p.forgotPage(r, f) })
}

func (p *pages) showReset(w http.ResponseWriter, r *http.Request) {
	token, ok := p.linkToken(w, r)
	if !ok {
		return
	}
	u, err := p.links.ResetUser(r.Context(), token)
	if err != nil {
		p.badLink(w, r, err)
		return
	}
	p.open(w, r, p.resetPage(r, u.Email, token, new(auth.PasswordForm)))
}

func (p *pages) reset(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "token", "password", "confirm")
	f, token, u := in.password(), in.text("token"), new(auth.User)
	if err == nil {
		if found, bad := p.links.ResetUser(r.Context(), token); bad == nil {
			u, err = found, p.links.Reset(r.Context(), token, f)
		} else {
			err = bad
		}
	}
	if err == nil {
		p.spend(w)
		p.changed(w, r, "reset_done")
		return
	}
	p.doneByLink(w, r, err, func() *Page { return p.resetPage(r, u.Email, token, f) })
}
