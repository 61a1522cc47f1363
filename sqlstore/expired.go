package sqlstore

import (
	"context"
	"time"
)

const (
	sweepEvery   = 5 * time.Minute // at most, in the background
	sweepTimeout = time.Minute     // for a sweep in the background
	sweepSize    = 500             // rows removed by one batch
)

// table is one of which expired rows are removed.
type table struct {
	name   string
	keys   string // the columns of its primary key
	remove string // removes the row with that key
}

var sweeps = []table{
	{"auth_sessions", "id", deleteSession},
	{"auth_credentials", "kind, id", deleteCredential},
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
// writer at a time. Several processes may do this at once, and then share the
// work: in PostgreSQL and MySQL none waits for rows that another is removing.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	total := 0
	for _, t := range sweeps {
		for {
			start := time.Now()
			n, more, err := s.d.sweep(ctx, s, t)
			total += n
			if err == nil && more {
				err = rest(ctx, s.d.rest*time.Since(start))
			}
			if err != nil {
				return total, err
			}
			if !more {
				break
			}
		}
	}
	return total, nil
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
