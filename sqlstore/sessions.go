package sqlstore

import (
	"context"
	"database/sql"

	"github.com/vestibule-go/auth"
)

const (
	sessionColumns = "s.id, s.user_id, s.created, s.last_seen, s.expires, s.address, s.agent, s.data"

	// knownUserColumns are the userColumns but the ID, which the session has, too: this is asked at every request.
	knownUserColumns = "u.email, u.password_hash, u.stamp, u.version, u.created, u.updated, u.confirmed, u.disabled"

	insertSession = `INSERT INTO auth_sessions
		(id, user_id, created, last_seen, expires, address, agent, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sessionByID = "SELECT " + sessionColumns + ", " + knownUserColumns +
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
	row, err := one(ctx, s, scanSessionAndUser, sessionByID, key(id), now())
	if err != nil {
		return nil, nil, err
	}
	return row.record(), row.user.user(), nil
}

// Sessions implements [auth.SessionStore].
func (s *Store) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	if userID == "" {
		return nil, nil
	}
	return all(ctx, s, scanSession, sessionsByUser, key(userID), now())
}

// sessionRow is a row of auth_sessions and, where it is asked for, the user beside it. It is one piece
// of memory, since one is needed at every request.
type sessionRow struct {
	rec                    auth.SessionRecord
	created, seen, expires int64
	user                   userRow
	columns                [16]any
}

// scan reads the sessionColumns and, if there are more, the knownUserColumns.
func (r *sessionRow) scan(rows *sql.Rows, more ...any) error {
	columns := append(r.columns[:0], &r.rec.ID, &r.rec.UserID, &r.created, &r.seen, &r.expires, &r.rec.Address, &r.rec.Agent, &r.rec.Data)
	return rows.Scan(append(columns, more...)...)
}

func (r *sessionRow) record() *auth.SessionRecord {
	r.rec.Created, r.rec.LastSeen, r.rec.Expires = instant(r.created), instant(r.seen), instant(r.expires)
	return &r.rec
}

func scanSession(rows *sql.Rows) (*auth.SessionRecord, error) {
	var r sessionRow
	err := r.scan(rows)
	return r.record(), err
}

func scanSessionAndUser(rows *sql.Rows) (*sessionRow, error) {
	r := new(sessionRow)
	u := &r.user
	err := r.scan(rows, &u.email, &u.hash, &u.stamp, &u.version, &u.created, &u.updated, &u.confirmed, &u.disabled)
	u.id = sql.NullString{String: r.rec.UserID, Valid: u.email.Valid}
	return r, err
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
