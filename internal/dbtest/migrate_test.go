package dbtest

import (
	"io/fs"
	"slices"
	"sync"
	"testing"

	"github.com/vestibule-go/auth/sqlstore"
)

// all returns the names of all migrations.
func (s source) all(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(sqlstore.Migrations(s.dialect), "*.sql")
	must(t, err)
	return names
}

func TestMigrateTwice(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db, rec := src.record(t)
		s := sqlstore.New(db, src.dialect)
		applied, err := s.Migrate(t.Context())
		if err != nil || !slices.Equal(applied, src.all(t)) {
			t.Errorf("first: got %q, error %v, want all", applied, err)
		}
		must(t, s.CreateUser(t.Context(), ann()))
		rec.take()
		applied, err = s.Migrate(t.Context())
		if err != nil || len(applied) != 0 {
			t.Errorf("second: got %q, error %v, want none", applied, err)
		}
		if ran, _ := rec.take(); slices.Contains(queries(ran), "BEGIN") {
			t.Errorf("second: ran %q, and has nothing to write", queries(ran))
		}
		_, err = s.UserByID(t.Context(), "ann")
		must(t, err)
	})
}

func TestMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		for range 5 {
			src := src.source(t)
			applied := make([][]string, 6)
			var wg sync.WaitGroup
			for i := range applied {
				s := sqlstore.New(src.open(t), src.dialect)
				wg.Go(func() {
					var err error
					if applied[i], err = s.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := slices.Concat(applied...); !slices.Equal(got, src.all(t)) {
				t.Errorf("together they applied %q, want each migration once", got)
			}
		}
	})
}

// A migration that fails leaves nothing, not even its name.
func TestMigrateFails(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		db := src.open(t)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE auth_sessions (id INTEGER)") // in the way
		must(t, err)
		s := sqlstore.New(db, src.dialect)
		if applied, err := s.Migrate(t.Context()); err == nil || len(applied) != 0 {
			t.Fatalf("got %q, error %v, want an error", applied, err)
		}
		_, err = db.ExecContext(t.Context(), "DROP TABLE auth_sessions")
		must(t, err)
		if applied, err := s.Migrate(t.Context()); err != nil || !slices.Equal(applied, src.all(t)) {
			t.Errorf("afterwards: got %q, error %v, want all", applied, err)
		}
	})
}
