package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/vestibule-go/auth/storetest"
)

// BenchmarkPrimary is what one server of PostgreSQL holds: eight connections do the same thing again and
// again. It reports how often, with how many calls of the store that write, and bytes of the server's log.
func BenchmarkPrimary(b *testing.B) {
	for _, c := range []struct {
		name  string
		begin func(*testing.B, *storage) func(context.Context, int) error
	}{
		{"read-session", readSessions},
		{"note-use", noteUses},
		{"begin-session", beginSessions},
		{"login", logIns},
	} {
		b.Run("op="+c.name, func(b *testing.B) {
			s := openPostgres(b)
			var writes atomic.Int64
			s.store = &storetest.Faulty{Store: s.store, Before: func(method string) error {
				if !slices.Contains(reads, method) {
					writes.Add(1)
				}
				return nil
			}}
			do := c.begin(b, s)
			log, before := written(b, s), writes.Load()
			var n atomic.Int64
			b.SetParallelism(4) // goroutines for each processor
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := do(b.Context(), int(n.Add(1))); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric(float64(written(b, s)-log)/float64(b.N), "WAL-B/op")
			b.ReportMetric(float64(writes.Load()-before)/float64(b.N), "writes/op")
		})
	}
}

// reads are the methods of a store that write nothing.
var reads = []string{"UserByID", "UserByLogin", "Credential", "Credentials", "Session", "Sessions"}

const liveSessions = 10_000

func readSessions(b *testing.B, s *storage) func(context.Context, int) error {
	fillSessions(b, s.store, liveSessions)
	return func(ctx context.Context, n int) error {
		_, _, err := s.store.Session(ctx, live(n*7919%liveSessions).ID)
		return err
	}
}

func noteUses(b *testing.B, s *storage) func(context.Context, int) error {
	fillSessions(b, s.store, liveSessions)
	return func(ctx context.Context, n int) error {
		seen := live(n * 7919 % liveSessions)
		seen.Data = nil
		return s.store.UpdateSession(ctx, seen)
	}
}

func beginSessions(_ *testing.B, s *storage) func(context.Context, int) error {
	return func(ctx context.Context, n int) error { return s.store.CreateSession(ctx, live(n), "") }
}

// logIns logs people in through the whole application, each with an address and a browser of its own.
func logIns(b *testing.B, s *storage) func(context.Context, int) error {
	a := authApp(b, s)
	var next []func() *http.Request
	for range 64 {
		email := newVisitor(a).enter(b)
		guest := newVisitor(a)
		form := credentials(guest.token(b, "/login"), email)
		next = append(next, again(guest.request("POST", "/login", form), form))
	}
	return func(_ context.Context, n int) error {
		w := httptest.NewRecorder()
		if a.handler.ServeHTTP(w, next[n%len(next)]()); w.Code != http.StatusSeeOther {
			return fmt.Errorf("%d: %s", w.Code, w.Body)
		}
		return nil
	}
}

// written returns how many bytes of log the server has written.
func written(b *testing.B, s *storage) (n int64) {
	if err := s.db.QueryRow("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}
