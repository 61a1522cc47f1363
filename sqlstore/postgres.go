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
	unable:   postgresUnable,
	lock:     postgresLock,
	sweep:    postgresSweep,
	rest:     19, // here batches take little time, of which others notice every bit
	columns:  "SELECT attname::text FROM pg_attribute WHERE attrelid = " + postgresTable + " AND attnum > 0 AND NOT attisdropped",
	indexes: `SELECT CASE WHEN i.indisunique THEN '!' ELSE '' END || string_agg(a.attname::text, ',' ORDER BY k.n)
		FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = ` + postgresTable + ` AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.n <= i.indnkeyatts
		GROUP BY i.indexrelid, i.indisunique`,
	inspect: func(ctx context.Context, s *Store, in *Inspection) error {
		return s.clock(ctx, in, "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint")
	},
}

// postgresTable is the table whose schema, or "", and name are the arguments.
const postgresTable = "to_regclass(CASE WHEN $1::text = '' THEN '' ELSE quote_ident($1::text) || '.' END || quote_ident($2::text))"

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

// postgresUnable: read-only, as on a standby; out of resources, such as the disk; stopped by statement_timeout.
func postgresUnable(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) && (e.SQLState() == "25006" || e.SQLState() == "57014" || strings.HasPrefix(e.SQLState(), "53"))
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
// where a row is; it stays there while the row is locked. In a table with partitions rows of
// several have the same one: so what is removed must have expired, too.
func postgresSweep(ctx context.Context, s *Store, t table) (n int, more bool, err error) {
	at := now()
	deleted, err := s.exec(ctx, "DELETE FROM "+t.name+" WHERE ctid = ANY(ARRAY(SELECT ctid FROM "+t.name+
		" WHERE expires <= ? ORDER BY expires LIMIT ? FOR UPDATE SKIP LOCKED)) AND expires <= ?", at, sweepSize, at)
	return int(deleted), deleted >= sweepSize, err
}
