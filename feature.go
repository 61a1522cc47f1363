package auth

import "context"

// What packages that add a feature need of a Manager.

// Record tells the log and every Hooks.Event of e, with its Time and what it leaves open of
// the request that ctx belongs to, if it belongs to one. It is for packages that add a feature, and for
// applications. The rules for Event hold: put no secret into it, nor what a visitor typed.
func (m *Manager) Record(ctx context.Context, e Event) { m.emit(ctx, e) }

// CheckPassword checks the new password in f for the user with that email, and whether it was typed
// twice alike, and changes nothing. Current is not looked at: it is for pages whose visitors prove
// otherwise who they are, before SetPassword. What the visitor can mend is noted in f.Errors, and
// returned as FormErrors. Other errors are those of [ParsePassword].
func (m *Manager) CheckPassword(f *PasswordForm, email string) error {
	if f.err != nil {
		return f.err
	}
	m.policy.check(&f.Errors, f.Password, email)
	confirm(&f.Errors, f.Password, f.Confirm)
	if len(f.Errors) > 0 {
		return f.Errors
	}
	return nil
}
