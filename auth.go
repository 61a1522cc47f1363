package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/vestibule-go/auth/throttle"
)

// Config adjusts a [Manager]. BaseURL is required; the zero value of every other
// field is the safe default.
type Config struct {
	// BaseURL is the application's address as its visitors see it: scheme, host and, if it has
	// one, port, such as "https://shop.example" or "http://localhost:8080". It
	// alone decides whether cookies are Secure and which requests come from the
	// application itself; the Host and X-Forwarded-* headers decide nothing.
	BaseURL string

	// InsecureHTTP allows a BaseURL with plain http beyond this machine. Whoever
	// sits on the way can then read passwords and take over sessions.
	InsecureHTTP bool

	// LoginURL is the path of the login page; empty means "/login". Visitors who
	// are not logged in are sent there, with the page they wanted as "next".
	LoginURL string

	// ReauthURL is the path of the page that asks for the password once more;
	// empty means "/reauth".
	ReauthURL string

	// SecondFactorURL is the path of the page that asks for the second factor,
	// if there is one. Visitors whose login is pending are sent there. Set it if a Hooks.Login
	// returns ErrSecondFactor: else they are sent to LoginURL, where they get no further.
	SecondFactorURL string

	// PasswordURL is the path of the page to change the password; empty means
	// "/account/password". Users whose password is known to others are sent there
	// when they have logged in: see MarkCompromised.
	PasswordURL string

	// HomeURL is the path to go to when there is nowhere better; empty means "/".
	HomeURL string

	// CookieName is the name of the session cookie; empty means "session". Managers with
	// different names never take each other's sessions, not even on one store. On
	// https the cookie is called "__Host-" and the name, which keeps other hosts of the
	// domain from planting one.
	CookieName string

	// Lifetime is how long a session lasts at most; zero means 24 hours (NIST SP
	// 800-63B-4, section 2.2.3).
	Lifetime time.Duration

	// IdleTimeout ends a session that is not used for so long; zero means one
	// hour (the same section). A use counts from its minute, or from a twentieth
	// of IdleTimeout if that is less.
	IdleTimeout time.Duration

	// RememberFor is how long a session lasts whose user asked to be remembered;
	// zero means 30 days (the same, section 2.1.3). It has no idle timeout, and is fresh
	// no longer than any other.
	RememberFor time.Duration

	// Hasher makes and checks password hashes; nil means Bcrypt(0).
	Hasher Hasher

	// HashSeats is how many passwords are hashed at once; zero means as many as
	// there are processors. More would starve all other requests.
	HashSeats int

	// HashWait is how long a request waits for a seat before it gets ErrBusy;
	// zero means 2 seconds.
	HashWait time.Duration

	// Limiter limits guesses at passwords, signups, and mails that anyone may ask
	// for. Nil means the limits that throttle.Rules names, with counts in the store.
	Limiter Limiter

	// Passwords says which passwords may be chosen.
	Passwords Policy

	// MaxForm is the size in bytes of the largest form that Handler accepts;
	// zero means 64 KiB. It applies to urlencoded and multipart bodies, files
	// included; bodies of other types, which nobody parses by accident, the
	// application limits.
	MaxForm int64

	// TrustedProxies are the networks of the reverse proxies in front of the
	// application. From them, and no one else, X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix

	// Hooks take part in logins and requests, in their order.
	Hooks []Hooks

	// Logger gets a record of every event; nil means slog.Default().
	Logger *slog.Logger

	// Unauthorized answers requests that need a login; nil means a redirect to
	// LoginURL or, if only a second factor or a new password is missing, to
	// SecondFactorURL or PasswordURL, and 401 for clients that prefer JSON.
	Unauthorized http.Handler

	// NeedsRefresh answers requests that need a fresh login; nil means a redirect
	// to ReauthURL, or 401 for clients that prefer JSON.
	NeedsRefresh http.Handler

	// CSRFRefused answers requests that fail the check against cross-site request
	// forgery; nil means 403 with a sentence. StaleForm tells whether the request
	// only carries an old token. The handler must change nothing, and expect guests
	// at any path.
	CSRFRefused http.Handler
}

// Hooks let another package take part in what a [Manager] does. Nil fields are
// skipped. Several Hooks run in the order of Config.Hooks.
type Hooks struct {
	// Load finds the user of a request by a credential in its headers, such as an
	// API token. It returns nil and no error if there is none of its kind. A user
	// it returns counts for this request alone: the session is neither read nor
	// written, and CSRF checks are skipped, since no other site can make a browser
	// send the header: so Load must look at nothing that browsers send by themselves, no cookies
	// and no Basic authentication. ErrBadLogin and ErrNotFound say that the credential is no
	// good: the request is a guest's, whatever its cookies say. After any other
	// error it is a guest's, too, and the guards answer 503.
	Load func(r *http.Request) (*User, error)

	// Authenticate is asked by Manager.Authenticate and Reauthenticate about a user whose password is
	// right. An error is answered as a wrong password, and counts as one: nobody who only knows the
	// password learns that it is, and that there is an account. To tell the
	// visitor all the same, look for your error in what Authenticate returned.
	Authenticate func(ctx context.Context, u *User) error

	// Login is asked before a session becomes the user's, at every way in. An
	// error keeps the user out. ErrSecondFactor keeps them waiting: the session
	// is pending, CurrentUser stays nil, and the next Login adds its factor to those in s.
	Login func(w http.ResponseWriter, r *http.Request, u *User, s *Session) error

	// Check is asked at every request that comes with a session in which a user is
	// logged in. An error means that this request is a guest's.
	Check func(r *http.Request, u *User, s *Session) error

	// Logout is told before a session ends by Logout.
	Logout func(w http.ResponseWriter, r *http.Request, u *User, s *Session)

	// Export returns what the application keeps of u, under a name of its own, for Manager.Export. It must
	// marshal to JSON; nil is left out.
	Export func(ctx context.Context, u *User) (name string, data any, err error)

	// Delete removes what the application keeps of u, before Manager.DeleteAccount removes the account. An
	// error keeps the account, and the user may try again: then Delete is called once more, also where it succeeded.
	Delete func(ctx context.Context, u *User) error

	// Hash is told before a password waits for a seat, to be hashed or verified, and what it returns, unless that is
	// nil, is called afterwards: with ErrBusy or the error of ctx if there was no seat, and with nil if there was, be the
	// password right or wrong. It is for traces, and must not block.
	Hash func(ctx context.Context) (done func(err error))

	// Event is told what happened, after it did. It must not block, and may look at the request's user and session
	// values, but neither change its session nor write its response, which may be under way: that would wait for itself.
	Event func(ctx context.Context, e Event)
}

// Manager signs users up, logs them in and out, and guards handlers. Make one
// with [New]. It is safe for concurrent use.
type Manager struct {
	store  Store
	cfg    Config // complete
	base   *url.URL
	policy *policy
	seats  *seats
	decoy  string // a hash of no password, verified where there is none
	scs    *scs.SessionManager
	csrf   *csrf

	proxyNoticed atomic.Bool
}

// New returns a Manager that keeps everything in store. It returns an error that
// names every field of cfg that cannot work.
func New(store Store, cfg *Config) (*Manager, error) {
	m := &Manager{store: store}
	if cfg != nil {
		m.cfg = *cfg
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	m.checkStore(fault)
	m.checkBaseURL(fault)
	m.checkPaths(fault)
	m.checkLimits(fault)
	m.checkHasher(fault)
	host := ""
	if m.base != nil {
		host = m.base.Hostname()
	}
	var err error
	if m.policy, err = newPolicy(m.cfg.Passwords, host); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("auth: cannot work with this Config:\n%w", errors.Join(faults...))
	}
	if m.cfg.Logger == nil {
		m.cfg.Logger = slog.Default()
	}
	if m.decoy, err = m.cfg.Hasher.Hash(rand.Text()); err != nil {
		return nil, fmt.Errorf("auth: Hasher: %w", err)
	}
	if m.cfg.Limiter == nil {
		if m.cfg.Limiter, err = throttle.New(ThrottleStore(m.store), throttle.Rules{}); err != nil {
			return nil, err
		}
	}
	m.seats = newSeats(m.cfg.HashSeats, m.cfg.HashWait)
	m.scs = newSCS(m)
	m.csrf = newCSRF(m)
	return m, nil
}

type faultFunc func(format string, args ...any)

func (m *Manager) checkStore(fault faultFunc) {
	if p, ok := m.store.(*Stores); ok && p != nil {
		m.store = *p
	}
	switch s := m.store.(type) {
	case nil, *Stores:
		fault("store is nil")
	case Stores:
		if s.UserStore == nil {
			fault("Stores.UserStore is nil")
		}
		if s.CredentialStore == nil {
			fault("Stores.CredentialStore is nil")
		}
		if s.SessionStore == nil {
			fault("Stores.SessionStore is nil")
		}
	}
}

func (m *Manager) checkBaseURL(fault faultFunc) {
	c := &m.cfg
	if c.BaseURL == "" {
		fault("BaseURL is empty; give the address of the application, such as %q", "http://localhost:8080")
		return
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !hostPattern.MatchString(u.Host) || !isPort(u.Port()) ||
		u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		fault("BaseURL is %q, not a scheme and a host such as %q", c.BaseURL, "https://shop.example")
		return
	}
	if u.Scheme == "http" && !c.InsecureHTTP && !isLoopback(u.Hostname()) {
		fault("BaseURL is %q: plain http beyond this machine needs InsecureHTTP", c.BaseURL)
	}
	m.base = &url.URL{Scheme: u.Scheme, Host: canonicalHost(u)}
}

// hostPattern matches hosts as browsers write them in an origin: names in ASCII,
// and addresses of both kinds.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?$`)

// isPort reports whether s can be a port, or is left out.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil
}

// canonicalHost returns the host as browsers send it: in lower case, without the
// scheme's own port.
func canonicalHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "http" {
		return strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":443")
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (m *Manager) checkPaths(fault faultFunc) {
	c := &m.cfg
	for _, p := range []struct {
		name  string
		value *string
		def   string
	}{{"LoginURL", &c.LoginURL, "/login"}, {"ReauthURL", &c.ReauthURL, "/reauth"}, {"SecondFactorURL", &c.SecondFactorURL, ""}, {"PasswordURL", &c.PasswordURL, "/account/password"}, {"HomeURL", &c.HomeURL, "/"}} {
		if *p.value == "" {
			*p.value = p.def
		}
		if *p.value == "" {
			continue
		}
		if path, ok := SafeNext(*p.value); !ok || path != *p.value {
			fault("%s is %q, not a path of this application", p.name, *p.value)
		}
	}
	if c.CookieName == "" {
		c.CookieName = "session"
	}
	if (&http.Cookie{Name: c.CookieName}).Valid() != nil || strings.HasPrefix(c.CookieName, "__") || c.CookieName == csrfCookie {
		fault("CookieName is %q, not a plain cookie name, or taken", c.CookieName)
	}
}

func (m *Manager) checkLimits(fault faultFunc) {
	c := &m.cfg
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"Lifetime", &c.Lifetime, 24 * time.Hour},
		{"IdleTimeout", &c.IdleTimeout, time.Hour},
		{"RememberFor", &c.RememberFor, 30 * 24 * time.Hour},
		{"HashWait", &c.HashWait, 2 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
		if *d.value < 0 {
			fault("%s is negative", d.name)
		}
	}
	if c.HashSeats < 0 {
		fault("HashSeats is negative")
	}
	if c.MaxForm == 0 {
		c.MaxForm = 64 << 10
	}
	if c.MaxForm < 0 {
		fault("MaxForm is negative")
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() || p.Addr().Is4In6() {
			fault("TrustedProxies holds %s, not a prefix of IPv4 or IPv6", p)
		}
	}
	if l, ok := c.Limiter.(*throttle.Limiter); ok && l == nil {
		fault("Limiter is a nil *throttle.Limiter: throttle.New has returned an error")
	}
}

func (m *Manager) checkHasher(fault faultFunc) {
	if m.cfg.Hasher == nil {
		m.cfg.Hasher = Bcrypt(0)
	}
	if b, ok := m.cfg.Hasher.(Bcrypt); ok && (b.cost() < minCost || b.cost() > 31) {
		fault("Hasher is Bcrypt(%d), not between %d and 31", b, minCost)
	}
}

// Errors of logging in.
var (
	// ErrBadLogin reports an unknown user, a wrong password, or a disabled
	// account; which, it does not say, and neither should you.
	ErrBadLogin = errors.New("auth: wrong login or password")

	// ErrDisabled reports that the account is switched off.
	ErrDisabled = errors.New("auth: account is disabled")
)

// Signup creates the user that f describes. What the visitor can mend is noted in
// f.Errors, and returned as FormErrors. Other errors are those of [ParseSignup],
// ErrBusy, ErrUnchecked, and failures of the store. Signup logs nobody in: call Login.
//
// A form may have fields of the application's own. Note what is wrong with them in f.Errors
// before: then nobody is signed up. What they say can go into the user's row by ctx, which a UserStore of
// your own gets with the values in it; docs/own-store.md shows how.
func (m *Manager) Signup(ctx context.Context, f *SignupForm) (*User, error) {
	if f.err != nil {
		return nil, f.err
	}
	email := f.validate(m.policy)
	if len(f.Errors) > 0 {
		return nil, f.Errors
	}
	counts := m.networkCounts(ctx, throttle.Signup, "")
	if err := m.take(ctx, counts); err != nil {
		f.Errors.addThrottled(err)
		return nil, err
	}
	if err := m.unbreached(ctx, &f.Errors, f.Password); err != nil {
		return nil, err
	}
	if len(f.Errors) > 0 {
		return nil, f.Errors
	}
	hash, err := m.hash(ctx, f.Password)
	if err != nil {
		m.settle(ctx, m.cfg.Limiter.Return, counts...)
		return nil, err
	}
	now := now()
	u := &User{ID: newID(), Email: email, PasswordHash: hash, Stamp: newStamp(), Created: now, Updated: now}
	err = m.store.CreateUser(ctx, u)
	if errors.Is(err, ErrExists) {
		f.Errors.Add("email", CodeTaken, 0)
		return nil, f.Errors
	}
	if err != nil {
		m.failed(ctx, "create user", err)
		return nil, fmt.Errorf("auth: create user: %w", err)
	}
	m.emit(ctx, Event{Name: EventSignedUp, UserID: u.ID})
	return u, nil
}

// Authenticate returns the user whose login and password are in f. It logs nobody
// in: call Login.
//
// For an unknown user, a wrong password, a user without password and a disabled
// one the answer is the same, ErrBadLogin, and so is the work: one Verify. (Where hashes of
// several costs are stored, as after the cost was raised, their Verify takes as
// long as they ask for.) f.Errors then has a sentence for the visitor. Other errors are FormErrors for
// empty fields, those of [ParseLogin], ErrBusy, and failures of the store.
//
// If the user's hash is stale it is replaced, which ends no session.
func (m *Manager) Authenticate(ctx context.Context, f *LoginForm) (*User, error) {
	if f.err != nil {
		return nil, f.err
	}
	f.require("email", f.Email)
	f.require("password", f.Password)
	if len(f.Errors) > 0 {
		return nil, f.Errors
	}
	login, err := CanonicalEmail(f.Email)
	if err != nil {
		login = f.Email
	}
	u, err := m.store.UserByLogin(ctx, login)
	if err != nil && !errors.Is(err, ErrNotFound) {
		m.failed(ctx, "find user", err)
		return nil, fmt.Errorf("auth: find user: %w", err)
	}
	u, err = m.prove(ctx, login, u, f.Password)
	f.refuse(err, "", CodeBadLogin)
	return u, err
}

// prove is admit, as an attempt at the account of that login.
func (m *Manager) prove(ctx context.Context, login string, u *User, password string) (proved *User, err error) {
	err = m.guess(ctx, login, u, func() (err error) {
		proved, err = m.admit(ctx, u, password)
		return err
	})
	return proved, err
}

// admit returns u if the password is u's, and no hook objects, and an ErrBadLogin if not.
// A nil u has none.
func (m *Manager) admit(ctx context.Context, u *User, password string) (*User, error) {
	reason, stale, err := m.verify(ctx, u, password)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		m.badLogin(ctx, u, reason, nil)
		return nil, ErrBadLogin
	}
	for _, h := range m.cfg.Hooks {
		if h.Authenticate == nil {
			continue
		}
		if err := h.Authenticate(ctx, u); err != nil {
			m.badLogin(ctx, u, "refused by a hook", err)
			return nil, fmt.Errorf("%w: %w", ErrBadLogin, err)
		}
	}
	if stale {
		u = m.upgrade(ctx, u, password)
	}
	return u, nil
}

// badLogin records an attempt at u's password that failed.
func (m *Manager) badLogin(ctx context.Context, u *User, reason string, err error) {
	e := Event{Name: EventLoginFailed, Reason: reason, Err: err}
	if u != nil {
		e.UserID = u.ID
	}
	m.emit(ctx, e)
}

// verify spends one Verify, whoever u is, and then says why the password does
// not let u in, or "".
func (m *Manager) verify(ctx context.Context, u *User, password string) (reason string, stale bool, err error) {
	hash := m.decoy
	switch {
	case u == nil:
		reason = "unknown user"
	case u.PasswordHash == "":
		reason = "no password"
	default:
		hash = u.hash()
	}
	ok, stale, bad := false, false, error(nil)
	err = m.sit(ctx, func() { ok, stale, bad = m.cfg.Hasher.Verify(hash, password) })
	switch {
	case err != nil:
		return "", false, err
	case bad != nil:
		m.failed(ctx, "read hash", bad)
		// Reading took no time, which must not show.
		return "unreadable hash", false, m.sit(ctx, func() { m.cfg.Hasher.Verify(m.decoy, password) })
	case reason == "" && !ok:
		reason = "wrong password"
	case reason == "" && !u.Disabled.IsZero():
		reason = "disabled"
	}
	return reason, stale, nil
}

// upgrade replaces u's hash by one that is not stale, and returns u as it is then.
// If that fails the next login tries again.
func (m *Manager) upgrade(ctx context.Context, u *User, password string) *User {
	hash, err := m.hash(ctx, password)
	if err != nil {
		return u
	}
	next := *u
	if next.PasswordHash = hash; u.Compromised() {
		next.PasswordHash = compromisedMark + hash
	}
	switch err := m.store.UpdateUser(ctx, &next); {
	case err == nil:
		m.emit(ctx, Event{Name: EventHashUpgraded, UserID: u.ID})
		return &next
	case !errors.Is(err, ErrConflict):
		m.failed(ctx, "upgrade hash", err)
	}
	return u
}

func (m *Manager) hash(ctx context.Context, password string) (hash string, err error) {
	if busy := m.sit(ctx, func() { hash, err = m.cfg.Hasher.Hash(password) }); busy != nil {
		return "", busy
	}
	if err != nil {
		m.failed(ctx, "hash password", err)
		return "", fmt.Errorf("auth: hash password: %w", err)
	}
	return hash, nil
}

// sit calls f from one of the seats for hashing.
func (m *Manager) sit(ctx context.Context, f func()) error {
	err := errEnded // if f panics
	for _, h := range m.cfg.Hooks {
		if h.Hash == nil {
			continue
		}
		if done := h.Hash(ctx); done != nil {
			defer func() { done(err) }()
		}
	}
	err = m.seats.do(ctx, f)
	if errors.Is(err, ErrBusy) {
		m.emit(ctx, Event{Name: EventBusy})
	}
	return err
}

// ChangePassword does what f asks for u: it checks the current password, and
// then calls SetPassword. What the visitor can mend is noted in f.Errors, and returned as
// FormErrors. Other errors are those of [ParsePassword], and of SetPassword.
func (m *Manager) ChangePassword(ctx context.Context, u *User, f *PasswordForm) error {
	if f.err != nil {
		return f.err
	}
	if u == nil {
		return ErrNotLoggedIn
	}
	f.validate(m.policy, u.Email)
	if len(f.Errors) > 0 {
		return f.Errors
	}
	err := m.proveCurrent(ctx, u, f.Current, "change password: ")
	if errors.Is(err, ErrBadLogin) {
		f.Errors.Add("current", CodeWrong, 0)
		return f.Errors
	}
	if err != nil {
		f.Errors.addThrottled(err)
		return err
	}
	err = m.SetPassword(ctx, u, f.Password)
	errors.As(err, &f.Errors) // it has leaked
	return err
}

// proveCurrent returns nil if the password is u's, and ErrBadLogin if not, as an attempt at u's
// account. What it is asked for stands before the reason of the event.
func (m *Manager) proveCurrent(ctx context.Context, u *User, password, what string) error {
	return m.guess(ctx, u.Email, u, func() error {
		reason, _, err := m.verify(ctx, u, password)
		if err == nil && reason != "" {
			m.badLogin(ctx, u, what+reason, nil)
			err = ErrBadLogin
		}
		return err
	})
}

// SetPassword gives u another password, which ends u's sessions. If u is the
// current user of the request that ctx belongs to, that session goes on under a new token.
//
// A password that the policy refuses is returned as FormErrors; other errors are
// ErrBusy, ErrUnchecked, and ErrConflict if u's credentials were changed since u was read. Then
// nothing changed. After a failure of the store either password may count. u is
// updated, unless it is the one that CurrentUser returned: that one is replaced,
// so ask CurrentUser again.
func (m *Manager) SetPassword(ctx context.Context, u *User, password string) error {
	if u == nil {
		return ErrNotLoggedIn
	}
	var faults FormErrors
	m.policy.check(&faults, password, u.Email)
	if err := m.unbreached(ctx, &faults, password); err != nil {
		return err
	}
	if err := m.refuseCompromised(ctx, u, &faults, password); err != nil {
		return err
	}
	if len(faults) > 0 {
		return faults
	}
	hash, err := m.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := m.restamp(ctx, u, EventPasswordChanged, true, func(u *User) { u.PasswordHash = hash }); err != nil {
		return err
	}
	m.Unlock(ctx, u.Email) // says itself if it fails
	return nil
}

// now returns the time in the precision of the stores.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
