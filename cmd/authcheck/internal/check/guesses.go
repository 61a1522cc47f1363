package check

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
)

var guessChecks = []Check{
	{ID: "guess-limit", ASVS: "6.3.1", Title: "Guessing the password of an account is slowed down, and others can still log in",
		Why: "Without a limit the common passwords are through in an hour.",
		Fix: "Count wrong passwords by account and by network; wait longer and longer, and answer 429.", run: guessLimit},
	{ID: "guess-spray", ASVS: "6.3.1", Optional: true, Title: "Trying one password at many accounts is slowed down",
		Why: "A limit by account never sees who tries each account once.",
		Fix: "Count wrong passwords by the network they come from, too.", run: guessSpray},
}

// refused reports whether an answer says that there were too many attempts.
func refused(a *browser.Answer) bool {
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusForbidden, http.StatusLocked, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// guess tries a wrong password from a new browser, and reports whether there is a limit that says no.
func (t *target) guess(a *account) (limited bool, err error) {
	b := t.visitor()
	f, err := t.loginForm(b, t.cfg.Login.Path, a.user, wrongPassword())
	if errors.Is(err, errLimited) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	q := f.request()
	if q.Header == nil {
		q.Header = http.Header{}
	}
	q.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", rand.IntN(256))) // a limit must not believe it
	answer, err := b.Send(t.ctx, q)
	return err == nil && refused(answer), err
}

// guesses tries wrong passwords until there is a limit, or until there were enough.
func (t *target) guesses(a *account) (tries int, limited bool, err error) {
	for tries < t.cfg.Guesses.Tries && !limited && err == nil {
		limited, err = t.guess(a)
		tries++
	}
	return tries, limited, err
}

func guessLimit(t *target) ([]string, error) {
	a, err := t.account("guessed")
	if err != nil {
		return nil, err
	}
	other, err := t.account("main")
	if err != nil {
		return nil, err
	}
	if _, err := t.login(a); err != nil {
		return nil, err
	}
	tries, limited, err := t.guesses(a)
	if err != nil {
		return nil, err
	}
	if !limited {
		in, err := t.canLogin(a)
		if err != nil && !errors.Is(err, errLimited) {
			return nil, err
		}
		if in {
			return []string{fmt.Sprintf("POST %s: after %d wrong passwords in a row the right one logs in at once", t.cfg.Login.Path, tries)}, nil
		}
	}
	return t.othersEnter(other)
}

// othersEnter makes sure that the limit does not keep everybody out, wherever they come from.
func (t *target) othersEnter(other *account) ([]string, error) {
	t.move()
	in, err := t.canLogin(other)
	switch {
	case errors.Is(err, errLimited) && !t.separate: // the limit is one by address, and there is only this one to come from
		return nil, nil
	case errors.Is(err, errLimited) || err == nil && !in:
		return []string{"after wrong passwords for one account, another account cannot log in from another address"}, nil
	}
	return nil, err
}

// sprayed is how many accounts are tried once: more than share an address by accident.
const sprayed = 60

func guessSpray(t *target) ([]string, error) {
	for range sprayed {
		limited, err := t.guess(t.nobody())
		if err != nil || limited {
			return nil, err
		}
	}
	return []string{fmt.Sprintf("POST %s: %d accounts were tried from one address, and none was refused", t.cfg.Login.Path, sprayed)}, nil
}
