package check

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var csrfChecks = []Check{
	{ID: "csrf-login", ASVS: "3.5.1", Title: "Another site cannot log a visitor in",
		Why: "Visitors would use the attacker's account without noticing, and leave there what they type.",
		Fix: "Check the token, or Origin and Sec-Fetch-Site, also of forms that guests send.", run: csrfLogin},
	{ID: "csrf-logout", ASVS: "3.5.1", Title: "Another site cannot log a user out",
		Why: "It is a nuisance, and a step of attacks that need a fresh login.",
		Fix: "Log out by POST, with the same check as every form.", run: csrfLogout},
	{ID: "csrf-token", ASVS: "3.5.1", Title: "A form of a logged-in user needs its token",
		Why: "The browser sends the cookie with forms of other sites, too; the token is what these do not have.",
		Fix: "Refuse unsafe requests with a missing or a wrong token.", run: csrfToken},
	{ID: "csrf-bound", ASVS: "3.5.1", Title: "The token of one session is no good in another",
		Why: "Attackers have tokens: those of their own sessions.",
		Fix: "Bind the token to the session, and not only to a cookie.", run: csrfBound},
	{ID: "csrf-origin", ASVS: "3.5.1", Title: "A request that says that it comes from another site is refused",
		Why: "Tokens leak, and cookies can be planted from another host of the domain. Browsers say where a form is from.",
		Fix: "Refuse unsafe requests with a foreign Origin, or with Sec-Fetch-Site: cross-site, whatever token they have.", run: csrfOrigin},
}

func csrfLogin(t *target) ([]string, error) {
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	b := t.visitor()
	f, err := t.loginForm(b, t.cfg.Login.Path, a.user, a.password)
	if err != nil {
		return nil, err
	}
	q := (&fill{t.stripped(f.Form), nil}).request()
	q.Foreign = true
	return t.mustNotEnter(b, q, "with a foreign Origin and without a token")
}

// stripped is a form without what another site cannot know.
func (t *target) stripped(f *browser.Form) *browser.Form {
	f = f.Clone()
	for _, name := range t.tokens(f) {
		f.Values.Del(name)
	}
	return f
}

// tokens returns the hidden fields that hold a token: the one that is named, and those that look like it.
func (t *target) tokens(f *browser.Form) (names []string) {
	for _, name := range f.Hidden {
		value := f.Values.Get(name)
		if name == t.cfg.CSRF.Field || len(value) >= 16 && !strings.ContainsAny(value, " /@") {
			names = append(names, name)
		}
	}
	return names
}

func csrfLogout(t *target) ([]string, error) {
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	q := &browser.Request{Method: t.cfg.Logout.Method, Target: t.cfg.Logout.Path, Foreign: true}
	if t.cfg.Logout.Path == "" {
		return nil, notHere("nobody can log out (logout.path)")
	}
	if q.Method == http.MethodPost {
		f, err := t.logoutForm(b)
		if err != nil {
			return nil, err
		}
		q.Target, q.Form = f.Action, t.stripped(f.Form).Values
	}
	answer, err := t.send(b, q)
	if err != nil {
		return nil, err
	}
	in, err := t.in(b)
	if err != nil || in {
		return nil, err
	}
	return []string{see(answer) + ", with a foreign Origin and without a token, logs out"}, nil
}

// deed is something that only a form of the user's own session may do.
type deed struct {
	name string
	// form returns the form, filled in by b.
	form func(b *browser.Browser) (*fill, error)
	// done reports whether it is done.
	done func(b *browser.Browser) (bool, error)
}

// deed is changing the password or, where that is not possible, logging out.
func (t *target) deed(a *account) (*deed, error) {
	if t.cfg.Password.Path != "" {
		next := newPassword()
		return &deed{
			name: "the password changes",
			form: func(b *browser.Browser) (*fill, error) { return t.changeForm(b, a, next) },
			done: func(*browser.Browser) (bool, error) { return t.hasChanged(a, next) },
		}, nil
	}
	if t.cfg.Logout.Path == "" || t.cfg.Logout.Method != http.MethodPost {
		return nil, notHere("there is no form to try it on: neither password.path, nor logout.path with POST")
	}
	return &deed{
		name: "the user is logged out",
		form: t.logoutForm,
		done: func(b *browser.Browser) (bool, error) {
			in, err := t.in(b)
			return !in, err
		},
	}, nil
}

// hasChanged finds out which of two passwords logs in, the one that a has or next, and remembers it.
func (t *target) hasChanged(a *account, next string) (bool, error) {
	in, err := t.canLogin(a)
	if err != nil || in {
		return false, err
	}
	changed := *a
	changed.password = next
	if in, err = t.canLogin(&changed); err != nil {
		return false, err
	}
	if !in {
		return false, errors.New("neither the old password nor the new one logs in")
	}
	a.password = next
	return true, nil
}

// attempt sends the form of a deed as spoil leaves it, and returns evidence if the deed is done.
func (t *target) attempt(how string, spoil func(*fill, *browser.Request)) (string, error) {
	a, err := t.account("forged")
	if err != nil {
		return "", err
	}
	d, err := t.deed(a)
	if err != nil {
		return "", err
	}
	b, err := t.login(a)
	if err != nil {
		return "", err
	}
	f, err := d.form(b)
	if err != nil {
		return "", err
	}
	q := f.request()
	spoil(f, q)
	answer, err := t.send(b, q)
	if err != nil {
		return "", err
	}
	done, err := d.done(b)
	if err != nil || !done {
		return "", err
	}
	return fmt.Sprintf("%s, %s: %s", see(answer), how, d.name), nil
}

// works makes sure that the deed can be done at all.
func (t *target) works() error {
	seen, err := t.attempt("", func(*fill, *browser.Request) {})
	if err == nil && seen == "" {
		err = fmt.Errorf("the form on which it would be tried does not work for its own user")
	}
	return err
}

func csrfToken(t *target) ([]string, error) {
	if err := t.works(); err != nil {
		return nil, err
	}
	found := false
	missing, err := t.attempt("without its token", func(f *fill, q *browser.Request) {
		found = len(t.tokens(f.Form)) > 0 || f.header != nil
		q.Form, q.Header = t.stripped(f.Form).Values, nil
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return t.tokenless()
	}
	plain, err := t.attempt("without its token, as text/plain", func(f *fill, q *browser.Request) {
		q.Raw, q.Type, q.Form, q.Header = t.stripped(f.Form).Values.Encode(), "text/plain", nil, nil
	})
	if err != nil {
		return nil, err
	}
	seen := []string{missing, plain}
	for _, w := range []struct {
		how   string
		token func(string) string
	}{
		{"with an empty token", func(string) string { return "" }},
		{"with a made-up token", madeUp},
		{"with a token of one letter", func(string) string { return "x" }},
	} {
		wrong, err := t.attempt(w.how, func(f *fill, q *browser.Request) { t.exchange(f, q, w.token) })
		if err != nil {
			return nil, err
		}
		seen = append(seen, wrong)
	}
	return lines(seen...), nil
}

// tokenless is for forms without a token: then all depends on what browsers say of where a request is from.
func (t *target) tokenless() ([]string, error) {
	seen, err := t.attempt("with a foreign Origin; there is no token in the form", func(_ *fill, q *browser.Request) { q.Foreign = true })
	if err == nil && seen == "" {
		err = notHere("the form has no token, but a foreign Origin is refused: see csrf-origin")
	}
	return lines(seen), err
}

// exchange puts other tokens into a request.
func (t *target) exchange(f *fill, q *browser.Request, other func(string) string) {
	form := f.Form.Clone()
	for _, name := range t.tokens(f.Form) {
		form.Values.Set(name, other(form.Values.Get(name)))
	}
	q.Form = form.Values
	for name, values := range f.header {
		q.Header.Set(name, other(values[0]))
	}
}

func lines(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func csrfBound(t *target) ([]string, error) {
	if err := t.works(); err != nil {
		return nil, err
	}
	theirs, err := t.foreignForm()
	if err != nil {
		return nil, err
	}
	if len(t.tokens(theirs.Form)) == 0 && theirs.header == nil {
		return nil, notHere("the form has no token")
	}
	_, guests, err := t.credentials()
	if err != nil {
		return nil, err
	}
	user, err := t.attempt("with the token of another user", t.tokensOf(theirs))
	if err != nil {
		return nil, err
	}
	guest, err := t.attempt("with the token of a guest", t.tokensOf(guests))
	return lines(user, guest), err
}

// tokensOf puts the tokens of one form into another, as far as it has them.
func (t *target) tokensOf(theirs *fill) func(*fill, *browser.Request) {
	return func(f *fill, q *browser.Request) {
		form := f.Form.Clone()
		for _, name := range t.tokens(f.Form) {
			form.Values.Set(name, theirs.Values.Get(name))
		}
		q.Form = form.Values
		if theirs.header != nil {
			q.Header = theirs.header.Clone()
		}
	}
}

// foreignForm is the form of the deed as another user gets it.
func (t *target) foreignForm() (*fill, error) {
	a, err := t.account("other")
	if err != nil {
		return nil, err
	}
	d, err := t.deed(a)
	if err != nil {
		return nil, err
	}
	b, err := t.login(a)
	if err != nil {
		return nil, err
	}
	return d.form(b)
}

func csrfOrigin(t *target) ([]string, error) {
	if err := t.works(); err != nil {
		return nil, err
	}
	foreign, err := t.attempt("with a foreign Origin, and the right token", func(_ *fill, q *browser.Request) { q.Foreign = true })
	if err != nil {
		return nil, err
	}
	null, err := t.attempt("with Origin: null, as from a frame in a sandbox, and the right token", func(_ *fill, q *browser.Request) {
		q.Foreign = true
		if q.Header == nil {
			q.Header = http.Header{}
		}
		q.Header["Origin"], q.Header["Referer"] = []string{"null"}, nil
	})
	return lines(foreign, null), err
}
