package dbtest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
)

// sqlState is an error as pgx and lib/pq return it.
type sqlState string

func (e sqlState) Error() string    { return "SQLSTATE " + string(e) }
func (e sqlState) SQLState() string { return string(e) }

// deadlock is what the database says when it has undone a transaction for the sake
// of another.
func (s source) deadlock() error {
	switch s.driver {
	case "pgx", "postgres":
		return fmt.Errorf("wrapped: %w", sqlState("40P01"))
	case "mysql":
		return errors.New("Error 1213 (40001): Deadlock found when trying to get lock; try restarting transaction")
	}
	return errors.New("database is locked (5) (SQLITE_BUSY)")
}

// nth fails once: at the nth statement that contains part, from 1.
func nth(n int, part string, err error) func(string) error {
	var mu sync.Mutex
	return func(query string) error {
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(query, part) {
			return nil
		}
		if n--; n == 0 {
			return err
		}
		return nil
	}
}

// always fails at each statement that contains part.
func always(part string, err error) func(string) error {
	return func(query string) error {
		if strings.Contains(query, part) {
			return err
		}
		return nil
	}
}

// writes are the calls that write. Each needs what ready makes.
var writes = []struct {
	name string
	call func(context.Context, *sqlstore.Store) error
}{
	{"CreateUser", func(ctx context.Context, s *sqlstore.Store) error {
		return s.CreateUser(ctx, &auth.User{ID: "bob", Email: "bob@example.com"})
	}},
	{"UpdateUser", func(ctx context.Context, s *sqlstore.Store) error {
		u := ann()
		u.Version, u.Stamp = 1, "changed"
		return s.UpdateUser(ctx, u)
	}},
	{"DeleteUser", func(ctx context.Context, s *sqlstore.Store) error { return s.DeleteUser(ctx, "ann") }},
	{"PutCredential", func(ctx context.Context, s *sqlstore.Store) error {
		return s.PutCredential(ctx, credential("new", tomorrow()))
	}},
	{"UpdateCredential", func(ctx context.Context, s *sqlstore.Store) error {
		c := credential("one", tomorrow())
		c.Version, c.Name = 1, "changed"
		return s.UpdateCredential(ctx, c)
	}},
	{"TakeCredential", func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.TakeCredential(ctx, "reset", "one")
		return err
	}},
	{"DeleteCredentials", func(ctx context.Context, s *sqlstore.Store) error { return s.DeleteCredentials(ctx, "ann", "") }},
	{"CreateSession", func(ctx context.Context, s *sqlstore.Store) error {
		return s.CreateSession(ctx, session("new", tomorrow()), "")
	}},
	{"ReplaceSession", func(ctx context.Context, s *sqlstore.Store) error {
		return s.CreateSession(ctx, session("new", tomorrow()), "one")
	}},
	{"UpdateSession", func(ctx context.Context, s *sqlstore.Store) error {
		rec := session("one", tomorrow())
		rec.Data = []byte("changed")
		return s.UpdateSession(ctx, rec)
	}},
	{"DeleteSession", func(ctx context.Context, s *sqlstore.Store) error { return s.DeleteSession(ctx, "one") }},
	{"DeleteSessions", func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.DeleteSessions(ctx, "ann", "")
		return err
	}},
	{"DeleteExpired", func(ctx context.Context, s *sqlstore.Store) error { _, err := s.DeleteExpired(ctx); return err }},
}

// ready empties the tables and fills them with what the writes need.
func ready(t *testing.T, s *sqlstore.Store, exec func(string)) {
	t.Helper()
	for _, table := range []string{"auth_users", "auth_credentials", "auth_sessions"} {
		exec("DELETE FROM " + table)
	}
	must(t, s.CreateUser(t.Context(), ann()))
	must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
	must(t, s.PutCredential(t.Context(), credential("one", tomorrow())))
}

// state describes what the store holds, but for the times.
func state(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	var b strings.Builder
	for _, id := range []string{"ann", "bob"} {
		if u, err := s.UserByID(t.Context(), id); !errors.Is(err, auth.ErrNotFound) {
			must(t, err)
			fmt.Fprintf(&b, "user %s %s %d; ", u.ID, u.Stamp, u.Version)
		}
	}
	list, err := s.Credentials(t.Context(), "ann", "reset")
	must(t, err)
	for _, c := range list {
		fmt.Fprintf(&b, "credential %s %s %d; ", c.ID, c.Name, c.Version)
	}
	for _, id := range []string{"one", "new"} {
		if rec, _, err := s.Session(t.Context(), id); !errors.Is(err, auth.ErrNotFound) {
			must(t, err)
			fmt.Fprintf(&b, "session %s %s; ", rec.ID, rec.Data)
		}
	}
	return b.String()
}

// faulty prepares a store for each write and calls test with what it holds before
// and after.
func faulty(t *testing.T, test func(t *testing.T, f fault)) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.quick().record(t)
		f := fault{source: src, rec: rec, store: src.store(t, db)}
		exec := func(query string) {
			_, err := db.ExecContext(t.Context(), query)
			must(t, err)
		}
		for _, w := range writes {
			f.name = w.name
			f.call = func() error { return w.call(t.Context(), f.store) }
			f.ready = func() { rec.fail(nil, nil); ready(t, f.store, exec) }
			f.ready()
			f.old = state(t, f.store)
			rec.take()
			must(t, f.call())
			ran, _ := rec.take()
			f.statements = queries(ran)
			f.done = state(t, f.store)
			t.Run(w.name, func(t *testing.T) { test(t, f) })
		}
	})
}

// fault is a write that is to fail.
type fault struct {
	source
	name       string // of the write
	rec        *recorder
	store      *sqlstore.Store
	ready      func()       // makes the state old
	call       func() error // the write
	statements []string     // what it runs
	old, done  string       // what the store holds before and after
}

// at makes the nth statement fail, before it is run or after, and returns what the
// store then holds, and what the write says of it.
func (f *fault) at(t *testing.T, n int, after bool, err error) (now string, got error) {
	t.Helper()
	f.ready()
	fail := nth(n, "", err)
	if after {
		f.rec.fail(nil, fail)
	} else {
		f.rec.fail(fail, nil)
	}
	got = f.call()
	f.rec.fail(nil, nil)
	return state(t, f.store), got
}

// What the database has undone for the sake of others is done again, whichever
// statement says so.
func TestUndoneIsRepeated(t *testing.T) {
	faulty(t, func(t *testing.T, f fault) {
		for n := range f.statements {
			now, err := f.at(t, n+1, false, f.deadlock())
			if err != nil || now != f.done {
				t.Errorf("failure at %q: error %v, the store holds %s", f.statements[n], err, now)
			}
		}
	})
}

// There is an end to repetition, and then nothing was done.
func TestRepetitionEnds(t *testing.T) {
	faulty(t, func(t *testing.T, f fault) {
		if f.name != "CreateUser" && f.name != "DeleteUser" {
			return // one statement and one transaction, for it takes a while
		}
		f.ready()
		f.rec.fail(always("", f.deadlock()), nil)
		err := f.call()
		f.rec.fail(nil, nil)
		if err == nil || !strings.Contains(err.Error(), f.deadlock().Error()) {
			t.Errorf("got error %v, want that of the database", err)
		}
		if now := state(t, f.store); now != f.old {
			t.Errorf("the store holds %s, want %s", now, f.old)
		}
	})
}

// Whenever a connection breaks, a write is done or not done, never by half; and if
// it returns no error, it is done.
func TestBrokenConnection(t *testing.T) {
	faulty(t, func(t *testing.T, f fault) {
		for n, statement := range f.statements {
			for _, after := range []bool{false, true} {
				now, err := f.at(t, n+1, after, io.ErrUnexpectedEOF)
				if now != f.done && (err == nil || now != f.old) {
					t.Errorf("broken at %q (after: %t): error %v, the store holds %s", statement, after, err, now)
				}
				honest(t, err)
			}
		}
	})
}

// honest checks that an error does not pretend to know what it cannot.
func honest(t *testing.T, err error) {
	t.Helper()
	for _, sentinel := range []error{auth.ErrNotFound, auth.ErrExists, auth.ErrConflict} {
		if errors.Is(err, sentinel) {
			t.Errorf("got error %v, which is not true", err)
		}
	}
}

// A transaction whose connection broke before its end is repeated; one whose COMMIT
// broke is not.
func TestBrokenTransaction(t *testing.T) {
	faulty(t, func(t *testing.T, f fault) {
		for n, statement := range f.statements {
			if f.statements[0] != "BEGIN" {
				break
			}
			for _, broken := range []error{io.EOF, driver.ErrBadConn} {
				now, err := f.at(t, n+1, false, broken)
				if statement == "COMMIT" && (err == nil || now != f.old) {
					t.Errorf("%v at COMMIT: error %v, the store holds %s", broken, err, now)
				} else if statement != "COMMIT" && (err != nil || now != f.done) {
					t.Errorf("%v at %q: error %v, the store holds %s", broken, statement, err, now)
				}
			}
		}
	})
}

// Nobody waits for a caller who is gone.
func TestNoRepetitionAfterTheContext(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.record(t)
		s := src.store(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		rec.fail(func(string) error { calls++; cancel(); return src.deadlock() }, nil)
		if err := s.CreateUser(ctx, ann()); err == nil || calls != 1 {
			t.Errorf("got error %v after %d attempts, want one", err, calls)
		}
		rec.fail(nil, nil)
	})
}
