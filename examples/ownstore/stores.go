package main

import (
	"context"
	"database/sql"

	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
)

// openSQLite opens a file with the settings that package sqlstore asks for, and one connection: then
// writers wait for each other in the order in which they came. In SQLite they would poll, and now
// and then one would be out of luck for longer than the timeout, which package sqlstore repeats, and
// members.go does not.
func openSQLite(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// openStores makes the tables that are missing, and puts the stores together: users are
// in the application's own table, credentials and sessions in those of package sqlstore,
// whose table auth_users stays empty.
func openStores(ctx context.Context, db *sql.DB) (*members, auth.Store, error) {
	if _, err := db.ExecContext(ctx, createUsers); err != nil {
		return nil, nil, err
	}
	rest := sqlstore.New(db, sqlstore.SQLite)
	if _, err := rest.Migrate(ctx); err != nil {
		return nil, nil, err
	}
	own := &members{db}
	return own, auth.Stores{UserStore: own, CredentialStore: rest, SessionStore: rest}, nil
}
