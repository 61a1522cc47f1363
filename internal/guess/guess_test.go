package guess_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/vestibule-go/auth/internal/guess"
)

// The lists stay small: every program that imports the root carries them.
func TestSize(t *testing.T) {
	total := int64(0)
	for _, name := range []string{"words.txt", "passwords.txt.gz"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 300_000 {
		t.Errorf("%d bytes, want 300,000 at most", total)
	}
}

func TestBits(t *testing.T) {
	own := guess.Words([]string{"Zeppelin"})
	for _, test := range []struct {
		password string
		min, max float64
	}{
		{"", 0, 0},
		{"password", 8, 11},
		{"P4ssword", 10, 13},
		{"trustno1", 10, 15},
		{"zeppelin", 2, 4},
		{"Zeppelin2019", 8, 12},
		{"qwertyuiop", 8, 15},
		{"zzzzzzzzzzzzzzzzzzzzzzzz", 5, 12},
		{"kV7?mzkV7?mzkV7?mzkV7?mz", 20, 35},
		{"elephant password", 15, 28},
		{"window tractor ocean violin", 42, 60},
		{"window tractor ocean violin candle", 52, 75},
		{"x7Gh2kQp-9mWz4RtL", 50, 90},
		{"83104772956120385567", 50, 70},
		{"水曜日の青い猫と古い時計", 60, 90},
	} {
		if got := guess.Bits(test.password, own); got < test.min || got > test.max {
			t.Errorf("%q: %.1f bits, want %.0f to %.0f", test.password, got, test.min, test.max)
		}
	}
}

// A longer password is not easier, but for what makes one word of it.
func TestBitsGrow(t *testing.T) {
	grows := func(a, b uint64) bool {
		short := fmt.Sprintf("%x", a)
		return guess.Bits(short+" "+fmt.Sprintf("%x", b)) > guess.Bits(short)
	}
	if err := quick.Check(grows, nil); err != nil {
		t.Error(err)
	}
}

func FuzzGuess(f *testing.F) {
	for _, s := range []string{"", "password", "PASSWORT 123", "İstanbul ẞ", "a\xffb", strings.Repeat("ab", 300), "1qaz2wsx3edc", "水曜日", "ann@example.com"} {
		f.Add(s, "ann@example.com")
	}
	f.Fuzz(func(t *testing.T, password, email string) {
		if len(password) > 1024 || len(email) > 254 {
			t.Skip("longer than the policy lets through")
		}
		own := guess.Words(strings.Split(email, "@"))
		bits := guess.Bits(password, own)
		if math.IsNaN(bits) || bits < 0 || bits > 7*float64(utf8.RuneCountInString(password)) {
			t.Errorf("%q has %f bits", password, bits)
		}
		if guess.First(password, own) && !guess.First(strings.ToUpper(password), own) && strings.ToLower(strings.ToUpper(password)) == password {
			t.Errorf("%q is guessed, and not in upper case", password)
		}
		if len(guess.Fold(email)) >= 3 && !guess.Near(email, email) {
			t.Errorf("%q is not near itself", email)
		}
		guess.Near(password, email)
	})
}

// The longest passwords must stay cheap, whatever they are made of.
func BenchmarkGuess(b *testing.B) {
	email := "a.an.ana.anan.anana.ananan.ananana.anananan.ananananan@an.example"
	own := guess.Words(strings.FieldsFunc(email, func(r rune) bool { return r == '.' || r == '@' }))
	for _, c := range []struct{ name, password string }{
		{"phrase", "window tractor ocean violin"},
		{"words", strings.Repeat("passwordmonkeydragon", 52)[:1024]},
		{"own", strings.Repeat("an", 500) + "kV7?mz"},
		{"walk", strings.Repeat("qwertyuiopasdfghjkl", 60)[:1000] + "kV7?mz"},
		{"hex", strings.Repeat("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 16)[:1020] + "zzzz"},
		{"letters", strings.Repeat("the quick brown fox jumps over a lazy dog and sleeps ", 20)[:1024]},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				guess.First(c.password, own)
				guess.Near(c.password, email)
				guess.Bits(c.password, own)
			}
		})
	}
}
