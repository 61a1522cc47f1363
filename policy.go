package auth

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Policy says which passwords may be chosen. The zero Policy asks for 15
// characters that are not among the first that anyone would guess, and for
// nothing else: no mixture of letters and digits, no change every so often
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
}

const (
	defaultMinLength = 15   // NIST SP 800-63B-4, section 3.1.1.2, single factor
	floorMinLength   = 8    // the same, one of several factors
	maxPassword      = 1024 // bytes; 64 characters of any script fit (ASVS 6.2.9)
)

// common holds words that the most used passwords are made of, one a line. They
// alone are too short to be chosen; a password that consists of up to three of
// them, repeated or dressed up with digits, is what a list of common passwords
// of 15 characters would hold.
//
//go:embed common.txt
var common string

var commonWords = sync.OnceValue(func() map[string]bool { return wordSet(strings.Fields(common)) })

func wordSet(words []string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

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
	return &policy{p.MinLength, ownWords(append(strings.FieldsFunc(host, func(r rune) bool { return r == '.' || r == '-' }), p.Words...))}, nil
}

// ownWords returns words in the form in which passwords are compared with them.
// What is left of less than three letters would forbid too much.
func ownWords(words []string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range words {
		if w = fold(w); len(w) >= 3 {
			set[w] = true
		}
	}
	return set
}

// check notes what is wrong with a new password of the user with that email.
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
	case p.guessed(password, email):
		e.Add("password", CodeCommon, 0)
	}
}

// guessed reports whether the whole password is among the first to be tried.
func (p *policy) guessed(password, email string) bool {
	if monotonous(password) {
		return true
	}
	theirs := ownWords(strings.FieldsFunc(email, func(r rune) bool { return strings.ContainsRune("@.+-_", r) }))
	local, _, _ := strings.Cut(email, "@")
	theirs[fold(local)], theirs[fold(email)] = true, true
	known := func(w string) bool { return commonWords()[w] || p.words[w] || theirs[w] }
	lower := strings.ToLower(password)
	undressed := undress(lower)
	for _, w := range []string{fold(lower), fold(undressed), fold(unleet.Replace(undressed)), letters(lower)} {
		if walk(squeeze(w)) || made(w, known, 3) {
			return true
		}
	}
	return false
}

// undress returns s without what is put before and after a word to make it
// another: a few digits, or digits in a row. Where there are more s keeps them.
func undress(s string) string {
	word := strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	before, after, _ := strings.Cut(s, word)
	if digits := fold(before + after); len(digits) > 6 && !walk(squeeze(digits)) {
		return s
	}
	return word
}

// fewest is how many different characters a password in ASCII must have: fewer is
// a key held down. Who types emoji may repeat one.
const fewest = 5

func monotonous(password string) bool {
	seen := make(map[rune]bool)
	for _, r := range password {
		if r > unicode.MaxASCII {
			return false
		}
		seen[r] = true
	}
	return len(seen) < fewest
}

var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// fold returns s in lower case, without anything but letters and digits.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// letters returns the letters of s, or "" if they are the smaller part of it.
func letters(s string) string {
	only := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
	if 2*len(only) < len(s) {
		return ""
	}
	return only
}

// made reports whether s consists of at most so many known words, or of one that
// comes again and again.
func made(s string, known func(string) bool, words int) bool {
	if s == "" || words == 0 {
		return false
	}
	if u := unit(s); u != s && (len(u) <= 4 || len(s) >= 3*len(u) || made(undress(u), known, words)) {
		return true
	}
	if known(s) {
		return true
	}
	for i := 1; i < len(s); i++ {
		if known(s[:i]) && made(s[i:], known, words-1) {
			return true
		}
	}
	return false
}

// unit returns the shortest string that s is a repetition of.
func unit(s string) string {
	if s == "" {
		return s
	}
	return s[:strings.Index((s + s)[1:], s)+1]
}

// squeeze returns s with runs of one character made one.
func squeeze(s string) string {
	var b strings.Builder
	last := rune(-1)
	for _, r := range s {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

// rows are what fingers and children run along.
const rows = "abcdefghijklmnopqrstuvwxyz 01234567890123456789012345678901234567890 qwertyuiop qwertzuiop azertyuiop asdfghjkl qsdfghjklm zxcvbnm yxcvbnm wxcvbn" +
	" 1qaz2wsx3edc4rfv5tgb6yhn7ujm qazwsxedcrfvtgbyhnujm 147258369 159357"

var bothWays = rows + " " + reverse(rows)

// walk reports whether s runs along the rows, three characters or more at a time.
func walk(s string) bool {
	whole := s
	for len(s) > 0 {
		n := 0
		for n < len(s) && strings.Contains(bothWays, s[:n+1]) {
			n++
		}
		if n < 3 {
			return false
		}
		s = s[n:]
	}
	return whole != ""
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
