package pages

import (
	"net/http"
	"path"
	"strings"

	"github.com/vestibule-go/auth"
)

// guard lets through who may see a page.
type guard func(http.Handler) http.Handler

func (p *pages) routes() http.Handler {
	fresh := p.m.RequireFresh(p.cfg.Fresh)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.message(w, r, http.StatusNotFound) })
	mux.Handle("/signup", p.route(p.guests, p.showSignup, p.signup))
	mux.Handle("/login", p.route(p.guests, p.showLogin, p.login))
	mux.Handle("/logout", p.route(p.m.Handler, nil, p.bare(p.logout)))
	mux.Handle("/reauth", p.route(p.m.RequireLogin, p.showReauth, p.reauth))
	mux.Handle("/session", p.route(p.m.Handler, p.session, nil))
	mux.Handle("/account/password", p.route(p.m.RequirePasswordChange(p.cfg.Fresh), p.showPassword, p.password))
	mux.Handle("/account/sessions", p.route(fresh, p.sessions, nil))
	mux.Handle("/account/sessions/{id}/revoke", p.route(fresh, nil, p.bare(p.revoke)))
	mux.Handle("/account/sessions/revoke-others", p.route(fresh, nil, p.bare(p.revokeOthers)))
	mux.Handle("/account/sessions/revoke-all", p.route(fresh, nil, p.bare(p.revokeAll)))
	mux.Handle("/account/export", p.route(fresh, p.export, nil))
	mux.Handle("/account/delete", p.route(fresh, p.showDelete, p.bare(p.delete)))
	if p.links != nil {
		mux.Handle("/confirm", p.route(p.m.Handler, p.showConfirm, p.confirm))
		mux.Handle("/confirm/resend", p.route(p.m.Handler, p.showResend, p.resend))
		mux.Handle("/password/forgot", p.route(p.m.Handler, p.showForgot, p.forgot))
		mux.Handle("/password/reset", p.route(p.m.Handler, p.showReset, p.reset))
		mux.Handle("/account/email", p.route(fresh, p.showEmail, p.changeEmail))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect, programs too
			p.message(w, r, http.StatusNotFound)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// guests is Manager.RequireGuest, and sends no program to a page.
func (p *pages) guests(next http.Handler) http.Handler {
	others := p.m.RequireGuest(next)
	return p.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u := auth.CurrentUser(r.Context()); u != nil && auth.PrefersJSON(r) {
			auth.Problem(w, r, http.StatusConflict, "already_logged_in", p.explain(r, "already_logged_in"))
			return
		}
		others.ServeHTTP(w, r)
	}))
}

// bare calls do for requests that have nothing to say but where to go on to. JSON that says more is refused:
// its sender may believe that it means something.
func (p *pages) bare(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := read(w, r, "next")
		status := auth.Status(err)
		switch {
		case err == nil, r.Header.Get("Content-Type") == "": // there is no body, or nobody can say what it is
			do(w, r)
		case auth.PrefersJSON(r):
			p.problem(w, r, err, p.logoutPage(r))
		case status == http.StatusUnprocessableEntity: // a page has no fields to blame
			p.message(w, r, http.StatusBadRequest)
		default:
			p.message(w, r, status)
		}
	}
}

// route answers GET and POST from behind g, and other methods by 405. What is nil is none of the
// methods it knows. Outside of g it says what an earlier request has left to say.
func (p *pages) route(g guard, get, post http.HandlerFunc) http.Handler {
	methods, allow := map[string]http.Handler{}, []string{}
	if get != nil {
		methods["GET"] = p.noticed(g(get))
		methods["HEAD"] = g(get)
		allow = append(allow, "GET", "HEAD")
	}
	if post != nil {
		methods["POST"] = g(post)
		allow = append(allow, "POST")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := methods[r.Method]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		p.message(w, r, http.StatusMethodNotAllowed)
	})
}
