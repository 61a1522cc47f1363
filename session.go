package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Factors that this package proves itself. Other packages add their own names,
// after RFC 8176 where it has one.
const (
	FactorPassword = "pwd"
)

// Session is one login of one user on one device, from the proof to the end. It has no lock: it
// is safe for concurrent use as long as nobody changes it, which only a Hooks.Login may.
type Session struct {
	// ID tells sessions apart. It is a hash of the token in the cookie, and opens nothing.
	ID string `json:"id"`

	UserID   string    `json:"user_id"`   // whose it is
	Created  time.Time `json:"created"`   // when the user logged in
	LastSeen time.Time `json:"last_seen"` // when the session was last used, to a minute or so
	Expires  time.Time `json:"expires"`   // when it ends, if it is not used before
	Address  string    `json:"address"`   // the client's IP address when the session got its token
	Agent    string    `json:"agent"`     // the client's User-Agent then

	// Remembered is whether the user asked to stay logged in.
	Remembered bool `json:"remembered"`

	// Factors are the ways in which the user proved who they are, and when.
	Factors map[string]time.Time `json:"factors"`

	realm   string // Config.CookieName of the Manager that made it
	stamp   string // User.Stamp when the session began
	pending bool   // a factor is missing, or a new password; nobody is logged in

	newPassword bool // what is missing is a new password

	deadline time.Time // set while it is given to a user: when it ends, however it is used
}

// Has reports whether the user proved that factor in this session. In a nil
// Session nothing was proved.
func (s *Session) Has(factor string) bool {
	if s == nil {
		return false
	}
	_, ok := s.Factors[factor]
	return ok
}

// Fresh reports whether the user proved who they are, by any factor, within the
// last d. How the session goes on, remembered or not, has no part in it. A nil
// Session is never fresh.
func (s *Session) Fresh(d time.Duration) bool {
	if s == nil {
		return false
	}
	for _, t := range s.Factors {
		if time.Since(t) < d {
			return true
		}
	}
	return false
}

// Proof says how a user proved who they are, and for how long to take their word.
type Proof struct {
	// Factor is the way of the proof, such as FactorPassword. Required.
	Factor string

	// Remember makes the session outlast the browser, for Config.RememberFor.
	Remember bool
}

// Errors of sessions.
var (
	// ErrSecondFactor reports that the login is pending: a Hooks.Login wants
	// another factor, and nobody is logged in before Login was called with it.
	ErrSecondFactor = errors.New("auth: another factor is needed")

	// ErrNotLoggedIn reports that the request has no logged-in session to act on.
	ErrNotLoggedIn = errors.New("auth: not logged in")

	// ErrNoHandler reports a request that did not come through Manager.Handler,
	// whose response has begun, or whose user came by a header: there is no
	// session, and no way to begin one.
	ErrNoHandler = errors.New("auth: no session here: outside Manager.Handler, response begun, or user from a header")
)

// pendingLifetime is how long a user has to bring the second factor, the lifetime
// of an out-of-band code (NIST SP 800-63B-4, section 3.1.3).
const pendingLifetime = 10 * time.Minute

// CurrentUser returns the user who makes the request that ctx belongs to, or nil
// if nobody is logged in. Login, Logout and SetPassword change the answer at once.
// The user is the request's own copy, as the store had it when the request, or the login, began.
func CurrentUser(ctx context.Context) *User {
	if l := currentLogin(ctx); l != nil {
		return l.user
	}
	return nil
}

// CurrentSession returns the session that the request belongs to, or nil if nobody
// is logged in, or only by a header (see Hooks.Load).
func CurrentSession(ctx context.Context) *Session {
	if l := currentLogin(ctx); l != nil {
		return l.session
	}
	return nil
}

// UserValue returns the application's own record of the current user, which the
// UserStore put in User.Value. It reports whether there is one of that type.
func UserValue[T any](ctx context.Context) (T, bool) {
	if u := CurrentUser(ctx); u != nil {
		v, ok := u.Value.(T)
		return v, ok
	}
	var none T
	return none, false
}

// Pending returns the user whose login awaits another factor, or nil. They are
// not logged in: show them nothing but the question for that factor.
func Pending(ctx context.Context) *User { return pendingUser(ctx, false) }

func currentLogin(ctx context.Context) *login {
	st := currentState(ctx)
	if st == nil {
		return nil
	}
	if l := st.login.Load(); l != nil && !l.pending() {
		return l
	}
	return nil
}

// Login makes the session u's. It is called once u has proved who they are, by
// p.Factor. The session gets a new token, so that one that was planted before is
// worthless; what the application keeps in it stays, unless it was another user's.
//
// Within a session of u's own, pending or not, the factor joins those proved before.
//
// If a Hooks.Login asks for another factor Login returns ErrSecondFactor, and the
// session is pending: prove the other factor for the user that Pending returns,
// and call Login again. ErrNewPassword says the same of a new password: see
// [Manager.MarkCompromised]. ErrDisabled, ErrNoHandler and what a hook returned leave
// everything as it was. After a failure of the store nobody is logged in, nor after
// ErrNotLoggedIn: the session in which the other factors were proved has been ended.
func (m *Manager) Login(w http.ResponseWriter, r *http.Request, u *User, p Proof) error {
	st := m.state(r.Context())
	switch {
	case st == nil || st.header:
		return ErrNoHandler
	case u == nil || p.Factor == "":
		return errors.New("auth: Login needs a user, and a factor that they proved")
	case !u.Disabled.IsZero():
		m.emit(r.Context(), Event{Name: EventLoginFailed, UserID: u.ID, Reason: "disabled"})
		return ErrDisabled
	}
	l := st.login.Load()
	joins := l != nil && l.user.ID == u.ID
	s := &Session{Factors: map[string]time.Time{}, Remembered: p.Remember}
	if joins {
		if l.session.stamp != u.Stamp {
			return ErrNotLoggedIn
		}
		s.Created = l.session.Created
		s.Remembered = s.Remembered || l.session.Remembered
		maps.Copy(s.Factors, l.session.Factors)
	}
	s.Factors[p.Factor] = now()
	if err := st.enter(w, r, u, s, joins); err != nil {
		return err
	}
	if !m.KnownBrowser(r.Context(), u) {
		m.emit(r.Context(), Event{Name: EventNewBrowser})
	}
	st.rememberBrowser(u)
	m.emit(r.Context(), Event{Name: EventLoggedIn, Reason: p.Factor})
	return nil
}

// Reauthenticate lets the current user prove once more who they are, by the
// password in f, after which the session is fresh, and begins its lifetime anew
// under a new token (NIST SP 800-63B-4, section 5.2). The email in f is not looked at. Errors
// are ErrNotLoggedIn, and those of Authenticate and Login.
func (m *Manager) Reauthenticate(w http.ResponseWriter, r *http.Request, f *LoginForm) error {
	st := m.state(r.Context())
	if st == nil || st.header {
		return ErrNoHandler
	}
	l := st.login.Load()
	if l == nil || l.pending() {
		return ErrNotLoggedIn
	}
	if f.err != nil {
		return f.err
	}
	if f.require("password", f.Password); len(f.Errors) > 0 {
		return f.Errors
	}
	u, err := m.prove(r.Context(), l.user.Email, l.user, f.Password)
	if err != nil {
		f.refuse(err, "password", CodeWrong)
		return err
	}
	s := *l.session
	s.Factors = maps.Clone(s.Factors)
	s.Factors[FactorPassword] = now()
	if err := st.enter(w, r, u, &s, true); err != nil {
		return err
	}
	st.rememberBrowser(u)
	m.emit(r.Context(), Event{Name: EventReauthenticated})
	return nil
}

// enter is the one door: it alone makes a session belong to a user. It asks the
// hooks, and then stores the session under a new token, in the place of the old
// one. If renewal is set and the old one has been ended meanwhile, so has the new one.
func (st *state) enter(w http.ResponseWriter, r *http.Request, u *User, s *Session, renewal bool) error {
	if st.w.started.Load() {
		return ErrNoHandler
	}
	if err := st.unread(); err != nil { // the old session could not be ended
		return fmt.Errorf("auth: read session: %w", err)
	}
	missing, err := st.m.gate(w, r, u, s)
	if err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	s.UserID, s.stamp = u.ID, u.Stamp
	s.pending, s.newPassword = missing != nil, missing == ErrNewPassword
	s.LastSeen, s.Address, s.Agent = now(), st.m.clientAddress(st.r), clientAgent(st.r)
	if s.Created.IsZero() {
		s.Created = s.LastSeen
	}
	if s.deadline.IsZero() || s.pending {
		s.deadline = s.LastSeen.Add(st.m.lifetime(s))
	}
	token, err := st.replace(s, st.belongsTo(u), renewal)
	if err != nil {
		st.login.Store(nil)
		st.discard = true
		if errors.Is(err, ErrNotFound) {
			return ErrNotLoggedIn
		}
		st.m.failed(r.Context(), "store session", err)
		return fmt.Errorf("auth: store session: %w", err)
	}
	own := *u
	st.login.Store(&login{&own, s})
	st.setCookie(token, s)
	st.forgetCSRF()
	switch missing {
	case ErrNewPassword:
		st.m.emit(r.Context(), Event{Name: EventNewPassword})
	case ErrSecondFactor:
		st.m.emit(r.Context(), Event{Name: EventSecondFactor})
	}
	return missing
}

// gate asks the hooks whether u may enter. Every hook must agree. It returns what is
// missing, ErrSecondFactor or ErrNewPassword, if that is all that keeps u out.
func (m *Manager) gate(w http.ResponseWriter, r *http.Request, u *User, s *Session) (missing, err error) {
	for _, h := range m.cfg.Hooks {
		if h.Login == nil {
			continue
		}
		err := h.Login(w, r, u, s)
		if errors.Is(err, ErrSecondFactor) {
			missing = ErrSecondFactor
			continue
		}
		if err != nil {
			m.emit(r.Context(), Event{Name: EventLoginFailed, UserID: u.ID, Reason: "refused by a hook", Err: err})
			return nil, err
		}
	}
	if missing == nil && u.Compromised() {
		missing = ErrNewPassword
	}
	return missing, nil
}

// lifetime returns how long a session like s lasts.
func (m *Manager) lifetime(s *Session) time.Duration {
	switch {
	case s.pending:
		return pendingLifetime
	case s.Remembered:
		return m.cfg.RememberFor
	}
	return m.cfg.Lifetime
}

// expires returns when a session that is used now ends, if it is not used again.
func (m *Manager) expires(s *Session, now, deadline time.Time) time.Time {
	if idle := now.Add(m.cfg.IdleTimeout); !s.Remembered && idle.Before(deadline) {
		return idle
	}
	return deadline
}

// Logout ends the session that the request belongs to, if any, with all that is
// in it. Nothing brings it back, and no request that is still under way. If the
// store fails Logout returns the error, nobody is logged in for the rest of this
// request, and the browser keeps the cookie, by which the user can try again.
func (m *Manager) Logout(w http.ResponseWriter, r *http.Request) error {
	st := m.state(r.Context())
	if st == nil || st.w.started.Load() {
		return ErrNoHandler
	}
	l := st.login.Load()
	if l != nil && l.session != nil {
		for _, h := range m.cfg.Hooks {
			if h.Logout != nil {
				h.Logout(w, r, l.user, l.session)
			}
		}
	}
	err := st.leave()
	if err != nil {
		m.failed(r.Context(), "end session", err)
		return fmt.Errorf("auth: end session: %w", err)
	}
	if l != nil && l.session != nil {
		m.emit(r.Context(), Event{Name: EventLoggedOut, UserID: l.user.ID, SessionID: l.session.ID})
	}
	return nil
}

// LogoutEverywhere ends all sessions of the current user, this one too.
func (m *Manager) LogoutEverywhere(w http.ResponseWriter, r *http.Request) error {
	u := CurrentUser(r.Context())
	if u == nil || m.state(r.Context()) == nil {
		return ErrNotLoggedIn
	}
	return m.restamp(r.Context(), u, EventSessionsRevoked, false, nil)
}

// LogoutElsewhere ends all sessions of the current user but this one, which gets
// a new token.
func (m *Manager) LogoutElsewhere(w http.ResponseWriter, r *http.Request) error {
	u := CurrentUser(r.Context())
	if u == nil || m.state(r.Context()) == nil {
		return ErrNotLoggedIn
	}
	return m.restamp(r.Context(), u, EventSessionsRevoked, true, nil)
}

// EndSessions ends all sessions of u: for administrators, and after u's account
// was in wrong hands. u is updated, as by SetPassword.
func (m *Manager) EndSessions(ctx context.Context, u *User) error {
	return m.restamp(ctx, u, EventSessionsRevoked, false, nil)
}

// Sessions returns the sessions in which u is logged in, the last seen first. It
// returns errors.ErrUnsupported if the session store cannot tell.
func (m *Manager) Sessions(ctx context.Context, u *User) ([]*Session, error) {
	if u == nil {
		return nil, ErrNotLoggedIn
	}
	recs, err := m.store.Sessions(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("auth: list sessions: %w", err)
	}
	var live []*Session
	for _, rec := range recs {
		if s, _, err := decodeSession(rec); err == nil && !s.pending && s.stamp == u.Stamp && s.realm == m.cfg.CookieName {
			live = append(live, s)
		}
	}
	return live, nil
}

// EndSession ends the session of u that has that ID, or returns ErrNotFound: also
// where the session is another user's.
func (m *Manager) EndSession(ctx context.Context, u *User, id string) error {
	live, err := m.Sessions(ctx, u)
	if err != nil {
		return err
	}
	for _, s := range live {
		if s.ID != id {
			continue
		}
		if l := currentLogin(ctx); l != nil && l.session != nil && l.session.ID == id && m.state(ctx) != nil {
			err = m.state(ctx).leave()
		} else {
			err = m.deleteSession(ctx, id)
		}
		if err != nil {
			return fmt.Errorf("auth: end session: %w", err)
		}
		m.emit(ctx, Event{Name: EventSessionsRevoked, UserID: u.ID, SessionID: id, Reason: "one"})
		return nil
	}
	return ErrNotFound
}

func (m *Manager) deleteSession(ctx context.Context, id string) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	return m.store.DeleteSession(ctx, id)
}

// restamp gives u a new Stamp, which ends all of u's sessions, even those that
// are being created now. If keep is set the current one, if it is u's, goes on.
// If the credentials have changed since u was read, a change of them is refused,
// and so is keeping the session, which has been ended.
func (m *Manager) restamp(ctx context.Context, u *User, event string, keep bool, change func(*User)) error {
	if u == nil {
		return ErrNotLoggedIn
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	next, err := m.swapStamp(ctx, u, keep || change != nil, change)
	if err != nil {
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrExists) {
			m.failed(ctx, "update user", err)
		}
		return fmt.Errorf("auth: update user: %w", err)
	}
	if st := m.state(ctx); st == nil || st.login.Load() == nil || st.login.Load().user != u {
		*u = *next
	}
	u = next
	m.emit(ctx, Event{Name: event, UserID: u.ID})

	current, except := m.state(ctx), ""
	if current == nil || current.login.Load() == nil || !current.belongsTo(u) || current.header {
		current = nil
	} else if l := current.login.Load(); keep && (!l.pending() || l.session.newPassword) {
		except = l.session.ID
	}
	// The new stamp has ended the sessions already; this removes them.
	if _, err := m.store.DeleteSessions(ctx, u.ID, except); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		m.failed(ctx, "delete sessions", err)
	}
	if current == nil {
		return nil
	}
	if except != "" {
		if current.renew(u) && event == EventPasswordChanged {
			current.rememberBrowser(u) // to have ended other sessions proves nothing
		}
	} else if err := current.leave(); err != nil {
		m.failed(ctx, "end session", err)
	}
	return nil
}

// swapStamp stores u with a new stamp and the change, if there is one. If strict
// is set it gives up when another has changed the stamp since u was read.
func (m *Manager) swapStamp(ctx context.Context, u *User, strict bool, change func(*User)) (*User, error) {
	next := *u
	for range 10 { // others may win, but not for ever
		next.Stamp, next.Updated = newStamp(), now()
		if change != nil {
			change(&next)
		}
		err := m.store.UpdateUser(ctx, &next)
		if !errors.Is(err, ErrConflict) {
			return &next, err
		}
		fresh, err := m.store.UserByID(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		if strict && fresh.Stamp != u.Stamp {
			return nil, ErrConflict
		}
		next = *fresh
	}
	return nil, ErrConflict
}

// renew moves the current session to a new token, after u's stamp has changed. It
// proves nothing, so the session ends when it would have ended before, unless it was
// pending until now. If that fails nobody is logged in, and an event says why. It reports
// whether the user is logged in.
func (st *state) renew(u *User) (loggedIn bool) {
	s := *st.login.Load().session
	if !s.pending {
		s.deadline = st.m.scs.Deadline(st.kept())
	}
	err := st.enter(st.w, st.r, u, &s, true)
	if err != nil && !errors.Is(err, ErrSecondFactor) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.login.Store(nil)
		st.discard = true
		st.expireCookie()
	}
	return err == nil
}
