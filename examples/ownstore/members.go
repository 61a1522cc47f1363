package main

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/vestibule-go/auth"
)

// Member is what this application keeps of a user, beside what package auth does.
// It travels in User.Value, as a *Member.
type Member struct {
	DisplayName string `json:"display_name"`
	Plan        string `json:"plan"`
	CreatedBy   string `json:"created_by"` // no form sets it
}

// createUsers makes the table. What package auth needs of it is in the first part,
// and the second is the application's.
const createUsers = `CREATE TABLE IF NOT EXISTS users (
	id            INTEGER PRIMARY KEY AUTOINCREMENT, -- or else a new user gets the ID of one who was deleted
	email         TEXT    NOT NULL UNIQUE,           -- not COLLATE NOCASE: it is compared byte for byte
	password_hash TEXT    NOT NULL,                  -- empty: there is no password
	stamp         TEXT    NOT NULL,
	version       INTEGER NOT NULL,
	created       INTEGER NOT NULL,                  -- microseconds since 1970, as are the other times
	updated       INTEGER NOT NULL,
	confirmed     INTEGER,                           -- NULL: not yet
	disabled      INTEGER,                           -- NULL: the account is on

	display_name  TEXT    NOT NULL,
	plan          TEXT    NOT NULL CHECK (plan IN ('free', 'pro')),
	created_by    TEXT    NOT NULL
) STRICT`

// members is an auth.UserStore in the application's own table. Every method is one
// statement that writes, or one that reads: so it needs no transaction.
type members struct{ db *sql.DB }

var _ auth.UserStore = (*members)(nil)

// CreateUser implements auth.UserStore. The database chooses the ID. The application's
// columns come from u.Value or, if it has none, from ctx: see withMember.
func (s *members) CreateUser(ctx context.Context, u *auth.User) error {
	m, ok := u.Value.(*Member)
	if !ok {
		m = newMember(ctx)
	}
	var id int64
	err := s.db.QueryRowContext(ctx, `INSERT INTO users
		(email, password_hash, stamp, version, created, updated, confirmed, disabled, display_name, plan, created_by)
		VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING RETURNING id`,
		u.Email, u.PasswordHash, u.Stamp, u.Created.UnixMicro(), u.Updated.UnixMicro(), orNull(u.Confirmed), orNull(u.Disabled),
		m.DisplayName, m.Plan, m.CreatedBy).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.ErrExists
	}
	if err != nil {
		return err
	}
	u.ID, u.Version = strconv.FormatInt(id, 10), 1
	return nil
}

// UserByID implements auth.UserStore.
func (s *members) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return s.user(ctx, "id = ?", rowID(id))
}

// UserByLogin implements auth.UserStore. Members log in with their email only.
func (s *members) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	return s.user(ctx, "email = ?", login)
}

// UpdateUser implements auth.UserStore. It leaves the application's columns alone, as
// save leaves those of package auth: so neither undoes what the other did.
func (s *members) UpdateUser(ctx context.Context, u *auth.User) error {
	err := s.swap(ctx, u, `email = ?, password_hash = ?, stamp = ?, updated = ?, confirmed = ?, disabled = ?`,
		u.Email, u.PasswordHash, u.Stamp, u.Updated.UnixMicro(), orNull(u.Confirmed), orNull(u.Disabled))
	switch {
	case err == nil:
		u.Version++
	case errors.Is(err, auth.ErrConflict), errors.Is(err, auth.ErrNotFound):
	case s.taken(ctx, u): // then nothing was written, whatever the driver's error says
		return auth.ErrExists
	}
	return err
}

// taken reports whether another user has u's email.
func (s *members) taken(ctx context.Context, u *auth.User) bool {
	other, err := s.UserByLogin(ctx, u.Email)
	return err == nil && other.ID != u.ID
}

// DeleteUser implements auth.UserStore. The Manager then has the other stores delete
// what they keep of the user.
func (s *members) DeleteUser(ctx context.Context, id string) error {
	return s.change(ctx, "DELETE FROM users WHERE id = ?", rowID(id))
}

// save changes what m says of u, if nobody has changed any part of the row since u was
// read. If somebody has it returns auth.ErrConflict: read again, and decide again. u
// stays as it is.
func (s *members) save(ctx context.Context, u *auth.User, m *Member) error {
	return s.swap(ctx, u, "display_name = ?, plan = ?", m.DisplayName, m.Plan)
}

// swap is compare-and-swap: the version is looked at, and raised, by the statement
// that writes, so that nobody comes in between.
func (s *members) swap(ctx context.Context, u *auth.User, set string, args ...any) error {
	err := s.change(ctx, "UPDATE users SET "+set+", version = version + 1 WHERE id = ? AND version = ?",
		append(args, rowID(u.ID), u.Version)...)
	if !errors.Is(err, auth.ErrNotFound) {
		return err
	}
	if _, err := s.UserByID(ctx, u.ID); err != nil {
		return err
	}
	return auth.ErrConflict
}

// change returns auth.ErrNotFound if the statement has changed nothing.
func (s *members) change(ctx context.Context, statement string, args ...any) error {
	result, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); n > 0 || err != nil {
		return err
	}
	return auth.ErrNotFound
}

func (s *members) user(ctx context.Context, where string, arg any) (*auth.User, error) {
	var u auth.User
	var m Member
	var created, updated int64
	var confirmed, disabled sql.NullInt64
	err := s.db.QueryRowContext(ctx, `SELECT id, email, password_hash, stamp, version, created, updated, confirmed, disabled,
		display_name, plan, created_by FROM users WHERE `+where, arg).Scan(
		&u.ID, &u.Email, &u.PasswordHash, &u.Stamp, &u.Version, &created, &updated, &confirmed, &disabled,
		&m.DisplayName, &m.Plan, &m.CreatedBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, auth.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	u.Created, u.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	u.Confirmed, u.Disabled = orZero(confirmed), orZero(disabled)
	u.Value = &m // a new one each time: stores share no memory
	return &u, nil
}

// rowID reads an ID as this store writes it. "07" and "7 " are other IDs than "7", though
// a database might find the same row for them, and nobody has them: no row has the number 0.
func rowID(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != id {
		return 0
	}
	return n
}

// orNull is for columns in which the zero time is NULL, and orZero reads them.
func orNull(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func orZero(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return time.UnixMicro(micros.Int64).UTC()
}

type memberKey struct{}

// withMember returns a context in which a user who is created gets m.
//
// Why by the context: only CreateUser knows whether there will be a user, and then the
// row is whole from the beginning. To write the name after Signup would be a second
// statement, which may fail alone; and email.Links.Signup does not tell whose account it
// would be, for if the address has one already it is somebody else's.
func withMember(ctx context.Context, m *Member) context.Context {
	return context.WithValue(ctx, memberKey{}, m)
}

// newMember returns what withMember has put into ctx, or what a member has to begin with.
func newMember(ctx context.Context) *Member {
	if m, ok := ctx.Value(memberKey{}).(*Member); ok {
		return m
	}
	return &Member{Plan: "free", CreatedBy: "signup"}
}
