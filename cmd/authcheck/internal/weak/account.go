package weak

import (
	"net/http"
	"slices"
)

func (v *visit) dashboard() {
	if v.must() {
		v.show(http.StatusOK, page{Title: "Your account", Text: "You are " + v.user.email})
	}
}

func (v *visit) passwordPage() {
	if v.must() {
		v.show(http.StatusOK, passwordForm(""))
	}
}

func passwordForm(text string) page {
	return page{Title: "Another password", Text: text, Fields: []field{
		{"Password of today", "current", "password", "", "current-password"}, {"New password", "password", "password", "", "new-password"}}}
}

// password sets another one, which ends all sessions but this, which gets a new token.
func (v *visit) password() {
	if !v.must() {
		return
	}
	email := v.user.email
	if v.verified(email, v.form.Get("current")) == nil {
		v.show(http.StatusUnprocessableEntity, passwordForm(badLogin))
		return
	}
	if reason := v.refused(v.form.Get("password")); reason != "" {
		v.show(http.StatusUnprocessableEntity, passwordForm(reason))
		return
	}
	v.users[email] = v.newUser(email, v.normal(v.form.Get("password")))
	token := v.begin(v.w, v.r, email, 0)
	if !v.is("password-ends-sessions") {
		v.endAll(email, token)
	}
	v.redirect("/dashboard")
}

func (v *visit) sessionsPage() {
	if !v.must() {
		return
	}
	var mine []*session
	for token, s := range v.sessions {
		if s.user == v.user.email && !s.hidden && (token == v.token || !v.is("session-list/own")) {
			mine = append(mine, s)
		}
	}
	slices.SortFunc(mine, func(s, t *session) int { return s.created.Compare(t.created) })
	p := page{Title: "Where you are logged in"}
	for _, s := range mine {
		p.Rows = append(p.Rows, row{s.handle, s.agent})
	}
	v.show(http.StatusOK, p)
}

func (v *visit) revoke() {
	if !v.must() {
		return
	}
	for token, s := range v.sessions {
		switch {
		case s.user != v.user.email || s.handle != v.r.PathValue("id"):
		case v.is("session-list"):
			s.hidden = true
		default:
			delete(v.sessions, token)
		}
	}
	v.redirect("/account/sessions")
}
