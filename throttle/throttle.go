// Package throttle counts attempts, and says how long to wait after too many.
//
// It is what an [auth.Manager] limits guesses at passwords with, and signups, and whatever sends mail.
// Nothing has to be done to have it. To have other limits, or to keep the counts elsewhere, make a
// [Limiter] and put it into auth.Config:
//
//	counts := auth.ThrottleStore(store)
//	limiter, err := throttle.New(counts, throttle.Rules{Signup: throttle.Rule{Free: 5, Window: time.Hour}})
//	…
//	cfg.Limiter = limiter
//
// The package knows nothing of users and requests, and may as well limit something else.
//
// [auth.Manager]: https://pkg.go.dev/github.com/vestibule-go/auth#Manager
package throttle

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"
)

// Store keeps counts. It is safe for concurrent use. The keys that a [Limiter] uses are the
// action, a zero byte, and whatever the key of the attempt is. Package storetest checks implementations.
type Store interface {
	// Update calls change with the count that is kept under key, or the zero
	// Count if there is none or it has expired. If change reports true the Store
	// keeps what change returned, until that expires, in the place of what was there.
	// All this is one step: of any number of concurrent calls for one key, in any
	// number of processes, each change sees what the one before it has left.
	// change may be called more than once; the last call counts.
	Update(ctx context.Context, key string, change func(Count) (Count, bool)) error
}

// Count is how many attempts there were, and when.
type Count struct {
	N       int       // how many
	First   time.Time // when the first of them was
	Last    time.Time // when the last of them was
	Expires time.Time // when to forget it
}

// Limiter applies rules to the counts in a [Store]. Make one with [New]. It is safe
// for concurrent use; all processes whose Store is the same share the limits.
type Limiter struct {
	store Store
	rules map[string]Rule
	seed  maphash.Seed
	turns [64]chan struct{} // those who want one count, and some others, take turns
}

// New returns a Limiter with the given rules, and the defaults for those that
// are zero. It returns an error that names every rule that cannot work.
func New(store Store, rules Rules) (*Limiter, error) {
	if store == nil {
		return nil, errors.New("throttle: store is nil")
	}
	all := rules.complete()
	var faults []error
	for _, action := range slices.Sorted(maps.Keys(all)) {
		if fault := all[action].fault(); fault != "" {
			faults = append(faults, fmt.Errorf("throttle: rule for %q: %s", action, fault))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	l := &Limiter{store: store, rules: all, seed: maphash.MakeSeed()}
	for i := range l.turns {
		l.turns[i] = make(chan struct{}, 1)
	}
	return l, nil
}

// Take counts an attempt at action under key, and returns zero, unless there were
// too many before: then it counts nothing, and returns how long to wait for
// the next one. Since attempts are counted before anyone knows how they end, any
// number of them at the same time is no way around the limit.
//
// An action for which there is no rule is an error, and so is a failure of the Store;
// after either the attempt must not be made.
func (l *Limiter) Take(ctx context.Context, action, key string) (wait time.Duration, err error) {
	err = l.update(ctx, action, key, func(r Rule, c Count) (Count, bool) {
		now := time.Now()
		if wait = r.wait(c, now); wait > 0 {
			return c, false
		}
		return r.add(c, now), true
	})
	return wait, err
}

// Return takes an attempt back that Take has counted: one that did not fail, or was
// not made at all. The next one waits no longer than for one attempt less, but from the time of
// the one that is taken back.
func (l *Limiter) Return(ctx context.Context, action, key string) error {
	return l.update(ctx, action, key, func(r Rule, c Count) (Count, bool) {
		if c.N == 0 {
			return c, false
		}
		if c.N--; c.N == 0 {
			return Count{Expires: time.Now()}, true // nothing to remember
		}
		c.Expires = r.expires(c)
		return c, true
	})
}

// Reset forgets all attempts at action under key.
func (l *Limiter) Reset(ctx context.Context, action, key string) error {
	return l.update(ctx, action, key, func(_ Rule, c Count) (Count, bool) {
		return Count{Expires: time.Now()}, c.N > 0
	})
}

func (l *Limiter) update(ctx context.Context, action, key string, change func(Rule, Count) (Count, bool)) error {
	rule, ok := l.rules[action]
	if !ok {
		return fmt.Errorf("throttle: no rule for %q", action)
	}
	if rule == InsecureUnlimited {
		return nil
	}
	key = action + "\x00" + key
	leave, err := l.enter(ctx, key)
	if err != nil {
		return err
	}
	defer leave()
	return l.store.Update(ctx, key, func(c Count) (Count, bool) { return change(rule, c) })
}

// enter waits for a turn at the count under key: many guesses at one account are not to fight
// for its row in the Store, where each but one would have to begin anew.
func (l *Limiter) enter(ctx context.Context, key string) (leave func(), err error) {
	turn := l.turns[maphash.String(l.seed, key)%uint64(len(l.turns))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
