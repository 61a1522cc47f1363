package sqlstore_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vestibule-go/auth/sqlstore"
)

// The tests with databases are in a module of their own, internal/dbtest: this
// one needs no driver.

func TestNewNeedsDatabaseAndDialect(t *testing.T) {
	for name, f := range map[string]func(){
		"no database":              func() { sqlstore.New(nil, sqlstore.SQLite) },
		"no dialect":               func() { sqlstore.New(new(sql.DB), sqlstore.Dialect{}) },
		"migrations of no dialect": func() { sqlstore.Migrations(sqlstore.Dialect{}) },
		"and for golang-migrate":   func() { sqlstore.UpMigrations(sqlstore.Dialect{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

var dialects = map[string]sqlstore.Dialect{
	"SQLite": sqlstore.SQLite, "PostgreSQL": sqlstore.Postgres, "MySQL": sqlstore.MySQL,
}

func TestMigrationsAreNumbered(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			names := numbered(t, sqlstore.Migrations(d), ".sql", "atlas.sum")
			up := numbered(t, sqlstore.UpMigrations(d), ".up.sql")
			if len(up) != len(names) {
				t.Errorf("golang-migrate gets %q of %q", up, names)
			}
		})
	}
}

// numbered checks what tools expect of their files, and returns the names.
func numbered(t *testing.T, files fs.FS, suffix string, others ...string) []string {
	t.Helper()
	names, err := fs.Glob(files, "*"+suffix)
	if err != nil || len(names) == 0 || !slices.IsSorted(names) {
		t.Fatalf("got %q, error %v", names, err)
	}
	if err := fstest.TestFS(files, append(others, names...)...); err != nil {
		t.Error(err)
	}
	for i, name := range names {
		m := regexp.MustCompile(`^(\d{4})_[a-z_]+` + regexp.QuoteMeta(suffix) + `$`).FindStringSubmatch(name)
		if m == nil || strings.TrimLeft(m[1], "0") != fmt.Sprint(i+1) {
			t.Errorf("migration %d is named %q", i+1, name)
		}
		if text, err := fs.ReadFile(files, name); err != nil || !strings.HasPrefix(string(text), "-- +goose Up\n") {
			t.Errorf("%s, error %v, does not begin as goose wants it:\n%s", name, err, text)
		}
	}
	return names
}

// A prefix stands before tables and indexes, a schema before tables only.
func TestMigrationsWithPrefix(t *testing.T) {
	for prefix, want := range map[string][]string{
		"":         {"CREATE TABLE auth_users (", "INDEX auth_sessions_expires ON auth_sessions ("},
		"shop_":    {"CREATE TABLE shop_auth_users (", "INDEX shop_auth_sessions_expires ON shop_auth_sessions ("},
		"user.":    {`CREATE TABLE "user".auth_users (`, `INDEX auth_sessions_expires ON "user".auth_sessions (`},
		"shop.eu_": {`CREATE TABLE "shop".eu_auth_users (`, `INDEX eu_auth_sessions_expires ON "shop".eu_auth_sessions (`},
	} {
		files := sqlstore.Migrations(sqlstore.Postgres.WithPrefix("other_").WithPrefix(prefix))
		script, err := fs.ReadFile(files, "0001_users_credentials_sessions.sql")
		info, e := fs.Stat(files, "0001_users_credentials_sessions.sql")
		if err != nil || e != nil || info.Size() != int64(len(script)) {
			t.Fatalf("%q: %v, %v, size %d of %d", prefix, err, e, info.Size(), len(script))
		}
		for _, part := range want {
			if !strings.Contains(string(script), part) {
				t.Errorf("%q: no %q in\n%s", prefix, part, script)
			}
		}
	}
}

// A prefix is part of SQL, and so cannot be anything.
func TestPrefixIsAName(t *testing.T) {
	for _, prefix := range []string{
		"shop; DROP TABLE users; --", "Shop_", "1_", "shop-", "shop ", " ", ".", "a.b.", "\"", "`", "shöp_", "shop_\n", "\x00",
		strings.Repeat("a", 32), strings.Repeat("a", 32) + ".",
	} {
		for name, d := range dialects {
			if !panics(func() { d.WithPrefix(prefix) }) {
				t.Errorf("%s accepts the prefix %q", name, prefix)
			}
		}
	}
	if !panics(func() { sqlstore.SQLite.WithPrefix("shop.") }) {
		t.Error("SQLite has no schemas, but accepts one")
	}
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}
