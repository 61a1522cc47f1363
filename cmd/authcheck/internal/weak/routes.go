package weak

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
)

// A visit is one request.
type visit struct {
	*app
	w     http.ResponseWriter
	r     *http.Request
	form  url.Values // of a POST
	token string     // of the session, "" if there is none
	user  *user      // nil is a guest
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", a.get((*visit).home))
	mux.Handle("GET /signup", a.get((*visit).signupPage))
	mux.Handle("POST /signup", a.post("", (*visit).signup))
	if !a.is("method-unsafe/override") {
		mux.Handle("GET /login", a.get((*visit).loginPage))
	}
	mux.Handle("POST /login", a.post("csrf-login", (*visit).login))
	mux.Handle("POST /logout", a.post("csrf-logout", (*visit).logout))
	mux.Handle("GET /dashboard", a.get((*visit).dashboard))
	mux.Handle("GET /account/password", a.get((*visit).passwordPage))
	mux.Handle("POST /account/password", a.post("", (*visit).password))
	mux.Handle("GET /account/sessions", a.get((*visit).sessionsPage))
	mux.Handle("POST /account/sessions/{id}/revoke", a.post("", (*visit).revoke))
	if a.Mails != "" {
		mux.Handle("GET /password/forgot", a.get((*visit).forgotPage))
		mux.Handle("POST /password/forgot", a.post("", (*visit).forgot))
		mux.Handle("GET /password/reset", a.get((*visit).resetPage))
		mux.Handle("POST /password/reset", a.post("", (*visit).reset))
	}
	a.extra(mux)
	return a.headers(mux)
}

// extra are the routes which nobody should have.
func (a *app) extra(mux *http.ServeMux) {
	for weakness, route := range map[string]struct {
		pattern string
		handler http.Handler
	}{
		"logout-get":             {"GET /logout", a.get((*visit).logout)},
		"method-unsafe":          {"PUT /login", a.post("", (*visit).login)},
		"method-unsafe/any":      {"/login", a.post("", (*visit).login)},
		"method-unsafe/override": {"GET /login", a.overridden(a.get((*visit).loginPage), a.post("", (*visit).login))},
		"method-unsafe/logout":   {"DELETE /logout", a.get((*visit).logout)},
		"error-debug":            {"GET /debug/pprof/", http.HandlerFunc(pprof.Index)},
		"error-detail":           {"GET /", http.HandlerFunc(a.missing)},
	} {
		if a.is(weakness) {
			mux.Handle(route.pattern, route.handler)
		}
	}
}

// overridden is post if a header of a GET says so.
func (a *app) overridden(get, post http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-HTTP-Method-Override") == "POST" {
			post.ServeHTTP(w, r)
			return
		}
		get.ServeHTTP(w, r)
	})
}

// missing answers for a page that there is not.
func (a *app) missing(w http.ResponseWriter, r *http.Request) {
	a.fail(w, http.StatusNotFound, fmt.Errorf("no page %q", r.URL.Path))
}

// headers go out with every answer.
func (a *app) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := func(weakness, name, value string) {
			if !a.without(weakness, r) {
				w.Header().Set(name, value)
			}
		}
		set("header-cache", "Cache-Control", "no-store")
		set("header-nosniff", "X-Content-Type-Options", "nosniff")
		set("header-referrer", "Referrer-Policy", "same-origin")
		set("header-frame", "X-Frame-Options", "DENY")
		set("header-csp", "Content-Security-Policy", a.policy(r))
		if a.TLS && !a.is("header-hsts/short") {
			set("header-hsts", "Strict-Transport-Security", "max-age=31536000")
		} else if a.TLS {
			w.Header().Set("Strict-Transport-Security", "max-age=300")
		}
		if a.is("error-detail/version") {
			w.Header().Set("Server", "weak/1.2.3")
		}
		if c, err := r.Cookie(a.cookieName()); err == nil && len(c.Value) != len(rand.Text()) && a.is("error-detail/cookie") {
			http.Error(w, fmt.Sprintf("%q is no session\n\n%s", c.Value, debug.Stack()), http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// without reports whether a header is missing: everywhere, or on some pages.
func (a *app) without(weakness string, r *http.Request) bool {
	return a.is(weakness) || a.is(weakness+"/private") && r.URL.Path == "/dashboard" ||
		a.is(weakness+"/sessions") && r.URL.Path == "/account/sessions" || a.is(weakness+"/login") && r.URL.Path == "/login"
}

func (a *app) policy(r *http.Request) string {
	policy := "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'"
	if a.is("header-csp/inline") {
		policy += "; script-src 'self' 'unsafe-inline'"
	}
	if !a.without("header-frame", r) {
		policy += "; frame-ancestors 'none'"
	}
	return policy
}

// get serves a page.
func (a *app) get(do func(*visit)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		do(a.visit(w, r))
	})
}

func (a *app) visit(w http.ResponseWriter, r *http.Request) *visit {
	_, token := a.current(r)
	return &visit{app: a, w: w, r: r, token: token, user: a.userOf(r)}
}

var errForged = errors.New("the request comes from elsewhere")

// post serves a form, if it is one of our own. unguarded is the weakness to have that not looked at.
func (a *app) post(unguarded string, do func(*visit)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := a.read(w, r)
		if form == nil {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		v := a.visit(w, r)
		v.form = form
		if !a.is(unguarded) && (v.foreign() || !v.genuine()) {
			a.fail(w, http.StatusForbidden, errForged)
			return
		}
		do(v)
	})
}

// foreign reports whether the browser says that another site made it send the form.
func (v *visit) foreign() bool {
	origin, site := v.r.Header.Get("Origin"), v.r.Header.Get("Sec-Fetch-Site")
	if origin == "null" && v.is("csrf-origin/null") {
		return false
	}
	return !v.is("csrf-origin") && (origin != "" && origin != v.url || site == "cross-site" || site == "same-site")
}

// genuine reports whether the form has the token of its session.
func (v *visit) genuine() bool {
	sent := v.form.Get("csrf_token")
	switch {
	case v.is("csrf-token"):
		return true
	case v.is("csrf-token/plain") && strings.HasPrefix(v.r.Header.Get("Content-Type"), "text/plain"):
		return true
	case v.is("csrf-token/missing") && !v.form.Has("csrf_token"):
		return true
	case v.is("csrf-token/empty") && sent == "":
		return true
	case v.is("csrf-token/any") && sent != "":
		return true
	case v.is("csrf-bound/guest") && v.guests(sent):
		return true
	case v.is("csrf-token/cookie"):
		c, err := v.r.Cookie("csrf")
		return err == nil && (sent == "" || sent == c.Value)
	}
	return v.token != "" && sent == v.csrf(v.token)
}

// guests reports whether that is the token of the session of a guest.
func (v *visit) guests(sent string) bool {
	for token, s := range v.sessions {
		if s.user == "" && sent == v.csrf(token) {
			return true
		}
	}
	return false
}

// seen makes sure that there is a session, whose token the form of a page can have.
func (v *visit) seen() {
	if v.token != "" {
		return
	}
	v.token = v.app.token("cookie-random")
	s := &session{handle: rand.Text(), agent: v.r.UserAgent(), created: time.Now()}
	if v.user != nil { // who was remembered
		s.user = v.user.email
	}
	v.sessions[v.token] = s
	v.setCookie(v.w, v.token, 0)
}

// redirect sends the browser on.
func (v *visit) redirect(to string) {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
}

// must sends guests to the login, and reports whether it is a user's visit.
func (v *visit) must() bool {
	if v.user == nil {
		v.redirect("/login?next=" + url.QueryEscape(v.r.URL.RequestURI()))
	}
	return v.user != nil
}

// next is where to go after the login.
func (v *visit) next() string {
	next := v.form.Get("next")
	switch {
	case next == "" || v.is("next-local"):
		return "/dashboard"
	case v.follows(next) && v.is("next-foreign/decoded"):
		next, _ = url.PathUnescape(next)
		return next
	case v.follows(next):
		return next
	}
	return "/dashboard"
}

// follows reports whether next is a path of this application, whatever a browser makes of it.
func (v *visit) follows(next string) bool {
	u, err := url.Parse(next)
	switch {
	case v.is("next-foreign"):
		return true
	case v.is("next-foreign/slashes"):
		return strings.HasPrefix(next, "/")
	case v.is("next-foreign/backslash"):
		return strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//")
	case v.is("next-foreign/host"):
		return err == nil && u.Host == ""
	case v.is("next-foreign/prefix"):
		return strings.HasPrefix(next, v.url) || strings.HasPrefix(next, "/") && !strings.ContainsAny(next[1:], "/\\\t\n\r")
	}
	return err == nil && strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsFunc(next, odd)
}

// odd are the characters which browsers drop, or read as a slash.
func odd(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }
