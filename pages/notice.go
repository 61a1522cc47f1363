package pages

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

// What one request leaves for the next one is in short-lived cookies: a notice, or the token of a
// link. So nothing of it is in an address, where it would be kept, sent along, or made up by
// another site, and a stranger who asks for mails fills no table.

const (
	noticeCookie = "account_notice"
	linkCookie   = "account_link"
	noticeFor    = time.Minute
	linkFor      = 15 * time.Minute
)

// notices are what can be said, each with the path where it is.
var notices = map[string]string{
	"signup_sent": "/signup", "forgot_sent": "/password/forgot", "resend_sent": "/confirm/resend", "email_sent": "/account/email",
	"confirmed": "/confirm", "reset_done": "/password/reset", "password_changed": "/account/password", "deleted": "/account/delete",
}

// leave sends the visitor to the page that says the notice.
func (p *pages) leave(w http.ResponseWriter, r *http.Request, notice string) {
	p.setCookie(w, noticeCookie, notice, noticeFor)
	http.Redirect(w, r, withNext(notices[notice], wanted(r)), http.StatusSeeOther)
}

// noticed says a notice that an earlier request has left for this page, once. There next is not asked.
func (p *pages) noticed(next http.Handler) http.Handler {
	return p.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notice := p.cookie(r, noticeCookie)
		if path := notices[notice]; path == "" || path != r.URL.Path || auth.PrefersJSON(r) || r.URL.Query().Has("token") {
			next.ServeHTTP(w, r)
			return
		}
		p.dropCookie(w, noticeCookie)
		onward := &Link{Label: "link.login", Path: p.m.LoginURL(wanted(r))}
		switch {
		case auth.CurrentUser(r.Context()) != nil:
			onward = &Link{Label: "link.continue", Path: cmp.Or(wanted(r), p.m.HomeURL())}
		case notice == "deleted":
			onward = &Link{Label: "link.home", Path: "/"}
		}
		p.say(w, r, http.StatusOK, "notice."+notice, onward)
	}))
}

// linkToken returns the token of the link that has led here. If it is still in the address it goes into a
// cookie, and the visitor is sent on without it; then the answer is given, and linkToken returns false. There is no page for programs.
func (p *pages) linkToken(w http.ResponseWriter, r *http.Request) (token string, ok bool) {
	if auth.PrefersJSON(r) { // programs send the token to the same path, and are led nowhere
		p.message(w, r, http.StatusNotAcceptable)
		return "", false
	}
	if !r.URL.Query().Has("token") {
		return p.cookie(r, linkCookie), true
	}
	if token = r.URL.Query().Get("token"); tokenPattern.MatchString(token) {
		p.setCookie(w, linkCookie, token, linkFor)
	} else {
		p.spend(w) // that of another link must not count in its place
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", r.URL.Path)
	w.WriteHeader(http.StatusSeeOther)
	return "", false
}

// tokenPattern matches what could be a token, and fits into a cookie.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// spend forgets the token of a link.
func (p *pages) spend(w http.ResponseWriter) { p.dropCookie(w, linkCookie) }

// cookieName returns the whole name of a cookie: see auth.Config.CookieName.
func (p *pages) cookieName(name string) string {
	if p.secure() {
		return "__Host-" + name
	}
	return name
}

func (p *pages) secure() bool { return strings.HasPrefix(p.m.BaseURL(), "https:") }

// setCookie sets a cookie for the next page. It is Lax, not Strict, since that page may be opened from a mail.
func (p *pages) setCookie(w http.ResponseWriter, name, value string, d time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(name), Value: value, Path: "/", MaxAge: int(d.Seconds()),
		Secure: p.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (p *pages) dropCookie(w http.ResponseWriter, name string) {
	p.setCookie(w, name, "", -time.Second)
}

// cookie returns the value of the cookie of that name. Two make none: one of them was planted.
func (p *pages) cookie(r *http.Request, name string) string {
	if all := r.CookiesNamed(p.cookieName(name)); len(all) == 1 {
		return all[0].Value
	}
	return ""
}
