package storetest

import (
	"context"

	"github.com/vestibule-go/auth"
)

// Faulty is a store whose parts fail when its functions say so: by an error, by
// a panic, or by taking long. It proves what becomes of an application when its store fails
// at any step. It is safe for concurrent use if its functions are.
type Faulty struct {
	// Store does the work.
	Store auth.Store

	// Before is called with the name of a method before it does anything. If it
	// returns an error the method does nothing, and returns that. Nil: no fault.
	Before func(method string) error

	// After is called with the name of a method that has succeeded. If it returns
	// an error the method returns that: the work is done, and only the answer is lost, as on a
	// broken connection. Nil: no fault.
	After func(method string) error
}

var _ auth.Store = (*Faulty)(nil)

// call does the work of a method between its faults.
func (f *Faulty) call(method string, work func() error) error {
	if f.Before != nil {
		if err := f.Before(method); err != nil {
			return err
		}
	}
	if err := work(); err != nil || f.After == nil {
		return err
	}
	return f.After(method)
}

// ask is call for methods that return something, which they do not with an error.
func ask[T any](f *Faulty, method string, work func() (T, error)) (T, error) {
	var answer T
	err := f.call(method, func() (err error) {
		answer, err = work()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

// CreateUser implements [auth.Store].
func (f *Faulty) CreateUser(ctx context.Context, u *auth.User) error {
	return f.call("CreateUser", func() error { return f.Store.CreateUser(ctx, u) })
}

// UserByID implements [auth.Store].
func (f *Faulty) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return ask(f, "UserByID", func() (*auth.User, error) { return f.Store.UserByID(ctx, id) })
}

// UserByLogin implements [auth.Store].
func (f *Faulty) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	return ask(f, "UserByLogin", func() (*auth.User, error) { return f.Store.UserByLogin(ctx, login) })
}

// UpdateUser implements [auth.Store].
func (f *Faulty) UpdateUser(ctx context.Context, u *auth.User) error {
	return f.call("UpdateUser", func() error { return f.Store.UpdateUser(ctx, u) })
}

// DeleteUser implements [auth.Store].
func (f *Faulty) DeleteUser(ctx context.Context, id string) error {
	return f.call("DeleteUser", func() error { return f.Store.DeleteUser(ctx, id) })
}

// PutCredential implements [auth.Store].
func (f *Faulty) PutCredential(ctx context.Context, c *auth.Credential) error {
	return f.call("PutCredential", func() error { return f.Store.PutCredential(ctx, c) })
}

// Credential implements [auth.Store].
func (f *Faulty) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return ask(f, "Credential", func() (*auth.Credential, error) { return f.Store.Credential(ctx, kind, id) })
}

// Credentials implements [auth.Store].
func (f *Faulty) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	return ask(f, "Credentials", func() ([]*auth.Credential, error) { return f.Store.Credentials(ctx, userID, kind) })
}

// UpdateCredential implements [auth.Store].
func (f *Faulty) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	return f.call("UpdateCredential", func() error { return f.Store.UpdateCredential(ctx, c) })
}

// TakeCredential implements [auth.Store].
func (f *Faulty) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return ask(f, "TakeCredential", func() (*auth.Credential, error) { return f.Store.TakeCredential(ctx, kind, id) })
}

// DeleteCredentials implements [auth.Store].
func (f *Faulty) DeleteCredentials(ctx context.Context, userID, kind string) error {
	return f.call("DeleteCredentials", func() error { return f.Store.DeleteCredentials(ctx, userID, kind) })
}

// CreateSession implements [auth.Store].
func (f *Faulty) CreateSession(ctx context.Context, s *auth.SessionRecord, replaces string) error {
	return f.call("CreateSession", func() error { return f.Store.CreateSession(ctx, s, replaces) })
}

// UpdateSession implements [auth.Store].
func (f *Faulty) UpdateSession(ctx context.Context, s *auth.SessionRecord) error {
	return f.call("UpdateSession", func() error { return f.Store.UpdateSession(ctx, s) })
}

// Sessions implements [auth.Store].
func (f *Faulty) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	return ask(f, "Sessions", func() ([]*auth.SessionRecord, error) { return f.Store.Sessions(ctx, userID) })
}

// DeleteSession implements [auth.Store].
func (f *Faulty) DeleteSession(ctx context.Context, id string) error {
	return f.call("DeleteSession", func() error { return f.Store.DeleteSession(ctx, id) })
}

// DeleteSessions implements [auth.Store].
func (f *Faulty) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	return ask(f, "DeleteSessions", func() (int, error) { return f.Store.DeleteSessions(ctx, userID, except) })
}

// Session implements [auth.Store].
func (f *Faulty) Session(ctx context.Context, id string) (s *auth.SessionRecord, u *auth.User, err error) {
	err = f.call("Session", func() (err error) {
		s, u, err = f.Store.Session(ctx, id)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return s, u, nil
}
