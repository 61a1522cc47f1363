package pages

import (
	"net/http"
	"net/url"

	"github.com/vestibule-go/auth"
)

// What the forms of the pages ask for. Labels and buttons are keys of texts, until the page is made.

func form(action, button string, fields ...*Field) *Form {
	return &Form{Action: action, Button: button, Fields: fields}
}

func (f *Form) with(errors auth.FormErrors) *Form {
	f.Errors = errors
	return f
}

// emailField is the field by which users are known. It is no input of type email, for
// browsers that know that type send some addresses in another spelling than it was typed.
func emailField(value string) *Field {
	return &Field{Name: "email", Label: "field.email", Type: "text", Autocomplete: "username", Value: value}
}

// whose is the email of a user who is known, for them and their password managers to know
// whose account it is about.
func whose(email string) *Field {
	f := emailField(email)
	f.Fixed = true
	return f
}

func passwordField(name, label, autocomplete string) *Field {
	return &Field{Name: name, Label: label, Type: "password", Autocomplete: autocomplete}
}

// newPassword is a password to be chosen, and its repetition. It has no minlength: the browser's message would
// say how much is missing, and not how to come by a good password, as ours does.
func newPassword(label, again string) (first, second *Field) {
	first = passwordField("password", label, "new-password")
	first.chosen = true
	return first, passwordField("confirm", again, "new-password")
}

func (s *Site) signupPage(r *http.Request, f *auth.SignupForm) *Page {
	first, second := newPassword("field.password", "field.confirm")
	p := s.page(r, "signup.html", "signup", form("/signup", "signup.button", emailField(f.Email), first, second).with(f.Errors))
	return p.withLinks("login", "/login")
}

func (s *Site) loginPage(r *http.Request, f *auth.LoginForm) *Page {
	fields := form("/login", "login.button", emailField(f.Email), passwordField("password", "field.password", "current-password")).with(f.Errors)
	fields.Checkbox = &Checkbox{f.Remember}
	p := s.page(r, "login.html", "login", fields)
	if fields.Next != "" {
		p.Lead = p.Text("login.wanted")
	}
	if s.mail.Load() {
		p.withLinks("forgot", "/password/forgot", "resend", "/confirm/resend")
	}
	return p.withLinks("signup", "/signup")
}

func (s *Site) logoutPage(r *http.Request) *Page {
	return s.page(r, "logout.html", "logout", form("/logout", "logout.button"))
}

func (s *Site) reauthPage(r *http.Request, u *auth.User, f *auth.LoginForm) *Page {
	fields := form("/reauth", "reauth.button", whose(u.Email), passwordField("password", "field.password", "current-password"))
	return s.page(r, "reauth.html", "reauth", fields.with(f.Errors))
}

// passwordPage is for who changes the password, also because they may not go on with the old one.
func (s *Site) passwordPage(r *http.Request, f *auth.PasswordForm) *Page {
	u, key := auth.CurrentUser(r.Context()), "password"
	if pending := auth.PendingPassword(r.Context()); pending != nil {
		u, key = pending, "password.demanded"
	}
	first, second := newPassword("field.new_password", "field.new_confirm")
	fields := form("/account/password", "password.button", whose(u.Email), passwordField("current", "field.current", "current-password"), first, second)
	return s.page(r, "password.html", key, fields.with(f.Errors))
}

func (s *Site) forgotPage(r *http.Request, f *auth.LoginForm) *Page {
	p := s.page(r, "forgot.html", "forgot", form("/password/forgot", "forgot.button", emailField(f.Email)).with(f.Errors))
	return p.withLinks("login", "/login")
}

func (s *Site) resendPage(r *http.Request, f *auth.LoginForm) *Page {
	p := s.page(r, "resend.html", "resend", form("/confirm/resend", "resend.button", emailField(f.Email)).with(f.Errors))
	return p.withLinks("login", "/login")
}

func (s *Site) resetPage(r *http.Request, email, token string, f *auth.PasswordForm) *Page {
	first, second := newPassword("field.new_password", "field.new_confirm")
	fields := form("/password/reset", "reset.button", whose(email), first, second).with(f.Errors)
	fields.Link = token
	return s.page(r, "reset.html", "reset", fields)
}

// confirmPage asks for the password of the user with the email was, to be called by the email will.
func (s *Site) confirmPage(r *http.Request, was, will, token string, f *auth.LoginForm) *Page {
	fields := form("/confirm", "confirm.button", whose(was), passwordField("password", "field.password", "current-password")).with(f.Errors)
	fields.Link = token
	p := s.page(r, "confirm.html", "confirm", fields)
	if was != will {
		p.Lead = p.Text("confirm.change", "email", will)
	}
	return p.withLinks("forgot", "/password/forgot") // for whoever never chose one
}

func (s *Site) emailPage(r *http.Request, f *auth.LoginForm) *Page {
	in := emailField(f.Email)
	in.Label, in.Autocomplete = "field.new_email", "email"
	return s.page(r, "email.html", "email", form("/account/email", "email.button", in).with(f.Errors))
}

// deletePage says whose account it is: a browser may have been another user's when the form was opened.
func (s *Site) deletePage(r *http.Request) *Page {
	fields := form("/account/delete", "delete.button")
	if u := auth.CurrentUser(r.Context()); u != nil {
		fields.Fields = []*Field{whose(u.Email)}
	}
	fields.Danger = true
	return s.page(r, "delete.html", "delete", fields)
}

// wanted returns where the visitor wants to go, if auth.SafeNext allows it, or "".
func wanted(r *http.Request) string {
	if next, ok := auth.SafeNext(r.PostForm.Get("next")); ok {
		return next
	}
	next, _ := auth.SafeNext(r.URL.Query().Get("next"))
	return next
}

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}
