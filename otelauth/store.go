package otelauth

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/decorate"
	"github.com/vestibule-go/auth/metrics"
)

// Store returns next with a span for each call, and how long it took as a metric. It asks next once for each call, and hands
// on what it returns as it is. What auth.New refuses is returned as it is, to be refused.
//
// Give it to whoever gets the store: auth.New, email.New, and features. Spans that the driver of a database makes become children of these.
func (o *Observer) Store(next auth.Store) auth.Store {
	next, ok := decorate.Store(next)
	if !ok {
		return next
	}
	return &store{o, next}
}

type store struct {
	o    *Observer
	next auth.Store
}

// do calls work, which is a call of that method, in a span.
func (s *store) do(ctx context.Context, method string, work func(context.Context) error) error {
	name := attribute.String("db.operation.name", method)
	ctx, span := s.o.tracer.Start(ctx, "auth store "+method, trace.WithAttributes(name))
	begin, outcome, err := time.Now(), metrics.Failed, error(nil)
	defer func() { s.o.end(ctx, span, s.o.calls, begin, outcome, outcome == metrics.Failed, err, name) }() // also if work panics
	err = work(ctx)
	outcome = metrics.Outcome(ctx, err)
	return err
}

// ask is do for methods that return something.
func ask[T any](ctx context.Context, s *store, method string, work func(context.Context) (T, error)) (answer T, err error) {
	err = s.do(ctx, method, func(ctx context.Context) (err error) {
		answer, err = work(ctx)
		return err
	})
	return answer, err
}

// CreateUser implements [auth.Store].
func (s *store) CreateUser(ctx context.Context, u *auth.User) error {
	return s.do(ctx, "CreateUser", func(ctx context.Context) error { return s.next.CreateUser(ctx, u) })
}

// UserByID implements [auth.Store].
func (s *store) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return ask(ctx, s, "UserByID", func(ctx context.Context) (*auth.User, error) { return s.next.UserByID(ctx, id) })
}

// UserByLogin implements [auth.Store].
func (s *store) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	return ask(ctx, s, "UserByLogin", func(ctx context.Context) (*auth.User, error) { return s.next.UserByLogin(ctx, login) })
}

// UpdateUser implements [auth.Store].
func (s *store) UpdateUser(ctx context.Context, u *auth.User) error {
	return s.do(ctx, "UpdateUser", func(ctx context.Context) error { return s.next.UpdateUser(ctx, u) })
}

// DeleteUser implements [auth.Store].
func (s *store) DeleteUser(ctx context.Context, id string) error {
	return s.do(ctx, "DeleteUser", func(ctx context.Context) error { return s.next.DeleteUser(ctx, id) })
}

// PutCredential implements [auth.Store].
func (s *store) PutCredential(ctx context.Context, c *auth.Credential) error {
	return s.do(ctx, "PutCredential", func(ctx context.Context) error { return s.next.PutCredential(ctx, c) })
}

// Credential implements [auth.Store].
func (s *store) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return ask(ctx, s, "Credential", func(ctx context.Context) (*auth.Credential, error) { return s.next.Credential(ctx, kind, id) })
}

// Credentials implements [auth.Store].
func (s *store) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	return ask(ctx, s, "Credentials", func(ctx context.Context) ([]*auth.Credential, error) { return s.next.Credentials(ctx, userID, kind) })
}

// UpdateCredential implements [auth.Store].
func (s *store) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	return s.do(ctx, "UpdateCredential", func(ctx context.Context) error { return s.next.UpdateCredential(ctx, c) })
}

// TakeCredential implements [auth.Store].
func (s *store) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return ask(ctx, s, "TakeCredential", func(ctx context.Context) (*auth.Credential, error) { return s.next.TakeCredential(ctx, kind, id) })
}

// DeleteCredentials implements [auth.Store].
func (s *store) DeleteCredentials(ctx context.Context, userID, kind string) error {
	return s.do(ctx, "DeleteCredentials", func(ctx context.Context) error { return s.next.DeleteCredentials(ctx, userID, kind) })
}

// CreateSession implements [auth.Store].
func (s *store) CreateSession(ctx context.Context, r *auth.SessionRecord, replaces string) error {
	return s.do(ctx, "CreateSession", func(ctx context.Context) error { return s.next.CreateSession(ctx, r, replaces) })
}

// Session implements [auth.Store].
func (s *store) Session(ctx context.Context, id string) (r *auth.SessionRecord, u *auth.User, err error) {
	err = s.do(ctx, "Session", func(ctx context.Context) (err error) {
		r, u, err = s.next.Session(ctx, id)
		return err
	})
	return r, u, err
}

// UpdateSession implements [auth.Store].
func (s *store) UpdateSession(ctx context.Context, r *auth.SessionRecord) error {
	return s.do(ctx, "UpdateSession", func(ctx context.Context) error { return s.next.UpdateSession(ctx, r) })
}

// Sessions implements [auth.Store].
func (s *store) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	return ask(ctx, s, "Sessions", func(ctx context.Context) ([]*auth.SessionRecord, error) { return s.next.Sessions(ctx, userID) })
}

// DeleteSession implements [auth.Store].
func (s *store) DeleteSession(ctx context.Context, id string) error {
	return s.do(ctx, "DeleteSession", func(ctx context.Context) error { return s.next.DeleteSession(ctx, id) })
}

// DeleteSessions implements [auth.Store].
func (s *store) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	return ask(ctx, s, "DeleteSessions", func(ctx context.Context) (int, error) { return s.next.DeleteSessions(ctx, userID, except) })
}
