package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

//go:embed migrations
var migrations embed.FS

const (
	createMigrations = "CREATE TABLE IF NOT EXISTS auth_migrations (name VARCHAR(100) NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)"
	selectMigrations = "SELECT name FROM auth_migrations"
	insertMigration  = "INSERT INTO auth_migrations (name, applied) VALUES (?, ?)"
)

// Migrations returns the files that [Store.Migrate] applies, for those who apply
// them with a tool of their own: plain SQL, named such that they sort in the order
// in which they belong. A released file never changes. They do not create
// auth_migrations, which only Migrate needs. It panics if d is the zero Dialect.
func Migrations(d Dialect) fs.FS {
	if d.name == "" {
		panic("sqlstore: Migrations needs a dialect, such as sqlstore.SQLite")
	}
	dir, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		panic(err) // no name of a dialect is an invalid path
	}
	return dir
}

// Migrate creates the tables, or brings them up to date, and returns the names of
// the migrations it applied: none if there was nothing to do.
//
// Call it whenever the program starts. Each migration runs once, in a transaction
// that also records it in the table auth_migrations, and keeps all data. Several
// processes may call Migrate at the same time: one of them applies a migration,
// the others wait. If it fails, the migrations returned have been applied, and
// calling it again goes on from there.
func (s *Store) Migrate(ctx context.Context) (applied []string, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if s.d.lock != nil {
		unlock, err := s.d.lock(ctx, conn)
		if err != nil {
			return nil, wrap(err)
		}
		defer unlock()
	}
	return s.migrate(ctx, conn)
}

// connect tries for a moment: programs migrate when they start, and often start
// together. SQLite then refuses the second while the first makes a new file one
// with a write-ahead log.
func (s *Store) connect(ctx context.Context) (*sql.Conn, error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		conn, err := s.db.Conn(ctx)
		if err == nil || wait > 500*time.Millisecond {
			return conn, wrap(err)
		}
		if err := rest(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// migrate applies what is missing.
func (s *Store) migrate(ctx context.Context, conn *sql.Conn) (applied []string, err error) {
	done, err := migrated(ctx, conn)
	if err != nil {
		return nil, err
	}
	files := Migrations(s.d)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, wrap(err)
	}
	for _, name := range names {
		if done[name] {
			continue
		}
		ran, err := s.apply(ctx, conn, files, name)
		if err != nil {
			return applied, fmt.Errorf("sqlstore: migration %s: %w", name, err)
		}
		if ran {
			applied = append(applied, name)
		}
	}
	return applied, nil
}

// migrated returns the names of the migrations that have been applied.
func migrated(ctx context.Context, conn *sql.Conn) (map[string]bool, error) {
	if _, err := conn.ExecContext(ctx, createMigrations); err != nil {
		return nil, wrap(err)
	}
	rows, err := conn.QueryContext(ctx, selectMigrations)
	if err != nil {
		return nil, wrap(err)
	}
	names, err := all(rows, func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) })
	done := make(map[string]bool)
	for _, name := range names {
		done[name] = true
	}
	return done, err
}

// apply runs one migration, unless another process has done so by now. It
// records it first: that makes others wait.
func (s *Store) apply(ctx context.Context, conn *sql.Conn, files fs.FS, name string) (ran bool, err error) {
	script, err := fs.ReadFile(files, name)
	if err != nil {
		return false, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	n, err := transaction{tx, s.d}.exec(ctx, s.d.ifNew(insertMigration), name, now())
	if n == 0 || err != nil {
		return false, err
	}
	for _, statement := range statements(string(script)) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return false, err
		}
	}
	return true, tx.Commit()
}

// statements splits a script at the semicolons that end a line: not every driver
// runs more than one statement at a time.
func statements(script string) []string {
	var list []string
	for statement := range strings.SplitSeq(script, ";\n") {
		if s := strings.TrimSpace(statement); s != "" {
			list = append(list, s)
		}
	}
	return list
}
