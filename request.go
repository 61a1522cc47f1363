package auth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
)

// state is what one request knows about its visitor. A pointer to it lives in the
// request's context.
type state struct {
	m   *Manager
	w   *writer
	r   *http.Request
	ctx context.Context // of r

	values kept // of the session

	mu sync.Mutex // held while the session changes hands, and while it is saved

	method, path string // as they came, whatever a router does to them later

	shut    string                // the ID of a session that a hook refused
	login   atomic.Pointer[login] // nil: nobody
	header  bool                  // the user came by a header; there is no session
	discard bool                  // the session is not to be written, since an error said so

	sent    string         // the token in the cookie, if it could be one of ours
	token   string         // of the session, if there is one in the store
	known   *SessionRecord // the session as it is in the store
	ended   *SessionRecord // the session, if it was ended before its values were saved
	opening *opening       // set while a session is given to a user
	cookie  *http.Cookie   // of the session, to be sent

	browserCookie *http.Cookie // in which its users are known, to be sent

	csrf csrfState
}

// login is who the visitor is. It is never changed, only replaced.
type login struct {
	user    *User
	session *Session // nil: the user came by a header
}

func (l *login) pending() bool { return l.session != nil && l.session.pending }

// opening is what the store of scs needs to know of a session that is given to a user.
type opening struct {
	session  *Session
	replaces string
}

type stateKey struct{}

// currentState returns the state of the innermost Manager.
func currentState(ctx context.Context) *state {
	st, _ := ctx.Value(stateKey{}).(*state)
	return st
}

// state returns the state of a request that went through m.Handler, or nil.
func (m *Manager) state(ctx context.Context) *state {
	if st := currentState(ctx); st != nil && st.m == m {
		return st
	}
	return nil
}

// detach returns a context for what must be finished though the client has gone.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

func (m *Manager) newState(w http.ResponseWriter, r *http.Request) *state {
	st := &state{m: m, method: r.Method, path: r.URL.Path}
	st.w = newWriter(w, st)
	st.r = r.WithContext(context.WithValue(r.Context(), stateKey{}, st))
	st.ctx = st.r.Context()
	return st
}

// loadHeader asks the hooks for a credential in the headers, and reports whether
// one was there, good or bad.
func (st *state) loadHeader() bool {
	for _, h := range st.m.cfg.Hooks {
		if h.Load == nil {
			continue
		}
		u, err := h.Load(st.r)
		if err == nil && u == nil {
			continue
		}
		st.header = true
		switch {
		case errors.Is(err, ErrBadLogin), errors.Is(err, ErrNotFound):
			st.m.emit(st.ctx, Event{Name: EventLoginFailed, Reason: "header", Err: err})
		case err != nil:
			st.setUnread(err)
			st.m.failed(st.ctx, "load user from header", err)
		case !u.Disabled.IsZero():
			st.m.emit(st.ctx, Event{Name: EventLoginFailed, UserID: u.ID, Reason: "disabled"})
		default:
			st.login.Store(&login{user: u})
		}
		return true
	}
	return false
}

// loadSession reads the session that the cookie names.
func (st *state) loadSession() {
	if st.sent = st.m.cookieToken(st.r); st.sent == "" {
		return
	}
	ctx, err := st.m.scs.Load(st.ctx, st.sent)
	st.values.set(ctx)
	if err == nil {
		return
	}
	if errors.Is(err, errCodec) {
		st.reject(hashToken(st.sent), "", "unreadable values")
	} else {
		st.setUnread(err)
		st.m.failed(st.ctx, "read session", err)
	}
	st.login.Store(nil)
}

// kept is the context in which scs keeps what it knows of the session.
type kept struct {
	mu     sync.Mutex
	ctx    context.Context // nil: nothing
	unread error           // why the session could not be read
}

func (k *kept) set(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ctx = ctx
}

func (k *kept) get() context.Context {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ctx
}

// kept returns the context for scs. A visitor who has no session gets an empty one, of which
// the browser and the store learn only if something is put into it.
func (st *state) kept() context.Context {
	st.values.mu.Lock()
	defer st.values.mu.Unlock()
	if st.values.ctx == nil {
		st.values.ctx, _ = st.m.scs.Load(st.ctx, "") // asks no store, so never fails
	}
	return st.values.ctx
}

// unread returns why the session could not be read, or nil.
func (st *state) unread() error {
	st.values.mu.Lock()
	defer st.values.mu.Unlock()
	return st.values.unread
}

func (st *state) setUnread(err error) {
	st.values.mu.Lock()
	defer st.values.mu.Unlock()
	st.values.unread = err
}

// cookieToken returns the token in the session cookie, or "" if there is none or if it
// could not have come from us. Two cookies of the name are a sign that someone planted
// one; which, nobody can tell.
func (m *Manager) cookieToken(r *http.Request) string {
	cookies := r.CookiesNamed(m.cookieName(m.cfg.CookieName))
	if len(cookies) != 1 {
		return ""
	}
	token := cookies[0].Value
	if base64.RawURLEncoding.DecodedLen(len(token)) != 32 {
		return ""
	}
	var b [32]byte
	if _, err := base64.RawURLEncoding.Decode(b[:], []byte(token)); err != nil {
		return ""
	}
	return token
}

func (m *Manager) secure() bool { return m.base.Scheme == "https" }

// cookieName returns the full name of a cookie. The prefix, RFC 6265bis section
// 4.1.3.2, makes browsers refuse it from any other host.
func (m *Manager) cookieName(name string) string {
	if m.secure() {
		return "__Host-" + name
	}
	return name
}

// newCookie returns a cookie for this host alone, which scripts cannot read.
func (m *Manager) newCookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: m.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// hashToken returns the ID of the session with that token, as scs makes it.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// find reads the session with that ID, and who it belongs to. It returns the
// application's values in it.
func (st *state) find(ctx context.Context, id string) (values []byte, found bool, err error) {
	rec, u, err := st.m.store.Session(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && !rec.Expires.After(time.Now()) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	s, values, err := decodeSession(rec)
	if err != nil {
		st.reject(id, rec.UserID, "unreadable facts")
		return nil, false, nil
	}
	if s.realm != st.m.cfg.CookieName {
		return nil, false, nil
	}
	if rec.UserID != "" {
		if u == nil {
			u, err = st.m.store.UserByID(ctx, rec.UserID)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, false, err
		}
		if !st.mayUse(u, s) {
			return nil, false, nil
		}
	}
	if !st.touch(ctx, rec, s, values) {
		return nil, false, nil
	}
	st.known, st.token = rec, st.sent
	if u != nil {
		st.login.Store(&login{u, s})
	}
	return values, true, nil
}

// mayUse reports whether s still lets anyone act as u.
func (st *state) mayUse(u *User, s *Session) bool {
	switch {
	case u == nil || u.ID != s.UserID:
		st.reject(s.ID, s.UserID, "user is gone")
	case !u.Disabled.IsZero():
		st.reject(s.ID, s.UserID, "user is disabled")
	case u.Stamp != s.stamp:
		// It may be just about to be renewed, by the request that changed the
		// stamp: leave it, and the cookie.
		st.m.emit(st.ctx, Event{Name: EventSessionRejected, UserID: u.ID, SessionID: s.ID, Reason: "credentials have changed"})
	case !st.checked(u, s):
		st.shut = s.ID
	default:
		return true
	}
	return false
}

// checked asks the hooks whether the session may be used.
func (st *state) checked(u *User, s *Session) bool {
	for _, h := range st.m.cfg.Hooks {
		if h.Check == nil || s.pending {
			continue
		}
		if err := h.Check(st.r, u, s); err != nil {
			st.m.emit(st.ctx, Event{Name: EventSessionRejected, UserID: u.ID, SessionID: s.ID, Reason: "refused by a hook", Err: err})
			return false
		}
	}
	return true
}

// touch notes that the session is used, at most once a minute. It reports false
// if the session has been ended meanwhile.
func (st *state) touch(ctx context.Context, rec *SessionRecord, s *Session, values []byte) bool {
	now := now()
	if now.Sub(rec.LastSeen) < min(time.Minute, st.m.cfg.IdleTimeout/20) {
		return true
	}
	seen := *rec
	seen.LastSeen, seen.Expires, seen.Data = now, st.m.expires(s, now, deadline(values)), nil
	switch err := st.m.store.UpdateSession(ctx, &seen); {
	case errors.Is(err, ErrNotFound):
		return false
	case err != nil:
		st.m.failed(ctx, "note use of session", err)
	default:
		rec.LastSeen, rec.Expires = seen.LastSeen, seen.Expires
		s.LastSeen, s.Expires = seen.LastSeen, seen.Expires
	}
	return true
}

// deadline returns the one in values, where the codec put it first.
func deadline(values []byte) time.Time {
	d := decoder{b: values}
	return time.UnixMicro(d.varint()).UTC()
}

// reject ends a session that cannot be used any more, and has the browser forget
// it.
func (st *state) reject(id, userID, reason string) {
	st.m.emit(st.ctx, Event{Name: EventSessionRejected, UserID: userID, SessionID: id, Reason: reason})
	if err := st.m.deleteSession(st.ctx, id); err != nil {
		st.m.failed(st.ctx, "delete session", err)
	}
	st.known, st.token = nil, ""
	st.expireCookie()
}

// belongsTo reports whether the session is u's, or nobody's.
func (st *state) belongsTo(u *User) bool {
	return st.known == nil || st.known.UserID == "" || st.known.UserID == u.ID
}

// replace stores s under a new token in the place of the session the request
// came with. If that one has been ended meanwhile a renewal fails, with ErrNotFound.
func (st *state) replace(s *Session, keepValues, renewal bool) (token string, err error) {
	ctx, cancel := detach(st.kept())
	defer cancel()
	if !keepValues {
		st.m.scs.Clear(ctx)
	}
	st.discard = false
	st.opening = &opening{session: s, replaces: st.shut}
	defer func() { st.opening = nil }()
	if st.known != nil {
		st.opening.replaces = st.known.ID
	}
	if err := st.m.scs.RenewToken(ctx); err != nil {
		return "", err
	}
	st.m.scs.SetDeadline(ctx, s.deadline)
	token, _, err = st.m.scs.Commit(ctx)
	if errors.Is(err, ErrNotFound) && !renewal {
		st.m.scs.Clear(ctx) // it was ended, with all that was in it
		st.opening.replaces = ""
		token, _, err = st.m.scs.Commit(ctx)
	}
	return token, err
}

// leave ends the session in the store, in the browser, and for the rest of this
// request.
func (st *state) leave() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.login.Store(nil)
	st.forgetCSRF()
	if st.header {
		return nil
	}
	token := cmp.Or(st.token, st.sent)
	st.setToken("")
	ctx, cancel := detach(st.kept())
	defer cancel()
	if token != "" {
		if err := st.m.store.DeleteSession(ctx, hashToken(token)); err != nil {
			st.discard = true
			return err
		}
	}
	st.expireCookie()
	st.setUnread(nil)
	st.known, st.shut = nil, ""
	return st.m.scs.Destroy(ctx)
}

// save stores what the application changed in the session. It is called before
// the first byte of the response.
func (st *state) save() error {
	values := st.values.get()
	if values == nil || st.header || st.discard || st.m.scs.Status(values) != scs.Modified {
		return nil
	}
	ctx, cancel := detach(values)
	defer cancel()
	token, _, err := st.m.scs.Commit(ctx)
	if err != nil {
		st.m.failed(st.ctx, "save session", err)
		return err
	}
	if rec := st.ended; rec != nil { // told here and not in update, where scs holds the values, for which a hook might ask
		st.m.emit(st.ctx, Event{Name: EventSessionRejected, UserID: rec.UserID, SessionID: rec.ID, Reason: "ended during the request"})
	}
	if st.known != nil && st.token != token {
		st.setCookie(token, &Session{})
	}
	return nil
}

// commit stores the values of the session with that ID.
func (st *state) commit(ctx context.Context, id string, values []byte, deadline time.Time) error {
	switch {
	case st.opening != nil:
		return st.create(ctx, id, values, deadline, st.opening.session, st.opening.replaces)
	case st.unread() != nil:
		return st.unread() // what could not be read must not be overwritten
	case st.known == nil || st.known.ID != id:
		if _, v, err := (codec{}).Decode(values); err == nil && len(v) == 0 {
			return nil // nothing to remember
		}
		s := &Session{Created: now(), LastSeen: now(), Address: st.m.clientAddress(st.r), Agent: clientAgent(st.r)}
		return st.create(ctx, id, values, deadline, s, "")
	}
	return st.update(ctx, values)
}

func (st *state) create(ctx context.Context, id string, values []byte, deadline time.Time, s *Session, replaces string) error {
	s.ID, s.realm, s.Expires = id, st.m.cfg.CookieName, st.m.expires(s, s.LastSeen, deadline)
	rec := &SessionRecord{
		ID: id, UserID: s.UserID,
		Created: s.Created, LastSeen: s.LastSeen, Expires: s.Expires,
		Address: s.Address, Agent: s.Agent,
		Data: append(appendFacts(nil, s), values...),
	}
	if err := st.m.store.CreateSession(ctx, rec, replaces); err != nil {
		return err
	}
	st.known = rec
	return nil
}

// update stores the values of the session if they changed. If the session has
// been ended meanwhile, by another request, it stays so: the values are gone with it.
func (st *state) update(ctx context.Context, values []byte) error {
	s, old, err := decodeSession(st.known)
	if err != nil || bytes.Equal(old, values) {
		return err
	}
	rec := *st.known
	rec.LastSeen = now()
	rec.Expires = st.m.expires(s, rec.LastSeen, deadline(values))
	rec.Data = append(appendFacts(nil, s), values...)
	err = st.m.store.UpdateSession(ctx, &rec)
	if errors.Is(err, ErrNotFound) {
		st.ended = &rec
		return nil
	}
	if err == nil {
		st.known = &rec
	}
	return err
}

// setToken notes the token of the session, which CSRFToken reads without st.mu.
func (st *state) setToken(token string) {
	st.csrf.mu.Lock()
	defer st.csrf.mu.Unlock()
	st.token = token
}

func (st *state) setCookie(token string, s *Session) {
	st.setToken(token)
	st.cookie = st.sessionCookie(token)
	if s.Remembered && !s.pending {
		st.cookie.MaxAge = int(time.Until(s.Expires).Seconds() + 1)
	}
}

func (st *state) expireCookie() {
	st.cookie = st.sessionCookie("")
	st.cookie.MaxAge = -1
}

func (st *state) sessionCookie(value string) *http.Cookie {
	return st.m.newCookie(st.m.cookieName(st.m.cfg.CookieName), value)
}

// newSCS returns the session manager behind m. It is no scs.New(), which would
// start a goroutine that nobody can stop.
func newSCS(m *Manager) *scs.SessionManager {
	return &scs.SessionManager{Lifetime: m.cfg.Lifetime, Store: guard{}, Codec: codec{}, HashTokenInStore: true}
}

// guard is the store that scs gets to see. It never lets scs bring a session back
// that has been ended, and leaves alone who it belongs to.
type guard struct{}

func (guard) FindCtx(ctx context.Context, id string) ([]byte, bool, error) {
	if st := currentState(ctx); st != nil {
		return st.find(ctx, id)
	}
	return nil, false, ErrNoHandler
}

func (guard) CommitCtx(ctx context.Context, id string, b []byte, deadline time.Time) error {
	if st := currentState(ctx); st != nil {
		return st.commit(ctx, id, b, deadline)
	}
	return ErrNoHandler
}

// DeleteCtx is called when the session is replaced or ended, which its callers do
// themselves.
func (guard) DeleteCtx(context.Context, string) error { return nil }

func (guard) Find(string) ([]byte, bool, error)      { return nil, false, ErrNoHandler }
func (guard) Commit(string, []byte, time.Time) error { return ErrNoHandler }
func (guard) Delete(string) error                    { return ErrNoHandler }

// csrfState is what a request knows about its CSRF token.
type csrfState struct {
	mu       sync.Mutex
	real     realToken // what token was made of; zero: of nothing that the request had
	token    string    // as forms carry it
	cookie   string    // to be sent: a whole Set-Cookie header
	asked    bool      // the page has the token in it
	replaced bool      // the cookie of the request counts no more
	stale    bool      // the request was refused for its token alone
}
