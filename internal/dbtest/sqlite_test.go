package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
	"github.com/vestibule-go/auth/storetest"
)

// settings are those that the documentation of sqlstore asks for.
const settings = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"

// dsn names a database file that does not exist yet.
func dsn(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "test.db") + settings
}

// open opens a database and closes it at the end of the test.
func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// newStore returns a Store with its tables.
func newStore(t testing.TB, db *sql.DB) *sqlstore.Store {
	t.Helper()
	s := sqlstore.New(db, sqlstore.SQLite)
	t.Cleanup(func() { s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	db := open(t, dsn(t))
	db.SetMaxOpenConns(8)
	s := newStore(t, db)
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

func TestImmediateTransactions(t *testing.T) {
	s := newStore(t, open(t, dsn(t)+"&_txlock=immediate"))
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

// Without WAL writers wait for readers, too.
func TestRollbackJournal(t *testing.T) {
	name := strings.Replace(dsn(t), "journal_mode(WAL)", "journal_mode(DELETE)&_pragma=synchronous(OFF)", 1)
	s := newStore(t, open(t, name))
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

func TestInMemory(t *testing.T) {
	db := open(t, ":memory:")
	db.SetMaxOpenConns(1)
	s := newStore(t, db)
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

// Users, credentials and sessions are asked for through three databases that are
// one file, as by three processes.
func TestThreeDatabases(t *testing.T) {
	name := dsn(t)
	s := auth.Stores{
		UserStore:       newStore(t, open(t, name)),
		CredentialStore: newStore(t, open(t, name)),
		SessionStore:    newStore(t, open(t, name)),
	}
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

// Every statement that the conformance suite makes a Store run finds its rows by
// an index.
func TestStatementsUseIndexes(t *testing.T) {
	rec := &recorder{dsn: dsn(t)}
	db := sql.OpenDB(rec)
	t.Cleanup(func() { db.Close() })
	s := newStore(t, db)
	rec.take()
	storetest.Run(t, func(*testing.T) auth.Store { return s })
	if _, err := s.DeleteExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	statements, _ := rec.take()
	slices.Sort(statements)
	for _, query := range slices.Compact(statements) {
		if strings.Contains(query, " ") { // not BEGIN and the like
			explain(t, db, query)
		}
	}
}

// explain reports the steps of a query's plan that read a whole table or index.
func explain(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	for i := range args {
		args[i] = 1
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		t.Logf("%.70q: %s", query, step)
		if strings.HasPrefix(step, "SCAN") {
			t.Errorf("%s\n\t%s", query, step)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func ann() *auth.User { return &auth.User{ID: "ann", Email: "ann@example.com", Stamp: "stamp"} }

func session(id string, expires time.Time) *auth.SessionRecord {
	return &auth.SessionRecord{ID: id, UserID: "ann", Created: time.Now(), LastSeen: time.Now(), Expires: expires, Data: []byte("data")}
}

func credential(id string, expires time.Time) *auth.Credential {
	return &auth.Credential{Kind: "reset", ID: id, UserID: "ann", Created: time.Now(), Expires: expires}
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// What runs often is one statement, prepared once.
func TestFrequentCallsAreOneStatement(t *testing.T) {
	rec := &recorder{dsn: dsn(t)}
	db := sql.OpenDB(rec)
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	s, ctx, n := newStore(t, db), t.Context(), 0
	must(t, s.CreateUser(ctx, ann()))
	must(t, s.CreateSession(ctx, session("one", tomorrow()), ""))
	for name, call := range map[string]func() error{
		"Session":       func() error { _, _, err := s.Session(ctx, "one"); return err },
		"UserByLogin":   func() error { _, err := s.UserByLogin(ctx, "ann@example.com"); return err },
		"UpdateSession": func() error { return s.UpdateSession(ctx, session("one", tomorrow())) },
		"CreateSession": func() error { n++; return s.CreateSession(ctx, session(fmt.Sprint("new", n), tomorrow()), "") },
		"PutCredential": func() error { n++; return s.PutCredential(ctx, credential(fmt.Sprint(n), tomorrow())) },
	} {
		must(t, call())
		rec.take()
		must(t, call())
		statements, prepared := rec.take()
		if len(statements) != 1 || len(prepared) != 0 {
			t.Errorf("%s ran %q and prepared %q, want one statement", name, statements, prepared)
		}
	}
}

// A session comes with its user, although they are one query.
func TestSessionHasItsUser(t *testing.T) {
	s := newStore(t, open(t, dsn(t)))
	must(t, s.CreateUser(t.Context(), ann()))
	must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
	_, u, err := s.Session(t.Context(), "one")
	if err != nil || u == nil || u.ID != "ann" || u.Stamp != "stamp" {
		t.Errorf("got user %v, error %v", u, err)
	}
}

func TestSessionWithoutEndIsOver(t *testing.T) {
	s := newStore(t, open(t, dsn(t)))
	must(t, s.CreateSession(t.Context(), session("one", time.Time{}), ""))
	if _, _, err := s.Session(t.Context(), "one"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
	count(t, s.DeleteExpired, 1)
}

func TestUserWithoutID(t *testing.T) {
	s := newStore(t, open(t, dsn(t)))
	if err := s.CreateUser(t.Context(), &auth.User{Email: "ann@example.com"}); err == nil {
		t.Error("a user without an ID was created")
	}
}

// A closed Store prepares its statements again, and a database that is gone is an
// error that says nothing about what is in it.
func TestClose(t *testing.T) {
	db := open(t, dsn(t))
	s := newStore(t, db)
	must(t, s.CreateUser(t.Context(), ann()))
	must(t, s.Close())
	must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
	must(t, s.Close())
	must(t, db.Close())
	_, _, err := s.Session(t.Context(), "one")
	if err == nil || errors.Is(err, auth.ErrNotFound) {
		t.Errorf("without a database: got error %v", err)
	}
}

func TestRestart(t *testing.T) {
	name := dsn(t)
	db := open(t, name)
	s := newStore(t, db)
	must(t, s.CreateUser(t.Context(), ann()))
	must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
	must(t, s.PutCredential(t.Context(), credential("two", time.Time{})))
	must(t, s.Close())
	must(t, db.Close())

	s = newStore(t, open(t, name))
	rec, u, err := s.Session(t.Context(), "one")
	must(t, err)
	if u == nil || u.Email != "ann@example.com" || string(rec.Data) != "data" {
		t.Errorf("after a restart: got user %v, session %+v", u, rec)
	}
	_, err = s.TakeCredential(t.Context(), "reset", "two")
	must(t, err)
}

// Parallel writers wait for each other, whatever they write.
func TestParallelWriters(t *testing.T) {
	s := newStore(t, open(t, dsn(t)))
	must(t, s.CreateUser(t.Context(), ann()))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 10 {
				id := fmt.Sprint(i, "/", j)
				if err := write(t.Context(), s, id); err != nil {
					t.Errorf("writer %s: %v", id, err)
				}
			}
		})
	}
	wg.Wait()
}

// write calls everything that writes in a transaction of more than one statement.
func write(ctx context.Context, s *sqlstore.Store, id string) error {
	errs := []error{
		s.CreateSession(ctx, session(id, tomorrow()), ""),
		s.CreateSession(ctx, session(id+" new", tomorrow()), id),
		s.PutCredential(ctx, credential(id, tomorrow())),
		s.CreateUser(ctx, &auth.User{ID: id, Email: id}),
		s.DeleteUser(ctx, id),
	}
	_, err := s.TakeCredential(ctx, "reset", id)
	return errors.Join(append(errs, err)...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
