package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/vestibule-go/auth"
)

const (
	userColumns = "u.id, u.email, u.password_hash, u.stamp, u.version, u.created, u.updated, u.confirmed, u.disabled"

	insertUser = `INSERT INTO auth_users
		(id, email, password_hash, stamp, version, created, updated, confirmed, disabled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	userByID    = "SELECT " + userColumns + " FROM auth_users u WHERE u.id = ?"
	userByEmail = "SELECT " + userColumns + " FROM auth_users u WHERE u.email = ?"
	updateUser  = `UPDATE auth_users SET email = ?, password_hash = ?, stamp = ?, updated = ?,
		confirmed = ?, disabled = ?, version = version + 1 WHERE id = ? AND version = ?`
	deleteUser = "DELETE FROM auth_users WHERE id = ?"
	usersAfter = "SELECT " + userColumns + " FROM auth_users u WHERE u.id > ? ORDER BY u.id LIMIT ?"
)

// errNoID keeps the empty string free for "nobody", as in SessionRecord.UserID.
var errNoID = errors.New("sqlstore: user without an ID")

// CreateUser implements [auth.UserStore]. A user without an ID is refused.
func (s *Store) CreateUser(ctx context.Context, u *auth.User) error {
	if u.ID == "" {
		return errNoID
	}
	n, err := s.insert(ctx, s, insertUser, newRow(u)...)
	if err != nil {
		return err
	}
	if n == 0 {
		return auth.ErrExists
	}
	u.Version = 1
	return nil
}

// UserByID implements [auth.UserStore].
func (s *Store) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return s.user(ctx, userByID, id)
}

// UserByLogin implements [auth.UserStore]. Users log in with their Email only.
func (s *Store) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	return s.user(ctx, userByEmail, login)
}

func (s *Store) user(ctx context.Context, query, arg string) (*auth.User, error) {
	return one(ctx, s, scanUser, query, key(arg))
}

func scanUser(rows *sql.Rows) (*auth.User, error) {
	var u userRow
	err := rows.Scan(u.columns()...)
	return u.user(), err
}

// Users returns the first n users whose IDs come after the one given, which may be empty, ordered by ID: those
// that Signup made are in the order of their making. None is no error. To see all users ask again, after the last ID
// of the answer, until one has less than n. It is one statement, by the primary key, wherever in the table it begins.
//
// It is for operators, who look at everybody: no part of package auth asks for it, and a
// store of one's own does not need it.
func (s *Store) Users(ctx context.Context, after string, n int) ([]*auth.User, error) {
	if n <= 0 {
		return nil, nil
	}
	return all(ctx, s, scanUser, usersAfter, key(after), n)
}

// UpdateUser implements [auth.UserStore].
func (s *Store) UpdateUser(ctx context.Context, u *auth.User) error {
	n, err := s.exec(ctx, updateUser, u.Email, u.PasswordHash, u.Stamp, u.Updated.UnixMicro(),
		timeOrNull(u.Confirmed), timeOrNull(u.Disabled), key(u.ID), u.Version)
	if err != nil {
		return s.taken(ctx, u, err)
	}
	if n == 0 {
		_, err := s.UserByID(ctx, u.ID)
		return conflict(err)
	}
	u.Version++
	return nil
}

// taken returns ErrExists if it was another user's email that made an update
// fail, and else err. No driver's errors are taken apart for this: if another
// user has the email, then the update has not happened, whatever the error.
func (s *Store) taken(ctx context.Context, u *auth.User, err error) error {
	if other, e := s.UserByLogin(ctx, u.Email); e == nil && other.ID != u.ID {
		return auth.ErrExists
	}
	return err
}

// conflict returns why an update found nothing, given the error of reading what
// it was to update.
func conflict(err error) error {
	if err == nil {
		return auth.ErrConflict
	}
	return err
}

// DeleteUser implements [auth.UserStore].
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.atomically(ctx, func(tx transaction) error {
		n, err := tx.exec(ctx, deleteUser, key(id))
		if err != nil {
			return err
		}
		if n == 0 {
			return auth.ErrNotFound
		}
		if _, err = tx.exec(ctx, deleteCredentials, key(id)); err != nil {
			return err
		}
		_, err = tx.exec(ctx, deleteSessions, key(id))
		return err
	})
}

// userRow is a row of auth_users, or of NULLs where a session has no user.
type userRow struct {
	id, email, hash, stamp                         sql.NullString
	version, created, updated, confirmed, disabled sql.NullInt64
}

// columns returns where to scan userColumns.
func (r *userRow) columns() []any {
	return []any{&r.id, &r.email, &r.hash, &r.stamp, &r.version, &r.created, &r.updated, &r.confirmed, &r.disabled}
}

func (r *userRow) user() *auth.User {
	if !r.id.Valid {
		return nil
	}
	return &auth.User{
		ID: r.id.String, Email: r.email.String, PasswordHash: r.hash.String, Stamp: r.stamp.String,
		Version: r.version.Int64, Created: instant(r.created.Int64), Updated: instant(r.updated.Int64),
		Confirmed: instantOrZero(r.confirmed), Disabled: instantOrZero(r.disabled),
	}
}
