package sqlstore_test

import (
	"database/sql"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/sqlstore"
)

// The tests with databases are in a module of their own, internal/dbtest: this
// one needs no driver.

func TestNewNeedsDatabaseAndDialect(t *testing.T) {
	for name, f := range map[string]func(){
		"no database":              func() { sqlstore.New(nil, sqlstore.SQLite) },
		"no dialect":               func() { sqlstore.New(new(sql.DB), sqlstore.Dialect{}) },
		"migrations of no dialect": func() { sqlstore.Migrations(sqlstore.Dialect{}) },
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

func TestMigrationsAreNumbered(t *testing.T) {
	names, err := fs.Glob(sqlstore.Migrations(sqlstore.SQLite), "*")
	if err != nil || len(names) == 0 || !slices.IsSorted(names) {
		t.Fatalf("got %q, error %v", names, err)
	}
	for i, name := range names {
		m := regexp.MustCompile(`^(\d{4})_[a-z_]+\.sql$`).FindStringSubmatch(name)
		if m == nil || strings.TrimLeft(m[1], "0") != string(rune('1'+i)) {
			t.Errorf("migration %d is named %q", i+1, name)
		}
	}
}
