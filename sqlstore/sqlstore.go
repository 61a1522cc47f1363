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
	texts sync.Map             // the same queries as the database understands them
}

var _ auth.Store = (*Store)(nil)

// New returns a Store that uses db, which remains the caller's to configure and
// to close. The tables must exist before the first use: see [Store.Migrate].
// New does not talk to the database. It panics if db is nil or d is no dialect
// of this package. Names of tables are chosen with [Dialect.WithPrefix].
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
	stmt, err := s.db.PrepareContext(ctx, s.text(query))
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

// text translates a query once.
func (s *Store) text(query string) string {
	if text, ok := s.texts.Load(query); ok {
		return text.(string)
	}
	text := s.d.sql(query)
	s.texts.Store(query, text)
	return text
}

// runner runs statements: a Store, which prepares and repeats them, or a
// transaction, which does neither, for to prepare could need a second connection,
// and only the whole can be repeated.
type runner interface {
	// exec returns how many rows a statement changed.
	exec(ctx context.Context, query string, args ...any) (int64, error)

	// each calls scan with every row that a query finds. If that is repeated, it
	// calls begin first.
	each(ctx context.Context, begin func(), scan func(*sql.Rows) error, query string, args ...any) error
}

func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return s.repeat(ctx, s.write, query, args)
}

// erase is exec for what may be done twice, and whose count does not matter.
func (s *Store) erase(ctx context.Context, query string, args ...any) error {
	_, err := s.repeat(ctx, s.idempotent, query, args)
	return err
}

func (s *Store) repeat(ctx context.Context, again func(error) bool, query string, args []any) (n int64, err error) {
	if !s.d.plain(args) {
		return 0, nil
	}
	err = retry(ctx, again, func() error {
		stmt, err := s.prepared(ctx, query)
		if err != nil {
			return wrap(err)
		}
		n, err = affected(stmt.ExecContext(ctx, args...))
		return err
	})
	return n, s.report(err)
}

func (s *Store) each(ctx context.Context, begin func(), scan func(*sql.Rows) error, query string, args ...any) error {
	if !s.d.plain(args) {
		return nil
	}
	return s.report(retry(ctx, s.idempotent, func() error {
		begin()
		stmt, err := s.prepared(ctx, query)
		if err != nil {
			return wrap(err)
		}
		rows, err := stmt.QueryContext(ctx, args...)
		return scanAll(rows, err, scan)
	}))
}

// transaction is a runner within a transaction.
type transaction struct {
	tx *sql.Tx
	s  *Store
}

func (t transaction) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if !t.s.d.plain(args) {
		return 0, nil
	}
	return affected(t.tx.ExecContext(ctx, t.s.text(query), args...))
}

func (t transaction) each(ctx context.Context, begin func(), scan func(*sql.Rows) error, query string, args ...any) error {
	if !t.s.d.plain(args) {
		return nil
	}
	begin()
	rows, err := t.tx.QueryContext(ctx, t.s.text(query), args...)
	return scanAll(rows, err, scan)
}

// atomically runs f in a transaction, and undoes what it did if it fails. It
// repeats both when it is sure that nothing was done: until the transaction is to
// be committed, even if the connection breaks.
func (s *Store) atomically(ctx context.Context, f func(transaction) error) error {
	again := s.idempotent
	return s.report(retry(ctx, func(err error) bool { return again(err) }, func() error {
		again = s.idempotent
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return wrap(err)
		}
		defer tx.Rollback()
		if err := f(transaction{tx, s}); err != nil {
			return err
		}
		again = s.commit
		return wrap(tx.Commit())
	}))
}

// insert returns how many rows an INSERT added: none if a unique column is taken.
func (s *Store) insert(ctx context.Context, r runner, query string, args ...any) (int64, error) {
	n, err := r.exec(ctx, query+s.d.ifNew, args...)
	if err != nil && s.d.taken != nil && s.d.taken(err) {
		return 0, nil
	}
	return n, err
}

// affected returns the number of rows that a statement changed.
func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, wrap(err)
	}
	n, err := res.RowsAffected()
	return n, wrap(err)
}

// scanAll calls scan with each row of the answer to a query, and closes it.
func scanAll(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return wrap(err)
		}
	}
	return wrap(rows.Err())
}

// all returns what scan makes of each row.
func all[T any](ctx context.Context, r runner, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	var list []T
	begin := func() { list = nil }
	err := r.each(ctx, begin, func(rows *sql.Rows) error {
		v, err := scan(rows)
		list = append(list, v)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// scanNumber reads a row of one number.
func scanNumber(rows *sql.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}

// one returns what scan makes of the first row, or ErrNotFound.
func one[T any](ctx context.Context, r runner, scan func(*sql.Rows) (T, error), query string, args ...any) (T, error) {
	list, err := all(ctx, r, scan, query, args...)
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
