package main

import (
	"context"
	"database/sql"
)

// adopting turns the table that an earlier application has left into that of createUsers,
// which goes between the first two statements and the last two. Foreign keys must be off, as they
// are in SQLite by default, or else DROP TABLE deletes what refers to the users.
//
//   - id stays what it is: other tables refer to it.
//   - email gets the spelling of auth.CanonicalEmail. If two rows then have the same nothing
//     is changed, and somebody has to decide whose it is.
//   - password_hash stays what it is: see the Hasher in app.go. No password is the empty string.
//   - stamp is random, and different in every row: marks of browsers depend on it.
//   - confirmed is set for those who have proved their address, or else they have to.
var adopting = []string{
	`CREATE TABLE earlier_users AS SELECT * FROM users`,
	`DROP TABLE users`,
	createUsers,
	`INSERT INTO users (id, email, password_hash, stamp, version, created, updated, confirmed, display_name, plan, created_by)
		SELECT id, lower(trim(email)), coalesce(password, ''), lower(hex(randomblob(16))), 1,
			joined * 1000000, joined * 1000000, CASE WHEN verified THEN joined * 1000000 END,
			name, CASE WHEN paying THEN 'pro' ELSE 'free' END, 'earlier'
		FROM earlier_users`,
	`DROP TABLE earlier_users`,
}

// adopt does it once, and all of it or nothing.
func adopt(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range adopting {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// earlier is what an earlier application, written in Flask, has left: Ann, who logs in with
// the password she has, and Bob, who never had one, and asks for a link to choose it.
const earlier = `
CREATE TABLE users (
	id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE, password TEXT, name TEXT NOT NULL,
	paying INTEGER NOT NULL, verified INTEGER NOT NULL, joined INTEGER NOT NULL
);
INSERT INTO users VALUES
	(7, 'Ann@Example.com', 'scrypt:32768:8:1$pXYeZOq0XUWQ2cVj$86bece0be1bf49b42f649134ea80a8d87f91f621155a0ea7c667f3474066e6d225ea71ab800cd028f4788ef86cf774ce407a973aafd142224234e7389f8c696d', 'Ann', 1, 1, 1577880000),
	(9, 'bob@example.com', NULL, 'Bob', 0, 0, 1609502400)`

const annPassword = "window tractor ocean violin"

// bringAlong makes what that application has left, and adopts it, unless there is a table already.
func bringAlong(ctx context.Context, db *sql.DB) error {
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'users'").Scan(&n); err != nil || n > 0 {
		return err
	}
	if _, err := db.ExecContext(ctx, earlier); err != nil {
		return err
	}
	return adopt(ctx, db)
}
