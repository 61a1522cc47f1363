package auth

import (
	"context"
	"errors"
	"strings"
)

// ErrNewPassword reports that the login is pending: the password is known to be in wrong
// hands, and nobody is logged in before ChangePassword has replaced it.
var ErrNewPassword = errors.New("auth: a new password is needed")

// compromisedMark stands before the hash of a password that must be replaced. It is a part of
// User.PasswordHash so that it needs no column of its own, and goes with the password.
const compromisedMark = "compromised:"

// Compromised reports whether MarkCompromised was called for u's password.
func (u *User) Compromised() bool { return strings.HasPrefix(u.PasswordHash, compromisedMark) }

// hash returns the hash of u's password as the Hasher made it.
func (u *User) hash() string { return strings.TrimPrefix(u.PasswordHash, compromisedMark) }

// MarkCompromised notes that others may know u's password (NIST SP 800-63B-4, section
// 3.1.1.2). All sessions of u end, and the next login leads to a new password and nowhere
// else: Login returns ErrNewPassword, the session is pending, and RequireLogin sends to
// Config.PasswordURL, where PendingPassword tells whose it is. Who has a second factor proves it before. The
// old password is refused as the new one. Users who come by a header (see Hooks.Load) are not concerned.
//
// The new password is then chosen by whoever has the old one. If you would rather trust the mailbox,
// set a random password, and let the user reset it. u is updated, as by SetPassword.
func (m *Manager) MarkCompromised(ctx context.Context, u *User) error {
	return m.restamp(ctx, u, EventCompromised, false, func(u *User) {
		if u.PasswordHash != "" && !u.Compromised() {
			u.PasswordHash = compromisedMark + u.PasswordHash
		}
	})
}

// refuseCompromised notes in e that the new password of u is the one that others may know.
func (m *Manager) refuseCompromised(ctx context.Context, u *User, e *FormErrors, password string) error {
	if !u.Compromised() || len(*e) > 0 {
		return nil
	}
	return m.sit(ctx, func() {
		if same, _, _ := m.cfg.Hasher.Verify(u.hash(), password); same {
			e.Add("password", CodeBreached, 0)
		}
	})
}

// PendingPassword returns the user whose login awaits a new password, or nil. They are not logged
// in: show them nothing but the form for [Manager.ChangePassword], after which they are.
func PendingPassword(ctx context.Context) *User { return pendingUser(ctx, true) }

// pendingUser returns the user whose login awaits a new password or, if that is not what is asked
// for, another factor.
func pendingUser(ctx context.Context, newPassword bool) *User {
	st := currentState(ctx)
	if st == nil {
		return nil
	}
	if l := st.login.Load(); l != nil && l.pending() && l.session.newPassword == newPassword {
		return l.user
	}
	return nil
}
