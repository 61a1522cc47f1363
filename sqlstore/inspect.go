package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Inspection is what a database says of itself.
type Inspection struct {
	// Missing are the columns and indexes that this package works with and that are not there, such as
	// "auth_users.email" and "unique index on auth_users (email)".
	Missing []string

	// Expired counts the sessions and credentials that have expired and are not yet removed.
	Expired int

	// Orphans counts the sessions and credentials of users who are not in auth_users. Where users are kept elsewhere
	// they all are.
	Orphans int

	// Clock is the time of the database's server less the time of this machine, to the half of what it took to ask; and zero
	// in SQLite, which has no clock of its own.
	Clock time.Duration

	// File is the file of an SQLite database, and empty elsewhere and in memory.
	File string

	// Journal is SQLite's journal_mode, such as "wal", and empty elsewhere.
	Journal string

	// BusyTimeout is for how long a connection of SQLite waits for another, and zero elsewhere.
	BusyTimeout time.Duration
}

// Inspect looks at the database as [Store.Migrate] made it, for operators. It changes nothing. It reads the index of
// what expires, and all sessions and credentials: in a large database this takes seconds.
func (s *Store) Inspect(ctx context.Context) (*Inspection, error) {
	in := &Inspection{}
	for _, t := range layout {
		missing, err := s.missing(ctx, t)
		if err != nil {
			return nil, err
		}
		in.Missing = append(in.Missing, missing...)
	}
	if err := s.d.inspect(ctx, s, in); err != nil || len(in.Missing) > 0 {
		return in, err // what is not there cannot be counted
	}
	err := s.count(ctx, in)
	return in, err
}

// wanted is what this package needs of a table.
type wanted struct {
	table   string
	columns string
	indexes []string // columns, and ! before those of a unique index
}

var layout = []wanted{
	{"auth_users", "id email password_hash stamp version created updated confirmed disabled", []string{"!id", "!email"}},
	{"auth_credentials", "kind id user_id name data created used expires version", []string{"!kind,id", "user_id,kind", "expires"}},
	{"auth_sessions", "id user_id created last_seen expires address agent data", []string{"!id", "user_id", "expires"}},
}

// missing returns what is not there of a table.
func (s *Store) missing(ctx context.Context, t wanted) (missing []string, err error) {
	columns, err := s.catalog(ctx, s.d.columns, t.table)
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return []string{"table " + t.table}, nil
	}
	for column := range strings.FieldsSeq(t.columns) {
		if !slices.Contains(columns, column) {
			missing = append(missing, t.table+"."+column)
		}
	}
	indexes, err := s.catalog(ctx, s.d.indexes, t.table)
	for _, index := range t.indexes {
		if !slices.ContainsFunc(indexes, func(has string) bool { return serves(has, index) }) {
			missing = append(missing, describe(index, t.table))
		}
	}
	return missing, err
}

// serves reports whether an index does what is wanted of another: it begins with its columns, and if that is unique it
// is one of the same columns.
func serves(has, index string) bool {
	if strings.HasPrefix(index, "!") {
		return has == index
	}
	has = strings.TrimPrefix(has, "!")
	return has == index || strings.HasPrefix(has, index+",")
}

func describe(index, table string) string {
	columns, unique := strings.CutPrefix(index, "!")
	kind := "index"
	if unique {
		kind = "unique index"
	}
	return fmt.Sprintf("%s on %s (%s)", kind, table, strings.ReplaceAll(columns, ",", ", "))
}

const (
	expiredSessions    = "SELECT COUNT(*) FROM auth_sessions WHERE expires <= ?"
	expiredCredentials = "SELECT COUNT(*) FROM auth_credentials WHERE expires <= ?"
	orphanSessions     = `SELECT COUNT(*) FROM auth_sessions s WHERE s.user_id <> '' AND NOT EXISTS
		(SELECT 1 FROM auth_users u WHERE u.id = s.user_id)`
	orphanCredentials = `SELECT COUNT(*) FROM auth_credentials c WHERE c.user_id <> '' AND NOT EXISTS
		(SELECT 1 FROM auth_users u WHERE u.id = c.user_id)`
)

func (s *Store) count(ctx context.Context, in *Inspection) error {
	for _, c := range []struct {
		to    *int
		query string
		args  []any
	}{
		{&in.Expired, expiredSessions, []any{now()}},
		{&in.Expired, expiredCredentials, []any{now()}},
		{&in.Orphans, orphanSessions, nil},
		{&in.Orphans, orphanCredentials, nil},
	} {
		n, err := one(ctx, s, scanNumber, c.query, c.args...)
		if err != nil {
			return err
		}
		*c.to += int(n)
	}
	return nil
}

// clock notes by how much the server's clock is ahead of ours. The query returns its time in microseconds.
func (s *Store) clock(ctx context.Context, in *Inspection, query string) error {
	before := time.Now()
	var micros int64
	if err := s.db.QueryRowContext(ctx, query).Scan(&micros); err != nil {
		return wrap(err)
	}
	took := time.Since(before)
	in.Clock = instant(micros).Sub(before.Add(took / 2)).Round(time.Millisecond)
	return nil
}

// catalog returns what a query about a table returns, which is text.
func (s *Store) catalog(ctx context.Context, query, table string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, query, s.d.schema, s.d.prefix+table)
	var list []string
	err = scanAll(rows, err, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}
