package dbtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
)

func newTrail(t testing.TB, store auth.CredentialStore, cfg *audit.Config) *audit.Trail {
	t.Helper()
	trail, err := audit.New(store, cfg)
	must(t, err)
	return trail
}

func happens(trail *audit.Trail, userID, name string, at time.Time) {
	trail.Hooks().Event(context.Background(), auth.Event{Name: name, UserID: userID, Time: at, Address: "203.0.113.7"})
}

// Several processes write down what happens to one user on one day, and nothing is lost.
func TestAuditAtOnce(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		var all sync.WaitGroup
		for i := range 4 {
			store := src.store(t, src.open(t))
			trail := newTrail(t, store, &audit.Config{PerDay: 1000})
			all.Go(func() {
				for j := range 10 {
					happens(trail, "ann", fmt.Sprint(i, ".", j), time.Now())
					if _, _, err := trail.Page(t.Context(), "ann", "", 1); err != nil { // which waits until it is written
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		entries, _, err := newTrail(t, src.store(t, src.open(t)), nil).Page(t.Context(), "ann", "", 100)
		seen := map[string]bool{}
		for _, e := range entries {
			seen[e.Name] = true
		}
		if err != nil || len(seen) != 40 {
			t.Errorf("%d entries of 40 are there, error %v", len(seen), err)
		}
	})
}

// A year of one user, page by page; what is over is swept; another user and a deleted one see nothing of it.
func TestAuditLife(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		store := src.store(t, src.open(t))
		trail := newTrail(t, store, nil)
		var want []string
		for back := 420; back >= 0; back -= 15 {
			name := fmt.Sprint("day ", back)
			happens(trail, "ann", name, time.Now().AddDate(0, 0, -back))
			if back <= 365 {
				want = append(want, name)
			}
		}
		slices.Reverse(want)
		var got []string
		for cursor := ""; ; {
			entries, next, err := trail.Page(t.Context(), "ann", cursor, 4)
			must(t, err)
			for _, e := range entries {
				got = append(got, e.Name)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		count(t, store.DeleteExpired, 4)
		happens(trail, "ann", auth.EventDeleted, time.Now())
		if entries, _, err := trail.Page(t.Context(), "ann", "", 0); len(entries) != 0 || err != nil {
			t.Errorf("of an account that is gone: %v, %v", entries, err)
		}
	})
}

// What it costs, as docs/audit.md has it: a query and a write for what happens at once, and a query for each month of a page.
func TestAuditStatements(t *testing.T) {
	db, rec := modernc.source(t).record(t)
	store := source{database: modernc}.store(t, db)
	for _, step := range []struct {
		name       string
		statements int
		do         func(*audit.Trail)
	}{
		{"the first of a day", 2, func(trail *audit.Trail) { happens(trail, "ann", "a", time.Now()) }},
		{"another", 2, func(trail *audit.Trail) { happens(trail, "ann", "b", time.Now()) }},
		{"of somebody else, left out", 0, func(trail *audit.Trail) { happens(trail, "bob", auth.EventDenied, time.Now()) }},
	} {
		rec.take()
		trail := newTrail(t, store, nil)
		step.do(trail)
		must(t, trail.Close(t.Context()))
		if statements, _ := rec.take(); len(statements) != step.statements {
			t.Errorf("%s: %q, want %d statements", step.name, queries(statements), step.statements)
		}
	}
	for n, most := range map[int]int{1: 2, 100: 14} { // the month of tomorrow may be another
		_, _, err := newTrail(t, store, nil).Page(t.Context(), "ann", "", n)
		must(t, err)
		if statements, _ := rec.take(); len(statements) > most {
			t.Errorf("a page of %d: %d statements, want %d at most", n, len(statements), most)
		}
	}
}

// BenchmarkAudit is what docs/audit.md has of the time.
func BenchmarkAudit(b *testing.B) {
	eachB(b, func(b *testing.B, src source) {
		store := src.store(b, src.open(b))
		trail := newTrail(b, store, nil)
		page := func(b *testing.B, userID string) {
			for b.Loop() {
				_, _, err := trail.Page(b.Context(), userID, "", 20)
				must(b, err)
			}
		}
		for back := range 365 {
			for range 4 {
				happens(trail, "busy", "logged_in", time.Now().AddDate(0, 0, -back))
			}
			trail.Page(b.Context(), "busy", "", 1)
		}
		happens(trail, "quiet", "logged_in", time.Now().AddDate(0, 0, -300))
		b.Run("write", func(b *testing.B) {
			for b.Loop() {
				happens(trail, "ann", "logged_in", time.Now())
				_, _, err := trail.Page(b.Context(), "ann", "20000101.0", 1) // waits, and asks nothing
				must(b, err)
			}
		})
		b.Run("page, busy", func(b *testing.B) { page(b, "busy") })
		b.Run("page, quiet", func(b *testing.B) { page(b, "quiet") })
	})
}
