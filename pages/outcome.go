package pages

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

// How a request ends.

// open shows a page that was asked for. There is nothing on it for programs.
func (p *pages) open(w http.ResponseWriter, r *http.Request, page *Page) {
	if auth.PrefersJSON(r) {
		p.message(w, r, http.StatusNotAcceptable)
		return
	}
	p.show(w, http.StatusOK, page)
}

// done answers the request that sent the form of page: the visitor goes on where they wanted to
// or, if there is an error, gets the form back to mend it.
func (p *pages) done(w http.ResponseWriter, r *http.Request, err error, page func() *Page) {
	json := auth.PrefersJSON(r)
	switch {
	case err == nil && json:
		p.writeSession(w, r, http.StatusOK)
	case err == nil:
		p.m.Redirect(w, r)
	case json:
		p.problem(w, r, err, page())
	default:
		p.refuse(w, r, err, page())
	}
}

// refuse shows the form again, or leads to where what is missing is asked for.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, err error, page *Page) {
	status := auth.Status(err)
	switch {
	case errors.Is(err, auth.ErrNewPassword):
		http.Redirect(w, r, p.m.PasswordURL(wanted(r)), http.StatusSeeOther)
	case errors.Is(err, auth.ErrSecondFactor) && p.m.SecondFactorURL("") != "":
		http.Redirect(w, r, p.m.SecondFactorURL(wanted(r)), http.StatusSeeOther)
	case status == http.StatusUnprocessableEntity:
		page.blame(err)
		p.show(w, status, page)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		if len(page.Form.Errors) == 0 {
			page.Notice = page.Text("form.busy")
		}
		if code := codeOf(err); code == "unchecked" || code == "unavailable" {
			page.Notice = page.Text("form." + code)
		}
		w.Header().Set("Retry-After", strconv.Itoa(auth.RetryAfter(err)))
		p.show(w, status, page)
	default:
		p.message(w, r, status)
	}
}

// blame puts into the form what a hook or the reading of JSON found wrong, if nothing else is.
func (p *Page) blame(err error) {
	if len(p.Form.Errors) == 0 && !errors.As(err, &p.Form.Errors) {
		p.Form.Errors.Add("", auth.CodeBadLogin, 0)
	}
}

// doneByLink is done for forms that send the token of a link along.
func (p *pages) doneByLink(w http.ResponseWriter, r *http.Request, err error, page func() *Page) {
	if errors.Is(err, email.ErrLink) {
		p.badLink(w, r, err)
		return
	}
	p.done(w, r, err, page)
}

// badLink answers whoever comes with a link that is no good.
func (p *pages) badLink(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, email.ErrLink) {
		p.message(w, r, auth.Status(err))
		return
	}
	p.spend(w)
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, http.StatusNotFound, "bad_link", p.explain(r, "bad_link"))
		return
	}
	page := p.page(r, "message.html", "message.link", nil)
	page.Lead = page.Text("message.link.text")
	key, path := "link.forgot", "/password/forgot"
	if r.URL.Path == "/confirm" {
		key, path = "link.resend", "/confirm/resend"
	}
	page.Onward = &Link{Label: page.Text(key), Path: path}
	p.send(w, http.StatusNotFound, page)
}

// sent answers that a mail is on its way, if it is: the notice does not say.
func (p *pages) sent(w http.ResponseWriter, r *http.Request, notice string) {
	if auth.PrefersJSON(r) {
		writeJSON(w, http.StatusAccepted, map[string]string{"code": notice, "detail": p.language(r).Text("notice." + notice + ".text")})
		return
	}
	p.leave(w, r, notice)
}

// changed answers that something has changed, by a notice, or the session as it is now.
func (p *pages) changed(w http.ResponseWriter, r *http.Request, notice string) {
	if auth.PrefersJSON(r) {
		p.writeSession(w, r, http.StatusOK)
		return
	}
	p.leave(w, r, notice)
}

// message sends a page that says what the status means.
func (s *Site) message(w http.ResponseWriter, r *http.Request, status int) {
	key := "message." + strconv.Itoa(status)
	switch l := s.language(r); {
	case status == http.StatusUnsupportedMediaType:
		key = "message.400"
	case !l.Has(key + ".title"):
		key = "message.500"
	}
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, status, codes[status], s.explain(r, codes[status]))
		return
	}
	s.say(w, r, status, key, &Link{Label: "link.home", Path: "/"})
}

// say sends a page with the texts under key, and the way on from there.
func (s *Site) say(w http.ResponseWriter, r *http.Request, status int, key string, onward *Link) {
	page := s.page(r, "message.html", key, nil)
	page.Lead = page.Text(key + ".text")
	onward.Label = page.Text(onward.Label)
	page.Onward = onward
	s.send(w, status, page)
}

// codes are those of problems, by their status, where the error has none of its own.
var codes = map[int]string{
	http.StatusBadRequest: "malformed", http.StatusUnauthorized: "login_required", http.StatusForbidden: "disabled",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusNotAcceptable: "no_json",
	http.StatusConflict: "conflict", http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "unsupported_media_type",
	http.StatusUnprocessableEntity: "form_refused", http.StatusTooManyRequests: "throttled", http.StatusServiceUnavailable: "busy",
	http.StatusInternalServerError: "failed",
}

// codeOf returns the code of what an error means.
func codeOf(err error) string {
	status := auth.Status(err)
	switch {
	case errors.Is(err, auth.ErrSecondFactor):
		return "second_factor_required"
	case errors.Is(err, auth.ErrNewPassword):
		return "new_password_required"
	case errors.Is(err, auth.ErrUnchecked):
		return "unchecked"
	case status == http.StatusServiceUnavailable && !errors.Is(err, auth.ErrBusy):
		return "unavailable"
	}
	return codes[status]
}

// problem tells a program what is wrong (RFC 9457).
func (p *pages) problem(w http.ResponseWriter, r *http.Request, err error, page *Page) {
	status := auth.Status(err)
	code := codeOf(err)
	if status == http.StatusUnprocessableEntity {
		page.blame(err)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(auth.RetryAfter(err)))
	}
	errs := translate(page.l, page.Form.Errors)
	if len(errs) == 0 {
		auth.Problem(w, r, status, code, p.explain(r, code))
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	encode(w, map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code,
		"detail": cmp.Or(errs.Get(""), p.explain(r, code)), "errors": errs,
	})
}

// explain says in the visitor's language what a code means.
func (s *Site) explain(r *http.Request, code string) string {
	return s.language(r).Text("problem." + code)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encode(w, v)
}

// encode writes v, of which everything marshals. An error is the client's that has gone.
func encode(w http.ResponseWriter, v any) { json.NewEncoder(w).Encode(v) }
