package pages

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"

	"github.com/vestibule-go/auth"
)

// form is a form of one of the pages, as the template shows it.
type form struct {
	Title    string
	Lead     string // a sentence above the form
	Notice   string // a sentence about what has just happened
	Action   string // the path that it is sent to
	Fields   []*field
	Remember bool // the state of the checkbox, if there is one
	Checkbox bool
	Button   string
	Link     link
	Errors   auth.FormErrors

	Token, Next string
}

// field is an input with its label.
type field struct {
	Name, Label, Type, Autocomplete, Value, Hint string

	Fixed       bool // not to be edited
	Chosen      bool // a new password, with a hint that says what it has to be like
	Invalid     bool
	Focus       bool
	Error       string
	DescribedBy string // the ID of what explains the error, or else of the hint
}

// link leads to another page.
type link struct{ Text, Label, Path string }

// email is the field by which users are known. It is no input of type email, for
// browsers that know that type send some addresses in another spelling than it was typed.
func email(value string) *field {
	return &field{Name: "email", Label: "Email", Type: "text", Autocomplete: "username", Value: value}
}

// whose is the email of a user who is logged in, for password managers to know
// whose password is asked for.
func whose(u *auth.User) *field {
	f := email(u.Email)
	f.Fixed = true
	return f
}

func password(name, label, autocomplete string) *field {
	return &field{Name: name, Label: label, Type: "password", Autocomplete: autocomplete}
}

// newPassword is a password to be chosen. It has no minlength: the browser's message would
// say how much is missing, and not how to come by a good password, as ours does.
func newPassword(label string) *field {
	f := password("password", label, "new-password")
	f.Chosen = true
	return f
}

func signupForm(f *auth.SignupForm) *form {
	return &form{
		Title: "Sign up", Action: "/signup", Button: "Sign up", Errors: f.Errors,
		Fields: []*field{email(f.Email), newPassword("Password"), password("confirm", "Password again", "new-password")},
		Link:   link{"Signed up already?", "Log in", "/login"},
	}
}

func loginForm(f *auth.LoginForm) *form {
	return &form{
		Title: "Log in", Action: "/login", Button: "Log in", Errors: f.Errors,
		Fields:   []*field{email(f.Email), password("password", "Password", "current-password")},
		Checkbox: true, Remember: f.Remember,
		Link: link{"New here?", "Sign up", "/signup"},
	}
}

func reauthForm(u *auth.User, f *auth.LoginForm) *form {
	return &form{
		Title: "Is it still you?", Lead: "What comes next is important. Please enter your password once more.",
		Action: "/reauth", Button: "Continue", Errors: f.Errors,
		Fields: []*field{whose(u), password("password", "Password", "current-password")},
	}
}

func passwordForm(u *auth.User, f *auth.PasswordForm) *form {
	return &form{
		Title: "Change your password", Lead: "Wherever else you are logged in, you will be logged out.",
		Action: "/account/password", Button: "Change password", Errors: f.Errors,
		Fields: []*field{
			whose(u), password("current", "Current password", "current-password"),
			newPassword("New password"), password("confirm", "New password again", "new-password"),
		},
	}
}

// demandedForm is passwordForm for who may not go on with the old password.
func demandedForm(u *auth.User, f *auth.PasswordForm) *form {
	form := passwordForm(u, f)
	form.Title, form.Lead = "Choose a new password", "Others may know the password that you have now."
	return form
}

func logoutForm() *form {
	return &form{Title: "Log out", Action: "/logout", Button: "Log out"}
}

func (p *pages) showSignup(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, signupForm(new(auth.SignupForm)))
}

func (p *pages) signup(w http.ResponseWriter, r *http.Request) {
	f := auth.ParseSignup(r)
	u, err := p.m.Signup(r.Context(), f)
	if err == nil {
		err = p.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
	}
	p.done(w, r, signupForm(f), err)
}

func (p *pages) showLogin(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, loginForm(new(auth.LoginForm)))
}

func (p *pages) login(w http.ResponseWriter, r *http.Request) {
	f := auth.ParseLogin(r)
	u, err := p.m.Authenticate(r.Context(), f)
	if err == nil {
		err = p.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword, Remember: f.Remember})
	}
	p.done(w, r, loginForm(f), err)
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request) {
	p.done(w, r, logoutForm(), p.m.Logout(w, r))
}

func (p *pages) showReauth(w http.ResponseWriter, r *http.Request) {
	p.form(w, r, http.StatusOK, reauthForm(auth.CurrentUser(r.Context()), new(auth.LoginForm)))
}

func (p *pages) reauth(w http.ResponseWriter, r *http.Request) {
	u, f := auth.CurrentUser(r.Context()), auth.ParseLogin(r)
	err := p.m.Reauthenticate(w, r, f)
	p.done(w, r, reauthForm(u, f), err)
}

// changed is where the session remembers that the password has been changed.
const changed = "github.com/vestibule-go/auth/pages: password changed"

// changing returns whose password is to be changed, and the form for it.
func changing(r *http.Request, f *auth.PasswordForm) (*auth.User, *form) {
	if u := auth.PendingPassword(r.Context()); u != nil {
		return u, demandedForm(u, f)
	}
	u := auth.CurrentUser(r.Context())
	return u, passwordForm(u, f)
}

func (p *pages) showPassword(w http.ResponseWriter, r *http.Request) {
	if done, _ := auth.TakeSessionValue[bool](r.Context(), changed); done {
		p.page(w, r, http.StatusOK, &message{
			Title: "Your password is changed", Text: "Wherever else you were logged in, you have been logged out.",
			Link: link{Label: "Continue", Path: cmp.Or(wanted(r), "/")},
		})
		return
	}
	_, form := changing(r, new(auth.PasswordForm))
	p.form(w, r, http.StatusOK, form)
}

func (p *pages) password(w http.ResponseWriter, r *http.Request) {
	f := auth.ParsePassword(r)
	u, form := changing(r, f)
	if err := p.m.ChangePassword(r.Context(), u, f); err != nil {
		form.Errors = f.Errors
		p.done(w, r, form, err)
		return
	}
	auth.SetSessionValue(r.Context(), changed, true)
	http.Redirect(w, r, withNext("/account/password", wanted(r)), http.StatusSeeOther)
}

// done answers the request that sent f: the visitor goes on where they wanted to
// or, if there is an error, gets the form back to mend it.
func (p *pages) done(w http.ResponseWriter, r *http.Request, f *form, err error) {
	status := auth.Status(err)
	switch {
	case err == nil:
		p.m.Redirect(w, r)
	case errors.Is(err, auth.ErrNewPassword):
		http.Redirect(w, r, p.m.PasswordURL(wanted(r)), http.StatusSeeOther)
	case errors.Is(err, auth.ErrSecondFactor) && p.m.SecondFactorURL("") != "":
		http.Redirect(w, r, p.m.SecondFactorURL(wanted(r)), http.StatusSeeOther)
	case status == http.StatusUnprocessableEntity:
		if len(f.Errors) == 0 && !errors.As(err, &f.Errors) { // from a hook
			f.Errors.Add("", auth.CodeBadLogin, 0)
		}
		p.form(w, r, status, f)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		if len(f.Errors) == 0 {
			f.Notice = "There are too many people at the door just now. Please try again in a few seconds."
		}
		if errors.Is(err, auth.ErrUnchecked) {
			f.Notice = "Whether this password has leaked cannot be found out just now. Please try again in a few seconds."
		}
		w.Header().Set("Retry-After", strconv.Itoa(auth.RetryAfter(err)))
		p.form(w, r, status, f)
	default:
		p.message(w, r, status)
	}
}

// wanted returns where the visitor wants to go, if auth.SafeNext allows it, or "".
func wanted(r *http.Request) string {
	if next, ok := auth.SafeNext(r.PostForm.Get("next")); ok {
		return next
	}
	next, _ := auth.SafeNext(r.URL.Query().Get("next"))
	return next
}
