package auth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vestibule-go/auth/throttle"
)

// Limiter says when there were too many attempts. [throttle.Limiter] is one, and its
// package names the actions. It is safe for concurrent use.
//
// A Limiter that fails keeps everyone out.
type Limiter interface {
	// Take counts an attempt at action under key, and returns zero, unless there
	// were too many before: then it returns how long to wait for the next.
	// Concurrent calls are all counted before any of them returns zero.
	Take(ctx context.Context, action, key string) (wait time.Duration, err error)

	// Return takes an attempt back that was counted: it did not fail, or was not made.
	Return(ctx context.Context, action, key string) error

	// Reset forgets all attempts at action under key.
	Reset(ctx context.Context, action, key string) error
}

// ErrThrottled reports too many attempts in too short a time. It comes as a
// [*ThrottledError], and [Status] makes 429 of it.
var ErrThrottled = errors.New("auth: too many attempts")

// ThrottledError is [ErrThrottled] with the time to wait. It does not change, and is safe for concurrent use.
type ThrottledError struct {
	After time.Duration // when the next attempt may be made, from now on
}

// Error implements error.
func (e *ThrottledError) Error() string { return fmt.Sprintf("%v, wait for %v", ErrThrottled, e.After) }

// Unwrap makes errors.Is find ErrThrottled.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// RetryAfter returns in how many seconds to try again after err, for the header
// Retry-After (RFC 9110, section 10.2.3): five for what [Status] makes 503 of, the time to wait
// for what it makes 429 of, and zero for everything else.
func RetryAfter(err error) int {
	var throttled *ThrottledError
	switch {
	case errors.Is(err, ErrBadLogin): // whatever a hook says of when to come again
	case errors.As(err, &throttled):
		return int(math.Ceil(throttled.After.Seconds()))
	case Status(err) == http.StatusServiceUnavailable:
		return busyAfter
	}
	return 0
}

// busyAfter is how many seconds whoever met a server that is too busy, or a store that
// is away, should wait.
const busyAfter = 5

// counted is one of the counts that an attempt belongs to.
type counted struct{ action, key string }

// take counts an attempt. It returns a *ThrottledError if there were too many by any of the
// counts; those before it then have it counted all the same.
func (m *Manager) take(ctx context.Context, counts []counted) error {
	for _, c := range counts {
		wait, err := m.cfg.Limiter.Take(ctx, c.action, c.key)
		if err != nil {
			m.failed(ctx, "count attempts", err)
			return fmt.Errorf("auth: count attempts: %w: %w", ErrUnavailable, err)
		}
		if wait > 0 {
			m.emit(ctx, Event{Name: EventThrottled, Reason: c.action})
			return &ThrottledError{wait}
		}
	}
	return nil
}

// settle tells the Limiter how an attempt ended. It is the Limiter's loss if that fails: what
// was counted stays counted.
func (m *Manager) settle(ctx context.Context, how func(ctx context.Context, action, key string) error, counts ...counted) {
	ctx, cancel := detach(ctx)
	defer cancel()
	for _, c := range counts {
		if err := how(ctx, c.action, c.key); err != nil {
			m.failed(ctx, "count attempts", err)
		}
	}
}

// guess calls check, which verifies a password for u, as an attempt at the account
// of that login. What u is, nil included, must not show.
func (m *Manager) guess(ctx context.Context, login string, u *User, check func() error) error {
	counts := m.guessCounts(ctx, login, u)
	if err := m.take(ctx, counts); err != nil {
		return err
	}
	err := check()
	switch {
	case err == nil:
		last := len(counts) - 1 // the account's; the networks' are others' as well
		m.settle(ctx, m.cfg.Limiter.Return, counts[:last]...)
		m.settle(ctx, m.cfg.Limiter.Reset, counts[last])
	case !errors.Is(err, ErrBadLogin): // nothing was verified
		m.settle(ctx, m.cfg.Limiter.Return, counts...)
	}
	return err
}

// guessCounts returns what a wrong password counts against: the account and the client's
// networks or, from a browser that u has logged in by, that browser's own row.
func (m *Manager) guessCounts(ctx context.Context, login string, u *User) []counted {
	if st := m.state(ctx); st != nil {
		if mark := st.knownBrowser(u); mark != "" {
			return []counted{{throttle.Browser, mark}}
		}
	}
	return append(m.networks(ctx), counted{throttle.Account, foldLogin(login)})
}

// foldLogin returns the key of a login: what looks like another has the same, so that no spelling
// gets guesses of its own. Of emails only the canonical one finds a user.
func foldLogin(login string) string {
	if email, err := CanonicalEmail(login); err == nil {
		login = email
	}
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(login)))
}

// networks returns the counts of the client's networks, the narrowest first: who is refused for
// it must not use up what their neighbours have. A client that has no IP address, as on a Unix
// socket, has none; nor has code outside of Handler.
func (m *Manager) networks(ctx context.Context) []counted {
	return m.networkCounts(ctx, throttle.Network, throttle.WideNetwork)
}

func (m *Manager) networkCounts(ctx context.Context, narrow, wide string) []counted {
	st := m.state(ctx)
	if st == nil {
		return nil
	}
	addr, err := netip.ParseAddr(m.clientAddress(st.r))
	if err != nil {
		return nil
	}
	m.noticeProxy(ctx, addr, st.r)
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	if addr.Is4() {
		return []counted{{narrow, addr.String()}}
	}
	counts := []counted{{narrow, prefix(addr, 64)}}
	if wide != "" {
		counts = append(counts, counted{wide, prefix(addr, 48)})
	}
	return counts
}

// noticeProxy says once that all visitors seem to have one address, and so one count: that of
// the proxy which is at the other end of the connection.
func (m *Manager) noticeProxy(ctx context.Context, addr netip.Addr, r *http.Request) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || peer.Addr().Unmap().WithZone("") != addr {
		return // a proxy that is trusted has said so
	}
	if (addr.IsLoopback() || addr.IsPrivate()) && !m.trusts(addr) && r.Header.Get("X-Forwarded-For") != "" {
		if m.proxyNoticed.CompareAndSwap(false, true) {
			m.failed(ctx, "client address", fmt.Errorf("auth: X-Forwarded-For from %s, which is not in Config.TrustedProxies: all its clients count as one", addr))
		}
	}
}

// nat64 holds the IPv4 addresses of clients whose network translates them: RFC 6052, section 2.1.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefix(a netip.Addr, bits int) string {
	p, _ := a.Prefix(bits) // fails for more bits than there are
	return p.String()
}

// Limit counts an attempt at action, one of those that package throttle names or
// that throttle.Rules.Others adds, under key. An empty key stands for the client's network,
// and counts nothing where there is none. It returns a *ThrottledError if there were too many, and
// the Limiter's error if it failed: in both cases do not do what was asked for.
//
// It cannot be taken back here: who counts failures only, or begins a new row after a success, keeps
// Config.Limiter at hand, and calls its Return and Reset.
//
// Call it before what costs much, or sends mail, for anyone who asks: with
// throttle.Mail and the address, say, however it is spelled, and throttle.MailNetwork.
func (m *Manager) Limit(ctx context.Context, action, key string) error {
	if key == "" {
		return m.take(ctx, m.networkCounts(ctx, action, ""))
	}
	if action == throttle.Mail {
		key = foldLogin(key)
	}
	return m.take(ctx, []counted{{action, key}})
}

// Unlock forgets the wrong passwords that were tried for who logs in with login, so that the
// next attempt need not wait. SetPassword does it for the user's email; call it, too, where your users log
// in with something else, and for administrators.
func (m *Manager) Unlock(ctx context.Context, login string) error {
	if err := m.cfg.Limiter.Reset(ctx, throttle.Account, foldLogin(login)); err != nil {
		m.failed(ctx, "count attempts", err)
		return fmt.Errorf("auth: unlock: %w", err)
	}
	return nil
}
