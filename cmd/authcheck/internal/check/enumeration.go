package check

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/stat"
)

var enumChecks = []Check{
	{ID: "enum-login-bytes", ASVS: "6.3.8", Title: "A failed login does not say whether the account exists",
		Why: "Lists of who has an account here are the first step of guessing passwords, and of blackmail.",
		Fix: "Answer an unknown user and a wrong password by the same status and the same sentence.", run: enumLoginBytes},
	{ID: "enum-login-time", ASVS: "6.3.8", Title: "A failed login takes the same time, whether the account exists or not",
		Why: "The time of hashing a password is easily seen from outside.",
		Fix: "Verify against a made-up hash of the same cost if the user is unknown.", run: enumLoginTime},
	{ID: "enum-signup-bytes", ASVS: "6.3.8", Title: "Signing up does not say whether the account exists",
		Why: "Otherwise the form to sign up is a list of users.",
		Fix: "Answer alike, and mail the rest: a link to confirm, or a hint to the owner of the account.", run: enumSignupBytes},
	{ID: "enum-reset-bytes", ASVS: "6.3.8", Title: "Asking for a new password does not say whether the account exists",
		Why: "Otherwise that form is a list of users.",
		Fix: "Answer alike: if there is such an account, a mail is on its way.", run: enumResetBytes},
	{ID: "enum-reset-time", ASVS: "6.3.8", Title: "Asking for a new password takes the same time, whether the account exists or not",
		Why: "The time of sending a mail is easily seen from outside.",
		Fix: "Send the mail in the background.", run: enumResetTime},
}

// samples takes one answer for each of four cases, and compares what is known with what is not.
func (t *target) compare(known, unknown func() (*sample, error)) ([]string, error) {
	var all []*sample
	for _, ask := range []func() (*sample, error){known, unknown, unknown, known} {
		s, err := ask()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return differences([]*sample{all[0], all[3]}, []*sample{all[1], all[2]}), nil
}

// loginSample is the answer to a wrong password.
func (t *target) loginSample(a *account) (*sample, error) {
	_, answer, err := t.try(t.visitor(), a.user, wrongPassword())
	if err != nil {
		return nil, err
	}
	return sampled(answer, a), nil
}

func enumLoginBytes(t *target) ([]string, error) {
	a, err := t.account("main")
	if err != nil {
		return nil, err
	}
	seen, err := t.compare(
		func() (*sample, error) { return t.loginSample(a) },
		func() (*sample, error) { return t.loginSample(t.nobody()) })
	if err != nil || len(seen) > 0 || len(t.cfg.Accounts) > 0 { // given accounts are not to be locked
		return seen, err
	}
	return t.limitsAlike()
}

// limitsAlike compares after how many wrong passwords there is a limit.
func (t *target) limitsAlike() ([]string, error) {
	a, err := t.account("limited")
	if err != nil {
		return nil, err
	}
	t.move()
	known, knownLimited, err := t.guesses(a)
	if err != nil {
		return nil, err
	}
	t.move()
	unknown, unknownLimited, err := t.guesses(t.nobody())
	if err != nil || knownLimited == unknownLimited && (known-unknown)*(known-unknown) <= 4 {
		return nil, err
	}
	return []string{fmt.Sprintf("POST %s: refused after %s for an account that exists, after %s for one that does not",
		t.cfg.Login.Path, times(known, knownLimited), times(unknown, unknownLimited))}, nil
}

func times(tries int, limited bool) string {
	if limited {
		return fmt.Sprintf("%d wrong passwords", tries)
	}
	return fmt.Sprintf("more than %d wrong passwords", tries)
}

func enumSignupBytes(t *target) ([]string, error) {
	if t.cfg.Signup.Path == "" {
		return nil, notHere("nobody can sign up by a form (signup.path)")
	}
	taken, err := t.account("main")
	if err != nil {
		return nil, err
	}
	ask := func(a *account) (*sample, error) {
		a.password = newPassword()
		answer, err := t.sendSignup(t.visitor(), a)
		if err != nil {
			return nil, err
		}
		return sampled(answer, a), nil
	}
	return t.compare(
		func() (*sample, error) { return ask(&account{user: taken.user, email: taken.email}) },
		func() (*sample, error) { return ask(t.somebody()) })
}

// forgotForm opens the page to ask for a new password, and fills it in.
func (t *target) forgotForm(b *browser.Browser, a *account) (*fill, error) {
	if t.cfg.Forgot.Path == "" {
		return nil, notHere("nobody can ask for a new password (forgot.path)")
	}
	f, err := t.form(b, t.cfg.Forgot.Path, t.cfg.Forgot.User)
	if err != nil {
		return nil, err
	}
	f.set(t.cfg.Forgot.User, a.email)
	return f, nil
}

func (t *target) sendForgot(a *account) (*browser.Answer, error) {
	b := t.visitor()
	f, err := t.forgotForm(b, a)
	if err != nil {
		return nil, err
	}
	return t.send(b, f.request())
}

func enumResetBytes(t *target) ([]string, error) {
	a, err := t.account("other")
	if err != nil {
		return nil, err
	}
	ask := func(a *account) (*sample, error) {
		answer, err := t.sendForgot(a)
		if err != nil {
			return nil, err
		}
		return sampled(answer, a), nil
	}
	return t.compare(
		func() (*sample, error) { return ask(a) },
		func() (*sample, error) { return ask(t.nobody()) })
}

// each is how many answers of each kind are timed; fewest is how few will do.
const (
	each   = 12
	fewest = 8
)

// chances are the most that the probability of an accident may be, in the first round and in the second one. The medians have to differ
// by leastGap as well, since a difference that nobody can use is none.
var chances = []float64{0.001, 0.01}

const leastGap = 3 * time.Millisecond

// timing compares times, in two rounds if the first one finds a difference: what is left is no accident.
func (t *target) timing(what string, known, unknown func() (time.Duration, error)) ([]string, error) {
	var seen []string
	for _, chance := range chances {
		a, b, err := t.round(known, unknown)
		if err != nil {
			return nil, err
		}
		gap := stat.Median(a) - stat.Median(b)
		p := stat.MannWhitney(a, b)
		if p >= chance || gap.Abs() < leastGap {
			return nil, nil
		}
		seen = append(seen, fmt.Sprintf("%s: median %v for an account that exists, %v for one that does not (%d of each, p = %.1g)",
			what, stat.Median(a).Round(100*time.Microsecond), stat.Median(b).Round(100*time.Microsecond), len(a), p))
		t.move()
	}
	return seen, nil
}

// round asks in turn, now the one first and now the other, so that whatever else is going on concerns both.
func (t *target) round(known, unknown func() (time.Duration, error)) (a, b []time.Duration, err error) {
	for range each {
		turns := []func() error{
			func() error { return timed(&a, known) },
			func() error { return timed(&b, unknown) },
		}
		if rand.N(2) == 0 {
			slices.Reverse(turns)
		}
		for _, ask := range turns {
			switch err := ask(); {
			case errors.Is(err, errLimited) && min(len(a), len(b)) >= fewest:
				return a, b, nil
			case err != nil:
				return nil, nil, err
			}
		}
	}
	return a, b, nil
}

func timed(sample *[]time.Duration, ask func() (time.Duration, error)) error {
	took, err := ask()
	if err == nil {
		*sample = append(*sample, took)
	}
	return err
}

// inARow is how many wrong passwords are tried at one account before the right one is.
const inARow = 3

func enumLoginTime(t *target) ([]string, error) {
	var accounts []*account
	for _, name := range []string{"main", "other"} {
		a, err := t.account(name)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a)
	}
	turn := 0
	known := func() (time.Duration, error) {
		a := accounts[turn%len(accounts)]
		if turn++; turn%(inARow*len(accounts)) == 0 {
			for _, a := range accounts { // so that the account is not locked
				if _, err := t.login(a); err != nil {
					return 0, err
				}
			}
		}
		return t.timedLogin(a)
	}
	return t.timing("POST "+t.cfg.Login.Path+" with a wrong password", known, func() (time.Duration, error) { return t.timedLogin(t.nobody()) })
}

func (t *target) timedLogin(a *account) (time.Duration, error) {
	b := t.visitor()
	f, err := t.loginForm(b, t.cfg.Login.Path, a.user, wrongPassword())
	if err != nil {
		return 0, err
	}
	return t.timedSend(b, f)
}

// timedSend sends a form once: waiting and trying again would be no time.
func (t *target) timedSend(b *browser.Browser, f *fill) (time.Duration, error) {
	answer, err := b.Send(t.ctx, f.request())
	if err != nil {
		return 0, err
	}
	if answer.Status == http.StatusTooManyRequests {
		return 0, errLimited
	}
	return answer.Took, nil
}

func enumResetTime(t *target) ([]string, error) {
	a, err := t.account("other")
	if err != nil {
		return nil, err
	}
	ask := func(a *account) (time.Duration, error) {
		b := t.visitor()
		f, err := t.forgotForm(b, a)
		if err != nil {
			return 0, err
		}
		return t.timedSend(b, f)
	}
	return t.timing("POST "+t.cfg.Forgot.Path,
		func() (time.Duration, error) { return ask(a) },
		func() (time.Duration, error) { return ask(t.nobody()) })
}
