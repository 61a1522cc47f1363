package guess

import (
	"math"
	"strings"
	"unicode"
)

// Bits estimates the logarithm, to base 2, of how many guesses it takes to come
// to the password, for somebody who knows how people make them. It is the cheapest way to put
// the password together from words, leaked passwords, walks, years,
// repetitions and single characters. The time is linear in the length.
//
// It is rough, and errs on the low side: of letters in a row it believes that
// they are language.
func Bits(password string, own ...map[string]bool) float64 {
	e := newEstimate(password, own)
	for i := range e.runes {
		e.best[i+1] = e.best[i] + e.single(i)
		e.pieces(i + 1)
		e.repetitions(i + 1)
	}
	return e.best[len(e.runes)]
}

// estimate is the work of one call of Bits.
type estimate struct {
	runes  []rune
	at     []int // where each rune begins in lower and plain, and where the last ends
	lower  string
	plain  string // lower without digits for letters
	upper  []int  // how many of the first so many runes are in upper case
	walk   []int  // how many bytes of lower from a rune on lie along a row
	own    []map[string]bool
	best   []float64 // the bits of the first so many runes
	repeat []int     // by distance: how many runes up to this one equal those before them
}

// What is looked for ends so far back. It bounds the time.
const (
	farthest = 64 // repetitions, in runes
	wordy    = 32 // words and walks, in bytes
)

func newEstimate(password string, own []map[string]bool) *estimate {
	e := &estimate{runes: []rune(password), own: own, repeat: make([]int, farthest+1)}
	var b strings.Builder
	upper := 0
	for _, r := range e.runes {
		e.at, e.upper = append(e.at, b.Len()), append(e.upper, upper)
		if unicode.IsUpper(r) {
			upper++
		}
		b.WriteRune(unicode.ToLower(r))
	}
	e.upper = append(e.upper, upper)
	e.at = append(e.at, b.Len())
	e.lower = b.String()
	e.plain = unleet.Replace(e.lower) // replaces one byte by one
	for _, at := range e.at {
		e.walk = append(e.walk, step(e.lower[at:]))
	}
	e.best = make([]float64, len(e.runes)+1)
	return e
}

// single returns the bits of one character after what stands before it.
func (e *estimate) single(i int) float64 {
	r, last := e.runes[i], rune(0)
	if i > 0 {
		last = e.runes[i-1]
	}
	switch {
	case unicode.IsLetter(r) && r >= 0x2e80: // Han and others with thousands of letters
		return 7
	case unicode.IsLetter(r) && unicode.IsLetter(last) && (unicode.IsUpper(last) || !unicode.IsUpper(r)):
		return 1.5 // as in diceware's words: 12.9 bits for 7 letters
	case unicode.IsLetter(r):
		return 4.7 // of 26
	case unicode.IsDigit(r):
		return 3.3 // of 10
	case strings.ContainsRune(" .-_!", r):
		return 1.5
	}
	return 4
}

// pieces looks for what ends at the rune end and is one of many that are known.
func (e *estimate) pieces(end int) {
	for start := end - 3; start >= 0 && e.at[end]-e.at[start] <= wordy; start-- {
		lower, plain := e.lower[e.at[start]:e.at[end]], e.plain[e.at[start]:e.at[end]]
		bits := e.known(lower)
		if len(lower) <= e.walk[start] {
			bits = min(bits, 8+math.Log2(float64(len(lower)))) // where it begins, which way, how far
		}
		if plain != lower {
			bits = min(bits, 1+e.known(plain))
		}
		if e.upper[start] < e.upper[end] {
			bits++
		}
		e.improve(start, end, bits)
	}
}

// known returns the bits of s if it is one of the words, passwords or years, and
// infinity if it is none.
func (e *estimate) known(s string) float64 {
	for _, words := range e.own {
		if words[s] {
			return 3
		}
	}
	switch {
	case common()[s]:
		return math.Log2(float64(len(common())))
	case leaked()[s]:
		return math.Log2(float64(len(leaked())))
	case len(s) == 4 && (s[:2] == "19" || s[:2] == "20") && strings.Trim(s, "0123456789") == "":
		return 6.6 // of 100
	}
	return math.Inf(1)
}

// repetitions looks for what ends at the rune end and has just been there.
func (e *estimate) repetitions(end int) {
	for d := 1; d <= min(farthest, end-1); d++ {
		if e.runes[end-1] != e.runes[end-1-d] {
			e.repeat[d] = 0
			continue
		}
		e.repeat[d]++
		n := e.repeat[d]
		e.improve(end-n, end, 2+math.Log2(float64(d))+math.Log2(float64(n)))
	}
}

func (e *estimate) improve(start, end int, bits float64) {
	e.best[end] = min(e.best[end], e.best[start]+bits)
}
