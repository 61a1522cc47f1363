package sqlstore

import (
	"context"
	"database/sql"

	"github.com/vestibule-go/auth"
)

const (
	// A credential without an end never expires.
	liveCredential = " AND (expires IS NULL OR expires > ?)"

	insertCredential = `INSERT INTO auth_credentials
		(kind, id, user_id, name, data, created, used, expires, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectCredentials = "SELECT kind, id, user_id, name, data, created, used, expires, version FROM auth_credentials"
	credentialByID    = selectCredentials + " WHERE kind = ? AND id = ?" + liveCredential
	credentialsByUser = selectCredentials + " WHERE user_id = ? AND kind = ?" + liveCredential + " ORDER BY created, id"
	updateCredential  = `UPDATE auth_credentials SET name = ?, data = ?, used = ?, expires = ?,
		version = version + 1 WHERE kind = ? AND id = ? AND version = ?` + liveCredential
	claimCredential         = "UPDATE auth_credentials SET version = version + 1 WHERE kind = ? AND id = ?" + liveCredential
	deleteCredential        = "DELETE FROM auth_credentials WHERE kind = ? AND id = ?"
	deleteExpiredCredential = deleteCredential + " AND expires <= ?"
	deleteCredentials       = "DELETE FROM auth_credentials WHERE user_id = ?"
	deleteKind              = deleteCredentials + " AND kind = ?"
	countKinds              = "SELECT kind, COUNT(*) FROM auth_credentials WHERE user_id = ?" + liveCredential + " GROUP BY kind"
)

// PutCredential implements [auth.CredentialStore].
func (s *Store) PutCredential(ctx context.Context, c *auth.Credential) error {
	insert := func() (int64, error) {
		return s.insert(ctx, s, insertCredential, c.Kind, c.ID, c.UserID, c.Name, c.Data,
			c.Created.UnixMicro(), timeOrNull(c.Used), timeOrNull(c.Expires), 1)
	}
	free := func() error {
		_, err := s.exec(ctx, deleteExpiredCredential, key(c.Kind), key(c.ID), now())
		return err
	}
	if err := insertNew(insert, free); err != nil {
		return err
	}
	c.Version = 1
	s.sweepSometimes()
	return nil
}

// insertNew calls insert, which returns how many rows it added. If it added none,
// its ID is taken: free removes the one that has it, if that has expired.
func insertNew(insert func() (int64, error), free func() error) error {
	if n, err := insert(); n > 0 || err != nil {
		return err
	}
	if err := free(); err != nil {
		return err
	}
	n, err := insert()
	if err == nil && n == 0 {
		err = auth.ErrExists
	}
	return err
}

// Credential implements [auth.CredentialStore].
func (s *Store) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	return readCredential(ctx, s, kind, id)
}

func readCredential(ctx context.Context, r runner, kind, id string) (*auth.Credential, error) {
	return one(ctx, r, scanCredential, credentialByID, key(kind), key(id), now())
}

// Credentials implements [auth.CredentialStore].
func (s *Store) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	if userID == "" {
		return nil, nil
	}
	return all(ctx, s, scanCredential, credentialsByUser, key(userID), key(kind), now())
}

func scanCredential(rows *sql.Rows) (*auth.Credential, error) {
	var c auth.Credential
	var created int64
	var used, expires sql.NullInt64
	err := rows.Scan(&c.Kind, &c.ID, &c.UserID, &c.Name, &c.Data, &created, &used, &expires, &c.Version)
	c.Created, c.Used, c.Expires = instant(created), instantOrZero(used), instantOrZero(expires)
	return &c, err
}

// UpdateCredential implements [auth.CredentialStore].
func (s *Store) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	n, err := s.exec(ctx, updateCredential, c.Name, c.Data, timeOrNull(c.Used), timeOrNull(c.Expires),
		key(c.Kind), key(c.ID), c.Version, now())
	if err != nil {
		return err
	}
	if n == 0 {
		_, err := s.Credential(ctx, c.Kind, c.ID)
		return conflict(err)
	}
	c.Version++
	return nil
}

// TakeCredential implements [auth.CredentialStore].
//
// It writes first: whoever raises the version has the row to themselves until
// the end of the transaction, and those who waited for it find it gone.
func (s *Store) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	var c *auth.Credential
	err := s.atomically(ctx, func(tx transaction) error {
		n, err := tx.exec(ctx, claimCredential, key(kind), key(id), now())
		if err != nil {
			return err
		}
		if n == 0 {
			return auth.ErrNotFound
		}
		if c, err = readCredential(ctx, tx, kind, id); err != nil {
			return err
		}
		_, err = tx.exec(ctx, deleteCredential, key(kind), key(id))
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Version-- // as it was before the claim
	return c, nil
}

// DeleteCredentials implements [auth.CredentialStore].
func (s *Store) DeleteCredentials(ctx context.Context, userID, kind string) error {
	if userID == "" {
		return nil
	}
	if kind == "" {
		return s.erase(ctx, deleteCredentials, key(userID))
	}
	return s.erase(ctx, deleteKind, key(userID), key(kind))
}

// CredentialKinds returns how many credentials of each kind a user has that have not expired. It is for operators: a
// feature asks for its own by [Store.Credentials].
func (s *Store) CredentialKinds(ctx context.Context, userID string) (map[string]int, error) {
	kinds := make(map[string]int)
	if userID == "" {
		return kinds, nil
	}
	err := s.each(ctx, func() { clear(kinds) }, func(rows *sql.Rows) error {
		var kind string
		var n int
		err := rows.Scan(&kind, &n)
		kinds[kind] = n
		return err
	}, countKinds, key(userID), now())
	return kinds, err
}
