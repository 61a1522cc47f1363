package pages

import (
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

// Confirming an address, the first and another one.

func (p *pages) showConfirm(w http.ResponseWriter, r *http.Request) {
	token, ok := p.linkToken(w, r)
	if !ok {
		return
	}
	c, err := p.links.Confirmation(r.Context(), token)
	if err != nil {
		p.badLink(w, r, err)
		return
	}
	p.open(w, r, p.confirmPage(r, c.User.Email, c.Email, token, new(auth.LoginForm)))
}

func (p *pages) confirm(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "token", "password")
	f, token, c := in.login(), in.text("token"), &email.Confirmation{User: new(auth.User)}
	if err == nil {
		if found, bad := p.links.Confirmation(r.Context(), token); bad == nil {
			c = found
			_, err = p.links.Confirm(r.Context(), token, f)
		} else {
			err = bad
		}
	}
	if err == nil {
		p.spend(w)
		p.changed(w, r, "confirmed")
		return
	}
	p.doneByLink(w, r, err, func() *Page { return p.confirmPage(r, c.User.Email, c.Email, token, f) })
}

func (p *pages) showResend(w http.ResponseWriter, r *http.Request) {
	f := new(auth.LoginForm)
	if u := auth.CurrentUser(r.Context()); u != nil {
		f.Email = u.Email
	}
	p.open(w, r, p.resendPage(r, f))
}

func (p *pages) resend(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "email", "next")
	f := in.login()
	if err == nil {
		err = p.links.SendConfirmation(r.Context(), f)
	}
	if err == nil {
		p.sent(w, r, "resend_sent")
		return
	}
	p.done(w, r, err, func() *Page { return p.resendPage(r, f) })
}

func (p *pages) showEmail(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.emailPage(r, new(auth.LoginForm)))
}

func (p *pages) changeEmail(w http.ResponseWriter, r *http.Request) {
	in, err := read(w, r, "email", "next")
	f := in.login()
	if err == nil {
		err = p.links.SendChange(r.Context(), auth.CurrentUser(r.Context()), f)
	}
	if err == nil {
		p.sent(w, r, "email_sent")
		return
	}
	p.done(w, r, err, func() *Page { return p.emailPage(r, f) })
}
