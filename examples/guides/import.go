package guides

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vestibule-go/auth"
)

// Row is a user of the application that was there before.
type Row struct {
	ID, Email string
	Hash      string    // of the password, as the old application stored it; empty: there is none
	Created   time.Time // zero: nobody knows
	Confirmed bool      // the address is known to be the user's
	Disabled  bool
}

// Result says what became of the rows.
type Result struct {
	Added, Updated, Kept int
	WithoutPassword      []string          // IDs of those added whose hash nobody can read
	Refused              map[string]string // IDs of those left out, and why
}

// Import copies users into store. It may be run again: after an error, and for those who signed up, or changed
// something, in the old application meanwhile. The old row counts until its user has logged in here, which replaces
// the hash: old reports whether a hash is one of the old application's.
func Import(ctx context.Context, store auth.UserStore, old func(hash string) bool, rows iter.Seq2[Row, error]) (*Result, error) {
	result := &Result{Refused: map[string]string{}}
	for row, err := range rows {
		if err == nil {
			err = result.take(ctx, store, old, row)
		}
		if err != nil {
			return result, fmt.Errorf("import of user %q: %w", row.ID, err)
		}
	}
	return result, nil
}

func (result *Result) take(ctx context.Context, store auth.UserStore, old func(string) bool, row Row) error {
	email, err := auth.CanonicalEmail(row.Email)
	if err != nil {
		result.Refused[row.ID] = "Signup would refuse the address, too"
		return nil
	}
	u := newUser(row, email, old)
	switch err := store.CreateUser(ctx, u); {
	case errors.Is(err, auth.ErrExists):
		return result.again(ctx, store, old, u)
	case err != nil:
		return err
	}
	result.Added++
	if u.PasswordHash == "" {
		result.WithoutPassword = append(result.WithoutPassword, row.ID)
	}
	return nil
}

func newUser(row Row, email string, old func(string) bool) *auth.User {
	now := time.Now()
	u := &auth.User{ID: row.ID, Email: email, Stamp: rand.Text(), Created: row.Created, Updated: now}
	if old(row.Hash) {
		u.PasswordHash = row.Hash
	}
	if row.Created.IsZero() {
		u.Created = now
	}
	if row.Confirmed {
		u.Confirmed = now
	}
	if row.Disabled {
		u.Disabled = now
	}
	return u
}

// again is for users who are there already, by their ID or by their email.
func (result *Result) again(ctx context.Context, store auth.UserStore, old func(string) bool, u *auth.User) error {
	there, err := store.UserByID(ctx, u.ID)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		result.Refused[u.ID] = "another user has the address"
		return nil
	case err != nil:
		return err
	case there.PasswordHash != "" && !old(there.PasswordHash), unchanged(there, u):
		result.Kept++
		return nil
	}
	there.Email, there.PasswordHash, there.Stamp, there.Disabled = u.Email, u.PasswordHash, u.Stamp, u.Disabled
	switch err := store.UpdateUser(ctx, there); {
	case errors.Is(err, auth.ErrExists):
		result.Refused[u.ID] = "another user has the new address"
		return nil
	case errors.Is(err, auth.ErrConflict): // the user has just logged in
		result.Kept++
		return nil
	case err != nil:
		return err
	}
	result.Updated++
	return nil
}

func unchanged(a, b *auth.User) bool {
	return a.Email == b.Email && a.PasswordHash == b.PasswordHash && a.Disabled.IsZero() == b.Disabled.IsZero()
}
