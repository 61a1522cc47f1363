package dbtest

import (
	"fmt"
	"testing"

	"github.com/vestibule-go/auth"
)

// BenchmarkSession is what every request of a logged-in user costs.
func BenchmarkSession(b *testing.B) {
	eachB(b, func(b *testing.B, src source) {
		s := src.store(b, src.open(b))
		for i := range 1000 {
			id := fmt.Sprint(i)
			must(b, s.CreateUser(b.Context(), &auth.User{ID: id, Email: id + "@example.com"}))
			rec := session(id, tomorrow())
			rec.UserID = id
			must(b, s.CreateSession(b.Context(), rec, ""))
		}
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, _, err := s.Session(b.Context(), "500"); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkReplaceSession is what a login costs beside the hashing.
func BenchmarkReplaceSession(b *testing.B) {
	eachB(b, func(b *testing.B, src source) {
		s := src.store(b, src.open(b))
		must(b, s.CreateSession(b.Context(), session("0", tomorrow()), ""))
		n := 0
		for b.Loop() {
			must(b, s.CreateSession(b.Context(), session(fmt.Sprint(n+1), tomorrow()), fmt.Sprint(n)))
			n++
		}
	})
}

// eachB runs a benchmark with every database.
func eachB(b *testing.B, bench func(*testing.B, source)) {
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) { bench(b, d.source(b)) })
	}
}
