package memstore

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
)

// flood puts n credentials that are nobody's and expire after so long.
func flood(t testing.TB, s *Store, prefix string, n int, after time.Duration) {
	t.Helper()
	expires := time.Now().Add(after)
	for i := range n {
		// Data is as long as that of a count of attempts.
		c := &auth.Credential{Kind: "throttle", ID: fmt.Sprintf("%s%043d", prefix, i), Data: make([]byte, 25), Expires: expires}
		if err := s.PutCredential(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func isKept(t *testing.T, s *Store, kind, id string, want bool) {
	t.Helper()
	_, err := s.Credential(t.Context(), kind, id)
	if want && err != nil || !want && !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("%s %s: got error %v, want it to be kept: %v", kind, id, err, want)
	}
}

// However many names someone invents, memory is bounded, and what lasts longer
// than they do survives them.
func TestUnownedIsBounded(t *testing.T) {
	s := New()
	for _, c := range []*auth.Credential{
		{Kind: "reset", ID: "ann's", UserID: "ann", Expires: time.Now().Add(time.Minute)},
		{Kind: "reset", ID: "eternal"},
		{Kind: "other", ID: "sooner", Expires: time.Now().Add(time.Minute)},
		{Kind: "throttle", ID: "later", Expires: time.Now().Add(2 * time.Hour)},
		{Kind: "throttle", ID: "sooner", Expires: time.Now().Add(time.Minute)},
	} {
		if err := s.PutCredential(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	flood(t, s, "", 3*MaxUnowned, time.Hour)
	if n, m := len(s.unowned["throttle"].rows), len(s.unowned["throttle"].expiry); n != MaxUnowned || m != MaxUnowned {
		t.Errorf("%d rows and %d in the heap, want %d of each", n, m, MaxUnowned)
	}
	isKept(t, s, "reset", "ann's", true)
	isKept(t, s, "reset", "eternal", true)
	isKept(t, s, "other", "sooner", true)
	isKept(t, s, "throttle", "later", true)
	isKept(t, s, "throttle", "sooner", false)

	// What comes into a full table is kept, though it will be the next to go.
	flood(t, s, "new", 1, time.Minute)
	isKept(t, s, "throttle", fmt.Sprintf("new%043d", 0), true)
	if n := len(s.unowned["throttle"].rows); n != MaxUnowned {
		t.Errorf("%d rows, want %d", n, MaxUnowned)
	}

	// Nor is an update a way around the bound.
	if err := s.PutCredential(t.Context(), &auth.Credential{Kind: "throttle", ID: "eternal"}); err != nil {
		t.Fatal(err)
	}
	eternal := &auth.Credential{Kind: "throttle", ID: "eternal", Version: 1, Expires: time.Now().Add(3 * time.Hour)}
	if err := s.UpdateCredential(t.Context(), eternal); err != nil {
		t.Fatal(err)
	}
	isKept(t, s, "throttle", "eternal", true)
	if n, m := len(s.unowned["throttle"].rows), len(s.credentials.rows); n != MaxUnowned || m != 2 {
		t.Errorf("%d and %d rows, want %d and 2", n, m, MaxUnowned)
	}
}

// There is one credential of a kind and an ID, in whichever table it is.
func TestUnownedMoves(t *testing.T) {
	s, ctx := New(), t.Context()
	c := &auth.Credential{Kind: "k", ID: "id"}
	put := func(want error) {
		t.Helper()
		for _, other := range []*auth.Credential{
			{Kind: "k", ID: "id"},
			{Kind: "k", ID: "id", UserID: "ann"},
			{Kind: "k", ID: "id", Expires: time.Now().Add(time.Hour)},
		} {
			if err := s.PutCredential(ctx, other); !errors.Is(err, want) {
				t.Errorf("put %+v: got error %v, want %v", other, err, want)
			}
		}
	}
	if err := s.PutCredential(ctx, c); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		c.Expires = time.Time{}
		if i%2 == 0 {
			c.Expires = time.Now().Add(time.Hour)
		}
		if err := s.UpdateCredential(ctx, c); err != nil {
			t.Fatal(err)
		}
		if n, m := len(s.unowned["k"].rows), len(s.credentials.rows); n != 1-i%2 || m != i%2 {
			t.Errorf("%d rows that expire and %d others", n, m)
		}
		put(auth.ErrExists)
	}
	got, err := s.TakeCredential(ctx, "k", "id")
	if n := len(s.unowned["k"].rows) + len(s.credentials.rows); err != nil || got.Version != 5 || n != 0 {
		t.Errorf("took %+v, %v; left %d", got, err, n)
	}
}

// BenchmarkUnowned measures what a full table of counts takes.
func BenchmarkUnowned(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := New()
		flood(b, s, "", 2*MaxUnowned, time.Hour)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/MaxUnowned, "bytes/count")
		runtime.KeepAlive(s)
	}
}
