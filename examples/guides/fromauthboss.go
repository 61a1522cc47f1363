package guides

import (
	"context"
	"database/sql"
	"iter"
	"strings"
)

// cost10 reports whether a hash is plain bcrypt at bcrypt.DefaultCost, as authboss makes them unless it is told
// otherwise, and most code that calls bcrypt itself. Hashes made here have cost 12.
func cost10(hash string) bool { return strings.HasPrefix(hash, "$2a$10$") }

// authbossUsers reads a table with columns for what AuthableUser and ConfirmableUser ask for. The names of columns
// are the application's own in authboss: put in yours.
func authbossUsers(ctx context.Context, db *sql.DB) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows, err := db.QueryContext(ctx, `SELECT id, email, COALESCE(password, ''), confirmed FROM users ORDER BY id`)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var row Row
			if err := rows.Scan(&row.ID, &row.Email, &row.Hash, &row.Confirmed); !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}
