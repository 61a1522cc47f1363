package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/justinas/nosurf"
)

// Handler wraps the whole application. In this order it
//
//   - refuses forms that are too large,
//   - refuses requests that another site made the browser send,
//   - finds the session and its user, in one query, if there is a cookie,
//   - refuses unsafe requests without the CSRF token,
//   - calls next,
//   - and, before the first byte of the response, saves the session.
//
// Around a handler that is inside it already, Handler does nothing. The session
// is not saved if next panics.
func (m *Manager) Handler(next http.Handler) http.Handler {
	guarded := m.csrf.protect(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.state(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		m.serve(w, r, guarded, next)
	})
}

// serve answers r by guarded or, if the user comes by a header, by next.
func (m *Manager) serve(w http.ResponseWriter, r *http.Request, guarded, next http.Handler) {
	st := m.newState(w, r)
	w.Header().Add("Vary", "Cookie")
	handler := guarded
	header := st.loadHeader()
	switch {
	case header && st.login.Load() != nil:
		handler = next
	case !m.limitForm(w, st.r):
		handler = http.HandlerFunc(problemTooLarge.answer)
	case m.csrf.crossSite(r):
		handler = m.csrf.refusal(errCrossSite)
	case !header:
		st.loadSession()
	}
	defer func() {
		if f := st.r.MultipartForm; f != nil { // net/http forgets those of copied requests
			f.RemoveAll()
		}
	}()
	handler.ServeHTTP(st.w, st.r)
	st.w.start()
}

// limitForm bounds what anyone will read of a form's body. It reports false if
// the client says that there is more.
func (m *Manager) limitForm(w http.ResponseWriter, r *http.Request) bool {
	if r.Body == nil || r.Body == http.NoBody || !isForm(r) && !isMultipart(r) {
		return true
	}
	if r.ContentLength > m.cfg.MaxForm {
		return false
	}
	r.Body = http.MaxBytesReader(w, r.Body, m.cfg.MaxForm)
	return true
}

// RequireLogin lets only logged-in users through to next. Others are sent to
// Config.LoginURL and come back afterwards; clients that prefer JSON get 401. What is
// behind it is not to be cached. Without a [Manager.Handler] around it, it brings its own.
//
// Nothing is exempt, OPTIONS neither: what answers CORS preflights belongs outside.
//
// If the session could not be read the answer is 503: nobody is logged in, but
// they may be in a moment.
func (m *Manager) RequireLogin(next http.Handler) http.Handler {
	return m.require(next, func(w http.ResponseWriter, r *http.Request) bool {
		if CurrentUser(r.Context()) == nil {
			m.unauthorized(w, r)
			return false
		}
		return true
	})
}

// RequireFresh is RequireLogin for sensitive pages: the user must also have proved
// who they are within the last d. Others are sent to Config.ReauthURL and come
// back afterwards. Any factor will do: who needs a certain one looks at Session.Factors as well. A
// user who came by a header is never fresh, and with a d of zero nobody is.
func (m *Manager) RequireFresh(d time.Duration) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return m.require(next, func(w http.ResponseWriter, r *http.Request) bool { return m.isFresh(w, r, d) })
	}
}

// isFresh reports whether the user proved who they are within the last d. If not it
// answers the request.
func (m *Manager) isFresh(w http.ResponseWriter, r *http.Request, d time.Duration) bool {
	if CurrentUser(r.Context()) == nil {
		m.unauthorized(w, r)
		return false
	}
	if s := CurrentSession(r.Context()); s == nil || !s.Fresh(d) {
		m.needsRefresh(w, r)
		return false
	}
	return true
}

// RequirePasswordChange is RequireFresh for the page at Config.PasswordURL: it also lets those
// through who are not logged in before they have chosen a new password. They are no
// current user; [PendingPassword] returns them.
func (m *Manager) RequirePasswordChange(d time.Duration) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return m.require(next, func(w http.ResponseWriter, r *http.Request) bool {
			return PendingPassword(r.Context()) != nil || m.isFresh(w, r, d)
		})
	}
}

// RequireGuest lets only visitors through who are not logged in: for the pages
// to log in and sign up. Others are sent where Redirect sends them.
func (m *Manager) RequireGuest(next http.Handler) http.Handler {
	return m.require(next, func(w http.ResponseWriter, r *http.Request) bool {
		if CurrentUser(r.Context()) != nil {
			m.Redirect(w, r)
			return false
		}
		return true
	})
}

// RequireLoginExcept is RequireLogin around a whole application, but for requests
// that match a pattern of [http.ServeMux], such as "GET /{$}" or "/static/", and
// for the login page and, while a login is pending, the page that asks for what is missing. It panics where ServeMux would, if a pattern cannot be parsed,
// or names a host, which a client may claim at will.
//
// A request whose path is not in its shortest form matches nothing, since next
// might read it otherwise than the patterns do.
func (m *Manager) RequireLoginExcept(next http.Handler, patterns ...string) http.Handler {
	open := http.NewServeMux()
	for _, p := range patterns {
		if path := p[strings.LastIndex(p, " ")+1:]; !strings.HasPrefix(path, "/") {
			panic(fmt.Sprintf("auth: pattern %q does not begin with a path", p))
		}
		open.Handle(p, public{})
	}
	guarded := m.RequireLogin(next)
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, _ := open.Handler(r)
		if (h == public{} || m.waysIn(r)) && shortest(r) {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	}))
}

// waysIn reports whether r is for the page that leads on from where the visitor is: the login page
// or, while a login is pending, the one that asks for what is missing.
func (m *Manager) waysIn(r *http.Request) bool {
	page := func(target string) bool {
		path, _, _ := strings.Cut(target, "?")
		return path != "" && r.URL.Path == path
	}
	return page(m.cfg.LoginURL) ||
		page(m.cfg.SecondFactorURL) && Pending(r.Context()) != nil ||
		page(m.cfg.PasswordURL) && PendingPassword(r.Context()) != nil
}

// public marks what a pattern matches: ServeMux has handlers of its own for what
// almost does.
type public struct{}

func (public) ServeHTTP(http.ResponseWriter, *http.Request) {}

// shortest reports whether the path of r can be read in one way only.
func shortest(r *http.Request) bool {
	p := r.URL.Path
	return strings.TrimSuffix(path.Clean(p), "/") == strings.TrimSuffix(p, "/") &&
		!strings.Contains(p, `\`) && !strings.Contains(strings.ToLower(r.URL.RawPath), "%2f")
}

// require wraps next in a check that answers the request itself if it says no.
func (m *Manager) require(next http.Handler, check func(http.ResponseWriter, *http.Request) bool) http.Handler {
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if st := m.state(r.Context()); st.unread() != nil && st.login.Load() == nil {
			problemUnavailable.answer(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if check(w, r) {
			next.ServeHTTP(w, r)
		}
	}))
}

func (m *Manager) unauthorized(w http.ResponseWriter, r *http.Request) {
	m.emit(r.Context(), Event{Name: EventDenied, Reason: "not logged in"})
	page, p := m.cfg.LoginURL, problemLogin
	switch {
	case PendingPassword(r.Context()) != nil:
		page, p = m.cfg.PasswordURL, problemPassword
	case m.cfg.SecondFactorURL != "" && Pending(r.Context()) != nil:
		page, p = m.cfg.SecondFactorURL, problemFactor
	}
	m.ask(w, r, m.cfg.Unauthorized, page, p)
}

func (m *Manager) needsRefresh(w http.ResponseWriter, r *http.Request) {
	m.emit(r.Context(), Event{Name: EventDenied, Reason: "not fresh"})
	m.ask(w, r, m.cfg.NeedsRefresh, m.cfg.ReauthURL, problemFresh)
}

// ask sends the visitor to a page that can help, unless a handler is configured,
// or the client is a program.
func (m *Manager) ask(w http.ResponseWriter, r *http.Request, custom http.Handler, page string, p problem) {
	switch {
	case custom != nil:
		custom.ServeHTTP(w, r)
	case PrefersJSON(r):
		p.answer(w, r)
	default:
		redirect(w, withNext(page, m.wanted(r)))
	}
}

// problem is an answer that is no page of the application.
type problem struct {
	status int
	code   string
	detail string
}

var (
	problemLogin       = problem{http.StatusUnauthorized, "login_required", "Please log in to see this."}
	problemFactor      = problem{http.StatusUnauthorized, "second_factor_required", "Please finish logging in to see this."}
	problemPassword    = problem{http.StatusUnauthorized, "new_password_required", "Please choose a new password to see this."}
	problemFresh       = problem{http.StatusUnauthorized, "reauthentication_required", "Please enter your password once more to see this."}
	problemCSRF        = problem{http.StatusForbidden, "csrf_refused", "This form is too old, or was sent from another site. Please go back, reload the page and send it again."}
	problemTooLarge    = problem{http.StatusRequestEntityTooLarge, "too_large", "This form is too large."}
	problemForm        = problem{http.StatusBadRequest, "malformed", "This form cannot be read."}
	problemUnavailable = problem{http.StatusServiceUnavailable, "unavailable", "This is not possible at the moment. Please try again soon."}
	problemUnsaved     = problem{http.StatusInternalServerError, "not_saved", "Something went wrong. Please try again."}
)

func (p problem) answer(w http.ResponseWriter, r *http.Request) {
	Problem(w, r, p.status, p.code, p.detail)
}

// Problem answers r with an error: as a small page or, to clients that prefer it,
// as JSON (RFC 9457) with a code for programs. detail is a sentence for the visitor. With
// 503 it asks the client to try again after five seconds.
func Problem(w http.ResponseWriter, r *http.Request, status int, code, detail string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(busyAfter))
	}
	title := http.StatusText(status)
	if PrefersJSON(r) {
		h.Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail})
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%s</title>\n<h1>%[1]s</h1>\n<p>%s</p>\n</html>\n", title, html.EscapeString(detail))
}

// parseBody parses the body of an unsafe request as far as the CSRF check needs
// it. It reports whether next may see the request.
func (m *Manager) parseBody(w http.ResponseWriter, r *http.Request) bool {
	if !isForm(r) && (!isMultipart(r) || r.Header.Get(nosurf.HeaderName) != "") {
		return true
	}
	err := parseForm(r)
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return true
	case errors.As(err, &large):
		problemTooLarge.answer(w, r)
	default:
		problemForm.answer(w, r)
	}
	return false
}
