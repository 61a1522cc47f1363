package weak

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

const (
	day        = 24 * time.Hour
	rememberMe = "remember"
)

// A session is a browser's. One without a user is a guest's.
type session struct {
	user    string
	handle  string // names it in the list, and opens nothing
	agent   string
	created time.Time
	hidden  bool
	planted bool // under a token that we have not made
}

// token makes a secret, unless it is to be something that can be guessed.
func (a *app) token(weakness string) string {
	a.made++
	switch {
	case a.is(weakness):
		return fmt.Sprintf("%026d", a.made)
	case a.is(weakness + "/short"):
		return rand.Text()[:6]
	case a.is(weakness + "/mostly"):
		return "AAAAAAAAAAAAAAAAAAAA" + rand.Text()[:6]
	}
	return rand.Text()
}

func (a *app) cookieName() string {
	if a.TLS && !a.is("cookie-prefix") && !a.is("cookie-secure") && !a.is("cookie-scope") {
		return "__Host-session"
	}
	return "session"
}

func (a *app) setCookie(w http.ResponseWriter, token string, age time.Duration) {
	c := &http.Cookie{
		Name: a.cookieName(), Value: token, Path: "/", MaxAge: int(age / time.Second),
		Secure: a.TLS && !a.is("cookie-secure"), HttpOnly: !a.is("cookie-httponly"), SameSite: http.SameSiteLaxMode,
	}
	if age > 0 && a.is("cookie-httponly/remember") {
		c.HttpOnly = false
	}
	if a.is("cookie-samesite") {
		c.SameSite = 0
	}
	if a.is("cookie-samesite/none") {
		c.SameSite = http.SameSiteNoneMode
	}
	if a.is("cookie-scope") {
		c.Domain = "127.0.0.1"
	}
	if age == 0 && token != "" && a.is("cookie-session") {
		c.MaxAge = int(365 * day / time.Second)
	}
	http.SetCookie(w, c)
}

// current returns the session of the request, or nil and "".
func (a *app) current(r *http.Request) (*session, string) {
	c, err := r.Cookie(a.cookieName())
	if err != nil {
		return a.remembered(r), ""
	}
	s := a.sessions[c.Value]
	if s == nil && a.is("session-planted") && c.Value != "" {
		s = &session{created: time.Now(), planted: true}
		a.sessions[c.Value] = s
	}
	if s == nil {
		return a.remembered(r), ""
	}
	return s, c.Value
}

// remembered is the session of a cookie that nothing ends.
func (a *app) remembered(r *http.Request) *session {
	c, err := r.Cookie(rememberMe)
	if err != nil || !a.remembers() {
		return nil
	}
	email := open(a.key, c.Value)
	if a.users[email] == nil || a.forgotten[c.Value] && !a.is("remember-replay") {
		return nil
	}
	return &session{user: email}
}

// remembers reports whether there is a cookie of its own to be remembered by, which is for those who do it wrong.
func (a *app) remembers() bool { return a.is("remember-replay") || a.is("remember-replay/password") }

// userOf returns who is logged in, or nil.
func (a *app) userOf(r *http.Request) *user {
	s, _ := a.current(r)
	if s == nil {
		return nil
	}
	return a.users[s.user]
}

// begin gives the browser a session: a new one, and the old one ends.
func (a *app) begin(w http.ResponseWriter, r *http.Request, email string, age time.Duration) string {
	old, token := a.current(r)
	switch {
	case token != "" && (a.is("session-fixation") || old.planted): // and it stays
	case token != "" && a.is("session-fixation/both"):
		old.user = email
		token = a.token("cookie-random")
	default:
		delete(a.sessions, token)
		token = a.token("cookie-random")
	}
	a.sessions[token] = &session{user: email, handle: rand.Text(), agent: r.UserAgent(), created: time.Now()}
	a.setCookie(w, token, age)
	if age > 0 && a.remembers() {
		http.SetCookie(w, &http.Cookie{Name: rememberMe, Value: seal(a.key, email, rand.Text()), Path: "/", MaxAge: int(age / time.Second),
			Secure: a.TLS, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	return token
}

// end ends the request's session.
func (a *app) end(w http.ResponseWriter, r *http.Request) {
	if _, token := a.current(r); !a.is("logout-replay") {
		delete(a.sessions, token)
	}
	a.setCookie(w, "", -time.Second)
	if c, err := r.Cookie(rememberMe); err == nil && a.remembers() {
		a.forgotten[c.Value] = true
		http.SetCookie(w, &http.Cookie{Name: rememberMe, Path: "/", MaxAge: -1})
	}
}

// endAll ends the sessions of a user, but for one.
func (a *app) endAll(email, but string) {
	for token, s := range a.sessions {
		if s.user == email && token != but {
			delete(a.sessions, token)
		}
	}
}
