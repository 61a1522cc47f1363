package auth

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/vestibule-go/auth/internal/guess"
)

// Policy says which passwords may be chosen. The zero Policy asks for 15
// characters that are not among the first that anyone would guess, and not too
// close to the user's email, and for nothing else: no mixture of letters and digits, no change every so often
// (NIST SP 800-63B-4, section 3.1.1.2; OWASP ASVS 5.0, 6.2).
//
// A policy is applied when a password is chosen, never when it is used.
type Policy struct {
	// MinLength is the least number of Unicode code points. Zero means 15, what
	// NIST asks of a password that is the only factor. The floor is 8, for sites
	// where everyone has a second factor.
	MinLength int

	// Words are the site's own: its name, its products. A password made of them
	// is as easily guessed as "password". The host of BaseURL is always among them.
	Words []string

	// Breaches knows passwords that have leaked elsewhere; nil means that nobody is
	// asked, and only the built-in list counts. It is asked whenever a password is
	// chosen, after everything else about it was found good, and never at login.
	Breaches BreachChecker

	// BreachesRequired refuses new passwords, by ErrUnchecked, while Breaches fails.
	// Without it they are accepted, and an event tells of the failure: whoever can
	// keep Breaches from answering switches the check off. With it they switch off
	// signing up and changing passwords.
	BreachesRequired bool
}

const (
	defaultMinLength = 15   // NIST SP 800-63B-4, section 3.1.1.2, single factor
	floorMinLength   = 8    // the same, one of several factors
	maxPassword      = 1024 // bytes; 64 characters of any script fit (ASVS 6.2.9)
)

// policy is a Policy with its defaults.
type policy struct {
	min   int
	words map[string]bool // folded
}

func newPolicy(p Policy, host string) (*policy, error) {
	if p.MinLength == 0 {
		p.MinLength = defaultMinLength
	}
	if p.MinLength < floorMinLength || p.MinLength > maxPassword/utf8.UTFMax {
		return nil, fmt.Errorf("Passwords.MinLength is %d, not between %d and %d", p.MinLength, floorMinLength, maxPassword/utf8.UTFMax)
	}
	return &policy{p.MinLength, guess.Words(append(strings.FieldsFunc(host, func(r rune) bool { return r == '.' || r == '-' }), p.Words...))}, nil
}

// check notes what is wrong with a new password of the user with that email. It
// does not ask Breaches: see unbreached.
func (p *policy) check(e *FormErrors, password, email string) {
	password = norm.NFC.String(password)
	switch {
	case password == "":
		e.Add("password", CodeRequired, 0)
	case !utf8.ValidString(password):
		e.Add("password", CodeInvalid, 0)
	case len(password) > maxPassword:
		e.Add("password", CodeTooLong, maxPassword)
	case utf8.RuneCountInString(password) < p.min:
		e.Add("password", CodeTooShort, p.min)
	case guess.Near(password, email):
		e.Add("password", CodeSimilar, 0)
	case guess.First(password, p.words, parts(email)):
		e.Add("password", CodeCommon, 0)
	}
}

// parts returns what people make passwords of that they think of as their own.
func parts(email string) map[string]bool {
	local, _, _ := strings.Cut(email, "@")
	words := guess.Words(strings.FieldsFunc(email, func(r rune) bool { return strings.ContainsRune("@.+-_", r) }))
	words[guess.Fold(local)], words[guess.Fold(email)] = true, true // however short
	return words
}
