package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Dialect is what databases do not agree upon. There is one for each database
// that this package knows: [SQLite], [Postgres] and [MySQL], which is also
// that of MariaDB. The zero Dialect is none of them. A Dialect does not change, and
// is safe for concurrent use.
//
// All statements of this package are written once, in the SQL that the databases
// have in common, with a ? for each argument.
type Dialect struct {
	// name is the folder of its migrations.
	name string

	// schema and prefix stand before the names of tables; see WithPrefix.
	schema, prefix string

	// quote surrounds the name of a schema. Empty: there are none.
	quote string

	// numbered: a placeholder is $1, not ?.
	numbered bool

	// ifNew follows an INSERT that is to add nothing, and report no row and no
	// error, if a primary key or another unique column is taken.
	ifNew string

	// taken reports that an INSERT failed since a unique column is taken. It is for
	// databases without ifNew. nil: no error says so.
	taken func(error) bool

	// holds reports whether the database can hold a text. nil: any.
	holds func(text string) bool

	// onlyChanged: an UPDATE may count no row where it changes nothing.
	onlyChanged bool

	// committedDDL: creating a table commits, so that a migration is no transaction.
	committedDDL bool

	// failure says what an error of this database means.
	failure func(error) failure

	// unable reports that an error is of a database that is full, or takes no writes.
	unable func(error) bool

	// lock keeps other processes from migrating until unlock is called. nil: not
	// needed, for creating tables is part of a transaction that others wait for.
	lock func(context.Context, *sql.Conn, Dialect) (unlock func(context.Context) error, err error)

	// sweep removes one batch of the rows that have expired, and reports whether
	// there may be more.
	sweep func(context.Context, *Store, table) (n int, more bool, err error)

	// columns and indexes are queries for the columns of a table and for those of its indexes, in their order, with
	// commas between them and ! before those of a unique one. Their arguments are a schema, or "", and a table.
	columns, indexes string

	// inspect adds to an Inspection what only this database has.
	inspect func(context.Context, *Store, *Inspection) error

	// rest is how long to wait between two batches, in multiples of what one took.
	rest time.Duration
}

var prefixes = regexp.MustCompile(`^(?:([a-z_][a-z0-9_]{0,30})\.)?([a-z_][a-z0-9_]{0,30})?$`)

// WithPrefix returns a dialect whose tables have other names: "shop_auth_users"
// with the prefix "shop_", "shop.auth_users" with "shop.", which is a schema of
// PostgreSQL or a database of MySQL, and both with "shop.eu_". The schema must
// exist; [Store.Migrate] does not create it. The empty prefix is that of the
// dialects of this package.
//
//	sqlstore.New(db, sqlstore.Postgres.WithPrefix("shop."))
//
// It panics unless schema and prefix consist of at most 31 lower-case ASCII
// letters, digits and underscores each, and do not begin with a digit, or if there
// is a schema and the database is SQLite. A prefix that d already has is replaced.
func (d Dialect) WithPrefix(prefix string) Dialect {
	m := prefixes.FindStringSubmatch(prefix)
	if m == nil || m[1] != "" && d.quote == "" {
		panic(fmt.Sprintf("sqlstore: %q cannot stand before names of tables in %q", prefix, d.name))
	}
	d.schema, d.prefix = m[1], m[2]
	return d
}

var (
	ownName = regexp.MustCompile(`\bauth_[a-z_]+`)
	tables  = map[string]bool{"auth_users": true, "auth_credentials": true, "auth_sessions": true, "auth_migrations": true}
)

// names puts the schema and the prefix before the names of tables, and only the
// prefix before other names, for an index is in the schema of its table.
func (d Dialect) names(query string) string {
	if d.schema == "" && d.prefix == "" {
		return query
	}
	return ownName.ReplaceAllStringFunc(query, func(name string) string {
		if tables[name] && d.schema != "" {
			return d.quote + d.schema + d.quote + "." + d.prefix + name
		}
		return d.prefix + name
	})
}

// sql translates a statement as it is written in this package.
func (d Dialect) sql(query string) string {
	query = d.names(query)
	if !d.numbered {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			fmt.Fprintf(&b, "$%d", i)
		}
		b.WriteString(part)
	}
	return b.String()
}

// key is an argument by which a statement finds its rows. One that the database
// cannot hold finds none, and is not sent to it.
type key string

// plain makes arguments for a driver of args. It reports whether the database
// can hold all the keys among them.
func (d *Dialect) plain(args []any) (held bool) {
	held = true
	for i, arg := range args {
		if k, ok := arg.(key); ok {
			args[i] = string(k)
			held = held && (d.holds == nil || d.holds(string(k)))
		}
	}
	return held
}
