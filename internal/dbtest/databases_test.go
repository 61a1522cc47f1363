package dbtest

import (
	"crypto/rand"
	"database/sql"
	"io"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth/sqlstore"
)

// database is a database server, or library, and a driver for it.
type database struct {
	name    string
	driver  string
	dialect sqlstore.Dialect

	// fresh makes an empty database of the test's own, or a schema, and returns the
	// data source name. It skips the test if there is no such server.
	fresh func(t testing.TB) string
}

var databases = []database{
	modernc,
	{"sqlite-mattn", "sqlite3", sqlstore.SQLite, mattnDSN},
	pgx,
	{"postgres-pq", "postgres", sqlstore.Postgres, postgresDSN},
	mariadb,
	{"mysql-foundrows", "mysql", sqlstore.MySQL, func(t testing.TB) string { return mysqlDSN(t, "clientFoundRows=true") }},
}

var (
	modernc = database{"sqlite-modernc", "sqlite", sqlstore.SQLite, dsn}
	pgx     = database{"postgres-pgx", "pgx", sqlstore.Postgres, postgresDSN}
	mariadb = database{"mysql", "mysql", sqlstore.MySQL, func(t testing.TB) string { return mysqlDSN(t, "") }}
)

// The driver of MySQL logs what it also returns.
func init() { mysql.SetLogger(log.New(io.Discard, "", 0)) }

// each runs a test with every database.
func each(t *testing.T, test func(*testing.T, source)) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) { test(t, d.source(t)) })
	}
}

// source is a database that was empty when the test began.
type source struct {
	database
	dsn string
}

func (d database) source(t testing.TB) source { return source{d, d.fresh(t)} }

// open opens the database and closes it at the end of the test.
func (s source) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(s.driver, s.dsn)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(8)
	return db
}

// record opens the database through a recorder.
func (s source) record(t testing.TB) (*sql.DB, *recorder) {
	t.Helper()
	named, err := sql.Open(s.driver, s.dsn)
	must(t, err)
	defer named.Close()
	rec := &recorder{driver: named.Driver(), dsn: s.dsn}
	db := sql.OpenDB(rec)
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(8)
	return db, rec
}

// store returns a Store with its tables.
func (s source) store(t testing.TB, db *sql.DB) *sqlstore.Store {
	t.Helper()
	store := sqlstore.New(db, s.dialect)
	t.Cleanup(func() { store.Close() })
	_, err := store.Migrate(t.Context())
	must(t, err)
	return store
}

// absent skips the test, or fails it where everything must be tested.
func absent(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
		t.Fatal("AUTH_TEST_REQUIRE_ALL is 1, but ", reason)
	}
	t.Skip(reason)
}

// server returns the data source name of a server, which is in the environment.
func server(t testing.TB, variable string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn == "" {
		absent(t, variable+" names no server")
	}
	return dsn
}

// settings are those that the documentation of sqlstore asks for.
const settings = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"

// dsn names a database file that does not exist yet.
func dsn(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "test.db") + settings
}

func mattnDSN(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("sqlite3", ":memory:")
	must(t, err)
	defer db.Close()
	if err := db.PingContext(t.Context()); err != nil && strings.Contains(err.Error(), "CGO_ENABLED=0") {
		absent(t, "mattn/go-sqlite3 needs cgo")
	}
	return "file:" + filepath.Join(t.TempDir(), "test.db") + "?_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL"
}

// uniqueName returns a name that no other test uses.
func uniqueName() string { return "auth_test_" + strings.ToLower(rand.Text()[:12]) }

// during runs one statement now, and another at the end of the test.
func during(t testing.TB, driver, dsn, now, end string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	must(t, err)
	_, err = db.ExecContext(t.Context(), now)
	must(t, err)
	t.Cleanup(func() {
		defer db.Close()
		if _, err := db.Exec(end); err != nil {
			t.Error(err)
		}
	})
}

// postgresDSN makes a schema, in which its connections create their tables. They
// have its name, so that a test finds them.
func postgresDSN(t testing.TB) string {
	t.Helper()
	u, err := url.Parse(server(t, "AUTH_TEST_POSTGRES_DSN"))
	must(t, err)
	name := uniqueName()
	during(t, "pgx", u.String(), "CREATE SCHEMA "+name, "DROP SCHEMA "+name+" CASCADE")
	q := u.Query()
	q.Set("search_path", name)
	q.Set("application_name", name)
	q.Set("synchronous_commit", "off")
	u.RawQuery = q.Encode()
	return u.String()
}

// mysqlDSN makes a database that compares text as MySQL likes to: without case and
// accents.
func mysqlDSN(t testing.TB, parameters string) string {
	t.Helper()
	c, err := mysql.ParseDSN(server(t, "AUTH_TEST_MYSQL_DSN"))
	must(t, err)
	admin, name := c.FormatDSN(), uniqueName()
	during(t, "mysql", admin, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "DROP DATABASE "+name)
	c.DBName = name
	dsn := c.FormatDSN()
	if parameters == "" {
		return dsn
	}
	if strings.Contains(dsn, "?") {
		return dsn + "&" + parameters
	}
	return dsn + "?" + parameters
}
