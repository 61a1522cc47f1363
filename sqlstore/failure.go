package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/vestibule-go/auth"
)

// failure is what an error says about a statement and about the transaction it was
// part of.
type failure int

const (
	final  failure = iota // a repetition would fail as well, or is not known to be right
	undone                // nothing was done, because of others: a repetition may succeed
	lost                  // the connection broke, and whether anything was done is unknown
)

// failure says what an error means. No driver is imported for this: what they have
// in common is looked at here, the rest in the dialect.
func (s *Store) failure(err error) failure {
	var op *net.OpError
	switch dialed := errors.As(err, &op) && op.Op == "dial"; {
	case errors.Is(err, driver.ErrBadConn) || dialed: // not even sent
		return undone
	case op != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return lost
	}
	return s.d.failure(err)
}

// report marks an error that says that the database cannot do it for now. That
// the caller has gone says nothing of it.
func (s *Store) report(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || s.failure(err) == final && !s.d.unable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", auth.ErrUnavailable, err)
}

// These decide whether something may be repeated.
func (s *Store) write(err error) bool      { return s.failure(err) == undone }
func (s *Store) idempotent(err error) bool { return s.failure(err) != final }

// commit is stricter: some drivers say of a connection that broke under a COMMIT
// that it had been broken before.
func (s *Store) commit(err error) bool {
	return !errors.Is(err, driver.ErrBadConn) && s.d.failure(err) == undone
}

const (
	attempts  = 8
	firstWait = 5 * time.Millisecond // at most, and each further wait twice as long
)

// retry calls f, and repeats it while again allows that and ctx has not ended, until
// it has made all attempts. It waits between them, for a random time that grows,
// so that those who were in each other's way are not so again. It returns the last
// error.
func retry(ctx context.Context, again func(error) bool, f func() error) error {
	for n, wait := 1, firstWait; ; n, wait = n+1, 2*wait {
		err := f()
		if err == nil || n == attempts || ctx.Err() != nil || !again(err) {
			return err
		}
		if rest(ctx, rand.N(wait)) != nil {
			return err
		}
	}
}
