package main

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/vestibule-go/auth"
)

// refuse answers a form that err says no to: with the same page, if the visitor
// can do something about it, and else with an error page.
func (s *shop) refuse(w http.ResponseWriter, r *http.Request, err error, page string, v view) {
	status := auth.Status(err)
	switch status {
	case http.StatusUnprocessableEntity:
	case http.StatusTooManyRequests: // v.Errors says so
		w.Header().Set("Retry-After", strconv.Itoa(auth.RetryAfter(err)))
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(auth.RetryAfter(err)))
		v.Notice = "Very many people are logging in right now. Please try again in a few seconds."
	case http.StatusUnauthorized:
		target := s.auth.LoginURL(r.URL.Path) // the login ended while the form was on its way
		if errors.Is(err, auth.ErrNewPassword) {
			target = s.auth.PasswordURL(next(r))
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
		return
	default:
		s.fail(w, r, status)
		return
	}
	s.render(w, r, status, page, v)
}

// csrfRefused answers a form that came without a valid token. Often that is a page
// which was open while its reader logged in or out in another tab. Then nothing that they
// typed should be lost, but for passwords.
func (s *shop) csrfRefused(w http.ResponseWriter, r *http.Request) {
	const again = "This page had been open for too long, so nothing was sent. Please try once more."
	const status = http.StatusForbidden
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, status, "csrf_refused", "This needs the token of a form of this shop.")
		return
	}
	if !auth.StaleForm(r.Context()) {
		s.fail(w, r, status)
		return
	}
	user := auth.CurrentUser(r.Context())
	switch {
	case user == nil && r.URL.Path == "/login":
		f := auth.ParseLogin(r)
		s.render(w, r, status, "login", view{Title: "Log in", Notice: again, Form: accountForm{Email: f.Email, Remember: f.Remember, Next: next(r)}})
	case user == nil && r.URL.Path == "/signup":
		f := auth.ParseSignup(r)
		s.render(w, r, status, "signup", view{Title: "Sign up", Notice: again, Form: accountForm{Email: f.Email, Next: next(r)}})
	case user != nil && r.URL.Path == "/products":
		s.showDashboard(w, r, status, view{Notice: again, Form: readProductForm(r)})
	default:
		s.stale(w, r)
	}
}

// stale explains why nothing happened, where there is no form to bring back.
func (s *shop) stale(w http.ResponseWriter, r *http.Request) {
	e := failure{
		Heading: "This page was out of date",
		Text:    "You are logged out by now, so nothing was sent. Log in to go on, please.",
		Link:    s.auth.LoginURL("/dashboard"), LinkText: "Log in",
	}
	if u := auth.CurrentUser(r.Context()); u != nil {
		e.Text = "You have logged in as " + u.Email + " since it was opened, so nothing was sent. Go on from here, please."
		e.Link, e.LinkText = "/dashboard", "Go to your products"
	}
	s.render(w, r, http.StatusForbidden, "failure", view{Title: e.Heading, Form: e})
}

// failure is what an error page says.
type failure struct {
	Heading, Text  string
	Link, LinkText string
}

var failures = map[int]failure{
	http.StatusBadRequest:           {Heading: "That could not be read", Text: "The form arrived damaged. Please go back and send it again."},
	http.StatusForbidden:            {Heading: "That did not come from here", Text: "This form was sent from another site, or without the pages of this shop. For your safety nothing was done."},
	http.StatusNotFound:             {Heading: "There is nothing here", Text: "The page may have moved, or the address has a typing error in it."},
	http.StatusMethodNotAllowed:     {Heading: "That is not possible here", Text: "This address is for sending a form, not for opening it, or the other way round."},
	http.StatusConflict:             {Heading: "Someone was faster", Text: "Your account was changed elsewhere in the meantime, so nothing was changed here. Please look, and try again."},
	http.StatusUnsupportedMediaType: {Heading: "That is not a form", Text: "This address understands only what the forms of this shop send."},
	http.StatusInternalServerError:  {Heading: "Something went wrong", Text: "That is our fault. Please try again in a moment."},
}

// fail answers with an error page. What happened is in the log, for those who can mend it.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, status int) {
	e, ok := failures[status]
	if !ok {
		e = failures[http.StatusInternalServerError]
	}
	e.Link, e.LinkText = "/", "Look around the shop"
	s.render(w, r, status, "failure", view{Title: e.Heading, Form: e})
}
