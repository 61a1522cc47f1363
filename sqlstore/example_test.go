package sqlstore_test

import (
	"context"
	"database/sql"
	"log"

	"github.com/vestibule-go/auth/sqlstore"
)

// A program imports a driver, such as modernc.org/sqlite, opens the database, and
// brings the tables up to date before it does anything else.
func Example() {
	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	store := sqlstore.New(db, sqlstore.SQLite)
	defer store.Close()
	applied, err := store.Migrate(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range applied {
		log.Print("applied ", name)
	}
}
