package auth

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// nextField is the name of the query parameter and form field that says where
// the visitor wanted to go.
const nextField = "next"

// maxNext is how long such a target may be, in bytes.
const maxNext = 2048

// Redirect sends the visitor, by 303, where they wanted to go: to the "next" of the
// form or else of the query, if [SafeNext] allows it, and else to Config.HomeURL.
func (m *Manager) Redirect(w http.ResponseWriter, r *http.Request) {
	next, ok := "", false
	if isForm(r) && parseForm(r) == nil {
		next, ok = SafeNext(r.PostForm.Get(nextField))
	}
	if !ok {
		next, ok = SafeNext(r.URL.Query().Get(nextField))
	}
	if !ok {
		next = m.cfg.HomeURL
	}
	redirect(w, next)
}

// LoginURL returns the path of the login page, from which the visitor goes on to
// next if [SafeNext] allows it.
func (m *Manager) LoginURL(next string) string { return withNext(m.cfg.LoginURL, next) }

// ReauthURL is LoginURL for the page that asks for the password once more.
func (m *Manager) ReauthURL(next string) string { return withNext(m.cfg.ReauthURL, next) }

// SecondFactorURL is LoginURL for the page that asks for the second factor. It is
// "" if there is none.
func (m *Manager) SecondFactorURL(next string) string {
	if m.cfg.SecondFactorURL == "" {
		return ""
	}
	return withNext(m.cfg.SecondFactorURL, next)
}

// PasswordURL is LoginURL for the page to change the password.
func (m *Manager) PasswordURL(next string) string { return withNext(m.cfg.PasswordURL, next) }

// HomeURL returns Config.HomeURL.
func (m *Manager) HomeURL() string { return m.cfg.HomeURL }

// BaseURL returns Config.BaseURL as browsers write it: an origin, in lower case,
// without the port that its scheme implies.
func (m *Manager) BaseURL() string { return m.base.String() }

// MinPassword returns the least number of characters of a password.
func (m *Manager) MinPassword() int { return m.policy.min }

// SafeNext returns target, without its fragment, if it is a path of this application
// and nothing else however a browser reads it: no other host, no other scheme. Use
// it before redirecting to anything that a visitor could have written.
func SafeNext(target string) (string, bool) {
	if len(target) > maxNext || !utf8.ValidString(target) || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return "", false
	}
	target, _, _ = strings.Cut(target, "#")
	// Browsers drop tabs and newlines wherever they are, and read \ as /.
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "", false
	}
	path, _, _ := strings.Cut(target, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if s, err := url.PathUnescape(segment); err != nil || s == "." || s == ".." {
			return "", false // no page is called that, and proxies differ in what they make of it
		}
	}
	return escapeNonASCII(target), true
}

// escapeNonASCII leaves everything as it is but what a header cannot carry.
func escapeNonASCII(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < 0x80 {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

// wanted returns the page to come back to after r was interrupted: itself, if it
// can be asked for again, or else the page with the form that it came from.
func (m *Manager) wanted(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		u, err := url.Parse(r.Referer())
		if err != nil || !m.ownOrigin(u) {
			return ""
		}
		return u.RequestURI()
	}
	if strings.HasPrefix(r.RequestURI, "/") { // as it came, whatever a router has cut off since
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// withNext returns page with next in its query, if next is safe, and not the page
// itself.
func withNext(page, next string) string {
	next, ok := SafeNext(next)
	path, _, _ := strings.Cut(page, "?")
	if from, _, _ := strings.Cut(next, "?"); !ok || from == path {
		return page
	}
	sep := "?"
	if strings.Contains(page, "?") {
		sep = "&"
	}
	return page + sep + nextField + "=" + url.QueryEscape(next)
}

// redirect sends the visitor to a path. It is not http.Redirect, which would
// shorten the path.
func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// PrefersJSON reports whether the client would rather have JSON than a page: it
// says so in Accept or, without asking for a page there, sends JSON, or is a script that says so by
// X-Requested-With.
func PrefersJSON(r *http.Request) bool {
	html, json := 0.0, 0.0
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		t, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
		switch {
		case t == "text/html", t == "application/xhtml+xml":
			html = max(html, q)
		case t == "application/json", strings.HasSuffix(t, "+json"):
			json = max(json, q)
		}
	}
	return json > html || html == 0 && (r.Header.Get("X-Requested-With") == "XMLHttpRequest" || mediaType(r) == "application/json")
}
