package guess

import (
	"slices"
	"strings"
	"unicode"
)

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
		n := step(s)
		if n < 3 {
			return false
		}
		s = s[n:]
	}
	return whole != ""
}

// step returns how many bytes at the beginning of s lie along a row.
func step(s string) int {
	n := 0
	for n < len(s) && strings.Contains(bothWays, s[:n+1]) {
		n++
	}
	return n
}

func reverse(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}
