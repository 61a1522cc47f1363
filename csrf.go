package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/justinas/nosurf"
)

// csrf protects a Manager's applications against cross-site request forgery, by
// nosurf and, before it, by http.CrossOriginProtection.
//
// For a logged-in visitor the real token, which nosurf reads from a cookie, is a
// function of the session's token: nobody can plant it, and it changes with every
// login. For guests it is in a cookie of its own, which is set when a form is
// rendered, so that pages without forms can be cached by anyone.
type csrf struct {
	m      *Manager
	name   string // of the cookie
	cross  *http.CrossOriginProtection
	issuer http.Handler
}

// CSRFToken returns the token that forms send back in the field "csrf_token", and
// scripts in the header X-CSRF-Token. Ask for it before the first byte of the
// response, for it may need a cookie; after that guests get "". It is also ""
// outside [Manager.Handler].
func CSRFToken(ctx context.Context) string {
	if st := currentState(ctx); st != nil && !st.header {
		return st.m.csrf.token(st)
	}
	return ""
}

// StaleForm reports, to Config.CSRFRefused, that the refused request came from
// the application's own pages and only carries an old token, as a page does that
// was opened before a login: ask the visitor to send it again.
func StaleForm(ctx context.Context) bool {
	st := currentState(ctx)
	return st != nil && st.csrf.stale
}

// csrfCookie is the name of the cookie with a guest's token.
const csrfCookie = "csrf_token"

var errCrossSite = errors.New("auth: request comes from another site")

func newCSRF(m *Manager) *csrf {
	c := &csrf{m: m, name: m.cookieName(csrfCookie), cross: http.NewCrossOriginProtection()}
	for _, origin := range m.aliases() {
		if err := c.cross.AddTrustedOrigin(origin); err != nil {
			panic("auth: " + err.Error()) // New has checked BaseURL
		}
	}
	c.issuer = c.nosurf(func(s *scratch) { s.token = nosurf.Token(s.r) }, nil)
	return c
}

// aliases returns the other origins of BaseURL: none or, on this machine, one
// for each of its names.
func (m *Manager) aliases() (origins []string) {
	if !isLoopback(m.base.Hostname()) {
		return nil
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if port := m.base.Port(); port != "" {
			host += ":" + port
		}
		if host != m.base.Host {
			origins = append(origins, m.base.Scheme+"://"+host)
		}
	}
	return origins
}

func (m *Manager) ownOrigin(u *url.URL) bool {
	origin := (&url.URL{Scheme: u.Scheme, Host: canonicalHost(u)}).String()
	return origin == m.base.String() || slices.Contains(m.aliases(), origin)
}

// crossSite reports whether r was sent by a page of another site.
func (c *csrf) crossSite(r *http.Request) bool {
	return !safe(r.Method) && c.cross.Check(c.narrow(r, "")) != nil
}

// protect calls next for safe requests, and for others if they carry the token.
func (c *csrf) protect(next http.Handler) http.Handler {
	check := c.nosurf(
		func(s *scratch) { next.ServeHTTP(s.st.w, s.st.r) },
		func(s *scratch) {
			reason := nosurf.Reason(s.r)
			sent := s.r.Header.Get(nosurf.HeaderName) + s.r.PostForm.Get(nosurf.FormFieldName) // parses nothing
			s.st.csrf.stale = errors.Is(reason, nosurf.ErrBadToken) && sent != ""
			c.refusal(reason).ServeHTTP(s.st.w, s.st.r)
		})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if safe(r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		st := c.m.state(r.Context())
		if st.unread() != nil { // and so is the token
			problemUnavailable.answer(w, r)
			return
		}
		if c.m.parseBody(w, r) {
			check.ServeHTTP(&scratch{header: http.Header{}, st: st}, c.narrow(r, st.cookieValue()))
		}
	})
}

// safe reports whether requests of that method change nothing (RFC 9110, section 9.2.1).
func safe(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE"
}

// nosurf returns a handler of that package which calls one of two functions.
func (c *csrf) nosurf(success, failure func(*scratch)) http.Handler {
	call := func(f func(*scratch)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s := w.(*scratch)
			s.r = r
			f(s)
		}
	}
	h := nosurf.New(call(success))
	h.SetFailureHandler(call(failure))
	h.SetBaseCookie(http.Cookie{Name: c.name, Path: "/", Secure: c.m.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode})
	h.SetIsTLSFunc(func(*http.Request) bool { return c.m.secure() })
	h.SetIsAllowedOriginFunc(c.m.ownOrigin)
	return h
}

// scratch stands in for the response while nosurf works, so that its headers do
// not reach the visitor unasked.
type scratch struct {
	header http.Header
	st     *state
	r      *http.Request // as nosurf passed it on
	token  string
}

func (s *scratch) Header() http.Header         { return s.header }
func (s *scratch) Write(b []byte) (int, error) { return len(b), nil }
func (s *scratch) WriteHeader(int)             {}

// narrow returns r as nosurf and http.CrossOriginProtection are to see it: with
// the host of BaseURL, whatever the client or a proxy claims, and with one
// cookie, the real token.
func (c *csrf) narrow(r *http.Request, real string) *http.Request {
	n := r.WithContext(r.Context())
	n.Host = c.m.base.Host
	n.Header = make(http.Header, 6)
	for _, k := range []string{"Origin", "Referer", "Sec-Fetch-Site", "Content-Type", "X-Csrf-Token"} {
		if v, ok := r.Header[k]; ok {
			n.Header[k] = v
		}
	}
	if real != "" {
		n.Header.Set("Cookie", c.name+"="+real)
	}
	return n
}

// realToken is what forms' tokens are made of, as nosurf keeps it in its cookie.
type realToken [32]byte

// realToken returns what nosurf is to find in its cookie. It reports false if the visitor has
// none yet. That of a user is derived from the session's token, by the one-step
// function of NIST SP 800-56C Rev. 2, section 4.1, with SHA-256.
func (st *state) realToken() (real realToken, ok bool) {
	if l := st.login.Load(); l != nil && l.session != nil && st.token != "" {
		var buf [128]byte
		secret := append(append(append(buf[:0], 0, 0, 0, 1), st.token...), "vestibule/auth/csrf"...)
		return sha256.Sum256(secret), true
	}
	if st.csrf.replaced {
		return real, false
	}
	cookies := st.r.CookiesNamed(st.m.csrf.name)
	if len(cookies) != 1 || base64.StdEncoding.DecodedLen(len(cookies[0].Value)) > len(real)+2 {
		return real, false
	}
	var buf [len(real) + 2]byte
	n, err := base64.StdEncoding.Decode(buf[:], []byte(cookies[0].Value))
	return realToken(buf[:len(real)]), err == nil && n == len(real)
}

// cookieValue returns realToken as it is in nosurf's cookie, or "".
func (st *state) cookieValue() string {
	real, ok := st.realToken()
	if !ok {
		return ""
	}
	return base64.StdEncoding.EncodeToString(real[:])
}

// mask returns real as forms carry it, another each time, so that the compressed length of pages tells
// nothing of it (BREACH): 32 random bytes, and real XOR these. It is what nosurf does, and undoes when it
// checks; to ask it for that would be a tenth of a whole request.
func (real *realToken) mask() string {
	var b [2 * len(real)]byte
	key, masked := b[:len(real)], b[len(real):]
	rand.Read(key)
	subtle.XORBytes(masked, real[:], key)
	return base64.StdEncoding.EncodeToString(b[:])
}

// token returns the visitor's token as forms carry it, one for the whole
// response unless there is a login in between.
func (c *csrf) token(st *state) string {
	st.csrf.mu.Lock()
	defer st.csrf.mu.Unlock()
	st.csrf.asked = true
	l := st.login.Load()
	guest := l == nil || l.session == nil
	if guest && st.w.started.Load() {
		c.m.failed(st.ctx, "CSRFToken", errors.New("auth: asked for after the response has begun"))
		return ""
	}
	switch real, ok := st.realToken(); {
	case st.csrf.token != "" && real == st.csrf.real:
	case ok:
		st.csrf.real, st.csrf.token, st.csrf.cookie = real, real.mask(), ""
	default:
		st.csrf.real = real
		st.csrf.token, st.csrf.cookie = c.issue()
	}
	return st.csrf.token
}

// issue has nosurf make a token for a guest who has none, and the Set-Cookie header for it.
func (c *csrf) issue() (token, cookie string) {
	s := &scratch{header: http.Header{}}
	c.issuer.ServeHTTP(s, c.narrow(&http.Request{Method: "GET", URL: &url.URL{Path: "/"}}, ""))
	return s.token, s.header.Get("Set-Cookie")
}

// csrfCookie returns the Set-Cookie header that the response needs, if any, and whether the page has the token in it.
func (st *state) csrfCookie() (cookie string, asked bool) {
	st.csrf.mu.Lock()
	defer st.csrf.mu.Unlock()
	if st.csrf.cookie == "" && st.csrf.replaced {
		return (&http.Cookie{Name: st.m.csrf.name, Path: "/", Secure: st.m.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1}).String(), st.csrf.asked
	}
	return st.csrf.cookie, st.csrf.asked
}

// forgetCSRF makes the next token of a guest a new one: it must not be the same
// before a login and after the logout.
func (st *state) forgetCSRF() {
	st.csrf.mu.Lock()
	defer st.csrf.mu.Unlock()
	_, err := st.r.Cookie(st.m.csrf.name)
	st.csrf.replaced = err == nil
	st.csrf.token, st.csrf.cookie = "", ""
}

// refusal answers a request that failed the check.
func (c *csrf) refusal(reason error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.m.emit(r.Context(), Event{Name: EventCSRFRefused, Reason: csrfReason(reason)})
		if h := c.m.cfg.CSRFRefused; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		problemCSRF.answer(w, r)
	})
}

// csrfReason says in words of ours, which do not change with those of nosurf, why a request is refused.
func csrfReason(err error) string {
	switch {
	case errors.Is(err, errCrossSite):
		return "other site"
	case errors.Is(err, nosurf.ErrBadOrigin):
		return "other origin"
	case errors.Is(err, nosurf.ErrBadReferer):
		return "other referer"
	}
	return "no token, or another"
}

// isMultipart reports whether the body of r is a form with files, perhaps.
func isMultipart(r *http.Request) bool { return strings.HasPrefix(mediaType(r), "multipart/") }
