package pages

import (
	"encoding/json"
	"net/http"

	"github.com/vestibule-go/auth"
)

// Taking one's data along, and leaving.

func (p *pages) export(w http.ResponseWriter, r *http.Request) {
	all, err := p.m.Export(r.Context(), auth.CurrentUser(r.Context()))
	var body []byte
	if err == nil {
		body, err = json.MarshalIndent(all, "", "  ")
	}
	if err != nil {
		p.message(w, r, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="account.json"`)
	w.Write(append(body, '\n'))
}

func (p *pages) showDelete(w http.ResponseWriter, r *http.Request) {
	p.open(w, r, p.deletePage(r))
}

func (p *pages) delete(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	err := p.remove(r, u)
	if err == nil {
		p.changed(w, r, "deleted")
		return
	}
	p.done(w, r, err, func() *Page { return p.deletePage(r) })
}

// remove also tells the user by mail, if there is any.
func (p *pages) remove(r *http.Request, u *auth.User) error {
	if p.links != nil {
		return p.links.DeleteAccount(r.Context(), u)
	}
	return p.m.DeleteAccount(r.Context(), u)
}
