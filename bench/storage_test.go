package bench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	scsmem "github.com/alexedwards/scs/v2/memstore"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/redisstore"
	"github.com/vestibule-go/auth/sqlstore"
)

// storage is where the applications keep things: all of them in the same database.
type storage struct {
	name  string
	store auth.Store
	db    *sql.DB // nil: in memory
	redis *redis.Client
}

// users returns how many there are beside Ann: for benchmarks so many that an index has some depth.
func users(tb testing.TB) int {
	if _, ok := tb.(*testing.B); ok || os.Getenv(taskVariable) != "" {
		return 10_000
	}
	return 10
}

// storages are those that there are on this machine: others need AUTH_TEST_POSTGRES_DSN, and
// AUTH_TEST_REDIS_ADDR.
var storages = []struct {
	name, variable string
	open           func(testing.TB) *storage
}{
	{"memory", "", openMemory},
	{"sqlite", "", openSQLite},
	{"postgres", "AUTH_TEST_POSTGRES_DSN", openPostgres},
	{"redis", "AUTH_TEST_REDIS_ADDR", openRedis},
}

// need skips the test if the variable names no server.
func need(tb testing.TB, variable string) string {
	tb.Helper()
	value := os.Getenv(variable)
	if value == "" && variable != "" {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
			tb.Fatalf("%s is not set", variable)
		}
		tb.Skipf("%s is not set", variable)
	}
	return value
}

func openMemory(testing.TB) *storage { return &storage{name: "memory", store: memstore.New()} }

func openSQLite(tb testing.TB) *storage {
	// The settings of the peers that were measured before: WAL, and no wait for the disk at each commit.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tb.TempDir(), "bench.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	return openSQL(tb, "sqlite", db, sqlstore.SQLite, err, "BLOB", "REAL")
}

func openPostgres(tb testing.TB) *storage {
	dsn := need(tb, "AUTH_TEST_POSTGRES_DSN")
	schema := fmt.Sprintf("bench_%d_%d", os.Getpid(), time.Now().UnixNano())
	admin, err := sql.Open("pgx", dsn)
	if err == nil {
		_, err = admin.ExecContext(tb.Context(), "CREATE SCHEMA "+schema)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		admin.Exec("DROP SCHEMA " + schema + " CASCADE")
		admin.Close()
	})
	db, err := sql.Open("pgx", dsn+"&search_path="+schema)
	return openSQL(tb, "postgres", db, sqlstore.Postgres, err, "BYTEA", "TIMESTAMPTZ")
}

// openRedis keeps users in SQLite and sessions on Redis.
func openRedis(tb testing.TB) *storage {
	addr := need(tb, "AUTH_TEST_REDIS_ADDR")
	s := openSQLite(tb)
	s.name, s.redis = "redis", redis.NewClient(&redis.Options{Addr: addr})
	tb.Cleanup(func() { s.redis.Close() })
	prefix := fmt.Sprintf("bench:%d:%d:", os.Getpid(), time.Now().UnixNano())
	s.store = auth.Stores{UserStore: s.store, CredentialStore: s.store, SessionStore: redisstore.New(s.redis, prefix)}
	return s
}

func openSQL(tb testing.TB, name string, db *sql.DB, d sqlstore.Dialect, err error, bytes, instant string) *storage {
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	store := sqlstore.New(db, d)
	tb.Cleanup(func() { store.Close(); db.Close() })
	if _, err := store.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	for _, q := range []string{
		"CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, hash TEXT NOT NULL)",
		"CREATE TABLE sessions (token TEXT PRIMARY KEY, data " + bytes + " NOT NULL, expiry " + instant + " NOT NULL)",
		"CREATE INDEX sessions_expiry_idx ON sessions (expiry)",
	} {
		if _, err := db.ExecContext(tb.Context(), q); err != nil {
			tb.Fatal(err)
		}
	}
	s := &storage{name: name, store: store, db: db}
	s.fill(tb)
	return s
}

// fill adds the other users to both tables.
func (s *storage) fill(tb testing.TB) {
	tx, err := s.db.BeginTx(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer tx.Rollback()
	// All at once, from a list of numbers.
	numbers := "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < " + strconv.Itoa(users(tb)) + ") "
	ids := "'user' || substr('00000000000000000000000000' || CAST(n AS TEXT), length(CAST(n AS TEXT)) + 1)"
	emails := "'user' || CAST(n AS TEXT) || '@example.com'"
	hash := "'" + string(nobody) + "'"
	for _, q := range []string{
		"INSERT INTO users " + numbers + "SELECT " + ids + ", " + emails + ", " + hash + " FROM numbers",
		"INSERT INTO auth_users (id, email, password_hash, stamp, version, created, updated) " + numbers +
			"SELECT " + ids + ", " + emails + ", " + hash + ", 'stamp', 1, 0, 0 FROM numbers",
	} {
		if _, err := tx.Exec(q); err != nil {
			tb.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		tb.Fatal(err)
	}
}

// lookup returns a function that finds the email of one user by ID, by a prepared statement
// or, in memory, in a map.
func (s *storage) lookup(tb testing.TB) func(context.Context) (string, error) {
	const id = "user00000000000000000000000007"
	if s.db == nil {
		m := memoryUsers{byIDs: map[string]string{id: ann}}
		return func(ctx context.Context) (string, error) { return m.byID(ctx, id) }
	}
	stmt, err := s.db.Prepare("SELECT id, email, hash FROM users WHERE id = $1")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stmt.Close() })
	return func(ctx context.Context) (email string, err error) {
		var id2, hash string
		err = stmt.QueryRowContext(ctx, id).Scan(&id2, &email, &hash)
		return email, err
	}
}

func (s *storage) wiredSessions() scs.Store {
	switch {
	case s.redis != nil:
		return goredisstore.NewWithPrefix(s.redis, fmt.Sprintf("bench:%d:%d:", os.Getpid(), time.Now().UnixNano()))
	case s.name == "postgres":
		return postgresstore.NewWithCleanupInterval(s.db, 0)
	case s.name == "sqlite":
		return sqlite3store.NewWithCleanupInterval(s.db, 0)
	}
	return scsmem.NewWithCleanupInterval(0)
}

func (s *storage) wiredUsers() userTable {
	if s.db == nil {
		return &memoryUsers{byIDs: map[string]string{}, hashes: map[string][2]string{}}
	}
	return sqlUsers{s.db}
}

// sqlUsers does not prepare its statements: who wires by hand does not, as a rule.
type sqlUsers struct{ db *sql.DB }

func (t sqlUsers) add(ctx context.Context, id, email, hash string) error {
	_, err := t.db.ExecContext(ctx, "INSERT INTO users (id, email, hash) VALUES ($1, $2, $3)", id, email, hash)
	return err
}

func (t sqlUsers) byID(ctx context.Context, id string) (email string, err error) {
	err = t.db.QueryRowContext(ctx, "SELECT email FROM users WHERE id = $1", id).Scan(&email)
	return email, err
}

func (t sqlUsers) byEmail(ctx context.Context, email string) (id, hash string, err error) {
	err = t.db.QueryRowContext(ctx, "SELECT id, hash FROM users WHERE email = $1", email).Scan(&id, &hash)
	return id, hash, err
}

// memoryUsers is a table of users in memory.
type memoryUsers struct {
	mu     sync.RWMutex
	byIDs  map[string]string    // emails
	hashes map[string][2]string // IDs and hashes, by email
}

func (t *memoryUsers) add(_ context.Context, id, email, hash string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byIDs[id], t.hashes[email] = email, [2]string{id, hash}
	return nil
}

func (t *memoryUsers) byID(_ context.Context, id string) (string, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if email, ok := t.byIDs[id]; ok {
		return email, nil
	}
	return "", sql.ErrNoRows
}

func (t *memoryUsers) byEmail(_ context.Context, email string) (id, hash string, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if u, ok := t.hashes[email]; ok {
		return u[0], u[1], nil
	}
	return "", "", sql.ErrNoRows
}
