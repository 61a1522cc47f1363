package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What becomes of an account: another address, its closing, a copy for its user, its end.

// SetEmail gives u another address, which u has proved to read: it counts as confirmed. It ends u's
// sessions. If u is the current user of the request that ctx belongs to, that session goes on under a
// new token. It asks for no proof itself: package email does.
//
// An address that cannot be one is returned as FormErrors. Other errors are ErrExists if another user
// has it, and ErrConflict if u's credentials were changed since u was read. Then nothing
// changed. u is updated as by SetPassword.
func (m *Manager) SetEmail(ctx context.Context, u *User, email string) error {
	canonical, err := CanonicalEmail(email)
	if err != nil {
		var faults FormErrors
		faults.Add("email", CodeInvalid, 0)
		return faults
	}
	return m.restamp(ctx, u, EventEmailChanged, true, func(u *User) { u.Email, u.Confirmed = canonical, now() })
}

// Disable closes u's account until Enable opens it: all sessions of u end, for good, and nobody logs in, who is
// answered as after a wrong password. To disable an account that is disabled ends the sessions once more. Errors, and what
// becomes of u, are as of [Manager.SetEmail], but that nothing is refused for its form.
func (m *Manager) Disable(ctx context.Context, u *User) error {
	return m.restamp(ctx, u, EventDisabled, false, func(u *User) {
		if u.Disabled.IsZero() {
			u.Disabled = now()
		}
	})
}

// Enable lets u log in again, after Disable. No session comes back. Errors are those of Disable.
func (m *Manager) Enable(ctx context.Context, u *User) error {
	return m.restamp(ctx, u, EventEnabled, false, func(u *User) { u.Disabled = time.Time{} })
}

// account is what Export tells of a user.
type account struct {
	ID        string     `json:"id"`
	Email     string     `json:"email"`
	Created   time.Time  `json:"created"`
	Updated   time.Time  `json:"updated"`
	Confirmed *time.Time `json:"confirmed"`
}

// Export returns what is kept of u, for u to take along: "account", "sessions" unless the store cannot
// list them, and what every Hooks.Export adds. It marshals to JSON, and holds no secret. An error of
// one part is the error of all.
func (m *Manager) Export(ctx context.Context, u *User) (map[string]any, error) {
	if u == nil {
		return nil, ErrNotLoggedIn
	}
	a := account{ID: u.ID, Email: u.Email, Created: u.Created, Updated: u.Updated}
	if !u.Confirmed.IsZero() {
		a.Confirmed = &u.Confirmed
	}
	all := map[string]any{"account": a}
	switch live, err := m.Sessions(ctx, u); {
	case err == nil:
		all["sessions"] = append([]*Session{}, live...)
	case !errors.Is(err, errors.ErrUnsupported):
		m.failed(ctx, "export", err)
		return nil, err
	}
	for _, h := range m.cfg.Hooks {
		if h.Export == nil {
			continue
		}
		if err := export(ctx, u, h, all); err != nil {
			m.failed(ctx, "export", err)
			return nil, err
		}
	}
	m.emit(ctx, Event{Name: EventExported, UserID: u.ID})
	return all, nil
}

// export adds to all what a hook returns.
func export(ctx context.Context, u *User, h Hooks, all map[string]any) error {
	name, data, err := h.Export(ctx, u)
	if err != nil {
		return fmt.Errorf("auth: export %s: %w", name, err)
	}
	if data == nil {
		return nil
	}
	if _, taken := all[name]; taken {
		return fmt.Errorf("auth: export: two parts are called %q", name)
	}
	all[name] = data
	return nil
}

// DeleteAccount removes u, and everything that the store and the Hooks keep of u, for good. All sessions
// end, that of the request which ctx belongs to among them. Ask for a fresh proof before: see RequireFresh.
//
// An error of a Hooks.Delete, or of removing the user, is returned, and the account may still be
// there. What cannot be removed after that lets nobody act as u any more, and is an EventFailure.
func (m *Manager) DeleteAccount(ctx context.Context, u *User) error {
	if u == nil {
		return ErrNotLoggedIn
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	for _, h := range m.cfg.Hooks {
		if h.Delete == nil {
			continue
		}
		if err := h.Delete(ctx, u); err != nil {
			m.failed(ctx, "delete account", err)
			return fmt.Errorf("auth: delete account: %w", err)
		}
	}
	if err := m.deleteUser(ctx, u); err != nil {
		return fmt.Errorf("auth: delete user: %w", err)
	}
	if err := m.store.DeleteCredentials(ctx, u.ID, ""); err != nil {
		m.failed(ctx, "delete credentials", err)
	}
	if _, err := m.store.DeleteSessions(ctx, u.ID, ""); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		m.failed(ctx, "delete sessions", err)
	}
	m.emit(ctx, Event{Name: EventDeleted, UserID: u.ID})
	if st := m.state(ctx); st != nil {
		if l := st.login.Load(); l != nil && l.user.ID == u.ID {
			if err := st.leave(); err != nil {
				m.failed(ctx, "end session", err)
			}
		}
	}
	return nil
}

// deleteUser removes u alone. Where the store's answer is an error it looks: perhaps only the answer was lost, and with
// the user gone nobody could try again to remove the rest.
func (m *Manager) deleteUser(ctx context.Context, u *User) error {
	err := m.store.DeleteUser(ctx, u.ID)
	if err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	m.failed(ctx, "delete user", err)
	if _, gone := m.store.UserByID(ctx, u.ID); errors.Is(gone, ErrNotFound) {
		return nil
	}
	return err
}
