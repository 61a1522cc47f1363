// Package guess knows which passwords are tried first: those of lists of leaked
// passwords, words that passwords are made of, walks over the keyboard, and
// repetitions of all of these. Passwords are compared as a whole (NIST SP
// 800-63B-4, section 3.1.1.2): one that only contains a word is another password.
//
// Where the lists come from is in docs/blocklist.md.
package guess

import (
	"strings"
	"unicode"
)

// First reports whether the whole password is among the first to be tried,
// where own are words of the site and of the user, as [Words] returns them.
func First(password string, own ...map[string]bool) bool {
	if monotonous(password) {
		return true
	}
	known := func(w string) bool {
		for _, words := range own {
			if words[w] {
				return true
			}
		}
		return common()[w]
	}
	whole := forms(password)
	for _, w := range append(whole, letters(strings.ToLower(password))) {
		if walk(squeeze(w)) || made(w, known, 3) {
			return true
		}
	}
	for _, w := range whole {
		if leaked()[w] || leaked()[unit(w)] {
			return true
		}
	}
	return false
}

// Words returns words in the form in which passwords are compared with them.
// What is left of less than three letters would forbid too much.
func Words(words []string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range words {
		if w = Fold(w); len(w) >= 3 {
			set[w] = true
		}
	}
	return set
}

// Fold returns s in lower case, without anything but letters and digits.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// forms returns what a password may be a disguise of: without its case and its
// symbols, without digits around it, and without digits and symbols for letters.
func forms(password string) []string {
	lower := strings.ToLower(password)
	undressed := undress(lower)
	return []string{
		Fold(lower), Fold(undressed), Fold(unleet.Replace(undressed)),
		Fold(unleet.Replace(undress(unmark.Replace(lower)))), // "@cme 2026"
	}
}

// undress returns s without what is put before and after a word to make it
// another: a few digits, or digits in a row. Where there are more s keeps them.
func undress(s string) string {
	word := strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	before, after, _ := strings.Cut(s, word)
	if digits := Fold(before + after); len(digits) > 6 && !walk(squeeze(digits)) {
		return s
	}
	return word
}

var unmark = strings.NewReplacer("@", "a", "$", "s", "!", "i")

var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

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

// longest is the length in bytes of the longest word that is looked for inside a
// password. It bounds the time that a long password takes.
const longest = 64

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
	for i := 1; i < min(len(s), longest+1); i++ {
		if known(s[:i]) && made(s[i:], known, words-1) {
			return true
		}
	}
	return false
}
