package importer_test

import (
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/vestibule-go/auth/cmd/vestibule/internal/importer"
	"github.com/vestibule-go/auth/sqlstore"
)

// target returns a store with its tables.
func target(t testing.TB, driver, dsn string, d sqlstore.Dialect) *sqlstore.Store {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	prefix := ""
	if driver != "sqlite" {
		prefix = "import_" + strings.ToLower(rand.Text()[:8]) + "_"
		t.Cleanup(func() {
			for _, table := range []string{"users", "sessions", "credentials", "migrations"} {
				if _, err := db.Exec("DROP TABLE " + prefix + "auth_" + table); err != nil {
					t.Error(err)
				}
			}
		})
	}
	store := sqlstore.New(db, d.WithPrefix(prefix))
	t.Cleanup(func() { store.Close() })
	_, err = store.Migrate(t.Context())
	must(t, err)
	return store
}

// In every database the same comes to be, by many at once and one by one, and again.
func TestDatabases(t *testing.T) {
	for _, d := range []struct {
		driver, variable string
		dialect          sqlstore.Dialect
	}{
		{"sqlite", "", sqlstore.SQLite},
		{"pgx", "AUTH_TEST_POSTGRES_DSN", sqlstore.Postgres},
		{"mysql", "AUTH_TEST_MYSQL_DSN", sqlstore.MySQL},
	} {
		t.Run(d.driver, func(t *testing.T) {
			dsn := "file:" + filepath.Join(t.TempDir(), "app.db") + "?_pragma=busy_timeout(5000)&_txlock=immediate"
			if d.variable != "" {
				if dsn = os.Getenv(d.variable); dsn == "" && os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
					t.Fatal("AUTH_TEST_REQUIRE_ALL is 1, but ", d.variable, " names no server")
				} else if dsn == "" {
					t.Skip(d.variable, " names no server")
				}
			}
			into(t, target(t, d.driver, dsn, d.dialect))
		})
	}
}

func into(t *testing.T, store *sqlstore.Store) {
	t.Helper()
	path := file(t, "users.csv", people(450))
	want := importer.Result{Read: 450, New: 450, Imported: 450, Confirmed: 225, Disabled: 150}
	if got := run(t, read(t, path, importer.Options{}), store, store.CreateUsers); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	more := file(t, "more.csv", people(460))
	want = importer.Result{Read: 460, New: 10, Imported: 10, Already: 450, Confirmed: 230, Disabled: 154}
	if got := run(t, read(t, more, importer.Options{}), store, nil); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	u, err := store.UserByLogin(t.Context(), "user1@example.com")
	must(t, err)
	if created := when.Truncate(1e9); !u.Created.Equal(created) || !u.Confirmed.Equal(created) || !u.Disabled.IsZero() || u.PasswordHash != hashA[:len(hashA)-2]+"01" {
		t.Errorf("%v: created %v, confirmed %v, disabled %v", u, u.Created, u.Confirmed, u.Disabled)
	}
}
