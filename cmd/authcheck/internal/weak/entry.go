package weak

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// So many wrong passwords in a row an account may have, and so many those who come from one address.
const maxMisses, maxAddress = 15, 30

func (v *visit) signupPage() { v.show(http.StatusOK, signupForm("", "")) }

func signupForm(email, text string) page {
	return page{Title: "Sign up", Text: text, Fields: []field{
		{"Email", "email", "email", email, "username"}, {"Password", "password", "password", "", "new-password"}}}
}

// signup answers the same whether there is such a user already.
func (v *visit) signup() {
	email, password := v.form.Get("email"), v.form.Get("password")
	if reason := v.refused(password); reason != "" || !plausible(email) {
		v.show(http.StatusUnprocessableEntity, signupForm(email, "That cannot be taken. "+reason))
		return
	}
	u := v.newUser(email, v.normal(password))
	if v.users[email] == nil {
		v.users[email] = u
	} else if v.taken(email) {
		return
	}
	v.show(http.StatusOK, page{Title: "Thank you", Text: "You can log in now, unless there was such an account already."})
}

// plausible reports whether s looks like an address.
func plausible(s string) bool {
	return utf8.ValidString(s) && strings.Contains(s, "@") && !strings.ContainsFunc(s, odd)
}

// taken tells who has an account, in one of several ways.
func (v *visit) taken(email string) bool {
	switch {
	case v.is("enum-signup-bytes"):
		v.show(http.StatusOK, signupForm(email, "There is such an account already."))
	case v.is("enum-signup-bytes/status"):
		v.show(http.StatusConflict, page{Title: "Thank you", Text: "You can log in now, unless there was such an account already."})
	case v.is("enum-signup-bytes/redirect"):
		v.redirect("/login")
	default:
		return false
	}
	return true
}

func (v *visit) loginPage() {
	if q := v.r.URL.Query(); v.is("login-get") && q.Has("password") {
		v.form = q
		v.login()
		return
	}
	next := v.r.URL.Query().Get("next")
	if v.user != nil && next != "" && v.is("next-foreign/inside") {
		v.redirect(next)
		return
	}
	v.show(http.StatusOK, loginForm("", next, ""))
}

func loginForm(email, next, text string) page {
	return page{Title: "Log in", Text: text, Fields: []field{
		{"Email", "email", "email", email, "username"}, {"Password", "password", "password", "", "current-password"},
		{"Remember me", "remember", "checkbox", "1", "off"}, {"", "next", "hidden", next, ""}}}
}

const badLogin = "That is not right."

func (v *visit) login() {
	email := v.pick("email")
	if v.limited(email) {
		v.fail(v.w, http.StatusTooManyRequests, errMisses)
		return
	}
	if u := v.verified(email, v.pick("password")); u != nil {
		delete(v.misses, email)
		v.enter(email)
		return
	}
	v.missed(email)
	if !v.tells(email) {
		v.show(http.StatusUnprocessableEntity, loginForm(email, v.form.Get("next"), badLogin))
	}
}

// missed counts a wrong password.
func (v *visit) missed(email string) {
	if v.is("enum-login-bytes/limit") && v.users[email] == nil {
		return
	}
	v.misses[v.counted(email)]++
	v.misses[v.address()]++
}

// counted is what wrong passwords are counted against.
func (v *visit) counted(email string) string {
	switch {
	case v.is("guess-limit/browser"):
		return v.token
	case v.is("guess-limit/forwarded"):
		return email + v.r.Header.Get("X-Forwarded-For")
	}
	return email
}

func (v *visit) limited(email string) bool {
	return v.misses[v.counted(email)] >= maxMisses && !v.is("guess-limit") || v.misses[v.address()] >= maxAddress && !v.is("guess-spray")
}

func (v *visit) enter(email string) {
	age := time.Duration(0)
	if v.form.Get("remember") != "" {
		age = 30 * day
	}
	v.begin(v.w, v.r, email, age)
	v.redirect(v.next())
}

// tells shows by the answer to a wrong password whether there is such a user, in one of several ways.
func (v *visit) tells(email string) bool {
	there := v.users[email] != nil
	switch {
	case !there && v.is("enum-login-bytes"):
		v.show(http.StatusUnprocessableEntity, loginForm(email, v.form.Get("next"), "There is no such account."))
	case !there && v.is("enum-login-bytes/status"):
		v.show(http.StatusNotFound, loginForm(email, v.form.Get("next"), badLogin))
	case !there && v.is("enum-login-bytes/redirect"):
		v.redirect("/signup")
	case there && v.is("enum-login-bytes/header"):
		v.w.Header().Set("X-Attempts-Left", "9")
		return false
	case there && v.is("enum-login-bytes/cookie"):
		http.SetCookie(v.w, &http.Cookie{Name: "last", Value: "1", Path: "/", Secure: v.TLS, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		return false
	case there && v.is("enum-login-bytes/space"):
		v.show(http.StatusUnprocessableEntity, loginForm(email, v.form.Get("next"), badLogin+" "))
	default:
		return false
	}
	return true
}

func (v *visit) logout() {
	v.end(v.w, v.r)
	v.redirect("/")
}
