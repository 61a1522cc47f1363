package main

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/email"
)

// activityPage is how much of it is on one page.
const activityPage = 20

// activity shows users what happened in their account, the last first.
func (s *shop) activity(w http.ResponseWriter, r *http.Request) {
	u := auth.CurrentUser(r.Context())
	entries, next, err := s.trail.Page(r.Context(), u.ID, r.URL.Query().Get("before"), activityPage)
	switch {
	case auth.Status(err) == http.StatusNotFound: // audit.ErrCursor
		s.fail(w, r, http.StatusNotFound)
	case err != nil:
		s.broken(w, r, err)
	default:
		v := view{Heading: "What happened in your account", Older: next}
		for _, e := range entries {
			v.Activity = append(v.Activity, happening{e, auth.CurrentSession(r.Context())})
		}
		s.render(w, r, http.StatusOK, "activity", v)
	}
}

// happening is an entry of the trail as the page shows it.
type happening struct {
	audit.Entry
	session *auth.Session // of who looks at it
}

// Text says in words what happened.
func (h happening) Text() string {
	if text := happenings[h.Name+" "+h.Reason]; text != "" {
		return text
	}
	if text := happenings[h.Name]; text != "" {
		return text
	}
	return strings.ReplaceAll(h.Name, "_", " ") // of a version of package auth that knows more
}

// happenings are events in words: those with a reason, and without or with any other.
var happenings = map[string]string{
	auth.EventSignedUp:                   "The account was made.",
	auth.EventLoggedIn:                   "You logged in.",
	auth.EventNewBrowser:                 "The login came from a browser that we had not seen before.",
	auth.EventSecondFactor:               "The password was right, and we asked for more.",
	auth.EventLoginFailed:                "We refused a login.",
	auth.EventReauthenticated:            "You typed your password once more.",
	auth.EventLoggedOut:                  "You logged out.",
	auth.EventPasswordChanged:            "The password was changed. All other devices were logged out.",
	auth.EventEmailChanged:               "The email was changed. All other devices were logged out.",
	auth.EventDisabled:                   "The account was closed.",
	auth.EventEnabled:                    "The account was opened again.",
	auth.EventExported:                   "The data of the account was downloaded.",
	auth.EventSessionsRevoked:            "Other devices were logged out.",
	auth.EventSessionsRevoked + " one":   "A device was logged out.",
	auth.EventCompromised:                "Others may know the password: everybody was logged out.",
	auth.EventNewPassword:                "We asked for a new password.",
	email.EventConfirmed:                 "The email was confirmed.",
	email.EventReset:                     "The new password was set by a link in a mail.",
	email.EventAsked:                     "Somebody asked for a mail.",
	email.EventAsked + " confirm":        "We sent a link to confirm the email.",
	email.EventAsked + " reset":          "Somebody asked for a link to set a new password.",
	email.EventAsked + " change":         "We sent a link to confirm another email.",
	email.EventAsked + " signup_taken":   "Somebody tried to sign up with your email.",
	email.EventAsked + " signup_pending": "Somebody signed up with your email once more.",
	email.EventAsked + " change_taken":   "Somebody tried to change to your email.",

	auth.EventLoginFailed + " wrong password":                  "Somebody typed a wrong password.",
	auth.EventLoginFailed + " change password: wrong password": "Somebody typed a wrong password, to change it.",
	auth.EventLoginFailed + " verify password: wrong password": "Somebody typed a wrong password, to confirm an email.",
}

// Others says how many others like it are not shown.
func (h happening) Others() string {
	switch h.More {
	case 0:
		return ""
	case 1:
		return "The same happened once more on that day."
	}
	return "The same happened " + strconv.Itoa(h.More) + " times more on that day."
}

// Here reports whether it happened in the session of who looks at it.
func (h happening) Here() bool {
	return h.Session != "" && h.session != nil && strings.HasPrefix(h.session.ID, h.Session)
}

// When returns the time for people, and Machine for programs.
func (h happening) When() string    { return h.Time.Format("2 January 2006, 15:04 UTC") }
func (h happening) Machine() string { return h.Time.Format(time.RFC3339) }
