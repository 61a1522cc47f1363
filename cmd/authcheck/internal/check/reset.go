package check

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/mailbox"
)

var resetChecks = []Check{
	{ID: "reset-host", ASVS: "4.1.3", Title: "The link in the mail leads to your host, whatever the request says",
		Why: "Users would give the secret of the link to the attacker who asked for the mail.",
		Fix: "Make links from a configured address, never from Host or X-Forwarded-Host.", run: resetHost},
	{ID: "reset-once", ASVS: "6.5.1", Title: "A link works once",
		Why: "Mails are kept for years.",
		Fix: "Delete the secret when it is used.", run: ofLinks(func(l *linkRun) []string { return l.once })},
	{ID: "reset-ends-sessions", ASVS: "7.4.3", Title: "A new password by mail ends all sessions",
		Why: "Whoever took the account over is still logged in, and the owner believes that they are out.",
		Fix: "End all sessions of the user when the password is set anew.", run: ofLinks(func(l *linkRun) []string { return l.sessions })},
	{ID: "reset-get", ASVS: "3.5.3", Title: "Opening a link does not use it up",
		Why: "Mail scanners open links before users do.",
		Fix: "Show a form when the link is opened, and use the secret up when the form is sent.", run: ofLinks(func(l *linkRun) []string { return l.get })},
	{ID: "reset-random", ASVS: "11.5.1", Title: "The secret of a link cannot be guessed",
		Why: "Whoever guesses it has the account.",
		Fix: "Make it of 128 random bits or more.", run: ofLinks(func(l *linkRun) []string { return l.random })},
	{ID: "reset-superseded", ASVS: "6.6.2", Title: "A password that is set by one link ends the others",
		Why: "Somebody else may have read the mails from before.",
		Fix: "Delete all secrets of the user when one of them is used.", run: ofLinks(func(l *linkRun) []string { return l.superseded })},
	{ID: "reset-login-notice", ASVS: "6.3.7", Optional: true, Title: "Owners are told by mail that their password was set anew",
		Why: "It is how they learn of it if it was somebody else.",
		Fix: "Mail a notice, without a link that logs in.", run: ofLinks(func(l *linkRun) []string { return l.notice })},
}

// mailed says why mails cannot be read, if so.
func (t *target) mailed() error {
	switch {
	case t.cfg.Forgot.Path == "":
		return notHere("nobody can ask for a new password (forgot.path)")
	case t.mail == nil:
		return notHere("nobody knows where the mails are (mail.dir)")
	}
	return nil
}

// askReset asks for a link to set the password of a anew, and waits for the mail.
func (t *target) askReset(a *account) (string, error) {
	mark, err := t.mark()
	if err != nil {
		return "", err
	}
	answer, err := t.sendForgot(a)
	if err != nil {
		return "", err
	}
	link, err := t.mailedLink(mark, a.email, t.cfg.Reset.Link)
	if err != nil {
		return "", fmt.Errorf("%s, but %w", see(answer), err)
	}
	return link, nil
}

// reset sets the password of a by a link, and reports whether that worked.
func (t *target) reset(link string, a *account, password string) (bool, error) {
	b := t.visitor()
	p, err := t.page(b, link)
	if err != nil {
		return false, err
	}
	f := p.Form(t.cfg.Reset.Password)
	if f == nil || f.Action == t.cfg.Login.Path {
		return false, nil // there is no form any more
	}
	filled := &fill{f, t.tokenHeader(p)}
	filled.set(t.cfg.Reset.Password, password, t.cfg.Reset.Confirm, password)
	if _, err := t.send(b, filled.request()); err != nil {
		return false, err
	}
	changed := *a
	changed.password = password
	in, err := t.canLogin(&changed)
	if in {
		a.password = password
	}
	return in, err
}

// linkRun is what was seen of two links to one account: for each check its evidence.
type linkRun struct {
	err                                             error
	once, sessions, get, random, superseded, notice []string
}

func ofLinks(evidence func(*linkRun) []string) func(*target) ([]string, error) {
	return func(t *target) ([]string, error) {
		if err := t.mailed(); err != nil {
			return nil, err
		}
		if t.links == nil {
			t.links = &linkRun{}
			t.links.err = t.links.walk(t)
		}
		return evidence(t.links), t.links.err
	}
}

// walk asks for two links, opens the second one several times, and then uses it, once more, and the first one.
func (l *linkRun) walk(t *target) error {
	a, err := t.account("forgetful")
	if err != nil {
		return err
	}
	session, err := t.login(a)
	if err != nil {
		return err
	}
	first, err := t.askReset(a)
	if err != nil {
		return err
	}
	second, err := t.askReset(a)
	if err == nil && second == first { // signed together with the time, in seconds, as in Django
		time.Sleep(1100 * time.Millisecond)
		second, err = t.askReset(a)
	}
	if err != nil {
		return err
	}
	l.random = guessableLinks(first, second)
	for range 3 {
		if _, err := t.page(t.visitor(), second); err != nil {
			return err
		}
	}
	mark, err := t.mark()
	if err != nil {
		return err
	}
	if err := l.use(t, a, second); err != nil {
		return err
	}
	return errors.Join(l.after(t, a, session, first, second), l.told(t, a, mark))
}

// use uses the second link. If it does not work, opening it was too much, or the form does not work at all, which a new link tells.
func (l *linkRun) use(t *target, a *account, link string) error {
	ok, err := t.reset(link, a, newPassword())
	if err != nil || ok {
		return err
	}
	if link, err = t.askReset(a); err != nil {
		return err
	}
	if ok, err = t.reset(link, a, newPassword()); err != nil {
		return err
	}
	if !ok {
		return errors.New("setting a password anew by the mailed link does not work")
	}
	l.get = []string{"a link that was opened three times does not work any more, one that was not does"}
	return nil
}

func (l *linkRun) after(t *target, a *account, session *browser.Browser, first, second string) error {
	in, err := t.in(session)
	if err != nil {
		return err
	}
	if in {
		l.sessions = []string{"a session from before the password was set anew is still logged in"}
	}
	if in, err = t.reset(second, a, newPassword()); err != nil {
		return err
	}
	if in {
		l.once = []string{"a link that was used sets the password once more"}
	}
	if in, err = t.reset(first, a, newPassword()); err != nil {
		return err
	}
	if in {
		l.superseded = []string{"after the second link was used, the first one still sets the password"}
	}
	return nil
}

// told looks for a mail that came after the password was set.
func (l *linkRun) told(t *target, a *account, mark []string) error {
	_, err := t.mail.Next(t.ctx, mark, a.email, "")
	if errors.Is(err, mailbox.ErrNoMail) {
		l.notice = []string{"no mail came after the password was set anew"}
		return nil
	}
	return err
}

// secretOf returns the longest part of the path or the query of a link: what is random in it.
func secretOf(link string) (secret string) {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	parts := strings.Split(u.Path, "/")
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for _, p := range parts {
		if len(p) > len(secret) && !strings.Contains(p, "@") {
			secret = p
		}
	}
	return secret
}

func guessableLinks(first, second string) []string {
	a, b := secretOf(first), secretOf(second)
	switch {
	case min(len(a), len(b)) < leastValue:
		return []string{fmt.Sprintf("the secret of a link has %d characters, too few for 128 random bits", min(len(a), len(b)))}
	case differing(a, b) < leastValue/2:
		return []string{fmt.Sprintf("the secrets of two links in a row differ in %d characters only", differing(a, b))}
	}
	return nil
}

// poison are requests that say that the application is elsewhere.
var poison = []struct {
	how    string
	host   string
	header http.Header
}{
	{"Host: " + evil, evil, nil},
	{"X-Forwarded-Host: " + evil, "", http.Header{
		"X-Forwarded-Host": {evil}, "X-Host": {evil}, "X-Forwarded-Server": {evil}, "X-Original-Host": {evil}, "Forwarded": {"host=" + evil}}},
}

func resetHost(t *target) (seen []string, err error) {
	if err := t.mailed(); err != nil {
		return nil, err
	}
	a, err := t.account("poisoned")
	if err != nil {
		return nil, err
	}
	for _, p := range poison {
		mark, err := t.mark()
		if err != nil {
			return nil, err
		}
		b := t.visitor()
		f, err := t.forgotForm(b, a)
		if err != nil {
			return nil, err
		}
		q := f.request()
		q.Host = p.host
		if q.Header == nil {
			q.Header = http.Header{}
		}
		maps.Copy(q.Header, p.header)
		answer, err := t.send(b, q)
		if err != nil {
			return nil, err
		}
		if answer.Status >= 400 {
			continue // refused, which is as good
		}
		m, err := t.mail.Next(t.ctx, mark, a.email, "")
		if err != nil {
			return nil, fmt.Errorf("%s with %s, but %w", see(answer), p.how, err)
		}
		if strings.Contains(m.Text, evil) {
			seen = append(seen, fmt.Sprintf("%s with %s: the mail leads to %s", see(answer), p.how, evil))
		}
	}
	return seen, nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
