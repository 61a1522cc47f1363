package sqlstore

import (
	"context"
	"database/sql"

	"github.com/vestibule-go/auth"
)

const (
	sessionColumns = "s.id, s.user_id, s.created, s.last_seen, s.expires, s.address, s.agent, s.data"

	insertSession = `INSERT INTO auth_sessions
		(id, user_id, created, last_seen, expires, address, agent, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sessionByID = "SELECT " + sessionColumns + ", " + userColumns +
		" FROM auth_sessions s LEFT JOIN auth_users u ON u.id = s.user_id WHERE s.id = ? AND s.expires > ?"
	sessionsByUser = "SELECT " + sessionColumns + " FROM auth_sessions s" +
		" WHERE s.user_id = ? AND s.expires > ? ORDER BY s.last_seen DESC, s.id"
	touchSession         = "UPDATE auth_sessions SET last_seen = ?, expires = ? WHERE id = ? AND expires > ?"
	updateSession        = "UPDATE auth_sessions SET last_seen = ?, expires = ?, data = ? WHERE id = ? AND expires > ?"
	deleteSession        = "DELETE FROM auth_sessions WHERE id = ?"
	deleteLiveSession    = deleteSession + " AND expires > ?"
	deleteExpiredSession = deleteSession + " AND expires <= ?"
	deleteSessions       = "DELETE FROM auth_sessions WHERE user_id = ?"
	deleteOtherSessions  = deleteSessions + " AND id <> ? AND expires > ?"
)

// CreateSession implements [auth.SessionStore]. A session whose Expires is the
// zero time is one that has expired.
func (s *Store) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	var err error
	if replaces == "" {
		err = s.addSession(ctx, s, rec)
	} else {
		err = s.atomically(ctx, func(tx transaction) error { return s.replaceSession(ctx, tx, rec, replaces) })
	}
	if err == nil {
		s.sweepSometimes()
	}
	return err
}

// replaceSession deletes first: of two who replace one session, the second waits
// here for the first, and then finds nothing to replace.
func (s *Store) replaceSession(ctx context.Context, tx runner, rec *auth.SessionRecord, old string) error {
	n, err := tx.exec(ctx, deleteLiveSession, key(old), now())
	if err != nil {
		return err
	}
	if n == 0 {
		return auth.ErrNotFound
	}
	return s.addSession(ctx, tx, rec)
}

func (s *Store) addSession(ctx context.Context, r runner, rec *auth.SessionRecord) error {
	insert := func() (int64, error) {
		return s.insert(ctx, r, insertSession, rec.ID, rec.UserID, rec.Created.UnixMicro(),
			rec.LastSeen.UnixMicro(), rec.Expires.UnixMicro(), rec.Address, rec.Agent, rec.Data)
	}
	free := func() error {
		_, err := r.exec(ctx, deleteExpiredSession, key(rec.ID), now())
		return err
	}
	return insertNew(insert, free)
}

// Session implements [auth.SessionStore]. The user is the one with the session's
// UserID, and nil if auth_users has none. It is one query.
func (s *Store) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	var u userRow
	rec, err := one(ctx, s, func(rows *sql.Rows) (*auth.SessionRecord, error) {
		return scanSession(rows, u.columns()...)
	}, sessionByID, key(id), now())
	return rec, u.user(), err
}

// Sessions implements [auth.SessionStore].
func (s *Store) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	if userID == "" {
		return nil, nil
	}
	scan := func(rows *sql.Rows) (*auth.SessionRecord, error) { return scanSession(rows) }
	return all(ctx, s, scan, sessionsByUser, key(userID), now())
}

// scanSession reads the sessionColumns, and further columns into more.
func scanSession(rows *sql.Rows, more ...any) (*auth.SessionRecord, error) {
	var rec auth.SessionRecord
	var created, seen, expires int64
	columns := []any{&rec.ID, &rec.UserID, &created, &seen, &expires, &rec.Address, &rec.Agent, &rec.Data}
	err := rows.Scan(append(columns, more...)...)
	rec.Created, rec.LastSeen, rec.Expires = instant(created), instant(seen), instant(expires)
	return &rec, err
}

// UpdateSession implements [auth.SessionStore].
func (s *Store) UpdateSession(ctx context.Context, rec *auth.SessionRecord) error {
	var n int64
	var err error
	if rec.Data == nil {
		n, err = s.exec(ctx, touchSession, rec.LastSeen.UnixMicro(), rec.Expires.UnixMicro(), key(rec.ID), now())
	} else {
		n, err = s.exec(ctx, updateSession, rec.LastSeen.UnixMicro(), rec.Expires.UnixMicro(), rec.Data, key(rec.ID), now())
	}
	if err == nil && n == 0 {
		err = s.unchanged(ctx, rec.ID)
	}
	return err
}

// unchanged returns why an update counted no row: there is no such session, or it
// is as the update would make it.
func (s *Store) unchanged(ctx context.Context, id string) error {
	if !s.d.onlyChanged {
		return auth.ErrNotFound
	}
	_, _, err := s.Session(ctx, id)
	return err
}

// DeleteSession implements [auth.SessionStore].
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	return s.erase(ctx, deleteSession, key(id))
}

// DeleteSessions implements [auth.SessionStore].
func (s *Store) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	if userID == "" {
		return 0, nil
	}
	n, err := s.exec(ctx, deleteOtherSessions, key(userID), except, now())
	return int(n), err
}
