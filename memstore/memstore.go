// Package memstore keeps users, credentials and sessions in memory: for tests,
// for demonstrations, and for programs that may forget everything when they end.
//
// It keeps the contracts of package auth to the letter, so that what works with
// it works with a database. Nothing leaves the process, nothing survives it, and
// two processes share nothing.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vestibule-go/auth"
)

// Store is an [auth.Store] in memory. The zero Store is empty and ready for use.
// It is safe for concurrent use, and must not be copied after its first use.
//
// What expired is removed a little at a time by the calls that add something;
// no goroutine runs in the background, so there is nothing to close.
//
// A user's Value is carried as it is: what it points to is shared. Sessions and
// credentials without a UserID are nobody's: asking for the user "" finds none.
// Of nobody's credentials that expire no more than [MaxUnowned] of a kind are kept.
type Store struct {
	mu          sync.RWMutex
	users       map[string]*auth.User // by ID
	emails      map[string]*auth.User // by Email
	credentials table[credentialID, auth.Credential]
	unowned     map[string]*table[credentialID, auth.Credential] // nobody's that expire, by kind
	sessions    table[string, auth.SessionRecord]
}

var _ auth.Store = (*Store)(nil)

// MaxUnowned is how many credentials of one kind a [Store] keeps that have no UserID and
// expire, such as counts of attempts, which exist for every name that anyone invents. To
// make room for one more it forgets the next of that kind to expire. A count takes some 430
// bytes (BenchmarkUnowned), and all of one kind 43 MB. Credentials of users, and those
// that do not expire, are not counted and never forgotten.
const MaxUnowned = 100_000

// credentialID is what makes a credential unique.
type credentialID struct{ kind, id string }

// New returns an empty Store. It is the same as new(Store).
func New() *Store { return new(Store) }

// errNoID keeps the empty string free for "nobody", as in SessionRecord.UserID.
var errNoID = errors.New("memstore: user without an ID")

// CreateUser implements [auth.UserStore]. A user without an ID is refused.
func (s *Store) CreateUser(ctx context.Context, u *auth.User) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if u.ID == "" {
		return errNoID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[u.ID] != nil || s.emails[u.Email] != nil {
		return auth.ErrExists
	}
	u.Version = 1
	s.setUser(copyUser(u))
	return nil
}

// setUser stores u itself.
func (s *Store) setUser(u *auth.User) {
	if s.users == nil {
		s.users = make(map[string]*auth.User)
		s.emails = make(map[string]*auth.User)
	}
	s.users[u.ID] = u
	s.emails[u.Email] = u
}

// UserByID implements [auth.UserStore].
func (s *Store) UserByID(ctx context.Context, id string) (*auth.User, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return found(s.users[id])
}

// UserByLogin implements [auth.UserStore]. Users log in with their Email only.
func (s *Store) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return found(s.emails[login])
}

func found(u *auth.User) (*auth.User, error) {
	if u == nil {
		return nil, auth.ErrNotFound
	}
	return copyUser(u), nil
}

// UpdateUser implements [auth.UserStore].
func (s *Store) UpdateUser(ctx context.Context, u *auth.User) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.users[u.ID]
	if err := s.updatable(old, u); err != nil {
		return err
	}
	u.Version++
	changed := copyUser(u)
	changed.Created = old.Created
	delete(s.emails, old.Email)
	s.setUser(changed)
	return nil
}

// updatable reports why u may not take the place of old, if it may not.
func (s *Store) updatable(old, u *auth.User) error {
	if old == nil {
		return auth.ErrNotFound
	}
	if old.Version != u.Version {
		return auth.ErrConflict
	}
	if other := s.emails[u.Email]; other != nil && other != old {
		return auth.ErrExists
	}
	return nil
}

// DeleteUser implements [auth.UserStore].
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[id]
	if u == nil {
		return auth.ErrNotFound
	}
	delete(s.users, id)
	delete(s.emails, u.Email)
	s.credentials.removeAll(id, func(credentialID) bool { return true })
	s.sessions.removeAll(id, func(string) bool { return true })
	return nil
}

// PutCredential implements [auth.CredentialStore]. It may forget another credential,
// see [MaxUnowned].
func (s *Store) PutCredential(ctx context.Context, c *auth.Credential) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.credentials.sweep(now)
	s.tableOf(c).sweep(now)
	if _, r := s.credential(c.Kind, c.ID, now); r != nil {
		return auth.ErrExists
	}
	c.Version = 1
	s.keep(copyCredential(c))
	return nil
}

// keep stores c itself. What is next to expire makes room before c comes, not
// after: what was just stored is there, whatever its Expires.
func (s *Store) keep(c *auth.Credential) {
	t := s.tableOf(c)
	if t != &s.credentials && len(t.expiry) >= MaxUnowned {
		t.remove(t.expiry[0])
	}
	t.put(credentialID{c.Kind, c.ID}, c.UserID, c.Expires, c)
}

// tableOf returns the table in which c belongs.
func (s *Store) tableOf(c *auth.Credential) *table[credentialID, auth.Credential] {
	if c.UserID != "" || c.Expires.IsZero() {
		return &s.credentials
	}
	t := s.unowned[c.Kind]
	if t == nil {
		if s.unowned == nil {
			s.unowned = make(map[string]*table[credentialID, auth.Credential])
		}
		t = new(table[credentialID, auth.Credential])
		s.unowned[c.Kind] = t
	}
	return t
}

// credential returns the row of a credential and the table it is in, or nil.
func (s *Store) credential(kind, id string, now time.Time) (*table[credentialID, auth.Credential], *row[credentialID, auth.Credential]) {
	key := credentialID{kind, id}
	if r := s.credentials.get(key, now); r != nil {
		return &s.credentials, r
	}
	if t := s.unowned[kind]; t != nil {
		return t, t.get(key, now)
	}
	return nil, nil
}

// Credential implements [auth.CredentialStore].
func (s *Store) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, r := s.credential(kind, id, time.Now())
	if r == nil {
		return nil, auth.ErrNotFound
	}
	return copyCredential(r.value), nil
}

// Credentials implements [auth.CredentialStore].
func (s *Store) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []*auth.Credential
	for _, c := range s.credentials.ofUser(userID, time.Now()) {
		if c.Kind == kind {
			list = append(list, copyCredential(c))
		}
	}
	slices.SortFunc(list, func(a, b *auth.Credential) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// UpdateCredential implements [auth.CredentialStore].
func (s *Store) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, r := s.credential(c.Kind, c.ID, time.Now())
	if r == nil {
		return auth.ErrNotFound
	}
	if r.value.Version != c.Version {
		return auth.ErrConflict
	}
	c.Version++
	changed := copyCredential(c)
	changed.UserID, changed.Created = r.value.UserID, r.value.Created
	if s.tableOf(changed) != t {
		t.remove(r)
		s.keep(changed)
		return nil
	}
	r.value = changed
	t.expire(r, changed.Expires)
	return nil
}

// TakeCredential implements [auth.CredentialStore].
func (s *Store) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, r := s.credential(kind, id, time.Now())
	if r == nil {
		return nil, auth.ErrNotFound
	}
	t.remove(r)
	return r.value, nil
}

// DeleteCredentials implements [auth.CredentialStore].
func (s *Store) DeleteCredentials(ctx context.Context, userID, kind string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credentials.removeAll(userID, func(c credentialID) bool { return kind == "" || c.kind == kind })
	return nil
}

// CreateSession implements [auth.SessionStore].
func (s *Store) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.sessions.sweep(now)
	old := s.sessions.get(replaces, now)
	if replaces != "" && old == nil {
		return auth.ErrNotFound
	}
	if rec.ID != replaces && s.sessions.get(rec.ID, now) != nil {
		return auth.ErrExists
	}
	if replaces != "" {
		s.sessions.remove(old)
	}
	s.sessions.put(rec.ID, rec.UserID, sessionEnd(rec), copySession(rec))
	return nil
}

// sessionEnd returns when the session expires. Without Expires that was long
// ago: only credentials may last for ever, and a forgotten field opens no door.
func sessionEnd(rec *auth.SessionRecord) time.Time {
	if rec.Expires.IsZero() {
		return time.Unix(0, 0)
	}
	return micro(rec.Expires)
}

// Session implements [auth.SessionStore]. The user is the one with the session's
// UserID, and nil if this store has none.
func (s *Store) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.sessions.get(id, time.Now())
	if r == nil {
		return nil, nil, auth.ErrNotFound
	}
	u := s.users[r.value.UserID]
	if u != nil {
		u = copyUser(u)
	}
	return copySession(r.value), u, nil
}

// UpdateSession implements [auth.SessionStore].
func (s *Store) UpdateSession(ctx context.Context, rec *auth.SessionRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.sessions.get(rec.ID, time.Now())
	if r == nil {
		return auth.ErrNotFound
	}
	r.value.LastSeen, r.value.Expires = micro(rec.LastSeen), micro(rec.Expires)
	if rec.Data != nil {
		r.value.Data = bytes.Clone(rec.Data)
	}
	s.sessions.expire(r, sessionEnd(rec))
	return nil
}

// Sessions implements [auth.SessionStore].
func (s *Store) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := s.sessions.ofUser(userID, time.Now())
	for i, rec := range list {
		list[i] = copySession(rec)
	}
	slices.SortFunc(list, func(a, b *auth.SessionRecord) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// DeleteSession implements [auth.SessionStore].
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.sessions.get(id, time.Now()); r != nil {
		s.sessions.remove(r)
	}
	return nil
}

// DeleteSessions implements [auth.SessionStore].
func (s *Store) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return s.sessions.removeAll(userID, func(id string) bool {
		return id != except && s.sessions.get(id, now) != nil
	}), nil
}

func copyUser(u *auth.User) *auth.User {
	c := *u
	c.Created, c.Updated = micro(u.Created), micro(u.Updated)
	c.Confirmed, c.Disabled = micro(u.Confirmed), micro(u.Disabled)
	return &c
}

func copyCredential(c *auth.Credential) *auth.Credential {
	d := *c
	d.Data = bytes.Clone(c.Data)
	d.Created, d.Used, d.Expires = micro(c.Created), micro(c.Used), micro(c.Expires)
	return &d
}

func copySession(rec *auth.SessionRecord) *auth.SessionRecord {
	c := *rec
	c.Data = bytes.Clone(rec.Data)
	c.Created, c.LastSeen, c.Expires = micro(rec.Created), micro(rec.LastSeen), micro(rec.Expires)
	return &c
}

// micro returns t as a database would: in UTC, to the microsecond.
func micro(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }
