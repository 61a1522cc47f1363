package pages

import (
	"net/http"
	"strings"

	"github.com/vestibule-go/auth"
)

// CSRFRefused answers, by 403, requests that fail the check against cross-site
// request forgery: make it auth.Config.CSRFRefused. If a form of this package was only open for too long it comes
// back, with the typed email, a new token and a word of explanation. Clients
// that prefer JSON get that (RFC 9457).
func (s *Site) CSRFRefused(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, http.StatusForbidden, "csrf_refused", s.explain(r, "csrf_refused"))
		return
	}
	if !auth.StaleForm(r.Context()) || !s.again(w, r) {
		s.message(w, r, http.StatusForbidden)
	}
}

// again brings back a form that was too old. It reports false if it is none of this package.
func (s *Site) again(w http.ResponseWriter, r *http.Request) bool {
	u := auth.CurrentUser(r.Context())
	switch page := s.stale(r, u); {
	case page != nil:
		page.Notice = page.Text("form.stale")
		s.show(w, http.StatusForbidden, page)
	case u != nil && (r.URL.Path == "/login" || r.URL.Path == "/signup"):
		page := s.page(r, "message.html", "message.loggedin", nil)
		page.Lead = page.Text("message.loggedin.text", "email", u.Email)
		page.Onward = &Link{Label: page.Text("link.continue"), Path: toward(r)}
		s.send(w, http.StatusForbidden, page)
	case r.URL.Path == "/logout":
		s.say(w, r, http.StatusForbidden, "message.loggedout", &Link{Label: "link.home", Path: "/"})
	case u == nil && (r.URL.Path == "/reauth" || strings.HasPrefix(r.URL.Path, "/account/")):
		s.show(w, http.StatusForbidden, s.back(r))
	default:
		return false
	}
	return true
}

// stale returns the page whose form r has sent, ready to be sent again, or nil.
func (s *Site) stale(r *http.Request, u *auth.User) *Page {
	f := auth.ParseLogin(r)
	f.Errors = nil
	in := &input{r: r}
	switch path := r.URL.Path; {
	case u == nil && path == "/signup":
		return s.signupPage(r, &auth.SignupForm{Email: f.Email})
	case u == nil && path == "/login":
		return s.loginPage(r, f)
	case u != nil && path == "/logout":
		return s.logoutPage(r)
	case u != nil && path == "/reauth":
		return s.reauthPage(r, u, f)
	case path == "/account/password" && (u != nil || auth.PendingPassword(r.Context()) != nil):
		return s.passwordPage(r, new(auth.PasswordForm))
	case u != nil && path == "/account/delete":
		return s.deletePage(r)
	case !s.mail.Load():
		return nil
	case u != nil && path == "/account/email":
		return s.emailPage(r, f)
	case path == "/password/forgot":
		return s.forgotPage(r, f)
	case path == "/confirm/resend":
		return s.resendPage(r, f)
	case path == "/password/reset":
		return s.resetPage(r, f.Email, in.text("token"), new(auth.PasswordForm))
	case path == "/confirm":
		return s.confirmPage(r, f.Email, f.Email, in.text("token"), f)
	}
	return nil
}

// back returns the form to log in, and from there to where r was sent from.
func (s *Site) back(r *http.Request) *Page {
	page := s.loginPage(r, new(auth.LoginForm))
	page.Notice = page.Text("form.left")
	if page.Form.Next == "" && r.URL.Path != "/reauth" {
		page.Form.Next = r.URL.Path
		if strings.HasPrefix(r.URL.Path, "/account/sessions/") {
			page.Form.Next = "/account/sessions"
		}
	}
	return page
}

// toward returns where the visitor wants to go, or the start page.
func toward(r *http.Request) string {
	if next := wanted(r); next != "" {
		return next
	}
	return "/"
}
