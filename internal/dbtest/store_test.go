package dbtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	scsmemory "github.com/alexedwards/scs/v2/memstore"
	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/redisstore"
	"github.com/vestibule-go/auth/sqlstore"
	"github.com/vestibule-go/auth/storetest"
)

// TestStore holds every store of this project to the contract; docs/stores.md has the
// result as a table.
func TestStore(t *testing.T) {
	t.Run("memstore", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) auth.Store { return memstore.New() })
	})
	each(t, func(t *testing.T, src source) { src.conforms(t) })
	t.Run("redis", func(t *testing.T) { sessionsIn(t, redisstore.New(redisClient(t), uniqueName()+":")) })
	t.Run("scs-memory", func(t *testing.T) { sessionsIn(t, auth.SCSStore(scsmemory.NewWithCleanupInterval(0))) })
	t.Run("scs-redis", func(t *testing.T) {
		sessionsIn(t, auth.SCSStore(goredisstore.NewWithPrefix(redisClient(t), uniqueName()+":")))
	})
}

// redisClient returns a client of the Redis for tests.
func redisClient(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server(t, "AUTH_TEST_REDIS_ADDR"), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	return client
}

// sessionsIn runs the conformance suite with users in memory, and their sessions elsewhere.
func sessionsIn(t *testing.T, sessions auth.SessionStore) {
	t.Helper()
	users := memstore.New()
	store := auth.Stores{UserStore: users, CredentialStore: users, SessionStore: sessions}
	storetest.Run(t, func(*testing.T) auth.Store { return store })
}

// conforms runs the conformance suite.
func (s source) conforms(t *testing.T) {
	t.Helper()
	store := s.store(t, s.open(t))
	storetest.Run(t, func(*testing.T) auth.Store { return store })
}

// with returns the database with other settings.
func (s source) with(parameter string) source {
	if strings.Contains(s.dsn, "?") {
		s.dsn += "&" + parameter
	} else {
		s.dsn += "?" + parameter
	}
	return s
}

func TestSQLiteImmediateTransactions(t *testing.T) {
	modernc.source(t).with("_txlock=immediate").conforms(t)
}

// Without WAL writers wait for readers, too.
func TestSQLiteRollbackJournal(t *testing.T) {
	src := modernc.source(t)
	src.dsn = strings.Replace(src.dsn, "journal_mode(WAL)", "journal_mode(DELETE)&_pragma=synchronous(OFF)", 1)
	src.conforms(t)
}

func TestSQLiteInMemory(t *testing.T) {
	src := source{modernc, ":memory:"}
	db := src.open(t)
	db.SetMaxOpenConns(1)
	s := src.store(t, db)
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

// Transactions that the database cannot put in order are undone by it, and
// repeated.
func TestPostgreSQLSerializable(t *testing.T) {
	pgx.source(t).with("default_transaction_isolation=serializable").conforms(t)
}

func TestMySQLSerializable(t *testing.T) {
	src := mariadb.source(t)
	var version string
	must(t, src.open(t).QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version))
	variable := "transaction_isolation"
	if strings.Contains(version, "MariaDB") {
		variable = "tx_isolation" // it knows the other from 11.1 on
	}
	src.with(variable + "=%27SERIALIZABLE%27").conforms(t)
}

// The driver writes the arguments into the statements.
func TestMySQLInterpolated(t *testing.T) {
	mariadb.source(t).with("interpolateParams=true").conforms(t)
}

// Neither the character set of the connection nor its time zone changes anything.
func TestMySQLLatin1(t *testing.T) {
	mariadb.source(t).with("charset=latin1&parseTime=true&loc=Local").conforms(t)
}

// In a mode that cuts off what is too long nothing is created.
func TestMySQLMustBeStrict(t *testing.T) {
	src := mariadb.source(t).with("sql_mode=%27%27")
	if _, err := sqlstore.New(src.open(t), src.dialect).Migrate(t.Context()); err == nil {
		t.Error("Migrate accepts a mode that is not strict")
	}
}

// Users, credentials and sessions are asked for through three databases that are
// one, as by three processes.
func TestThreeDatabases(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s := auth.Stores{
			UserStore:       src.store(t, src.open(t)),
			CredentialStore: src.store(t, src.open(t)),
			SessionStore:    src.store(t, src.open(t)),
		}
		storetest.Run(t, func(*testing.T) auth.Store { return s })
	})
}

func ann() *auth.User { return &auth.User{ID: "ann", Email: "ann@example.com", Stamp: "stamp"} }

func session(id string, expires time.Time) *auth.SessionRecord {
	return &auth.SessionRecord{ID: id, UserID: "ann", Created: time.Now(), LastSeen: time.Now(), Expires: expires, Data: []byte("data")}
}

func credential(id string, expires time.Time) *auth.Credential {
	return &auth.Credential{Kind: "reset", ID: id, UserID: "ann", Created: time.Now(), Expires: expires}
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// A session comes with its user, although they are one query.
func TestSessionHasItsUser(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s := src.store(t, src.open(t))
		must(t, s.CreateUser(t.Context(), ann()))
		must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
		_, u, err := s.Session(t.Context(), "one")
		if err != nil || u == nil || u.ID != "ann" || u.Stamp != "stamp" {
			t.Errorf("got user %v, error %v", u, err)
		}
	})
}

func TestSessionWithoutEndIsOver(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s := src.store(t, src.open(t))
		must(t, s.CreateSession(t.Context(), session("one", time.Time{}), ""))
		if _, _, err := s.Session(t.Context(), "one"); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("got error %v, want ErrNotFound", err)
		}
		count(t, s.DeleteExpired, 1)
	})
}

func TestUserWithoutID(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s := src.store(t, src.open(t))
		if err := s.CreateUser(t.Context(), &auth.User{Email: "ann@example.com"}); err == nil {
			t.Error("a user without an ID was created")
		}
	})
}

// A closed Store prepares its statements again, and a database that is gone is an
// error that says nothing about what is in it.
func TestClose(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db := src.open(t)
		s := src.store(t, db)
		must(t, s.CreateUser(t.Context(), ann()))
		must(t, s.Close())
		must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
		must(t, s.Close())
		must(t, db.Close())
		_, _, err := s.Session(t.Context(), "one")
		if err == nil || errors.Is(err, auth.ErrNotFound) {
			t.Errorf("without a database: got error %v", err)
		}
	})
}

func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db := src.open(t)
		s := src.store(t, db)
		must(t, s.CreateUser(t.Context(), ann()))
		must(t, s.CreateSession(t.Context(), session("one", tomorrow()), ""))
		must(t, s.PutCredential(t.Context(), credential("two", time.Time{})))
		must(t, s.Close())
		must(t, db.Close())

		s = src.store(t, src.open(t))
		rec, u, err := s.Session(t.Context(), "one")
		must(t, err)
		if u == nil || u.Email != "ann@example.com" || string(rec.Data) != "data" {
			t.Errorf("after a restart: got user %v, session %+v", u, rec)
		}
		_, err = s.TakeCredential(t.Context(), "reset", "two")
		must(t, err)
	})
}

// Parallel writers wait for each other, whatever they write.
func TestParallelWriters(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s := src.store(t, src.open(t))
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
	})
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
