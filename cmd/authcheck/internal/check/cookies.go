package check

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var cookieChecks = []Check{
	{ID: "cookie-httponly", ASVS: "3.3.4", Title: "Scripts cannot read the session cookie",
		Why: "A script that gets into a page could send the cookie away, and whoever has it is logged in.",
		Fix: "Set HttpOnly on the session cookie, and on the one that remembers the user.", run: eachCookie(httpOnly)},
	{ID: "cookie-secure", ASVS: "3.3.1", Title: "The session cookie is not sent without TLS",
		Why: "One request by http is enough for whoever listens in the network.",
		Fix: "Set Secure on the session cookie, and on the one that remembers the user; behind a proxy tell the framework that visitors come by https.",
		run: overTLS(eachCookie(secure))},
	{ID: "cookie-samesite", ASVS: "3.3.2", Title: "The session cookie says SameSite",
		Why: "It keeps the cookie out of forms that other sites send; without it every browser does what it likes.",
		Fix: "Set SameSite=Lax, or Strict.", run: eachCookie(sameSite)},
	{ID: "cookie-prefix", ASVS: "3.3.3", Title: "The name of the session cookie begins with __Host-",
		Why: "Another host of the same domain, or a page by http, could plant a cookie of that name.",
		Fix: "Call the cookie __Host-…, with Secure, Path=/ and no Domain; __Secure-… if hosts have to share it.",
		run: overTLS(eachCookie(prefix))},
	{ID: "cookie-random", ASVS: "7.2.3", Title: "Session cookies cannot be guessed",
		Why: "Whoever guesses the value of a cookie is logged in.",
		Fix: "Make the value of at least 128 random bits of a generator for cryptography, anew for each login.", run: cookieRandom},
	{ID: "cookie-session", ASVS: "NIST SP 800-63B-4 5.1", Title: "The session cookie ends with the browser, unless the user wants to be remembered",
		Why: "On a shared computer the next one would be logged in.",
		Fix: "Set neither Expires nor Max-Age on the session cookie, unless remembering was asked for.", run: cookieSession},
	{ID: "cookie-scope", ASVS: "3.3.3", Title: "The session cookie is for one host",
		Why: "With Domain every host of the domain gets the cookie, and can plant one.",
		Fix: "Leave Domain away.", run: eachCookie(scope)},
}

func httpOnly(c *http.Cookie) string {
	if !c.HttpOnly {
		return "has no HttpOnly"
	}
	return ""
}

func secure(c *http.Cookie) string {
	if !c.Secure {
		return "has no Secure"
	}
	return ""
}

func sameSite(c *http.Cookie) string {
	if c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
		return "has neither SameSite=Lax nor SameSite=Strict"
	}
	return ""
}

func prefix(c *http.Cookie) string {
	if !strings.HasPrefix(c.Name, "__Host-") && !strings.HasPrefix(c.Name, "__Secure-") {
		return "has neither the prefix __Host- nor __Secure-"
	}
	return ""
}

func scope(c *http.Cookie) string {
	if c.Domain != "" {
		return "has Domain=" + c.Domain
	}
	return ""
}

func overTLS(run func(*target) ([]string, error)) func(*target) ([]string, error) {
	return func(t *target) ([]string, error) {
		if !t.https() {
			return nil, notHere("the application is reached by plain http; check it by https, or say https: true")
		}
		return run(t)
	}
}

// eachCookie looks at all cookies that log in, with and without being remembered.
func eachCookie(fault func(*http.Cookie) string) func(*target) ([]string, error) {
	return func(t *target) ([]string, error) {
		names, err := t.sessionCookies()
		if err != nil {
			return nil, err
		}
		b, err := t.mainVisitor()
		if err != nil {
			return nil, err
		}
		cookies := named(b, names)
		if r, err := t.rememberCookies(); err == nil {
			cookies = append(cookies, r.cookies...)
		} else if !isNotHere(err) {
			return nil, err
		}
		var seen []string
		for _, c := range cookies {
			line := fmt.Sprintf("cookie %s %s", c.Name, fault(c))
			if fault(c) != "" && !slices.Contains(seen, line) {
				seen = append(seen, line)
			}
		}
		return seen, nil
	}
}

func isNotHere(err error) bool {
	var n notHere
	return errors.As(err, &n)
}

func named(b *browser.Browser, names []string) (cookies []*http.Cookie) {
	for _, name := range names {
		if c := b.Cookie(name); c != nil {
			cookies = append(cookies, c)
		}
	}
	return cookies
}

// mainVisitor returns a visitor who has just logged in, and is not to be remembered.
func (t *target) mainVisitor() (*browser.Browser, error) {
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	return t.login(a)
}

// sessionCookies returns the names of the cookies without which nobody is logged in.
func (t *target) sessionCookies() ([]string, error) {
	if len(t.cfg.Cookies.Session) > 0 {
		t.session = t.cfg.Cookies.Session
	}
	if t.session != nil {
		return t.session, nil
	}
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	names, err := t.needed(b)
	if err == nil && len(names) == 0 {
		err = errors.New("no cookie makes a difference to who is logged in: name them in cookies.session")
	}
	if err == nil {
		t.session = names
	}
	return names, err
}

// needed finds the cookies without which b is not logged in.
func (t *target) needed(b *browser.Browser) (names []string, err error) {
	for _, c := range b.Cookies() {
		without := b.Copy()
		without.DropCookie(c.Name)
		in, err := t.in(without)
		if err != nil {
			return nil, err
		}
		if !in {
			names = append(names, c.Name)
		}
	}
	return names, nil
}

// logins is how many cookies are compared.
const logins = 5

func cookieRandom(t *target) ([]string, error) {
	names, err := t.sessionCookies()
	if err != nil {
		return nil, err
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	values := map[string][]string{}
	for range logins {
		b, err := t.login(a)
		if err != nil {
			return nil, err
		}
		for _, c := range named(b, names) {
			values[c.Name] = append(values[c.Name], c.Value)
		}
	}
	var seen []string
	for _, name := range names {
		if fault := guessable(values[name], a); fault != "" {
			seen = append(seen, fmt.Sprintf("cookie %s, of %d logins: %s", name, logins, fault))
		}
	}
	return seen, nil
}

// leastValue is the length of 128 bits in base64.
const leastValue = 22

// guessable says why the values of a cookie, of several logins of a, can be guessed, or "".
func guessable(values []string, a *account) string {
	for _, v := range values {
		if len(v) < leastValue {
			return fmt.Sprintf("%d characters, too few for 128 random bits", len(v))
		}
	}
	for i := 1; i < len(values); i++ {
		switch d := differing(values[i-1], values[i]); {
		case d == 0:
			return "the same value twice"
		case d < leastValue/2:
			return fmt.Sprintf("two values in a row differ in %d characters only", d)
		}
	}
	for _, v := range values {
		if names(v, a.user) && unsigned(strings.ReplaceAll(v, a.user, "")) {
			return "the value is made of the name of the user"
		}
	}
	return ""
}

// differing counts the characters in which two values differ.
func differing(a, b string) (n int) {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			n++
		}
	}
	return n
}

func names(value, user string) bool {
	for _, v := range []string{value, decoded(base64.RawURLEncoding, value), decoded(base64.RawStdEncoding, value), unhexed(value)} {
		if strings.Contains(strings.ToLower(v), strings.ToLower(user)) {
			return true
		}
	}
	return false
}

// unsigned reports whether there is nothing in a value that may be a signature: values of parts are those of frameworks that sign
// what is in them.
func unsigned(value string) bool {
	return !strings.ContainsAny(value, ".:|") && !strings.Contains(value, "--")
}

func decoded(e *base64.Encoding, value string) string {
	b, _ := e.DecodeString(strings.TrimRight(value, "="))
	return string(b)
}

func unhexed(value string) string {
	b, _ := hex.DecodeString(value)
	return string(b)
}

func cookieSession(t *target) ([]string, error) {
	names, err := t.sessionCookies()
	if err != nil {
		return nil, err
	}
	b, err := t.mainVisitor()
	if err != nil {
		return nil, err
	}
	var seen []string
	for _, c := range named(b, names) {
		if c.MaxAge > 0 || !c.Expires.IsZero() {
			seen = append(seen, fmt.Sprintf("cookie %s has Expires or Max-Age, and nobody asked to be remembered", c.Name))
		}
	}
	return seen, nil
}

// remembered is a login that is to last.
type remembered struct {
	names   []string
	cookies []*http.Cookie // those that outlive the browser and log in
}

// rememberCookies finds the cookies which remember a user.
func (t *target) rememberCookies() (*remembered, error) {
	if t.remember != nil {
		return t.remember, nil
	}
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	b, err := t.loginRemembered(a)
	if err != nil {
		return nil, err
	}
	r := &remembered{cookies: b.Cookies()}
	for _, c := range r.cookies {
		r.names = append(r.names, c.Name)
	}
	t.remember = r
	return r, nil
}

// loginRemembered logs in to be remembered, and closes the browser: what is left is what lasts.
func (t *target) loginRemembered(a *account) (*browser.Browser, error) {
	field := t.cfg.Login.Remember
	if field == "" {
		return nil, notHere("nobody can ask to be remembered (login.remember)")
	}
	b := t.visitor()
	f, err := t.loginForm(b, t.cfg.Login.Path, a.user, a.password)
	if err != nil {
		return nil, err
	}
	if !f.Has(field) {
		return nil, notHere(fmt.Sprintf("the form to log in has no field %s (login.remember)", field))
	}
	f.Values.Set(field, f.Checkbox(field))
	if _, err := t.send(b, f.request()); err != nil {
		return nil, err
	}
	if in, err := t.in(b); err != nil || !in {
		return nil, errors.Join(errors.New("logging in to be remembered does not work"), err)
	}
	for _, c := range b.Cookies() {
		if c.MaxAge <= 0 && c.Expires.IsZero() {
			b.DropCookie(c.Name)
		}
	}
	return t.onlyNeeded(b)
}

// onlyNeeded drops the cookies that do not log in.
func (t *target) onlyNeeded(b *browser.Browser) (*browser.Browser, error) {
	in, err := t.in(b)
	if err != nil {
		return nil, err
	}
	if !in {
		return nil, notHere("nobody is remembered: with the cookies that last alone one is not logged in")
	}
	names, err := t.needed(b)
	if err != nil {
		return nil, err
	}
	for _, c := range b.Cookies() {
		if len(names) > 0 && !slices.Contains(names, c.Name) {
			b.DropCookie(c.Name)
		}
	}
	return b, nil
}
