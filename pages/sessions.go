package pages

import (
	"errors"
	"net/http"

	"github.com/vestibule-go/auth"
)

// Where a user is logged in, and ending that.

func (p *pages) sessions(w http.ResponseWriter, r *http.Request) {
	devices, err := p.devices(r)
	unlisted := errors.Is(err, errors.ErrUnsupported)
	switch {
	case err != nil && !unlisted:
		p.message(w, r, http.StatusInternalServerError)
	case auth.PrefersJSON(r) && unlisted:
		auth.Problem(w, r, http.StatusNotImplemented, "unsupported", p.language(r).Text("sessions.unlisted"))
	case auth.PrefersJSON(r):
		writeJSON(w, http.StatusOK, map[string]any{"sessions": devices})
	default:
		page := p.page(r, "sessions.html", "sessions", nil)
		page.Sessions, page.Unlisted = devices, unlisted
		if notice := p.cookie(r, noticeCookie); notice == "revoked" || notice == "revoked.others" {
			p.dropCookie(w, noticeCookie)
			page.Notice = page.Text("sessions." + notice)
		}
		p.show(w, http.StatusOK, page)
	}
}

func (p *pages) devices(r *http.Request) ([]Device, error) {
	live, err := p.m.Sessions(r.Context(), auth.CurrentUser(r.Context()))
	current, devices := auth.CurrentSession(r.Context()), []Device{}
	for _, s := range live {
		devices = append(devices, Device{s, describe(p.language(r), s.Agent), current != nil && s.ID == current.ID})
	}
	return devices, err
}

func (p *pages) revoke(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	p.revoked(w, r, "revoked", p.m.EndSession(r.Context(), u, r.PathValue("id")))
}

func (p *pages) revokeOthers(w http.ResponseWriter, r *http.Request) {
	p.revoked(w, r, "revoked.others", p.m.LogoutElsewhere(w, r))
}

func (p *pages) revokeAll(w http.ResponseWriter, r *http.Request) {
	p.revoked(w, r, "", p.m.LogoutEverywhere(w, r))
}

// revoked answers that sessions have ended, perhaps the visitor's own.
func (p *pages) revoked(w http.ResponseWriter, r *http.Request, notice string, err error) {
	switch {
	case err != nil:
		p.message(w, r, auth.Status(err))
	case auth.PrefersJSON(r):
		p.writeSession(w, r, http.StatusOK)
	case auth.CurrentUser(r.Context()) == nil:
		http.Redirect(w, r, p.m.LoginURL(""), http.StatusSeeOther)
	default:
		p.setCookie(w, noticeCookie, notice, noticeFor)
		http.Redirect(w, r, "/account/sessions", http.StatusSeeOther)
	}
}
