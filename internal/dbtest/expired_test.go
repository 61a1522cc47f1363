package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
)

// count checks how many rows f removed.
func count(t *testing.T, f func(context.Context) (int, error), want int) {
	t.Helper()
	if n, err := f(t.Context()); n != want || err != nil {
		t.Errorf("removed %d, error %v, want %d", n, err, want)
	}
}

// rows counts the rows of a table, expired or not.
func rows(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

// fill adds n sessions and credentials that have expired, and one of each, and a
// credential without an end, that have not.
func fill(t *testing.T, s *sqlstore.Store, n int) {
	t.Helper()
	for i := range n {
		past := time.Now().Add(-time.Duration(i+1) * time.Second)
		must(t, s.CreateSession(t.Context(), session(fmt.Sprint(i), past), ""))
		must(t, s.PutCredential(t.Context(), credential(fmt.Sprint(i), past)))
	}
	must(t, s.CreateSession(t.Context(), session("live", tomorrow()), ""))
	must(t, s.PutCredential(t.Context(), credential("live", tomorrow())))
	must(t, s.PutCredential(t.Context(), credential("forever", time.Time{})))
}

func TestDeleteExpired(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.quick().record(t)
		s := src.store(t, db)
		fill(t, s, 1001) // two batches of 500 and one more
		rec.take()
		count(t, s.DeleteExpired, 2002)
		if n := batches(rec); n != 2*3 {
			t.Errorf("ran %d batches, want 3 for each of 2 tables", n)
		}
		count(t, s.DeleteExpired, 0)
		if n := rows(t, db, "auth_sessions"); n != 1 {
			t.Errorf("%d sessions left, want 1", n)
		}
		if n := rows(t, db, "auth_credentials"); n != 2 {
			t.Errorf("%d credentials left, want 2", n)
		}
	})
}

// batches counts the statements that look for expired rows.
func batches(rec *recorder) (n int) {
	ran, _ := rec.take()
	for _, s := range ran {
		if strings.Contains(s.query, "ORDER BY expires") {
			n++
		}
	}
	return n
}

// quick has SQLite not wait for the disk.
func (s source) quick() source {
	switch s.driver {
	case "sqlite":
		return s.with("_pragma=synchronous(OFF)")
	case "sqlite3":
		s.dsn = strings.Replace(s.dsn, "_synchronous=FULL", "_synchronous=OFF", 1)
	}
	return s
}

func TestDeleteExpiredEnds(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s := src.store(t, src.open(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.DeleteExpired(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want that of the context", err)
		}
	})
}

// A sweep in the background starts with a write, and not before five minutes
// have passed. Its goroutine ends: otherwise synctest would not.
func TestSweepInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := modernc.source(t).quick()
		db := src.open(t)
		s := src.store(t, db)
		fill(t, s, 600)
		swept := func(what string, want int) {
			time.Sleep(2 * time.Minute) // for the rests between batches
			synctest.Wait()
			if n := rows(t, db, "auth_sessions"); n != want {
				t.Errorf("%s: %d sessions, want %d", what, n, want)
			}
		}
		swept("before any write", 601)
		must(t, s.CreateSession(t.Context(), session("soon", tomorrow()), ""))
		swept("a write after two minutes", 602)
		time.Sleep(5 * time.Minute)
		swept("without a write", 602)
		must(t, s.PutCredential(t.Context(), credential("later", tomorrow())))
		swept("a write after five minutes", 2)
		if n := rows(t, db, "auth_credentials"); n != 3 {
			t.Errorf("%d credentials, want 3", n)
		}
	})
}

// Two processes that sweep at once share the work.
func TestSweepTogether(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		src = src.quick()
		a, b := src.store(t, src.open(t)), src.store(t, src.open(t))
		fill(t, a, 1200)
		done := make(chan int)
		for _, s := range []*sqlstore.Store{a, b} {
			go func() {
				n, err := s.DeleteExpired(t.Context())
				if err != nil {
					t.Error(err)
				}
				done <- n
			}()
		}
		if n := <-done + <-done; n != 2400 {
			t.Errorf("removed %d rows, want 2400", n)
		}
	})
}

// At the moment of its end a session is over, and so is a credential.
func TestEndIsExclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := modernc.source(t)
		s := src.store(t, src.open(t))
		end := time.Now().Add(time.Hour)
		must(t, s.CreateSession(t.Context(), session("one", end), ""))
		must(t, s.PutCredential(t.Context(), credential("one", end)))
		time.Sleep(time.Hour - time.Microsecond)
		_, _, err := s.Session(t.Context(), "one")
		must(t, err)
		_, err = s.Credential(t.Context(), "reset", "one")
		must(t, err)
		time.Sleep(time.Microsecond)
		if _, _, err := s.Session(t.Context(), "one"); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("Session: got error %v, want ErrNotFound", err)
		}
		if _, err := s.Credential(t.Context(), "reset", "one"); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("Credential: got error %v, want ErrNotFound", err)
		}
		count(t, s.DeleteExpired, 2)
	})
}
