package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

const (
	createMigrations = "CREATE TABLE IF NOT EXISTS auth_migrations (name VARCHAR(100) NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)"
	selectMigrations = "SELECT name FROM auth_migrations"
	insertMigration  = "INSERT INTO auth_migrations (name, applied) VALUES (?, ?)"
)

// Migrate creates the tables, or brings them up to date, and returns the names of
// the migrations it applied: none if there was nothing to do.
//
// Call it whenever the program starts. Each migration runs once, is recorded in the
// table auth_migrations, and keeps all data. Several processes may call Migrate at
// the same time: one of them applies a migration, the others wait. If it fails, the
// migrations returned have been applied, and calling it again goes on from there.
// In SQLite and PostgreSQL a migration is a transaction, and so leaves nothing if it
// fails; in MySQL what it leaves does no harm when it is applied again.
//
// Do not call it where another tool applies the files of [Migrations], of which it
// knows nothing. It then returns the error of the database, which has those tables, and
// changes none of them; in MySQL it applies the files again.
func (s *Store) Migrate(ctx context.Context) (applied []string, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if s.d.lock != nil {
		unlock, err := s.d.lock(ctx, conn, s.d)
		defer release(conn, unlock)
		if err != nil {
			return nil, wrap(err)
		}
	}
	return s.migrate(ctx, conn)
}

// release unlocks what others wait for, also if the caller's context has ended. A
// connection that may still hold the lock is not used again.
func release(conn *sql.Conn, unlock func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if unlock(ctx) != nil {
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
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
	done, err := s.migrated(ctx, conn)
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
func (s *Store) migrated(ctx context.Context, conn *sql.Conn) (map[string]bool, error) {
	if _, err := conn.ExecContext(ctx, s.text(createMigrations)); err != nil {
		return nil, wrap(err)
	}
	done := make(map[string]bool)
	rows, err := conn.QueryContext(ctx, s.text(selectMigrations))
	err = scanAll(rows, err, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		done[name] = true
		return err
	})
	return done, err
}

// apply runs one migration, unless another process has done so by now.
func (s *Store) apply(ctx context.Context, conn *sql.Conn, files fs.FS, name string) (ran bool, err error) {
	script, err := fs.ReadFile(files, name)
	if err != nil {
		return false, err
	}
	if s.d.committedDDL {
		return s.applyThenRecord(ctx, conn, string(script), name)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	// To record it first makes others wait.
	n, err := s.insert(ctx, transaction{tx, s}, insertMigration, name, now())
	if n == 0 || err != nil {
		return false, err
	}
	if err := run(ctx, tx, string(script)); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// applyThenRecord is for databases in which no transaction holds a migration. The
// lock keeps others away.
func (s *Store) applyThenRecord(ctx context.Context, conn *sql.Conn, script, name string) (ran bool, err error) {
	if err := run(ctx, conn, script); err != nil {
		return false, err
	}
	_, err = conn.ExecContext(ctx, s.text(insertMigration), name, now())
	return err == nil, err
}

// run runs the statements of a script, one at a time.
func run(ctx context.Context, on interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, script string) error {
	for _, statement := range statements(script) {
		if _, err := on.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
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
