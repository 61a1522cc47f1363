package guides

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/password"
	"github.com/vestibule-go/auth/sqlstore"
)

// flaskUsers reads the table that SQLAlchemy made for class User. Add your own columns: is_active, say, for Disabled.
func flaskUsers(ctx context.Context, db *sql.DB) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows, err := db.QueryContext(ctx, `SELECT id, email, COALESCE(password_hash, '') FROM "user" ORDER BY id`)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var row Row
			if err := rows.Scan(&row.ID, &row.Email, &row.Hash); !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}

// importFlask copies the users of the old database, and prints what became of them.
func importFlask(ctx context.Context, old *sql.DB, store *sqlstore.Store) error {
	if _, err := store.Migrate(ctx); err != nil {
		return err
	}
	result, err := Import(ctx, store, password.Werkzeug{}.Reads, flaskUsers(ctx, old))
	fmt.Printf("%d added, %d updated, %d left as they are\n", result.Added, result.Updated, result.Kept)
	fmt.Println("without a password:", result.WithoutPassword)
	fmt.Println("left out:", result.Refused)
	return err
}

// flaskHashes makes hashes of today, and reads those of werkzeug.
func flaskHashes() auth.Hasher {
	return password.Migrating{Preferred: password.Argon2id{}, Others: []password.Verifier{password.Werkzeug{}}}
}

// oldPaths sends those who come by an address of the Flask application to what is there today, with their next.
func oldPaths(mux *http.ServeMux) {
	for old, path := range map[string]string{"/auth/login": "/login", "/auth/register": "/signup"} {
		mux.HandleFunc("GET "+old, func(w http.ResponseWriter, r *http.Request) {
			target := path
			if r.URL.RawQuery != "" {
				target += "?" + r.URL.RawQuery
			}
			http.Redirect(w, r, target, http.StatusMovedPermanently)
		})
	}
}
