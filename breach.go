package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/unicode/norm"
)

// BreachChecker knows passwords that have leaked. Range, in package password, asks
// a service without telling it the password.
//
// Breached reports whether the password, which is in NFC, has leaked. It must be safe
// for concurrent use, and neither keep nor log anything of the password. It has two
// seconds, or less if the request ends before, and should stop when ctx does: what it
// says later is not heard, and until it returns it costs a goroutine. A panic counts
// as an error.
type BreachChecker interface {
	// Breached reports whether the password, which is in NFC, has leaked.
	Breached(ctx context.Context, password string) (bool, error)
}

// ErrUnchecked reports that Policy.Breaches could not say whether a password
// has leaked, and Policy.BreachesRequired that it must. Nothing was stored.
// [Status] makes 503 of it.
var ErrUnchecked = errors.New("auth: password could not be checked")

// breachWait is how long a check may take. Somebody is waiting for the page.
const breachWait = 2 * time.Second

// unbreached notes in e that the password has leaked. It asks only if nothing else
// is wrong: no password leaves that would be refused anyway.
func (m *Manager) unbreached(ctx context.Context, e *FormErrors, password string) error {
	policy := m.cfg.Passwords
	if policy.Breaches == nil || len(*e) > 0 {
		return nil
	}
	leaked, err := askBreaches(ctx, policy.Breaches, norm.NFC.String(password))
	if err == nil {
		if leaked {
			e.Add("password", CodeBreached, 0)
		}
		return nil
	}
	m.failed(ctx, "check for breaches", err)
	if policy.BreachesRequired {
		return fmt.Errorf("%w: %v", ErrUnchecked, err) // %v, for Status to see no other error in it
	}
	return nil // who hangs up to get here gets no seat for hashing
}

// askBreaches asks c, and waits for the answer as long as breachWait and ctx allow.
func askBreaches(ctx context.Context, c BreachChecker, password string) (leaked bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, breachWait)
	defer cancel()
	type answer struct {
		leaked bool
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errors.New("auth: no answer")}
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("auth: panic: %v", p)}
			}
			answers <- a
		}()
		a.leaked, a.err = c.Breached(ctx, password)
	}()
	select {
	case a := <-answers:
		return a.leaked, a.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
