package auth_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/timing"
)

// BenchmarkEnumeration asks whether time tells who has an account: it sends wrong
// passwords for 5,000 names that exist and 5,000 that do not, in random order, each
// once and each from another address, through the whole Handler. Hashes are the cheapest that there
// are, so that a difference of microseconds shows, which the default cost would drown.
// See timing.Compare for the figures, and internal/dbtest for the same on a database.
func BenchmarkEnumeration(b *testing.B) {
	b.Run("login", func(b *testing.B) {
		for b.Loop() {
			compareTimes(b, "/login", http.StatusUnprocessableEntity, "password", another)
		}
	})
}

// compareTimes sends a form that gets the answer want, whoever it is for.
func compareTimes(b *testing.B, path string, want int, fields ...string) {
	s := newSite(b, nil)
	s.unwatched()
	hash, err := s.hasher.Hash(password)
	if err != nil {
		b.Fatal(err)
	}
	user := s.browser()
	create := func(_ int, email string) {
		if err := s.store.CreateUser(b.Context(), &auth.User{ID: "id-" + email, Email: email, PasswordHash: hash, Stamp: "stamp"}); err != nil {
			b.Fatal(err)
		}
	}
	timing.Compare(b, 5000, create, func(i int, email string) {
		r := user.form(path, append([]string{"email", email}, fields...)...)
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:1234", i>>8, i&255)
		if w := user.do(r); w.Code != want {
			b.Fatalf("%s: status %d, want %d", email, w.Code, want)
		}
	})
}
