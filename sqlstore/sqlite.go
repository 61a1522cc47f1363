package sqlstore

import (
	"context"
	"errors"
	"strings"
	"time"

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
	unable:  sqliteUnable,
	sweep:   sqliteSweep,
	rest:    1,
	inspect: sqliteInspect,
	columns: "SELECT c.name FROM (SELECT ?) JOIN pragma_table_info(?) c",
	indexes: `SELECT COALESCE(marked || group_concat(name), '') FROM (
		SELECT l.name AS one, CASE WHEN l."unique" THEN '!' ELSE '' END AS marked, c.name AS name
		FROM (SELECT ?) JOIN pragma_index_list(?) l JOIN pragma_index_info(l.name) c
		WHERE NOT l.partial ORDER BY l.name, c.seqno) GROUP BY one, marked`,
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

// sqliteUnable goes by the texts of SQLITE_READONLY and SQLITE_FULL.
func sqliteUnable(err error) bool {
	text := err.Error()
	return strings.Contains(text, "readonly database") || strings.Contains(text, "disk is full")
}

// sqliteSweep first asks where the batch ends, so that the writing statement, for
// which others wait, is short. What expires at the same microsecond goes together.
func sqliteSweep(ctx context.Context, s *Store, t table) (n int, more bool, err error) {
	until := now()
	last, err := one(ctx, s, scanNumber,
		"SELECT expires FROM "+t.name+" WHERE expires <= ? ORDER BY expires LIMIT 1 OFFSET ?", until, sweepSize-1)
	if err == nil {
		until, more = last, true
	} else if !errors.Is(err, auth.ErrNotFound) {
		return 0, false, err
	}
	deleted, err := s.exec(ctx, "DELETE FROM "+t.name+" WHERE expires <= ?", until)
	return int(deleted), more, err
}

// sqliteInspect asks for what is a setting of the file, or of every connection.
func sqliteInspect(ctx context.Context, s *Store, in *Inspection) error {
	var millis int64
	err := s.db.QueryRowContext(ctx, `SELECT f.file, j.journal_mode, b.timeout FROM pragma_database_list f,
		pragma_journal_mode j, pragma_busy_timeout b WHERE f.name = 'main'`).Scan(&in.File, &in.Journal, &millis)
	in.BusyTimeout = time.Duration(millis) * time.Millisecond
	return wrap(err)
}
