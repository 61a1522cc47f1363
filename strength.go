package auth

import (
	"context"
	"fmt"

	"golang.org/x/text/unicode/norm"

	"github.com/vestibule-go/auth/internal/guess"
)

// Strength is an estimate of how hard a password is to guess.
type Strength struct {
	// Score is 0 for a password that the policy refuses, and otherwise 1 to 4 by the
	// number of guesses, as in zxcvbn: from a million on it is 2, from a hundred
	// million 3, and from ten thousand million 4.
	Score int `json:"score"`

	// Code is that of the [FieldError] with which the policy refuses the password,
	// or "weak" where another word would do it good. Otherwise it is empty.
	Code string `json:"code,omitempty"`

	// Message is what the visitor can do better, in English; empty if nothing.
	Message string `json:"message,omitempty"`
}

// CodeWeak is the Code of a [Strength] that could be better. No form is refused
// with it.
const CodeWeak = "weak"

// PasswordStrength estimates how hard the password is to guess for somebody who
// knows the email, which may be empty. The estimate is rough and on the low side: a
// hint for forms, on which nothing depends. It asks nobody, so it does not know what
// Policy.Breaches knows, and it logs nothing. It takes a tenth of a millisecond,
// and a few milliseconds for the longest passwords.
//
// An application that offers it to scripts should take the password as it takes a
// login: by POST, over https, and into no log.
func (m *Manager) PasswordStrength(password, email string) Strength {
	var faults FormErrors
	if m.policy.check(&faults, password, email); len(faults) > 0 {
		return Strength{0, faults[0].Code, faults[0].Message}
	}
	bits := guess.Bits(norm.NFC.String(password), m.policy.words, parts(email))
	score := 1
	for _, enough := range []float64{19.9, 26.6, 33.2} { // log2 of 10^6, 10^8, 10^10
		if bits >= enough {
			score++
		}
	}
	if score == 4 {
		return Strength{Score: score}
	}
	return Strength{score, CodeWeak, "Another word that has nothing to do with the others would make this password a better one."}
}

// PasswordHint says in English what a new password has to be like, for the form to
// say it before anything is typed. It is "" outside [Manager.Handler].
func PasswordHint(ctx context.Context) string {
	if n := MinPassword(ctx); n > 0 {
		return fmt.Sprintf("At least %d characters. Four or five words that have nothing to do with each other make a good password.", n)
	}
	return ""
}

// MinPassword returns the least number of characters of a new password, for hints in other
// languages. It is 0 outside [Manager.Handler].
func MinPassword(ctx context.Context) int {
	if st := currentState(ctx); st != nil {
		return st.m.policy.min
	}
	return 0
}
