package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
	"github.com/vestibule-go/auth/storetest"
)

// Several stores live in one database under different prefixes, and know nothing of
// each other.
func TestPrefixes(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db := src.open(t)
		plain, shop := src.store(t, db), src
		shop.dialect = src.dialect.WithPrefix("shop_")
		s := shop.store(t, db)
		must(t, plain.CreateUser(t.Context(), ann()))
		must(t, s.CreateUser(t.Context(), ann()))
		must(t, s.DeleteUser(t.Context(), "ann"))
		_, err := plain.UserByID(t.Context(), "ann")
		must(t, err)
		storetest.Run(t, func(*testing.T) auth.Store { return s })
		fill(t, s, 3)
		count(t, plain.DeleteExpired, 0)
		if n, err := s.DeleteExpired(t.Context()); n < 6 || err != nil {
			t.Errorf("removed %d, error %v", n, err)
		}
	})
}

// The tables may be in another schema than the one the connection is in, even if
// its name is a word of SQL.
func TestSchema(t *testing.T) {
	for _, d := range []database{pgx, mariadb} {
		t.Run(d.name, func(t *testing.T) {
			src, quote, word := d.source(t), `"`, uniqueName()+"_x"
			if d.driver == "mysql" {
				quote = "`"
			}
			db := src.open(t)
			during(t, d.driver, src.dsn, "CREATE SCHEMA "+quote+word+quote, dropSchema(d.driver, word))
			src.dialect = d.dialect.WithPrefix(word + ".eu_")
			s := src.store(t, db)
			storetest.Run(t, func(*testing.T) auth.Store { return s })
			if rows(t, db, word+".eu_auth_users") == 0 {
				t.Error("the users are elsewhere")
			}
			if again, err := s.Migrate(t.Context()); err != nil || len(again) != 0 {
				t.Errorf("Migrate again: %q, %v", again, err)
			}
		})
	}
}

func dropSchema(driver, name string) string {
	if driver == "mysql" {
		return "DROP SCHEMA " + name
	}
	return "DROP SCHEMA " + name + " CASCADE"
}

// servers are the databases in which writers of different rows do not wait for each
// other.
func servers(t *testing.T, test func(*testing.T, source)) {
	for _, d := range databases {
		if d.driver != "sqlite" && d.driver != "sqlite3" {
			t.Run(d.name, func(t *testing.T) { test(t, d.source(t)) })
		}
	}
}

// A sweep passes over rows that somebody else is removing, and waits for nobody. If
// it did, this test would fail with a timeout, for they are held until it has ended.
func TestSweepWaitsForNobody(t *testing.T) {
	servers(t, func(t *testing.T, src source) {
		db := src.open(t)
		s := src.store(t, db)
		fill(t, s, 20)
		tx, err := db.BeginTx(t.Context(), nil)
		must(t, err)
		defer tx.Rollback()
		for _, held := range []string{
			"SELECT id FROM auth_sessions WHERE id IN ('3', '7') FOR UPDATE",
			"SELECT id FROM auth_credentials WHERE kind = 'reset' AND id IN ('3', '7') FOR UPDATE",
		} {
			_, err := tx.ExecContext(t.Context(), held)
			must(t, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		count(t, func(context.Context) (int, error) { return s.DeleteExpired(ctx) }, 2*18)
		must(t, tx.Rollback())
		count(t, s.DeleteExpired, 2*2)
	})
}

// killer breaks all connections of a test, from outside.
func (s source) killer(t *testing.T) func() {
	t.Helper()
	admin, err := sql.Open(s.driver, s.dsn)
	must(t, err)
	t.Cleanup(func() { admin.Close() })
	admin.SetMaxOpenConns(1)
	must(t, admin.PingContext(t.Context()))
	if s.driver != "mysql" {
		return func() {
			_, err := admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`)
			must(t, err)
		}
	}
	return func() { killMySQL(t, admin) }
}

func killMySQL(t *testing.T, admin *sql.DB) {
	t.Helper()
	rows, err := admin.QueryContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
	must(t, err)
	var ids []int
	for rows.Next() {
		var id int
		must(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	must(t, rows.Err())
	for _, id := range ids {
		admin.ExecContext(t.Context(), fmt.Sprint("KILL ", id)) // it may have ended by itself
	}
}

// outcome is what a writer was told, and what it had asked for.
type outcome struct {
	id                      string
	created, replaced, took error
}

// Whoever is told that something was done finds it, however often connections break
// meanwhile; and nothing is done by half.
func TestKilledConnections(t *testing.T) {
	servers(t, func(t *testing.T, src source) {
		s, kill := src.store(t, src.open(t)), src.killer(t)
		var done atomic.Bool
		var wg sync.WaitGroup
		outcomes := make([][]outcome, 6)
		for i := range outcomes {
			wg.Go(func() {
				for n := 0; !done.Load(); n++ {
					outcomes[i] = append(outcomes[i], signUp(t.Context(), s, fmt.Sprint(i, "/", n)))
				}
			})
		}
		for range 15 {
			time.Sleep(20 * time.Millisecond)
			kill()
		}
		done.Store(true)
		wg.Wait()
		told := 0
		for _, list := range outcomes {
			for _, o := range list {
				told += o.check(t, s)
			}
		}
		t.Logf("%d of the writes were told to be done", told)
	})
}

// signUp makes a user, a session, another in its place, and uses a credential.
func signUp(ctx context.Context, s *sqlstore.Store, id string) outcome {
	o := outcome{id: id}
	o.created = s.CreateUser(ctx, &auth.User{ID: id, Email: id + "@example.com", Stamp: "stamp"})
	if err := s.CreateSession(ctx, session(id, tomorrow()), ""); err == nil {
		o.replaced = s.CreateSession(ctx, session(id+" new", tomorrow()), id)
	} else {
		o.replaced = errNotTried
	}
	if err := s.PutCredential(ctx, credential(id, tomorrow())); err == nil {
		_, o.took = s.TakeCredential(ctx, "reset", id)
	} else {
		o.took = errNotTried
	}
	return o
}

var errNotTried = errors.New("not tried")

// check compares what was told with what is there, and returns how much was done.
func (o outcome) check(t *testing.T, s *sqlstore.Store) (told int) {
	t.Helper()
	found := func(err error) bool {
		if err != nil && !errors.Is(err, auth.ErrNotFound) {
			t.Error(err)
		}
		return err == nil
	}
	u, err := s.UserByID(t.Context(), o.id)
	byID := found(err)
	_, err = s.UserByLogin(t.Context(), o.id+"@example.com")
	if byEmail := found(err); byID != byEmail || o.created == nil && (!byID || u.Stamp != "stamp") {
		t.Errorf("%s: CreateUser told %v, found by ID: %t, by email: %t", o.id, o.created, byID, byEmail)
	}
	_, _, err = s.Session(t.Context(), o.id)
	old := found(err)
	_, _, err = s.Session(t.Context(), o.id+" new")
	if next := found(err); o.replaced == nil && (old || !next) || o.replaced != errNotTried && old == next {
		t.Errorf("%s: CreateSession told %v, old: %t, new: %t", o.id, o.replaced, old, next)
	}
	_, err = s.Credential(t.Context(), "reset", o.id)
	if found(err) && o.took == nil {
		t.Errorf("%s: the credential was taken, and is there", o.id)
	}
	for _, err := range []error{o.created, o.replaced, o.took} {
		if err == nil {
			told++
		}
	}
	return told
}
