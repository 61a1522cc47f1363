package auth

import (
	_ "embed"
	"fmt"
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
// alone are too short to be chosen; a password that consists of one or two of
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
	return &policy{p.MinLength, ownWords(append(strings.Split(host, "."), p.Words...))}, nil
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
	theirs := ownWords(strings.FieldsFunc(email, func(r rune) bool { return strings.ContainsRune("@.+-_", r) }))
	local, _, _ := strings.Cut(email, "@")
	theirs[fold(local)], theirs[fold(email)] = true, true
	known := func(w string) bool { return commonWords()[w] || p.words[w] || theirs[w] }
	lower := strings.ToLower(password)
	for _, w := range []string{fold(lower), fold(unleet.Replace(lower)), letters(lower)} {
		if walk(w) || made(w, known) || made(strings.TrimFunc(w, unicode.IsDigit), known) {
			return true
		}
	}
	return false
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

// letters returns the letters of s.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// made reports whether s is one known word or two, or one that comes again and again.
func made(s string, known func(string) bool) bool {
	if s == "" {
		return false
	}
	if u := unit(s); u != s && (len(u) <= 4 || made(strings.TrimFunc(u, unicode.IsDigit), known)) {
		return true
	}
	if known(s) {
		return true
	}
	for i := 1; i < len(s); i++ {
		if known(s[:i]) && known(s[i:]) {
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

// rows are what fingers and children run along.
const rows = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop qwertzuiop azertyuiop asdfghjkl zxcvbnm yxcvbnm 1qaz2wsx3edc4rfv5tgb6yhn7ujm"

var bothWays = rows + " " + reverse(rows)

// walk reports whether s runs along the rows, four characters or more at a time.
func walk(s string) bool {
	whole := s
	for len(s) > 0 {
		n := 0
		for n < len(s) && strings.Contains(bothWays, s[:n+1]) {
			n++
		}
		if n < 4 {
			return false
		}
		s = s[n:]
	}
	return whole != ""
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
