package pages

import (
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
)

// session is what GET /session tells a program, and every change that it makes.
type session struct {
	User            *user      `json:"user"` // nil: nobody is logged in
	CSRFToken       string     `json:"csrf_token"`
	AuthenticatedAt *time.Time `json:"authenticated_at"`  // the youngest proof of this session
	Pending         string     `json:"pending,omitempty"` // what the login still lacks
	Next            string     `json:"next,omitempty"`    // where the visitor wanted to go
}

type user struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Confirmed bool   `json:"confirmed"`
}

func (p *pages) session(w http.ResponseWriter, r *http.Request) { p.writeSession(w, r, http.StatusOK) }

// writeSession writes the session as it is now.
func (p *pages) writeSession(w http.ResponseWriter, r *http.Request, status int) {
	ctx := r.Context()
	s := session{CSRFToken: auth.CSRFToken(ctx), Next: wanted(r)}
	if u := auth.CurrentUser(ctx); u != nil {
		s.User = &user{u.ID, u.Email, !u.Confirmed.IsZero()}
	}
	if current := auth.CurrentSession(ctx); current != nil {
		for _, t := range current.Factors {
			if s.AuthenticatedAt == nil || t.After(*s.AuthenticatedAt) {
				s.AuthenticatedAt = &t
			}
		}
	}
	switch {
	case auth.PendingPassword(ctx) != nil:
		s.Pending = "new_password"
	case auth.Pending(ctx) != nil:
		s.Pending = "second_factor"
	}
	writeJSON(w, status, s)
}
