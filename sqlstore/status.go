package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Migration is one of the files that [Store.Migrate] applies, or has applied.
type Migration struct {
	Name    string    // of the file
	Applied time.Time // when it was; zero: it is pending
	Unknown bool      // it was applied by a newer version of this package, which has the file
}

// ErrUnrecorded reports that the tables are there, and that no auth_migrations says which migrations made
// them: another tool did.
var ErrUnrecorded = errors.New("sqlstore: the tables are there, and were not made by Migrate")

const statusMigrations = "SELECT name, applied FROM auth_migrations"

// MigrationStatus returns all migrations by their names, and which of them have been applied. It changes nothing, and
// needs no more than to read. It returns [ErrUnrecorded] where another tool applies them.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	applied, err := s.recorded(ctx)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(Migrations(s.d), "*.sql")
	if err != nil {
		return nil, wrap(err)
	}
	var list []Migration
	for _, name := range names {
		list = append(list, Migration{Name: name, Applied: applied[name]})
		delete(applied, name)
	}
	for name, at := range applied {
		list = append(list, Migration{name, at, true})
	}
	slices.SortFunc(list, func(a, b Migration) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// recorded returns when the migrations were applied that auth_migrations has.
func (s *Store) recorded(ctx context.Context) (map[string]time.Time, error) {
	applied := make(map[string]time.Time)
	found, err := s.hasTable(ctx, "auth_migrations")
	if err == nil && !found {
		if found, err = s.hasTable(ctx, "auth_users"); found {
			err = ErrUnrecorded
		}
		return applied, err
	}
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, func() { clear(applied) }, func(rows *sql.Rows) error {
		var name string
		var at int64
		err := rows.Scan(&name, &at)
		applied[name] = instant(at)
		return err
	}, statusMigrations)
	return applied, err
}

// hasTable reports whether there is a table of that name.
func (s *Store) hasTable(ctx context.Context, name string) (bool, error) {
	columns, err := s.catalog(ctx, s.d.columns, name)
	return len(columns) > 0, err
}
