package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

// account is somebody who can log in.
type account struct {
	user     string // what they log in with
	email    string
	password string
	given    string // the password to go back to, of an account that was there before
	asked    string // the last password that it was asked to change to, which may be the password if a check ended early
}

// newPassword returns one that every policy takes: all kinds of characters, and no words.
func newPassword() string { return "Aq7!" + rand.Text() }

// wrongPassword is one of the same kind that nobody has.
func wrongPassword() string { return newPassword() }

// somebody returns the names of an account to be made.
func (t *target) somebody() *account {
	t.made++
	return t.person(fmt.Sprintf("%03d", t.made))
}

// nobody returns the names of an account that nobody makes. They are as long as those of somebody.
func (t *target) nobody() *account { return t.person(strings.ToLower(rand.Text()[:3])) }

func (t *target) person(mark string) *account {
	name := "authcheck-" + t.run + "-" + mark
	a := &account{user: name, email: name + "@" + t.cfg.Domain}
	if t.cfg.Users == "email" {
		a.user = a.email
	}
	return a
}

// account returns the account of that name, which is made the first time. Where accounts are given, there are two: "other" is the
// second, and all the others are the first.
func (t *target) account(name string) (*account, error) {
	if len(t.cfg.Accounts) > 0 {
		if name != "other" && name != "guessed" {
			name = "main"
		} else {
			name = "other"
		}
	}
	if a := t.accounts[name]; a != nil {
		return a, nil
	}
	a, err := t.given(name)
	if a == nil && err == nil {
		a = t.somebody()
		a.password = newPassword()
		err = t.signup(a)
	}
	if err != nil {
		return nil, err
	}
	t.accounts[name] = a
	return a, nil
}

// given returns one of the accounts that are there, or nil if they are to be made.
func (t *target) given(name string) (*account, error) {
	if len(t.cfg.Accounts) == 0 {
		return nil, nil
	}
	g := t.cfg.Accounts[0]
	if name == "other" {
		g = t.cfg.Accounts[1]
	}
	password := os.Getenv(g.PasswordEnv)
	if password == "" {
		return nil, fmt.Errorf("the environment variable %s, with the password of %s, is empty", g.PasswordEnv, g.User)
	}
	email := g.Email
	if email == "" {
		email = g.User
	}
	return &account{user: g.User, email: email, password: password, given: password}, nil
}

// signup makes an account, and makes sure of it.
func (t *target) signup(a *account) error {
	answer, err := t.askSignup(a)
	if err != nil {
		return fmt.Errorf("signing up: %w", err)
	}
	in, err := t.canLogin(a)
	if err != nil {
		return fmt.Errorf("logging in after signing up: %w", err)
	}
	if !in {
		return fmt.Errorf("whoever signs up cannot log in: %s", hint(answer))
	}
	return nil
}

// askSignup sends the form to sign up, and opens the link in the mail, if there has to be one. Whether that made an account is for the
// caller to find out.
func (t *target) askSignup(a *account) (*browser.Answer, error) {
	mark, err := t.mark()
	if err != nil {
		return nil, err
	}
	answer, err := t.sendSignup(t.visitor(), a)
	if err != nil || !t.cfg.Confirm.ByMail || answer.Status >= 400 {
		return answer, err
	}
	link, err := t.mailedLink(mark, a.email, t.cfg.Confirm.Link)
	if err != nil {
		return nil, err
	}
	return answer, t.confirm(link, a)
}

func (t *target) sendSignup(b *browser.Browser, a *account) (*browser.Answer, error) {
	s := t.cfg.Signup
	if s.Path == "" {
		return nil, notHere("nobody can sign up by a form (signup.path)")
	}
	f, err := t.form(b, s.Path, s.User, s.Password)
	if err != nil {
		return nil, err
	}
	f.setAll(s.Fields)
	f.set(s.User, a.user, s.Email, a.email, s.Password, a.password, s.Confirm, a.password)
	return t.send(b, f.request())
}

// confirm opens the link of a mail, and sends the form on it, if there is one that is sent by POST.
func (t *target) confirm(link string, a *account) error {
	b := t.visitor()
	p, err := t.page(b, link)
	if err != nil {
		return err
	}
	f := p.Form(t.cfg.Login.Password)
	if f == nil || f.Action == t.cfg.Login.Path {
		f = p.FormTo(p.Answer.URL.Path)
	}
	if f == nil || f.Method != http.MethodPost || f.Has(t.cfg.Login.User) && f.Action == t.cfg.Login.Path {
		return nil // opening it was all
	}
	filled := &fill{f, t.tokenHeader(p)}
	filled.set(t.cfg.Login.Password, a.password)
	_, err = t.send(b, filled.request())
	return err
}

// login returns a visitor who is logged in.
func (t *target) login(a *account) (*browser.Browser, error) {
	b := t.visitor()
	in, answer, err := t.try(b, a.user, a.password)
	if err != nil {
		return nil, fmt.Errorf("logging in: %w", err)
	}
	if !in {
		return nil, fmt.Errorf("logging in does not work: %s, and then %s is not to be seen", hint(answer), t.cfg.Private.Path)
	}
	return b, nil
}

// canLogin reports whether somebody can log in.
func (t *target) canLogin(a *account) (bool, error) {
	in, _, err := t.try(t.visitor(), a.user, a.password)
	return in, err
}

// try logs in with the form, and reports whether that lets in.
func (t *target) try(b *browser.Browser, user, password string) (in bool, a *browser.Answer, err error) {
	f, err := t.loginForm(b, t.cfg.Login.Path, user, password)
	if err != nil {
		return false, nil, err
	}
	if a, err = t.send(b, f.request()); err != nil {
		return false, nil, err
	}
	in, err = t.in(b)
	return in, a, err
}

// loginForm opens the page to log in, and fills in its form.
func (t *target) loginForm(b *browser.Browser, path, user, password string) (*fill, error) {
	l := t.cfg.Login
	f, err := t.form(b, path, l.User, l.Password)
	if err != nil {
		return nil, err
	}
	f.setAll(l.Fields)
	f.set(l.User, user, l.Password, password)
	return f, nil
}

// changeForm opens the page to change the password, and fills in its form.
func (t *target) changeForm(b *browser.Browser, a *account, password string) (*fill, error) {
	c := t.cfg.Password
	if c.Path == "" {
		return nil, notHere("the password cannot be changed by a form (password.path)")
	}
	names := []string{c.Password}
	if c.Current != "" {
		names = append(names, c.Current)
	}
	f, err := t.form(b, c.Path, names...)
	if err != nil {
		return nil, err
	}
	a.asked = password
	f.setAll(c.Fields)
	f.set(c.Current, a.password, c.Password, password, c.Confirm, password)
	return f, nil
}

// change changes the password of a, who is logged in as b, and makes sure of it.
func (t *target) change(b *browser.Browser, a *account, password string) error {
	f, err := t.changeForm(b, a, password)
	if err != nil {
		return err
	}
	answer, err := t.send(b, f.request())
	if err != nil {
		return err
	}
	changed := *a
	changed.password = password
	in, err := t.canLogin(&changed)
	if err == nil && !in {
		err = fmt.Errorf("changing the password does not work: %s", hint(answer))
	}
	if err == nil {
		a.password = password
	}
	return err
}

// logout logs out by what the application has for it, and reports the answer.
func (t *target) logout(b *browser.Browser) (*browser.Answer, error) {
	q, err := t.logoutRequest(b)
	if err != nil {
		return nil, err
	}
	return t.send(b, q)
}

func (t *target) logoutRequest(b *browser.Browser) (*browser.Request, error) {
	l := t.cfg.Logout
	if l.Path == "" {
		return nil, notHere("nobody can log out (logout.path)")
	}
	if l.Method == http.MethodGet {
		return &browser.Request{Target: l.Path}, nil
	}
	f, err := t.logoutForm(b)
	if err != nil {
		return nil, err
	}
	return f.request(), nil
}

// logoutForm returns the form to log out. Where a script sends it, one is made of the token of the page.
func (t *target) logoutForm(b *browser.Browser) (*fill, error) {
	path := t.cfg.Logout.Page
	if path == "" {
		path = t.cfg.Private.Path
	}
	p, err := t.page(b, path)
	if err != nil {
		return nil, err
	}
	header := t.tokenHeader(p)
	if f := p.FormTo(t.cfg.Logout.Path); f != nil {
		return &fill{f, header}, nil
	}
	if header != nil {
		return &fill{&browser.Form{Action: t.cfg.Logout.Path, Method: "POST", Values: url.Values{}}, header}, nil
	}
	return nil, fmt.Errorf("the page %s has no form to log out that is sent to %s: set logout.page", path, t.cfg.Logout.Path)
}

// tidy is for the end, also if it came early: what has to be put back may take more requests than there were to be.
func (t *target) tidy() (notes []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), time.Minute)
	defer cancel()
	t.ctx = ctx
	t.client.Allow(50)
	t.move()
	return t.restore()
}

// restore gives accounts that were there before their passwords back.
func (t *target) restore() (notes []string) {
	for _, name := range slices.Sorted(maps.Keys(t.accounts)) {
		a := t.accounts[name]
		if a.given == "" || a.asked == "" {
			continue
		}
		if err := t.putBack(a); err != nil {
			notes = append(notes, fmt.Sprintf("The password of %s was changed, and could not be changed back: %v. Set it anew.", a.user, err))
		}
	}
	return notes
}

// putBack changes the password back, if it is another one.
func (t *target) putBack(a *account) error {
	if _, err := t.hasChanged(a, a.asked); err != nil || a.password == a.given {
		return err
	}
	b, err := t.login(a)
	if err != nil {
		return err
	}
	return t.change(b, a, a.given)
}

// mark remembers which mails there are.
func (t *target) mark() ([]string, error) {
	if t.mail == nil {
		return nil, nil
	}
	return t.mail.Mark()
}

var errNoLink = errors.New("there is no link in the mail")

// mailedLink waits for a mail, and returns the target of the link in it.
func (t *target) mailedLink(mark []string, to, containing string) (string, error) {
	m, err := t.mail.Next(t.ctx, mark, to, containing)
	if err != nil {
		return "", err
	}
	for _, link := range m.Links() {
		if u, err := url.Parse(link); err == nil && strings.Contains(link, containing) {
			return u.RequestURI(), nil
		}
	}
	return "", errNoLink
}
