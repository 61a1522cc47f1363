package main

import (
	"net/http"

	"github.com/vestibule-go/auth"
)

// csrfRefused answers a form that came without a valid token. Often that is a page
// which was open while its reader logged in or out in another tab. Then nothing that they
// typed should be lost. For the forms of package pages that package sees to it.
func (s *shop) csrfRefused(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/products" && auth.StaleForm(r.Context()) && !auth.PrefersJSON(r) {
		s.staleProduct(w, r)
		return
	}
	s.site.CSRFRefused(w, r)
}

func (s *shop) staleProduct(w http.ResponseWriter, r *http.Request) {
	if auth.CurrentUser(r.Context()) != nil {
		const again = "This page had been open for too long, so nothing was sent. Please try once more."
		s.showDashboard(w, r, http.StatusForbidden, view{Notice: again, Form: readProductForm(r)})
		return
	}
	e := failure{
		Heading: "This page was out of date",
		Text:    "You are logged out by now, so nothing was sent. Log in to go on, please.",
		Link:    s.auth.LoginURL("/dashboard"), LinkText: "Log in",
	}
	s.render(w, r, http.StatusForbidden, "failure", view{Heading: e.Heading, Form: e})
}

// failure is what an error page says.
type failure struct {
	Heading, Text  string
	Link, LinkText string
}

var failures = map[int]failure{
	http.StatusNotFound:            {Heading: "There is nothing here", Text: "The page may have moved, or the address has a typing error in it."},
	http.StatusMethodNotAllowed:    {Heading: "That is not possible here", Text: "This address is for sending a form, not for opening it, or the other way round."},
	http.StatusServiceUnavailable:  {Heading: "We will be back in a moment", Text: "The shop cannot get at its shelves right now. Please try again soon."},
	http.StatusInternalServerError: {Heading: "Something went wrong", Text: "That is our fault. Please try again in a moment."},
}

// fail answers with an error page. What happened is in the log, for those who can mend it.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, status int) {
	e, ok := failures[status]
	if !ok {
		e = failures[http.StatusInternalServerError]
	}
	e.Link, e.LinkText = "/", "Look around the shop"
	s.render(w, r, status, "failure", view{Heading: e.Heading, Form: e})
}
