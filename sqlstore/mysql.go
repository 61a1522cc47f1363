package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MySQL is the dialect of MySQL, 8.0 or newer, and of MariaDB, 10.11 or newer, with
// github.com/go-sql-driver/mysql and whatever settings of it: with clientFoundRows
// and without, with parseTime and without. The SQL mode must be strict, as it is
// by default, for in another the server cuts off what is too long.
var MySQL = Dialect{
	name:         "mysql",
	quote:        "`",
	taken:        func(err error) bool { return mysqlNumber(err) == 1062 },
	onlyChanged:  true,
	committedDDL: true,
	failure:      mysqlFailure,
	unable:       mysqlUnable,
	lock:         mysqlLock,
	sweep:        mysqlSweep,
	rest:         1,
	columns:      "SELECT COLUMN_NAME FROM information_schema.COLUMNS" + mysqlTable,
	indexes: `SELECT CONCAT(IF(MIN(NON_UNIQUE) = 0, '!', ''), GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX))
		FROM information_schema.STATISTICS` + mysqlTable + " GROUP BY INDEX_NAME HAVING COUNT(SUB_PART) = 0",
	inspect: func(ctx context.Context, s *Store, in *Inspection) error {
		return s.clock(ctx, in, "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)")
	},
}

// mysqlTable is for the table whose database, or "", and name are the arguments.
const mysqlTable = " WHERE TABLE_SCHEMA = COALESCE(NULLIF(?, ''), DATABASE()) AND TABLE_NAME = ?"

var mysqlError = regexp.MustCompile(`^Error (\d+)[ :]`)

// mysqlNumber returns the number of an error of the server, or 0. The driver writes
// it before the text, which may quote what visitors sent.
func mysqlNumber(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		if m := mysqlError.FindStringSubmatch(err.Error()); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
	}
	return 0
}

func mysqlFailure(err error) failure {
	switch mysqlNumber(err) {
	case 1213, 1020: // deadlock, changed since the transaction's snapshot
		return undone
	case 1040, 1203: // no connection: too many, too many of the user
		return undone
	case 1053, 1927, 4031: // shut down, killed, idle too long
		return lost
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == "invalid connection" { // the driver's word for a broken one
			return lost
		}
	}
	return final
}

// mysqlUnable: disk full, read-only server, transaction or mode, stopped by max_execution_time.
func mysqlUnable(err error) bool {
	return slices.Contains([]int{1021, 1290, 1792, 1836, 3024}, mysqlNumber(err))
}

// mysqlLock waits for a lock by name, which the server also releases if the
// connection ends. Such names belong to the whole server, and have 64 characters.
func mysqlLock(ctx context.Context, conn *sql.Conn, d Dialect) (unlock func(context.Context) error, err error) {
	var mode string
	var name sql.NullString
	unlock = func(context.Context) error { return nil }
	if err := conn.QueryRowContext(ctx, "SELECT @@SESSION.sql_mode, DATABASE()").Scan(&mode, &name); err != nil {
		return unlock, err
	}
	if !strings.Contains(mode, "STRICT_TRANS_TABLES") && !strings.Contains(mode, "STRICT_ALL_TABLES") {
		return unlock, errors.New("the SQL mode of MySQL must be strict: what is too long would be cut off, not refused")
	}
	sum := sha256.Sum256([]byte(name.String + "\x00" + d.schema + "." + d.prefix))
	return mysqlNamedLock(ctx, conn, "vestibule-"+hex.EncodeToString(sum[:16]))
}

func mysqlNamedLock(ctx context.Context, conn *sql.Conn, name string) (unlock func(context.Context) error, err error) {
	var got sql.NullBool
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 3600)", name).Scan(&got)
	if err == nil && !got.Bool {
		err = errors.New("another process has been migrating for an hour")
	}
	return func(ctx context.Context) error {
		_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", name)
		return err
	}, err
}

// mysqlSweep passes over rows that another sweep is about to remove. Each row is
// removed by its primary key: for a list of keys the server may choose to read the
// whole table, and would wait for all the rows on its way.
func mysqlSweep(ctx context.Context, s *Store, t table) (n int, more bool, err error) {
	err = s.atomically(ctx, func(tx transaction) error {
		keys, err := all(ctx, tx, t.scanKey, "SELECT "+t.keys+" FROM "+t.name+
			" WHERE expires <= ? ORDER BY expires LIMIT ? FOR UPDATE SKIP LOCKED", now(), sweepSize)
		n = len(keys)
		if err != nil || n == 0 {
			return err
		}
		return tx.execEach(ctx, t.remove, keys)
	})
	if err != nil {
		return 0, false, err
	}
	return n, n == sweepSize, nil
}

// scanKey reads the columns of a primary key.
func (t table) scanKey(rows *sql.Rows) ([]any, error) {
	columns := make([]any, strings.Count(t.keys, ",")+1)
	values := make([]string, len(columns))
	for i := range values {
		columns[i] = &values[i]
	}
	err := rows.Scan(columns...)
	for i, v := range values {
		columns[i] = v
	}
	return columns, err
}

// execEach runs a statement, prepared once, with each list of arguments.
func (t transaction) execEach(ctx context.Context, query string, lists [][]any) error {
	stmt, err := t.tx.PrepareContext(ctx, t.s.text(query))
	if err != nil {
		return wrap(err)
	}
	defer stmt.Close()
	for _, args := range lists {
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return wrap(err)
		}
	}
	return nil
}
