package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/vestibule-go/auth"
)

// SQLite is the dialect of SQLite, 3.37 or newer, with any driver. The package
// comment says how to open a database well.
//
// Migrations need no lock: creating tables is part of the transaction, whose
// first statement writes, and so waits for another process that migrates.
var SQLite = Dialect{
	name:    "sqlite",
	ifNew:   " ON CONFLICT DO NOTHING",
	failure: sqliteFailure,
	sweep:   sqliteSweep,
	rest:    1,
}

// sqliteFailure goes by the text of SQLITE_BUSY and SQLITE_LOCKED, which comes from
// SQLite itself, and so is in the errors of every driver.
func sqliteFailure(err error) failure {
	text := err.Error()
	if strings.Contains(text, "database is locked") || strings.Contains(text, "table is locked") {
		return undone
	}
	return final
}

// sqliteSweep first asks where the batch ends, so that the writing statement, for
// which others wait, is short. What expires at the same microsecond goes together.
func sqliteSweep(ctx context.Context, s *Store, t table) (n int, more bool, err error) {
	until := now()
	last, err := one(ctx, s, func(rows *sql.Rows) (last int64, err error) { return last, rows.Scan(&last) },
		"SELECT expires FROM "+t.name+" WHERE expires <= ? ORDER BY expires LIMIT 1 OFFSET ?", until, sweepSize-1)
	if err == nil {
		until, more = last, true
	} else if !errors.Is(err, auth.ErrNotFound) {
		return 0, false, err
	}
	deleted, err := s.exec(ctx, "DELETE FROM "+t.name+" WHERE expires <= ?", until)
	return int(deleted), more, err
}
