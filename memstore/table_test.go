package memstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
)

// What has expired does not pile up: additions remove it, a few rows each.
func TestSweep(t *testing.T) {
	s, ctx, past := New(), t.Context(), time.Now().Add(-time.Second)
	add := func(id string, expires time.Time) {
		t.Helper()
		if err := s.CreateSession(ctx, &auth.SessionRecord{ID: id, UserID: "ann", Expires: expires}, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.PutCredential(ctx, &auth.Credential{ID: id, UserID: "ann", Expires: expires}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		add(fmt.Sprint("over", i), past)
	}
	if n := len(s.sessions.rows); n > sweepSize {
		t.Errorf("%d expired sessions are kept, want %d or fewer", n, sweepSize)
	}
	for i := range 10 {
		add(fmt.Sprint("live", i), time.Now().Add(time.Hour))
	}
	if n, m := len(s.sessions.rows), len(s.credentials.rows); n != 10 || m != 10 {
		t.Errorf("%d sessions and %d credentials are left, want 10 of each", n, m)
	}
}

// One sweep does a bounded amount of work, and ends it with what expired last.
func TestSweepIsBounded(t *testing.T) {
	var tab table[int, int]
	now := time.Now()
	for i := range 100 {
		tab.put(i, "ann", now.Add(time.Duration(i)), nil)
	}
	tab.sweep(now.Add(time.Hour))
	if n := len(tab.rows); n != 100-sweepSize {
		t.Errorf("%d rows left, want %d", n, 100-sweepSize)
	}
	if tab.rows[sweepSize-1] != nil || tab.rows[sweepSize] == nil {
		t.Error("the first to expire were not the first to go")
	}
}

// At the moment of its end a row is over.
func TestEndIsExclusive(t *testing.T) {
	var tab table[int, int]
	end := time.Now()
	tab.put(1, "ann", end, nil)
	if tab.get(1, end.Add(-1)) == nil || tab.get(1, end) != nil {
		t.Error("a row does not expire when it says")
	}
}

// Whatever happens to a table, its three views of the rows agree.
func TestTableIsConsistent(t *testing.T) {
	var tab table[int, int]
	now := time.Now()
	r := rand.New(rand.NewPCG(1, 2))
	when := func() time.Time {
		if r.IntN(4) == 0 {
			return time.Time{}
		}
		return now.Add(time.Duration(r.IntN(2000)-1000) * time.Second)
	}
	for range 20_000 {
		key := r.IntN(200)
		switch row := tab.get(key, now); {
		case row == nil:
			tab.put(key, fmt.Sprint(r.IntN(5)), when(), nil)
		case r.IntN(2) == 0:
			tab.expire(row, when())
		case r.IntN(50) == 0:
			tab.removeAll(row.user, func(int) bool { return true })
		default:
			tab.remove(row)
		}
		tab.sweep(now)
		checkTable(t, &tab)
	}
}

func checkTable(t *testing.T, tab *table[int, int]) {
	t.Helper()
	owned, mortal := 0, 0
	for user, rows := range tab.users {
		owned += len(rows)
		if len(rows) == 0 {
			t.Fatalf("user %s has no rows and is kept", user)
		}
	}
	for _, row := range tab.rows {
		if !row.expires.IsZero() {
			mortal++
		}
		if row.place >= 0 && tab.expiry[row.place] != row || row.place < 0 && !row.expires.IsZero() {
			t.Fatal("a row is not in its place")
		}
	}
	if owned != len(tab.rows) || mortal != len(tab.expiry) {
		t.Fatalf("%d rows, %d of users; %d expire, %d of them in the heap", len(tab.rows), owned, mortal, len(tab.expiry))
	}
}

func TestUserWithoutID(t *testing.T) {
	if err := New().CreateUser(t.Context(), &auth.User{Email: "ann@example.com"}); err == nil {
		t.Error("a user without an ID was created")
	}
}

func TestSessionWithoutEndIsOver(t *testing.T) {
	s := New()
	if err := s.CreateSession(t.Context(), &auth.SessionRecord{ID: "one"}, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Session(t.Context(), "one"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
}
