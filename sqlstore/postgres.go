package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
	"strings"
	"unicode/utf8"
)

// Postgres is the dialect of PostgreSQL, 12 or newer, in a database whose
// encoding is UTF8, with github.com/jackc/pgx/v5/stdlib or github.com/lib/pq. The
// package comment compares the two.
var Postgres = Dialect{
	name:     "postgres",
	quote:    `"`,
	numbered: true,
	ifNew:    " ON CONFLICT DO NOTHING",
	holds:    func(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") },
	failure:  postgresFailure,
	lock:     postgresLock,
	sweep:    postgresSweep,
	rest:     19, // here batches take little time, of which others notice every bit
}

// postgresFailure goes by the SQLSTATE, which the errors of both drivers tell.
func postgresFailure(err error) failure {
	var e interface{ SQLState() string }
	if !errors.As(err, &e) {
		return final
	}
	switch code := e.SQLState(); {
	case code == "40001", code == "40P01": // serialization failure, deadlock
		return undone
	case code == "57P03", code == "53300": // no connection: starting up, too many
		return undone
	case code == "57P01", code == "57P02", strings.HasPrefix(code, "08"): // shut down, crashed, connection
		return lost
	}
	return final
}

// postgresLock waits for an advisory lock, which the server also releases if the
// connection ends.
func postgresLock(ctx context.Context, conn *sql.Conn, d Dialect) (func(context.Context) error, error) {
	h := fnv.New64a()
	h.Write([]byte("github.com/vestibule-go/auth/sqlstore " + d.schema + "." + d.prefix))
	id := int64(h.Sum64())
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", id)
	return func(ctx context.Context) error {
		_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", id)
		return err
	}, err
}

// postgresSweep passes over rows that another sweep is about to remove. A ctid is
// where a row is; it stays there while the row is locked.
func postgresSweep(ctx context.Context, s *Store, t table) (n int, more bool, err error) {
	deleted, err := s.exec(ctx, "DELETE FROM "+t.name+" WHERE ctid = ANY(ARRAY(SELECT ctid FROM "+t.name+
		" WHERE expires <= ? ORDER BY expires LIMIT ? FOR UPDATE SKIP LOCKED))", now(), sweepSize)
	return int(deleted), deleted == sweepSize, err
}
