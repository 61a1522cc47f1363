package sqlstore

import (
	"context"
	"database/sql"
)

// Dialect is what databases do not agree upon. There is one for each database
// that this package knows, such as [SQLite]; the zero Dialect is none of them.
//
// All statements of this package are written once, in the SQL that the databases
// have in common, with a ? for each argument.
type Dialect struct {
	// name is the folder of its migrations.
	name string

	// placeholders puts the database's own placeholders in the place of each ?.
	placeholders func(query string) string

	// ifNew makes an INSERT add nothing, and report no row and no error, if a
	// primary key or another unique column is taken.
	ifNew func(insert string) string

	// lock keeps other processes from migrating until unlock is called. It is
	// for databases in which the tables of a transaction outlive its rollback, or
	// in which two of them cannot wait for each other. nil: not needed.
	lock func(context.Context, *sql.Conn) (unlock func() error, err error)
}
