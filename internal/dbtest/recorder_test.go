package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"sync"

	"modernc.org/sqlite"
)

// recorder opens connections of SQLite and writes down what is asked of them.
type recorder struct {
	dsn string

	mu         sync.Mutex
	statements []string // what was run, and BEGIN, COMMIT and ROLLBACK
	prepared   []string
}

func (r *recorder) note(list *[]string, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = append(*list, what)
}

// take returns what was run and what was prepared since the last call.
func (r *recorder) take() (statements, prepared []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	statements, prepared = slices.Clone(r.statements), slices.Clone(r.prepared)
	r.statements, r.prepared = nil, nil
	return statements, prepared
}

// Connect implements [driver.Connector].
func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.Driver().Open(r.dsn)
	if err != nil {
		return nil, err
	}
	return &conn{c.(sqliteConn), r}, nil
}

// Driver implements [driver.Connector].
func (r *recorder) Driver() driver.Driver {
	db, _ := sql.Open("sqlite", "")
	return db.Driver().(*sqlite.Driver)
}

// sqliteConn is what connections of SQLite can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type conn struct {
	sqliteConn
	r *recorder
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.r.note(&c.r.statements, "BEGIN")
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	return transaction{tx, c.r}, err
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.r.note(&c.r.prepared, query)
	s, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{s.(sqliteStmt), query, c.r}, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.r.note(&c.r.statements, query)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.r.note(&c.r.statements, query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	sqliteStmt
	query string
	r     *recorder
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.r.note(&s.r.statements, s.query)
	return s.sqliteStmt.ExecContext(ctx, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.r.note(&s.r.statements, s.query)
	return s.sqliteStmt.QueryContext(ctx, args)
}

type transaction struct {
	driver.Tx
	r *recorder
}

func (t transaction) Commit() error {
	t.r.note(&t.r.statements, "COMMIT")
	return t.Tx.Commit()
}

func (t transaction) Rollback() error {
	t.r.note(&t.r.statements, "ROLLBACK")
	return t.Tx.Rollback()
}
