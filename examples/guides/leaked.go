package guides

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

// eachUser calls do for all users whose ID comes after that one, in the order of their IDs. It returns the ID up to which
// everything is done: after an error go on from there.
func eachUser(ctx context.Context, db *sql.DB, store auth.UserStore, after string, do func(*auth.User) error) (done string, err error) {
	for {
		ids, err := nextIDs(ctx, db, after)
		if err != nil || len(ids) == 0 {
			return after, err
		}
		for _, id := range ids {
			u, err := store.UserByID(ctx, id)
			if err == nil {
				err = do(u)
			}
			if err != nil && !errors.Is(err, auth.ErrNotFound) { // who is gone needs nothing
				return after, fmt.Errorf("after user %q: %w", after, err)
			}
			after = id
		}
	}
}

func nextIDs(ctx context.Context, db *sql.DB, after string) (ids []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT id FROM auth_users WHERE id > ? ORDER BY id LIMIT 500`, after) // $1 in PostgreSQL
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// markCompromised ends u's sessions, and demands a new password at the next login.
func markCompromised(ctx context.Context, m *auth.Manager, store auth.UserStore, u *auth.User) error {
	for !u.Compromised() {
		err := m.MarkCompromised(ctx, u)
		if !errors.Is(err, auth.ErrConflict) {
			return err
		}
		if u, err = store.UserByID(ctx, u.ID); err != nil { // they have just changed something: look again
			return err
		}
	}
	return nil
}

// markAll does that to all users. It may be run again.
func markAll(ctx context.Context, m *auth.Manager, store auth.UserStore, db *sql.DB) error {
	_, err := eachUser(ctx, db, store, "", func(u *auth.User) error { return markCompromised(ctx, m, store, u) })
	return err
}

// tellAll writes to all users whose account is on, one after the other. Begin with "", and after an error with what it
// returned: then nobody gets a second mail, unless it was their mail that failed.
func tellAll(ctx context.Context, db *sql.DB, store auth.UserStore, mailer email.Mailer, after string) (done string, err error) {
	return eachUser(ctx, db, store, after, func(u *auth.User) error {
		if !u.Disabled.IsZero() {
			return nil
		}
		return mailer.Send(ctx, &email.Message{To: u.Email, Subject: leakSubject, Text: leakText, Kind: "leak", UserID: u.ID})
	})
}

const leakSubject = "Please choose a new password for The Shop"

const leakText = `Hello,

on 24 November somebody copied the database of The Shop. Your email address and a
hash of your password were in it. No orders and no card numbers were.

Log in at https://shop.example, and you will be asked for a new password. If you use
the old one anywhere else, change it there, too: it is no longer a secret.

What happened, and what we do about it: https://shop.example/leak
`
