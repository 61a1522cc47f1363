package auth

import (
	"context"
	"errors"
	"time"
)

// Errors that stores return. A store may wrap them; compare with [errors.Is].
var (
	// ErrNotFound reports that no user, credential or session matches.
	ErrNotFound = errors.New("auth: not found")

	// ErrExists reports that an email, a credential ID or a session ID is taken.
	ErrExists = errors.New("auth: already exists")

	// ErrConflict reports that a record changed since it was read: its Version
	// in the store is not the one given. Read it again, and decide again.
	ErrConflict = errors.New("auth: changed by someone else")

	// ErrUnavailable reports that a store cannot do its work for now: it is away, full, or takes no writes. A store
	// may wrap its errors in it, for [Status] to make 503 of them. That knows by itself of deadlines and networks.
	ErrUnavailable = errors.New("auth: not available for now")
)

// UserStore keeps users.
//
// Stores share no memory with their callers: what they are given they copy,
// and what they return is the caller's to change. They are safe for concurrent
// use. Times come back equal to the microsecond; the zero time stays zero.
// An error that is none of the sentinels named below means that the outcome is
// unknown; nothing is ever half written. Package storetest checks all of this.
type UserStore interface {
	// CreateUser adds u, with Version 1 whatever u.Version says. A store that
	// chooses its own IDs replaces u.ID, by one that no user has ever had: what
	// was left of a deleted user would be the new one's. u.Version is set to 1.
	// It returns ErrExists if the Email or the ID is taken. Of any number of
	// concurrent calls with one Email, one succeeds.
	CreateUser(ctx context.Context, u *User) error

	// UserByID returns the user with that ID, or ErrNotFound. IDs are text, and
	// compared byte for byte: a store that counts its users does not find "7" by "07".
	UserByID(ctx context.Context, id string) (*User, error)

	// UserByLogin returns the user who logs in with login, or ErrNotFound.
	// login is a canonical email (see CanonicalEmail) or, if it is no email, what
	// the visitor typed. It is compared byte for byte: no folding of case or
	// accents, or else one visitor reaches another's account.
	UserByLogin(ctx context.Context, login string) (*User, error)

	// UpdateUser replaces the stored user that has u's ID, if its Version is
	// u.Version, and then adds one to both. It returns ErrConflict if the Version
	// differs, ErrNotFound if there is no such user, ErrExists if another user
	// has the Email. Of any number of concurrent calls with one Version, one
	// succeeds. Created is not changed.
	UpdateUser(ctx context.Context, u *User) error

	// DeleteUser removes the user and whatever credentials and sessions of the
	// user this store keeps. It returns ErrNotFound if there is no such user.
	DeleteUser(ctx context.Context, id string) error
}

// Credential is anything, besides a password, that lets someone act as a user:
// a reset link, a recovery code, a passkey, an API token. A feature owns its
// Kind, and the format of Data within it.
type Credential struct {
	Kind    string    // which feature it belongs to, such as "reset"
	ID      string    // unique within the Kind; of secrets, only a hash
	UserID  string    // whom it lets act; empty: nobody
	Name    string    // what the user calls it, if anything
	Data    []byte    // whatever the feature needs
	Created time.Time // when it was issued
	Used    time.Time // when it was last used; zero: never
	Expires time.Time // when it stops to count; zero: never
	Version int64     // changes with every update
}

// CredentialStore keeps credentials. One implementation serves every feature
// that needs more than a password. The general rules of [UserStore] hold: a
// CredentialStore is safe for concurrent use.
//
// An expired credential is as good as none: no method returns it, and its ID may
// be used again.
//
// A credential without a UserID is nobody's, such as the count of somebody's attempts: it
// is kept like any other, but no list has it, and DeleteCredentials leaves it.
type CredentialStore interface {
	// PutCredential adds c, with Version 1, and sets c.Version to 1. It returns
	// ErrExists if the Kind has the ID. Of any number of concurrent calls with
	// one Kind and ID, one succeeds.
	PutCredential(ctx context.Context, c *Credential) error

	// Credential returns the credential, or ErrNotFound.
	Credential(ctx context.Context, kind, id string) (*Credential, error)

	// Credentials returns the user's credentials of that kind, oldest first, and
	// by ID where they are of one age. None is no error.
	Credentials(ctx context.Context, userID, kind string) ([]*Credential, error)

	// UpdateCredential replaces Name, Data, Used and Expires, if the stored
	// Version is c.Version, and then adds one to both. It returns ErrConflict if
	// the Version differs and ErrNotFound if there is no such credential.
	UpdateCredential(ctx context.Context, c *Credential) error

	// TakeCredential removes the credential and returns it, or ErrNotFound. Of
	// any number of concurrent calls for one credential, one succeeds: this is
	// what makes a secret good for one use.
	TakeCredential(ctx context.Context, kind, id string) (*Credential, error)

	// DeleteCredentials removes the user's credentials of that kind, and of every
	// kind if kind is empty.
	DeleteCredentials(ctx context.Context, userID, kind string) error
}

// SessionRecord is a session as a [SessionStore] keeps it.
type SessionRecord struct {
	ID       string    // the hash of the token in the cookie, never the token
	UserID   string    // empty: nobody is logged in
	Created  time.Time // when the session began
	LastSeen time.Time // when it was last used, to a minute or so
	Expires  time.Time // when it stops to count
	Address  string    // the client's IP address at the beginning
	Agent    string    // the client's User-Agent at the beginning
	Data     []byte    // the rest, opaque to the store
}

// SessionStore keeps sessions. The general rules of [UserStore] hold: a SessionStore
// is safe for concurrent use.
//
// A session that was deleted never comes back: no method but CreateSession adds
// one. An expired session is as good as none.
type SessionStore interface {
	// CreateSession adds s. If replaces is not empty it also deletes the session
	// with that ID, both or neither, and returns ErrNotFound if that one is gone
	// or expired. It returns ErrExists if s.ID is taken.
	CreateSession(ctx context.Context, s *SessionRecord, replaces string) error

	// Session returns the session, and with it the user it belongs to if the
	// store keeps users too: both in one round trip, for this is asked at every
	// request. A nil user means: ask the UserStore. It returns ErrNotFound if
	// there is no such session.
	Session(ctx context.Context, id string) (*SessionRecord, *User, error)

	// UpdateSession stores LastSeen and Expires, and Data unless it is nil, in the
	// session that has s's ID; other fields do not change. It returns ErrNotFound
	// if there is no such session, and then adds none.
	UpdateSession(ctx context.Context, s *SessionRecord) error

	// Sessions returns the user's sessions, the last seen first, and by ID where
	// they were seen at one time. None is no error. A store that cannot tell
	// returns errors.ErrUnsupported.
	Sessions(ctx context.Context, userID string) ([]*SessionRecord, error)

	// DeleteSession removes the session. One that is gone already is no error.
	DeleteSession(ctx context.Context, id string) error

	// DeleteSessions removes the user's sessions but the one with the ID except,
	// which may be empty, and returns how many it removed. A store that cannot
	// returns errors.ErrUnsupported.
	DeleteSessions(ctx context.Context, userID, except string) (int, error)
}

// Store is everything a [Manager] keeps. Packages memstore and sqlstore have one.
// It is safe for concurrent use, as each of the three is.
type Store interface {
	UserStore
	CredentialStore
	SessionStore
}

// Stores makes one [Store] of three: the application's own table of users, say,
// and sessions on Redis. The guide docs/own-store.md is about such a table.
// All three are required. It is safe for concurrent use, as they are.
type Stores struct {
	UserStore
	CredentialStore
	SessionStore
}

// Session implements [SessionStore]. It leaves the user to s.UserStore, which
// alone knows who exists: a session store of another database might still hold
// a user of that name.
func (s Stores) Session(ctx context.Context, id string) (*SessionRecord, *User, error) {
	rec, _, err := s.SessionStore.Session(ctx, id)
	return rec, nil, err
}
