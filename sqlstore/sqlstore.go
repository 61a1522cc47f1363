package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
)

// Store is an [auth.Store] in a database. Make one with [New]; the zero Store has
// no database. It is safe for concurrent use, also by several processes with one
// database. It takes whole rows: what it returns shares no memory with anything.
//
// Sessions and credentials without a UserID are nobody's: asking for the user ""
// finds none.
type Store struct {
	db    *sql.DB
	d     Dialect
	swept atomic.Int64 // when the last sweep began, in microseconds since 1970

	mu    sync.Mutex
	stmts map[string]*sql.Stmt // by query as written in this package
}

var _ auth.Store = (*Store)(nil)

// New returns a Store that uses db, which remains the caller's to configure and
// to close. The tables must exist before the first use: see [Store.Migrate].
// New does not talk to the database. It panics if db is nil or d is no dialect
// of this package.
func New(db *sql.DB, d Dialect) *Store {
	if db == nil || d.name == "" {
		panic("sqlstore: New needs a database and a dialect, such as sqlstore.SQLite")
	}
	s := &Store{db: db, d: d, stmts: make(map[string]*sql.Stmt)}
	s.swept.Store(time.Now().UnixMicro())
	return s
}

// Close releases the statements that the Store has prepared. It does not close
// the database. Call it when no other method is running; a Store used after that
// prepares its statements anew.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for query, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
		delete(s.stmts, query)
	}
	return errors.Join(errs...)
}

// prepared returns the statement for query, which is prepared at its first use.
// Two callers may both prepare it; one of the two is kept.
func (s *Store) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	stmt := s.stmts[query]
	s.mu.Unlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, s.d.placeholders(query))
	if err != nil {
		return nil, err
	}
	return s.keep(query, stmt), nil
}

func (s *Store) keep(query string, stmt *sql.Stmt) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.stmts[query]; first != nil {
		stmt.Close()
		return first
	}
	s.stmts[query] = stmt
	return stmt
}

// runner runs statements: a Store, which prepares them, or a transaction, which
// does not, for that could need a second connection.
type runner interface {
	exec(ctx context.Context, query string, args ...any) (int64, error)
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return 0, wrap(err)
	}
	return affected(stmt.ExecContext(ctx, args...))
}

func (s *Store) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return nil, wrap(err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return rows, wrap(err)
}

// transaction is a runner within a transaction.
type transaction struct {
	tx *sql.Tx
	d  Dialect
}

func (t transaction) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return affected(t.tx.ExecContext(ctx, t.d.placeholders(query), args...))
}

func (t transaction) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := t.tx.QueryContext(ctx, t.d.placeholders(query), args...)
	return rows, wrap(err)
}

// atomically runs f in a transaction, and undoes what it did if it fails.
func (s *Store) atomically(ctx context.Context, f func(runner) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	defer tx.Rollback()
	if err := f(transaction{tx, s.d}); err != nil {
		return err
	}
	return wrap(tx.Commit())
}

// affected returns the number of rows that a statement changed.
func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, wrap(err)
	}
	n, err := res.RowsAffected()
	return n, wrap(err)
}

// all returns what scan makes of each row.
func all[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		list = append(list, v)
	}
	return list, wrap(rows.Err())
}

// one returns what scan makes of the first row, or ErrNotFound.
func one[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) (T, error) {
	list, err := all(rows, scan)
	if err == nil && len(list) == 0 {
		err = auth.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

// wrap says where an error of the database came from.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: %w", err)
}

// now returns the time that decides what has expired.
func now() int64 { return time.Now().UnixMicro() }

// timeOrNull is for columns in which the zero time is NULL.
func timeOrNull(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// instant is the opposite of UnixMicro, also for the zero time.
func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func instantOrZero(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return instant(micros.Int64)
}
