package check

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var sessionChecks = []Check{
	{ID: "session-fixation", ASVS: "7.2.4", Title: "Logging in begins another session",
		Why: "Whoever knows the cookie from before, since they planted it, would be logged in with the user.",
		Fix: "Make a new session ID at each login, and end the old one on the server.", run: sessionFixation},
	{ID: "session-planted", ASVS: "7.2.2", Title: "A session ID that the server did not make is not taken",
		Why: "An attacker could choose the ID of somebody's session.",
		Fix: "Treat an unknown ID as none.", run: sessionPlanted},
	{ID: "logout-replay", ASVS: "7.4.1", Title: "A copied cookie is worth nothing after logging out",
		Why: "Logging out is what users do when they are afraid of something.",
		Fix: "End the session on the server; deleting the cookie is not enough.", run: logoutReplay},
	{ID: "logout-get", ASVS: "3.5.3", Title: "GET does not log out",
		Why: "Any page with a picture of that address logs users out, and so do browsers that load links ahead.",
		Fix: "Log out by a form that is sent by POST.", run: logoutGet},
	{ID: "password-ends-sessions", ASVS: "7.4.3", Title: "A new password ends the other sessions",
		Why: "Whoever changes the password because somebody else is in wants them out.",
		Fix: "End all other sessions of the user when the password changes, or offer it.", run: passwordEndsSessions},
	{ID: "session-list", ASVS: "7.5.2", Title: "Users see and end their other sessions",
		Why: "It is the only way to log out a device that is lost.",
		Fix: "Show the sessions of a user, each with a form to end it.", run: sessionList},
	{ID: "remember-replay", ASVS: "7.4.1", Title: "A cookie that remembers the user is worth nothing after logging out, and after a new password",
		Why: "It is a session like any other, and lives longer.",
		Fix: "Keep on the server which of these cookies count, and end them with the sessions.", run: rememberReplay},
}

func sessionFixation(t *target) ([]string, error) {
	names, err := t.sessionCookies()
	if err != nil {
		return nil, err
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	b := t.visitor()
	if _, err := t.page(b, t.cfg.Private.Path); err != nil { // so that there is something to come back to
		return nil, err
	}
	if _, err := t.page(b, t.cfg.Login.Path); err != nil {
		return nil, err
	}
	before := b.Copy()
	if in, answer, err := t.try(b, a.user, a.password); err != nil || !in {
		return nil, orFailed(err, answer)
	}
	in, err := t.in(before)
	if err != nil {
		return nil, err
	}
	var seen []string
	if in {
		seen = append(seen, "the cookies from before the login are logged in after it")
	}
	for _, c := range named(before, names) {
		if after := b.Cookie(c.Name); after != nil && after.Value == c.Value {
			seen = append(seen, fmt.Sprintf("cookie %s is the same before and after the login", c.Name))
		}
	}
	return seen, nil
}

func orFailed(err error, a *browser.Answer) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("logging in does not work: %s", hint(a))
}

func sessionPlanted(t *target) ([]string, error) {
	names, err := t.sessionCookies()
	if err != nil {
		return nil, err
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	model, err := t.login(a)
	if err != nil {
		return nil, err
	}
	var planted []*http.Cookie
	for _, c := range named(model, names) {
		planted = append(planted, &http.Cookie{Name: c.Name, Value: madeUp(c.Value)})
	}
	for _, again := range []bool{false, true} {
		seen, err := t.plant(a, planted, again)
		if err != nil || len(seen) > 0 {
			return seen, err
		}
	}
	return nil, nil
}

// plant logs in with cookies that are made up and, if they are to be planted again, are back when the form is sent.
func (t *target) plant(a *account, planted []*http.Cookie, again bool) (seen []string, err error) {
	b := t.visitor()
	plant(b, planted)
	thief := b.Copy()
	f, err := t.loginForm(b, t.cfg.Login.Path, a.user, a.password)
	if err != nil {
		return nil, err
	}
	if again {
		plant(b, planted)
	}
	if _, err := t.send(b, f.request()); err != nil {
		return nil, err
	}
	in, err := t.in(thief)
	if err != nil {
		return nil, err
	}
	if in {
		return []string{"a session ID that was made up before the login is logged in after it"}, nil
	}
	in, err = t.in(b)
	for _, p := range planted {
		if c := b.Cookie(p.Name); in && c != nil && c.Value == p.Value {
			seen = append(seen, fmt.Sprintf("cookie %s keeps its made-up value", p.Name))
		}
	}
	return seen, err
}

func plant(b *browser.Browser, planted []*http.Cookie) {
	for _, c := range planted {
		b.SetCookie(c.Name, c.Value)
	}
}

// madeUp returns a value of the same form that no server has made.
func madeUp(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '0' + (r-'0'+7)%10
		case r >= 'a' && r <= 'f':
			return 'a' + (r-'a'+3)%6
		case r >= 'A' && r <= 'F':
			return 'A' + (r-'A'+3)%6
		case r >= 'g' && r <= 'z':
			return 'g' + (r-'g'+5)%20
		case r >= 'G' && r <= 'Z':
			return 'G' + (r-'G'+5)%20
		}
		return r
	}, value)
}

func logoutReplay(t *target) ([]string, error) {
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	thief := b.Copy()
	answer, err := t.logout(b)
	if err != nil {
		return nil, err
	}
	if in, err := t.in(b); err != nil || in {
		return nil, errors.Join(err, fmt.Errorf("logging out does not work: %s", hint(answer)))
	}
	in, err := t.in(thief)
	if err != nil || !in {
		return nil, err
	}
	return []string{see(answer) + "; a copy of the cookies from before still opens " + t.cfg.Private.Path}, nil
}

func logoutGet(t *target) ([]string, error) {
	if t.cfg.Logout.Path == "" {
		return nil, notHere("nobody can log out (logout.path)")
	}
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	answer, err := b.Send(t.ctx, &browser.Request{Target: t.cfg.Logout.Path, Foreign: true})
	if err != nil {
		return nil, err
	}
	in, err := t.in(b)
	if err != nil || in {
		return nil, err
	}
	return []string{see(answer) + ", and the visitor is logged out"}, nil
}

func passwordEndsSessions(t *target) ([]string, error) {
	return t.outlivesChange((*target).login, "two browsers are logged in, one changes the password, and the other one stays logged in")
}

// outlivesChange says what is wrong if a login goes on after another browser has changed the password.
func (t *target) outlivesChange(login func(*target, *account) (*browser.Browser, error), wrong string) ([]string, error) {
	a, b, err := t.changing()
	if err != nil {
		return nil, err
	}
	other, err := login(t, a)
	if err != nil {
		return nil, err
	}
	if err := t.change(b, a, newPassword()); err != nil {
		return nil, err
	}
	in, err := t.in(other)
	if err != nil || !in {
		return nil, err
	}
	return []string{wrong}, nil
}

// changing returns the account whose password changes, logged in. It is not here where passwords cannot be changed.
func (t *target) changing() (*account, *browser.Browser, error) {
	if t.cfg.Password.Path == "" {
		return nil, nil, notHere("the password cannot be changed by a form (password.path)")
	}
	a, err := t.account("changing")
	if err != nil {
		return nil, nil, err
	}
	b, err := t.login(a)
	return a, b, err
}

// mostForms is how many forms of a page are tried out.
const mostForms = 12

func sessionList(t *target) ([]string, error) {
	s := t.cfg.Sessions
	if s.Path == "" {
		return nil, notHere("there is no page with one's sessions (sessions.path)")
	}
	a, err := t.account("listed")
	if err != nil {
		return nil, err
	}
	tried := 0
	for tried < mostForms {
		done, more, err := t.endOther(a, tried)
		if err != nil || done {
			return nil, err
		}
		if !more {
			break
		}
		tried++
	}
	return []string{fmt.Sprintf("GET %s: of %d forms to end a session none ends that of another browser, and leaves one's own", s.Path, tried)}, nil
}

// endOther sends the form of that number on the page of sessions, and reports whether it ended the other session. The forms that were
// not there before the other one logged in come first.
func (t *target) endOther(a *account, number int) (done, more bool, err error) {
	mine, err := t.login(a)
	if err != nil {
		return false, false, err
	}
	before, err := t.revokeForms(mine)
	if err != nil {
		return false, false, err
	}
	other, err := t.login(a)
	if err != nil {
		return false, false, err
	}
	after, err := t.revokeForms(mine)
	if err != nil {
		return false, false, err
	}
	forms := slices.Concat(t.newOnes(after, before), after)
	if number >= len(forms) {
		return false, false, nil
	}
	if _, err := t.send(mine, forms[number].request()); err != nil {
		return false, false, err
	}
	me, err := t.in(mine)
	if err != nil {
		return false, false, err
	}
	they, err := t.in(other)
	return me && !they, true, err
}

// revokeForms returns the forms that end a session.
func (t *target) revokeForms(b *browser.Browser) (forms []*fill, err error) {
	p, err := t.page(b, t.cfg.Sessions.Path)
	if err != nil {
		return nil, err
	}
	for _, f := range p.Forms {
		if f.Method == http.MethodPost && strings.Contains(f.Action, t.cfg.Sessions.Revoke) && f.Action != t.cfg.Logout.Path {
			forms = append(forms, &fill{f, t.tokenHeader(p)})
		}
	}
	return forms, nil
}

// newOnes returns the forms of which there was none before, apart from their tokens.
func (t *target) newOnes(after, before []*fill) (forms []*fill) {
	what := func(f *fill) string {
		values := f.Clone().Values
		values.Del(t.cfg.CSRF.Field)
		return f.Action + " " + values.Encode()
	}
	for _, f := range after {
		if !slices.ContainsFunc(before, func(b *fill) bool { return what(b) == what(f) }) {
			forms = append(forms, f)
		}
	}
	return forms
}

func rememberReplay(t *target) ([]string, error) {
	if _, err := t.rememberCookies(); err != nil {
		return nil, err
	}
	after, err := t.rememberedAfterLogout()
	if err != nil {
		return nil, err
	}
	changed, err := t.rememberedAfterChange()
	if isNotHere(err) {
		err = nil
	}
	return append(after, changed...), err
}

func (t *target) rememberedAfterLogout() ([]string, error) {
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	b, err := t.loginRemembered(a)
	if err != nil {
		return nil, err
	}
	thief := b.Copy()
	answer, err := t.logout(b)
	if err != nil {
		return nil, err
	}
	in, err := t.in(thief)
	if err != nil || !in {
		return nil, err
	}
	return []string{see(answer) + "; a copy of the cookie that remembers the user still logs in"}, nil
}

func (t *target) rememberedAfterChange() ([]string, error) {
	return t.outlivesChange((*target).loginRemembered, "after the password was changed in another browser, the cookie that remembers the user still logs in")
}
