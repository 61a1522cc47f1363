package metrics

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vestibule-go/auth"
)

const (
	other    = "other"    // stands for every value that is not known
	canceled = "canceled" // stands for whatever failed since the client has gone
)

// known has the events of this module, and the reasons of those that have a closed set of them. TestKnown reads the source.
var known = map[string][]string{
	auth.EventSignedUp:        nil,
	auth.EventLoggedIn:        {"pwd", "otp", "hwk", "swk", other}, // factors: RFC 8176
	auth.EventNewBrowser:      nil,
	auth.EventSecondFactor:    nil,
	auth.EventLoginFailed:     {"unknown user", "no password", "wrong password", "unreadable hash", "disabled", byHook, "header", other},
	auth.EventReauthenticated: nil,
	auth.EventLoggedOut:       nil,
	auth.EventPasswordChanged: nil,
	auth.EventEmailChanged:    nil,
	auth.EventDisabled:        nil,
	auth.EventEnabled:         nil,
	auth.EventDeleted:         nil,
	auth.EventExported:        nil,
	auth.EventSessionsRevoked: nil,
	auth.EventCompromised:     nil,
	auth.EventNewPassword:     nil,
	auth.EventHashUpgraded:    nil,
	auth.EventDenied:          {"not logged in", "not fresh", other},
	auth.EventSessionRejected: {"credentials have changed", "user is gone", "user is disabled", byHook, "ended during the request", "unreadable values", "unreadable facts", other},
	auth.EventCSRFRefused:     {"other site", "other origin", "other referer", "no token, or another", other},
	auth.EventThrottled:       {"account", "browser", "network", "wide_network", "signup", "mail", "mail_network", other},
	auth.EventBusy:            nil,
	auth.EventFailure: {
		"audit trail", "check for breaches", "client address", "count attempts", "create user", "CSRFToken", "delete account", "delete credentials",
		"delete session", "delete sessions", "delete user", "end session", "export", "find user", "hash password", "load user from header",
		"note use of session", "read hash", "read link", "read session", "restore link", "save session", "store link", "store session",
		"update user", "upgrade hash", sendMail, canceled, other,
	},
	"mail_asked":      mails,
	"link_refused":    nil,
	"email_confirmed": nil,
	"password_reset":  nil,
	"user_notified":   {"password_changed", "email_changed", "account_deleted", "new_browser", other},
	other:             nil,
}

const (
	byHook   = "refused by a hook"
	sendMail = "send mail"
)

var mails = []string{"confirm", "reset", "signup_taken", "signup_pending", "change", "change_taken", other}

// Labels returns by which name and reason an event is counted. Both are from a closed set: an event that is none of this
// module's is "other", and so is a reason that is none of its event's. The reason is empty for events that
// have none, or any number of them.
//
// What led to a password stands before the reason of an auth.EventLoginFailed, and what kind of mail behind that of an
// auth.EventFailure; both are left out. An auth.EventFailure because the client has gone has the reason "canceled".
func Labels(e auth.Event) (event, reason string) {
	reasons, ok := known[e.Name]
	switch {
	case !ok:
		return other, ""
	case reasons == nil:
		return e.Name, ""
	}
	if reason = short(e); !slices.Contains(reasons, reason) {
		reason = other
	}
	return e.Name, reason
}

// events returns the names by which events are counted, in order.
func events() []string { return slices.Sorted(maps.Keys(known)) }

// reasons returns the reasons by which an event is counted.
func reasons(event string) []string {
	if known[event] == nil {
		return []string{""}
	}
	return known[event]
}

// short returns the reason of an event without what is of no interest here.
func short(e auth.Event) string {
	switch e.Name {
	case auth.EventLoginFailed:
		if i := strings.LastIndex(e.Reason, ": "); i >= 0 {
			return e.Reason[i+len(": "):]
		}
	case auth.EventFailure:
		if errors.Is(e.Err, context.Canceled) {
			return canceled
		}
		what, _, _ := strings.Cut(e.Reason, ": ")
		return what
	}
	return e.Reason
}

// Outcomes of a call of a store.
const (
	OK          = "ok"
	NotFound    = "not_found"   // auth.ErrNotFound
	Conflict    = "conflict"    // auth.ErrConflict
	Exists      = "exists"      // auth.ErrExists
	Unsupported = "unsupported" // errors.ErrUnsupported
	Canceled    = canceled      // the client has gone
	Failed      = "error"       // everything else, a panic included
)

var outcomes = [...]string{OK, NotFound, Conflict, Exists, Unsupported, Canceled, Failed}

// Outcome returns how a call of a store with that context has ended, by its error: one of the constants above. Only
// [Failed] is a fault of the store.
func Outcome(ctx context.Context, err error) string { return outcomes[outcome(ctx, err)] }

// outcome returns an index of outcomes.
func outcome(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, auth.ErrNotFound):
		return 1
	case errors.Is(err, auth.ErrConflict):
		return 2
	case errors.Is(err, auth.ErrExists):
		return 3
	case errors.Is(err, errors.ErrUnsupported):
		return 4
	case errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return 5
	}
	return len(outcomes) - 1
}
