package weak

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

var errMisses = errors.New("too many wrong passwords")

// A reset is a link that was mailed. browser is the session that has opened it first, if that matters.
type reset struct{ email, browser string }

func (v *visit) forgotPage() { v.show(http.StatusOK, forgotForm("", "")) }

func forgotForm(email, text string) page {
	return page{Title: "A new password", Text: text, Fields: []field{{"Email", "email", "email", email, "username"}}}
}

// forgot answers the same, and as soon, whether there is such a user.
func (v *visit) forgot() {
	email := v.form.Get("email")
	u := v.users[email]
	if u == nil && v.is("enum-reset-bytes") {
		v.show(http.StatusUnprocessableEntity, forgotForm(email, "There is no such account."))
		return
	}
	if u != nil {
		v.mailReset(email)
	}
	v.show(http.StatusOK, page{Title: "Thank you", Text: "If there is such an account, we have sent a mail."})
}

func (v *visit) mailReset(email string) {
	for token, r := range v.resets {
		if r.email == email && !v.is("reset-superseded") {
			delete(v.resets, token)
		}
	}
	token := v.app.token("reset-random")
	v.resets[token] = &reset{email: email}
	text := "Choose a new password:\r\n\r\n" + v.host() + "/password/reset?token=" + token + "\r\n"
	if v.is("enum-reset-time") {
		v.hash(nil, text) // stands for a server of mails that is waited for
	}
	go v.mail(email, "A new password", text)
}

// host is what a link begins with.
func (v *visit) host() string {
	h := v.r.Header
	switch {
	case v.is("reset-host"):
		return "http://" + v.r.Host
	case v.is("reset-host/forwarded") && h.Get("X-Forwarded-Host") != "":
		return "http://" + h.Get("X-Forwarded-Host")
	}
	return v.url
}

// mail leaves a file under its name when all of it is there.
func (a *app) mail(to, subject, text string) {
	name := filepath.Join(a.Mails, rand.Text())
	const form = "From: app@example.com\r\nTo: %s\r\nSubject: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s"
	message := fmt.Sprintf(form, to, subject, text)
	if err := os.WriteFile(name+".part", []byte(message), 0o600); err == nil {
		os.Rename(name+".part", name+".eml")
	}
}

// link returns the reset that the visitor has come for, or nil.
func (v *visit) link(token string) *reset {
	r := v.resets[token]
	if r == nil || !v.is("reset-get") {
		return r
	}
	v.seen()
	if r.browser == "" {
		r.browser = v.token
	}
	if r.browser != v.token {
		return nil
	}
	return r
}

func (v *visit) resetPage() {
	token := v.r.URL.Query().Get("token")
	if v.link(token) == nil {
		v.show(http.StatusNotFound, page{Title: "This link does not count any more"})
		return
	}
	v.show(http.StatusOK, resetForm(token, ""))
}

func resetForm(token, text string) page {
	return page{Title: "A new password", Text: text, Fields: []field{
		{"New password", "password", "password", "", "new-password"}, {"", "token", "hidden", token, ""}}}
}

func (v *visit) reset() {
	token, password := v.form.Get("token"), v.form.Get("password")
	r := v.link(token)
	if r == nil {
		v.show(http.StatusNotFound, page{Title: "This link does not count any more"})
		return
	}
	if reason := v.refused(password); reason != "" {
		v.show(http.StatusUnprocessableEntity, resetForm(token, reason))
		return
	}
	v.replace(token, r.email, password)
	v.redirect("/login")
}

func (v *visit) replace(token, email, password string) {
	v.users[email] = v.newUser(email, v.normal(password))
	delete(v.misses, email)
	if !v.is("reset-once") {
		delete(v.resets, token)
	}
	if !v.is("reset-ends-sessions") {
		v.endAll(email, "")
	}
	if !v.is("reset-login-notice") {
		go v.mail(email, "Your password was changed", "If it was not you, tell us.\r\n")
	}
}

// address is where the request comes from.
func (v *visit) address() string {
	host, _, _ := net.SplitHostPort(v.r.RemoteAddr)
	return host
}
