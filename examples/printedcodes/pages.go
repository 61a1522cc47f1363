package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/pages"
)

// This file is what visitors see of the factor: the page that asks for a code, and those of the account.

const (
	codePath    = "/code"          // auth.Config.SecondFactorURL
	accountPath = "/account/codes" // where a user sees what is left, and makes a sheet
	fresh       = 15 * time.Minute // how old the proofs may be with which a sheet is made or given up
	few         = 3                // with fewer codes than that users are led to where they make a new sheet
)

// files are the templates, for pages.Config.Templates, and what the style sheet of the library does not have: the list of
// codes, and the printed page.
//
//go:embed templates codes.css
var files embed.FS

// codePages are the pages of the factor.
type codePages struct {
	m      *auth.Manager
	codes  *Codes
	site   *pages.Site
	notify func(ctx context.Context, u *auth.User, kind string) // email.Links.Notify, or whatever tells users
}

func (p *codePages) routes(mux *http.ServeMux) {
	mux.Handle("GET "+codePath, p.waiting(p.showCode))
	mux.Handle("POST "+codePath, p.waiting(p.code))
	mux.Handle("GET "+accountPath, p.m.RequireFresh(fresh)(http.HandlerFunc(p.account)))
	mux.Handle("POST "+accountPath, p.proved(p.draw))
	mux.Handle("POST "+accountPath+"/on", p.proved(p.on))
	mux.Handle("POST "+accountPath+"/off", p.proved(p.off))
	mux.HandleFunc("GET /codes.css", style)
}

func style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, files, "codes.css")
}

// page returns a page with that template and a form that sends a code, and says what was wrong with the last one.
func (p *codePages) page(r *http.Request, template, heading, action, button string, faults auth.FormErrors) *pages.Page {
	page := p.site.NewPage(r, "templates/"+template, heading)
	page.Form = &pages.Form{Action: action, Button: button, Errors: faults, Fields: []*pages.Field{{
		Name: "code", Label: "Code", Type: "text", Autocomplete: "one-time-code", Hint: "Spaces and capitals do not matter.",
	}}}
	return page
}

// waiting lets through whose login awaits a code, and users who are to show one once more.
func (p *codePages) waiting(next http.HandlerFunc) http.Handler {
	users := p.m.RequireLogin(next)
	return p.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.Pending(r.Context()) == nil {
			users.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		next(w, r)
	}))
}

// proved lets users through who have lately shown all their factors: whoever got at one of them must not get rid of the other.
func (p *codePages) proved(next http.HandlerFunc) http.Handler {
	return p.m.RequireFresh(fresh)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		on, err := p.codes.On(r.Context(), auth.CurrentUser(r.Context()).ID)
		s := auth.CurrentSession(r.Context())
		switch {
		case err != nil:
			p.refuse(w, r, err)
		case time.Since(s.Factors[auth.FactorPassword]) >= fresh:
			ask(w, r, p.m.ReauthURL(accountPath), "reauthentication_required", "Please enter your password once more.")
		case on && time.Since(s.Factors[Factor]) >= fresh:
			ask(w, r, p.m.SecondFactorURL(accountPath), "second_factor_required", "Please enter another code.")
		default:
			next(w, r)
		}
	}))
}

// ask sends the visitor to a page that can help, unless the client is a program.
func ask(w http.ResponseWriter, r *http.Request, page, code, detail string) {
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, http.StatusUnauthorized, code, detail)
		return
	}
	http.Redirect(w, r, page, http.StatusSeeOther)
}

func (p *codePages) showCode(w http.ResponseWriter, r *http.Request) {
	if auth.PrefersJSON(r) {
		auth.Problem(w, r, http.StatusNotAcceptable, "no_json", "Send the code here, by POST.")
		return
	}
	p.askCode(w, r, http.StatusOK, nil)
}

func (p *codePages) askCode(w http.ResponseWriter, r *http.Request, status int, faults auth.FormErrors) {
	p.site.Show(w, status, p.page(r, "code.html", "One more proof", codePath, "Go on", faults))
}

// code takes a code from who is pending, or from a user who is to show one once more.
func (p *codePages) code(w http.ResponseWriter, r *http.Request) {
	u := auth.Pending(r.Context())
	if u == nil {
		u = auth.CurrentUser(r.Context())
	}
	typed, err := typedCode(w, r)
	if err == nil {
		err = p.codes.Redeem(r.Context(), u, typed)
	}
	if err == nil {
		err = p.m.Login(w, r, u, auth.Proof{Factor: Factor})
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	left, _, err := p.codes.Left(r.Context(), u.ID)
	switch {
	case auth.PrefersJSON(r):
		p.status(w, r)
	case err == nil && left < few:
		http.Redirect(w, r, accountPath, http.StatusSeeOther)
	default:
		p.m.Redirect(w, r)
	}
}

// account shows how many codes are left, and the form for a draft if there is one.
func (p *codePages) account(w http.ResponseWriter, r *http.Request) {
	if auth.PrefersJSON(r) {
		p.status(w, r)
		return
	}
	p.showAccount(w, r, http.StatusOK, nil)
}

func (p *codePages) showAccount(w http.ResponseWriter, r *http.Request, status int, faults auth.FormErrors) {
	left, on, err := p.codes.Left(r.Context(), auth.CurrentUser(r.Context()).ID)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	page := p.page(r, "account.html", "Printed codes", accountPath+"/on", "I have the sheet", faults)
	page.Value = struct {
		On, Few, Drafted bool
		Left             int
	}{on, left < few, p.codes.Drafted(r.Context(), page.User.ID), left}
	p.site.Show(w, status, page)
}

// draw shows a new sheet, this once.
func (p *codePages) draw(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	codes, err := p.codes.Draw(r.Context(), u)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if auth.PrefersJSON(r) {
		writeJSON(w, map[string]any{"codes": codes})
		return
	}
	page := p.page(r, "sheet.html", "Your codes", accountPath+"/on", "I have the sheet", nil)
	page.Value = struct {
		Codes []string
		Made  time.Time
	}{codes, time.Now().UTC()}
	p.site.Show(w, http.StatusOK, page)
}

// on lets the drafted sheet count, once the user has typed a code of it. That proves the factor in this session too, and
// the user's other sessions, in which nobody has, end.
func (p *codePages) on(w http.ResponseWriter, r *http.Request) {
	ctx, u := r.Context(), auth.CurrentUser(r.Context())
	typed, err := typedCode(w, r)
	if err == nil {
		err = p.codes.Activate(ctx, u, typed)
	}
	if err == nil {
		p.notify(ctx, u, noticeOn)
		err = p.m.Login(w, r, u, auth.Proof{Factor: Factor})
	}
	if err == nil {
		err = p.m.LogoutElsewhere(w, r)
	}
	p.changed(w, r, err)
}

// off goes back to the password alone.
func (p *codePages) off(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	err := p.codes.Remove(r.Context(), u.ID)
	if err == nil {
		p.notify(r.Context(), u, noticeOff)
	}
	p.changed(w, r, err)
}

// changed answers that a sheet was made or given up, if it was.
func (p *codePages) changed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case err != nil:
		p.refuse(w, r, err)
	case auth.PrefersJSON(r):
		p.status(w, r)
	default:
		http.Redirect(w, r, accountPath, http.StatusSeeOther)
	}
}

// refuse answers a request that has failed: with the form that sent it, if there is something to mend.
func (p *codePages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, faults := auth.Status(err), auth.FormErrors(nil)
	switch {
	case errors.As(err, &faults):
	case errors.Is(err, auth.ErrBadLogin):
		faults = auth.FormErrors{{Field: "code", Code: auth.CodeWrong, Message: "This code is not on your sheet, or was used before. Please take the next one."}}
	case errors.Is(err, auth.ErrThrottled):
		w.Header().Set("Retry-After", fmt.Sprint(auth.RetryAfter(err)))
		faults.Add("code", auth.CodeThrottled, auth.RetryAfter(err))
	case errors.Is(err, auth.ErrNewPassword):
		ask(w, r, p.m.PasswordURL(accountPath), "new_password_required", "Please choose a new password.")
		return
	case errors.Is(err, auth.ErrNotLoggedIn):
		ask(w, r, p.m.LoginURL(accountPath), "login_required", "Please log in once more.")
		return
	default:
		auth.Problem(w, r, status, "failed", "This did not work. Please try again.")
		return
	}
	switch {
	case auth.PrefersJSON(r):
		auth.Problem(w, r, status, "code_"+faults[0].Code, faults[0].Message)
	case r.URL.Path == codePath:
		p.askCode(w, r, status, faults)
	default:
		p.showAccount(w, r, status, faults)
	}
}

// status tells a program how things are. The token is new after every login.
func (p *codePages) status(w http.ResponseWriter, r *http.Request) {
	left, on, err := p.codes.Left(r.Context(), auth.CurrentUser(r.Context()).ID)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	writeJSON(w, map[string]any{"on": on, "left": left, "csrf_token": auth.CSRFToken(r.Context())})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// typedCode returns the code in a form, or in a JSON object. Nothing is read from the address.
func typedCode(w http.ResponseWriter, r *http.Request) (string, error) {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		if values := r.PostForm["code"]; len(values) == 1 {
			return values[0], nil
		}
		return "", nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	if err != nil {
		return "", err
	}
	var in struct{ Code string }
	if json.Unmarshal(body, &in) != nil {
		return "", auth.ErrForm
	}
	return in.Code, nil
}
