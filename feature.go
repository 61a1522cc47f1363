package auth

import "context"

// What packages that add a feature need of a Manager.

// Record tells the log and every Hooks.Event of e, with its Time and what it leaves open of
// the request that ctx belongs to, if it belongs to one. It is for packages that add a feature, and for
// applications. The rules for Event hold: put no secret into it, nor what a visitor typed.
func (m *Manager) Record(ctx context.Context, e Event) { m.emit(ctx, e) }

// VerifyPassword returns nil if the password in f is u's, and ErrBadLogin if not. It counts as an attempt
// and costs as much as Authenticate does, asks no hook, and does not look at the email in f: it is for
// pages that ask a user whom they know otherwise for the password, before something
// that cannot be undone. What the visitor can mend is noted in f.Errors. Other errors are those of Authenticate.
func (m *Manager) VerifyPassword(ctx context.Context, u *User, f *LoginForm) error {
	if f.err != nil {
		return f.err
	}
	if u == nil {
		return ErrNotLoggedIn
	}
	if f.require("password", f.Password); len(f.Errors) > 0 {
		return f.Errors
	}
	err := m.proveCurrent(ctx, u, f.Password, "verify password: ")
	f.refuse(err, "password", CodeWrong)
	return err
}

// CheckSignup notes in f.Errors what the visitor has to mend before Signup, and returns it as FormErrors;
// it asks nobody and changes nothing. It is for what has to be done between that and Signup.
func (m *Manager) CheckSignup(f *SignupForm) error {
	if f.err != nil {
		return f.err
	}
	if f.validate(m.policy); len(f.Errors) > 0 {
		return f.Errors
	}
	return nil
}

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
