package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/decorate"
)

// Store returns next with its calls counted, by method and outcome, and how long they took. It asks next once for each call, and
// hands on what it returns as it is. What auth.New refuses is returned as it is, to be refused.
//
// Give it to whoever gets the store: auth.New, email.New, and features.
func (s *Set) Store(next auth.Store) auth.Store {
	next, ok := decorate.Store(next)
	if !ok {
		return next
	}
	return &store{s, next}
}

type store struct {
	set  *Set
	next auth.Store
}

// The methods of a store.
const (
	createUser = iota
	userByID
	userByLogin
	updateUser
	deleteUser
	putCredential
	credential
	credentials
	updateCredential
	takeCredential
	deleteCredentials
	createSession
	session
	updateSession
	sessions
	deleteSession
	deleteSessions
	methods // how many there are
)

var methodNames = [methods]string{
	"CreateUser", "UserByID", "UserByLogin", "UpdateUser", "DeleteUser", "PutCredential",
	"Credential", "Credentials", "UpdateCredential", "TakeCredential", "DeleteCredentials", "CreateSession",
	"Session", "UpdateSession", "Sessions", "DeleteSession", "DeleteSessions",
}

// calls are those of one method.
type calls struct {
	outcomes [len(outcomes)]atomic.Int64
	took     histogram
}

// count counts a call that began then; ended tells whether it has, or panics.
func (s *store) count(ctx context.Context, method int, begin time.Duration, ended bool, err error) {
	took, how := s.set.clock()-begin, len(outcomes)-1
	if ended {
		how = outcome(ctx, err)
	}
	c := &s.set.calls[method]
	c.outcomes[how].Add(1)
	c.took.add(&callBounds, took)
}

// do calls work, which is a call of that method.
func (s *store) do(ctx context.Context, method int, work func() error) (err error) {
	begin, ended := s.set.clock(), false
	defer func() { s.count(ctx, method, begin, ended, err) }()
	err = work()
	ended = true
	return err
}

// ask is do for methods that return something.
func ask[T any](ctx context.Context, s *store, method int, work func() (T, error)) (answer T, err error) {
	begin, ended := s.set.clock(), false
	defer func() { s.count(ctx, method, begin, ended, err) }()
	answer, err = work()
	ended = true
	return answer, err
}

// CreateUser implements [auth.Store].
func (s *store) CreateUser(ctx context.Context, u *auth.User) error {
	return s.do(ctx, createUser, func() error { return s.next.CreateUser(ctx, u) })
}

// UserByID implements [auth.Store].
func (s *store) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return ask(ctx, s, userByID, func() (*auth.User, error) { return s.next.UserByID(ctx, id) })
}

// UserByLogin implements [auth.Store].
func (s *store) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	return ask(ctx, s, userByLogin, func() (*auth.User, error) { return s.next.UserByLogin(ctx, login) })
}

// UpdateUser implements [auth.Store].
func (s *store) UpdateUser(ctx context.Context, u *auth.User) error {
	return s.do(ctx, updateUser, func() error { return s.next.UpdateUser(ctx, u) })
}

// DeleteUser implements [auth.Store].
func (s *store) DeleteUser(ctx context.Context, id string) error {
	return s.do(ctx, deleteUser, func() error { return s.next.DeleteUser(ctx, id) })
}

// PutCredential implements [auth.Store].
func (s *store) PutCredential(ctx context.Context, c *auth.Credential) error {
	return s.do(ctx, putCredential, func() error { return s.next.PutCredential(ctx, c) })
}

// Credential implements [auth.Store].
func (s *store) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return ask(ctx, s, credential, func() (*auth.Credential, error) { return s.next.Credential(ctx, kind, id) })
}

// Credentials implements [auth.Store].
func (s *store) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	return ask(ctx, s, credentials, func() ([]*auth.Credential, error) { return s.next.Credentials(ctx, userID, kind) })
}

// UpdateCredential implements [auth.Store].
func (s *store) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	return s.do(ctx, updateCredential, func() error { return s.next.UpdateCredential(ctx, c) })
}

// TakeCredential implements [auth.Store].
func (s *store) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return ask(ctx, s, takeCredential, func() (*auth.Credential, error) { return s.next.TakeCredential(ctx, kind, id) })
}

// DeleteCredentials implements [auth.Store].
func (s *store) DeleteCredentials(ctx context.Context, userID, kind string) error {
	return s.do(ctx, deleteCredentials, func() error { return s.next.DeleteCredentials(ctx, userID, kind) })
}

// CreateSession implements [auth.Store].
func (s *store) CreateSession(ctx context.Context, r *auth.SessionRecord, replaces string) error {
	return s.do(ctx, createSession, func() error { return s.next.CreateSession(ctx, r, replaces) })
}

// Session implements [auth.Store].
func (s *store) Session(ctx context.Context, id string) (r *auth.SessionRecord, u *auth.User, err error) {
	err = s.do(ctx, session, func() (err error) {
		r, u, err = s.next.Session(ctx, id)
		return err
	})
	return r, u, err
}

// UpdateSession implements [auth.Store].
func (s *store) UpdateSession(ctx context.Context, r *auth.SessionRecord) error {
	return s.do(ctx, updateSession, func() error { return s.next.UpdateSession(ctx, r) })
}

// Sessions implements [auth.Store].
func (s *store) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	return ask(ctx, s, sessions, func() ([]*auth.SessionRecord, error) { return s.next.Sessions(ctx, userID) })
}

// DeleteSession implements [auth.Store].
func (s *store) DeleteSession(ctx context.Context, id string) error {
	return s.do(ctx, deleteSession, func() error { return s.next.DeleteSession(ctx, id) })
}

// DeleteSessions implements [auth.Store].
func (s *store) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	return ask(ctx, s, deleteSessions, func() (int, error) { return s.next.DeleteSessions(ctx, userID, except) })
}
