package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Names of events. An event is also a slog record, with the message
// "auth: " and the name.
const (
	EventSignedUp        = "signed_up"
	EventLoggedIn        = "logged_in"
	EventNewBrowser      = "new_browser"   // in which the user logs in for the first time, or without the cookie of the last
	EventSecondFactor    = "second_factor" // a login is pending
	EventLoginFailed     = "login_failed"  // Reason says why; the visitor is not told
	EventReauthenticated = "reauthenticated"
	EventLoggedOut       = "logged_out"
	EventPasswordChanged = "password_changed"
	EventEmailChanged    = "email_changed"
	EventDisabled        = "account_disabled"
	EventEnabled         = "account_enabled"
	EventDeleted         = "account_deleted"
	EventExported        = "account_exported"
	EventSessionsRevoked = "sessions_revoked"     // all of a user's, or all but one, or one
	EventCompromised     = "password_compromised" // MarkCompromised was called
	EventNewPassword     = "new_password"         // a login is pending until the password is changed
	EventHashUpgraded    = "hash_upgraded"
	EventDenied          = "denied"           // a page that asks for a login, or a fresh one
	EventSessionRejected = "session_rejected" // Reason says why
	EventCSRFRefused     = "csrf_refused"
	EventThrottled       = "throttled" // ErrThrottled was returned; Reason is the action
	EventBusy            = "busy"      // ErrBusy was returned
	EventFailure         = "failed"    // a part failed: Err says what, Reason where
)

// Event is something worth recording. This package puts no password, hash or token
// into it, and not what a visitor typed as email (people type passwords there);
// Path is the application's, and Err the store's or a hook's.
type Event struct {
	Name      string    // one of the constants above
	Time      time.Time // when it happened, in UTC
	UserID    string    // whom it is about, if known
	SessionID string    // Session.ID, if there is one
	Address   string    // the client's IP address, if there is a request
	Method    string    // of the request, if there is one
	Path      string    // of the request, if there is one, without its query
	Reason    string    // why, for operators
	Err       error     // what failed, for operators
}

func (e Event) level() slog.Level {
	switch e.Name {
	case EventFailure:
		if errors.Is(e.Err, context.Canceled) { // the client has gone
			return slog.LevelDebug
		}
		return slog.LevelError
	case EventLoginFailed, EventSessionRejected, EventCSRFRefused, EventThrottled, EventBusy:
		return slog.LevelWarn
	case EventDenied:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// emit completes e from the request, and hands it to the log and the hooks.
func (m *Manager) emit(ctx context.Context, e Event) {
	e.Time = time.Now().UTC()
	if st := m.state(ctx); st != nil {
		e.Address, e.Method, e.Path = m.clientAddress(st.r), st.method, st.path
		st.attribute(&e)
	}
	m.log(ctx, e)
	for _, h := range m.cfg.Hooks {
		if h.Event != nil {
			h.Event(ctx, e)
		}
	}
}

// attribute says of an event that the session had a part in whose session it was.
func (st *state) attribute(e *Event) {
	l := st.login.Load()
	if l == nil || e.Name == EventLoginFailed && e.UserID != l.user.ID {
		return
	}
	if e.UserID == "" {
		e.UserID = l.user.ID
	}
	if e.SessionID == "" && l.session != nil && e.UserID == l.user.ID {
		e.SessionID = l.session.ID
	}
}

func (m *Manager) log(ctx context.Context, e Event) {
	if !m.cfg.Logger.Enabled(ctx, e.level()) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("user", e.UserID)
	add("session", e.SessionID)
	add("address", e.Address)
	add("method", e.Method)
	add("path", e.Path)
	add("reason", e.Reason)
	if e.Err != nil {
		add("error", e.Err.Error())
	}
	m.cfg.Logger.LogAttrs(ctx, e.level(), "auth: "+e.Name, attrs...)
}

// failed records that a part failed, where the visitor learns nothing.
func (m *Manager) failed(ctx context.Context, where string, err error) {
	m.emit(ctx, Event{Name: EventFailure, Reason: where, Err: err})
}
