package main

import (
	"context"
	"database/sql"

	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth/sqlstore"
)

// open opens a database, and makes the tables that it does not have yet.
func open(driver, source string, dialect sqlstore.Dialect) (*sql.DB, *sqlstore.Store, error) {
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, nil, err
	}
	store := sqlstore.New(db, dialect)
	if _, err := store.Migrate(context.Background()); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, store, nil
}
