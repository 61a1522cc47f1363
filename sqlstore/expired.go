package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/vestibule-go/auth"
)

const (
	sweepEvery   = 5 * time.Minute // at most, in the background
	sweepTimeout = time.Minute     // for a sweep in the background
	sweepSize    = 500             // rows removed by one statement
)

// sweeps tells, for each table, where the first sweepSize of the expired rows
// end, and how to remove them.
var sweeps = []struct{ end, remove string }{
	{
		"SELECT expires FROM auth_sessions WHERE expires <= ? ORDER BY expires LIMIT 1 OFFSET ?",
		"DELETE FROM auth_sessions WHERE expires <= ?",
	},
	{
		"SELECT expires FROM auth_credentials WHERE expires <= ? ORDER BY expires LIMIT 1 OFFSET ?",
		"DELETE FROM auth_credentials WHERE expires <= ?",
	},
}

// DeleteExpired removes the sessions and credentials that have expired, and
// returns how many it removed, also if it fails halfway or ctx ends.
//
// There is no need to call it. No method sees what has expired, and CreateSession
// and PutCredential start a sweep like this in the background: every five
// minutes at most, not in the first five of a Store, and for no longer than a
// minute, so that nothing has to be stopped or closed. What such a sweep leaves,
// or fails to do, the next one does. Call DeleteExpired to have it done now: from
// a timer, say, in a program that does not live for five minutes.
//
// Rows are removed in batches of 500 or so. After each DeleteExpired rests for as
// long as it took, so that others, too, can write to a database that lets in one
// writer at a time.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	total := 0
	for _, sweep := range sweeps {
		for {
			start := time.Now()
			n, full, err := s.deleteBatch(ctx, sweep.end, sweep.remove)
			total += n
			if err == nil && full {
				err = rest(ctx, time.Since(start))
			}
			if err != nil {
				return total, err
			}
			if !full {
				break
			}
		}
	}
	return total, nil
}

// deleteBatch removes some expired rows and reports whether there may be more.
// What expires at the same microsecond goes together.
func (s *Store) deleteBatch(ctx context.Context, end, remove string) (n int, full bool, err error) {
	until := now()
	rows, err := s.query(ctx, end, until, sweepSize-1)
	if err != nil {
		return 0, false, err
	}
	last, err := one(rows, func(rows *sql.Rows) (last int64, err error) { return last, rows.Scan(&last) })
	if err == nil {
		until, full = last, true
	} else if !errors.Is(err, auth.ErrNotFound) {
		return 0, false, err
	}
	deleted, err := s.exec(ctx, remove, until)
	return int(deleted), full, err
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return wrap(ctx.Err())
	}
}

// sweepSometimes starts a sweep if the last one is long ago. Many processes may
// do so at once: they share the work.
func (s *Store) sweepSometimes() {
	last, now := s.swept.Load(), now()
	if now-last < sweepEvery.Microseconds() || !s.swept.CompareAndSwap(last, now) {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
		defer cancel()
		s.DeleteExpired(ctx) // if it fails, the next one tries again
	}()
}
