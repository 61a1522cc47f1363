package dbtest

import (
	"context"
	"database/sql/driver"
	"slices"
	"sync"
)

// recorder opens connections of any driver and writes down what is asked of them.
// It can also break them.
type recorder struct {
	driver driver.Driver
	dsn    string

	mu         sync.Mutex
	statements []statement // what was run, and BEGIN, COMMIT and ROLLBACK
	prepared   []string

	// before and after may make a statement fail: without being run, or although
	// it was. nil: they do not.
	before, after func(query string) error
}

// statement is one that was run.
type statement struct {
	query string
	args  []any
}

func (r *recorder) ran(query string, args []driver.NamedValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := statement{query: query}
	for _, a := range args {
		s.args = append(s.args, a.Value)
	}
	r.statements = append(r.statements, s)
}

// take returns what was run and what was prepared since the last call.
func (r *recorder) take() (statements []statement, prepared []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	statements, prepared = slices.Clone(r.statements), slices.Clone(r.prepared)
	r.statements, r.prepared = nil, nil
	return statements, prepared
}

// queries returns the text of statements.
func queries(statements []statement) []string {
	var list []string
	for _, s := range statements {
		list = append(list, s.query)
	}
	return list
}

// fail sets before and after.
func (r *recorder) fail(before, after func(query string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before, r.after = before, after
}

func (r *recorder) faults() (before, after func(query string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, after = r.before, r.after
	never := func(string) error { return nil }
	if before == nil {
		before = never
	}
	if after == nil {
		after = never
	}
	return before, after
}

// run runs a statement and writes it down.
func run[T any](r *recorder, query string, args []driver.NamedValue, f func() (T, error)) (T, error) {
	var none T
	before, after := r.faults()
	if err := before(query); err != nil {
		return none, err
	}
	v, err := f()
	r.ran(query, args)
	if e := after(query); e != nil {
		return none, e
	}
	return v, err
}

// Connect implements [driver.Connector].
func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.driver.Open(r.dsn)
	if err != nil {
		return nil, err
	}
	return &conn{c.(driverConn), r}, nil
}

// Driver implements [driver.Connector].
func (r *recorder) Driver() driver.Driver { return r.driver }

// driverConn is what connections of all drivers can do.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type conn struct {
	driverConn
	r *recorder
}

// CheckNamedValue implements [driver.NamedValueChecker] for drivers that do.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.driverConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ResetSession implements [driver.SessionResetter] for drivers that do.
func (c *conn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.driverConn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

// IsValid implements [driver.Validator] for drivers that do.
func (c *conn) IsValid() bool {
	v, ok := c.driverConn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	var begun driver.Tx
	tx, err := run(c.r, "BEGIN", nil, func() (tx driver.Tx, err error) {
		begun, err = c.driverConn.BeginTx(ctx, opts)
		return begun, err
	})
	if err != nil && begun != nil {
		begun.Rollback() // what is broken has no transaction
	}
	if err != nil {
		return nil, err
	}
	return transaction{tx, c.r}, nil
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.driverConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.prepared = append(c.r.prepared, query)
	return &stmt{s.(driverStmt), query, c.r}, nil
}

// ExecContext runs a statement without arguments. Others database/sql prepares, as
// it must with some drivers.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip
	}
	return run(c.r, query, args, func() (driver.Result, error) { return c.driverConn.ExecContext(ctx, query, args) })
}

// QueryContext is like ExecContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) > 0 {
		return nil, driver.ErrSkip
	}
	return run(c.r, query, args, func() (driver.Rows, error) { return c.driverConn.QueryContext(ctx, query, args) })
}

type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	driverStmt
	query string
	r     *recorder
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return run(s.r, s.query, args, func() (driver.Result, error) { return s.driverStmt.ExecContext(ctx, args) })
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return run(s.r, s.query, args, func() (driver.Rows, error) { return s.driverStmt.QueryContext(ctx, args) })
}

type transaction struct {
	driver.Tx
	r *recorder
}

// Commit rolls back if it fails before it is run, as a database then does.
func (t transaction) Commit() error {
	ended := false
	_, err := run(t.r, "COMMIT", nil, func() (any, error) { ended = true; return nil, t.Tx.Commit() })
	if !ended {
		t.Tx.Rollback()
	}
	return err
}

func (t transaction) Rollback() error {
	t.r.ran("ROLLBACK", nil)
	return t.Tx.Rollback()
}
