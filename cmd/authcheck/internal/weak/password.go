package weak

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"unicode/utf8"
)

// A user is an account.
type user struct {
	email      string
	salt, hash []byte
}

// Rounds make a hash cost some ten milliseconds, so that leaving it out can be seen from outside.
const Rounds = 100_000

func (a *app) newUser(email, password string) *user {
	salt := []byte(rand.Text())
	return &user{email, salt, a.hash(salt, password)}
}

func (a *app) hash(salt []byte, password string) []byte {
	sum := sha256.Sum256(append(bytes.Clone(salt), password...))
	for range a.Rounds {
		sum = sha256.Sum256(sum[:])
	}
	return sum[:]
}

// nobody is whose hash is computed if there is no such user.
var nobody = &user{salt: []byte("nobody")}

// verified returns the user, if that is the password, after the same work for everybody.
func (a *app) verified(email, password string) *user {
	u := a.users[email]
	if u == nil && a.is("enum-login-time") {
		return nil
	}
	if u == nil {
		u = nobody
	}
	if !hmac.Equal(u.hash, a.hash(u.salt, a.normal(password))) {
		return nil
	}
	return u
}

// normal is what is hashed of a password: all of it.
func (a *app) normal(password string) string {
	switch {
	case a.is("password-truncated"):
		return password[:min(len(password), 72)]
	case a.is("password-truncated/case"):
		return strings.ToLower(password)
	case a.is("password-unicode/lost"):
		return strings.Map(func(c rune) rune { return min(c, utf8.RuneSelf) }, password)
	case a.is("password-space"):
		return strings.TrimSpace(password)
	case a.is("password-space/all"):
		return strings.ReplaceAll(password, " ", "")
	}
	return password
}

// common are parts of the passwords that are tried first.
var common = []string{"password", "iloveyou", "qwerty", "letmein", "welcome", "12345", "abc123", "admin", "dragon", "monkey",
	"football", "baseball", "sunshine", "princess", "trustno1", "1q2w3e", "111111", "asdf"}

// refused says why a password cannot be chosen, or "".
func (a *app) refused(password string) string {
	n := utf8.RuneCountInString(password)
	switch {
	case n == 0:
		return "Choose a password."
	case n < 8 && !a.is("password-short"):
		return "A password has eight characters or more."
	case n > 60 && a.is("password-long"), len(password) > 1024:
		return "That is too long."
	case n < len(password) && a.is("password-unicode"):
		return "A password has letters and digits only."
	case isCommon(password) && !a.is("password-common"):
		return "That is what everybody takes."
	}
	return ""
}

func isCommon(password string) bool {
	for _, word := range common {
		if strings.Contains(strings.ToLower(password), word) {
			return true
		}
	}
	return false
}
