package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

// Hasher turns passwords into hashes for storage. Both methods get the password as it
// was typed, are slow on purpose, and must be safe for concurrent use; the
// Manager calls them only from a seat (see Config.HashSeats).
type Hasher interface {
	// Hash returns a new, salted hash: a string that names its own scheme and
	// cost, so that it can be read when those have changed. It takes any
	// password whole, or returns an error.
	Hash(password string) (string, error)

	// Verify reports whether hash was made of password and, if so, whether it is
	// stale: made with a scheme or cost that this Hasher would not choose today.
	// The error is for a hash that cannot be read; a wrong password is none.
	Verify(hash, password string) (ok, stale bool, err error)
}

// Bcrypt is a [Hasher]. Its value is the cost, the binary logarithm of the
// rounds; zero means 12, which takes about a third of a second of one core.
// [New] refuses less than 10 (OWASP ASVS 5.0, appendix C).
//
// Passwords are compared in Unicode normalization form C (NIST SP 800-63B-4,
// section 3.1.1.2). One of up to 72 bytes without NUL becomes a plain "$2a$" string that any
// bcrypt can read. A longer one, which bcrypt would cut short, and one with a
// NUL, after which bcrypt would repeat it, is first put through HMAC-SHA-384 and
// base64; such a hash begins with "$hmac-sha384$2a$". Verify refuses
// what bcrypt alone would accept in the place of another password.
type Bcrypt int

const (
	defaultCost = 12
	minCost     = 10                            // OWASP ASVS 5.0, appendix C
	maxBcrypt   = 72                            // bytes of a password that bcrypt reads
	maxVerified = 15                            // costs three seconds; a hash of 31 that was planted would take two days
	longPrefix  = "$hmac-sha384"                // marks a hash of a password that bcrypt could not read whole
	longKey     = "vestibule/auth/bcrypt/long1" // separates our HMAC from everyone else's; no secret
)

func (b Bcrypt) cost() int {
	if b == 0 {
		return defaultCost
	}
	return int(b)
}

// Hash implements [Hasher]. The error is about the cost.
func (b Bcrypt) Hash(password string) (string, error) {
	if c := b.cost(); c < bcrypt.MinCost { // which bcrypt would silently replace
		return "", bcrypt.InvalidCostError(c)
	}
	key, prefix := bcryptKey(password)
	h, err := bcrypt.GenerateFromPassword(key, b.cost())
	if err != nil {
		return "", err
	}
	return prefix + string(h), nil
}

// Verify implements [Hasher]. A hash with a lower cost than b's is stale. One with
// a cost above 15, and above b's, is an error: it is not computed.
func (b Bcrypt) Verify(hash, password string) (ok, stale bool, err error) {
	key, prefix := bcryptKey(password)
	stored, long := strings.CutPrefix(hash, longPrefix)
	cost, err := bcrypt.Cost([]byte(stored))
	if err != nil {
		return false, false, err
	}
	if cost > max(maxVerified, b.cost()) {
		return false, false, bcrypt.InvalidCostError(cost)
	}
	err = bcrypt.CompareHashAndPassword([]byte(stored), key)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) || err == nil && long != (prefix != "") {
		return false, false, nil
	}
	return err == nil, err == nil && cost < b.cost(), err
}

// bcryptKey returns what bcrypt gets to see of a password, and the prefix that
// its hash needs.
func bcryptKey(password string) (key []byte, prefix string) {
	key = norm.NFC.Bytes([]byte(password))
	if len(key) <= maxBcrypt && strings.IndexByte(string(key), 0) < 0 {
		return key, ""
	}
	mac := hmac.New(sha512.New384, []byte(longKey))
	mac.Write(key)
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil)), longPrefix
}

// ErrBusy reports that the server has more passwords to check than it can, and
// that this one waited in vain. [Status] makes 503 of it.
var ErrBusy = errors.New("auth: too busy to check passwords")

// seats bound how many passwords are hashed at once, and how many wait: a storm
// of logins must not starve everyone else of the processor.
type seats struct {
	taken   chan struct{} // a full channel serves its senders first come, first served
	waiting atomic.Int64
	wait    time.Duration
}

// maxWaiting is how many may wait for one seat. No more could be served in the
// two seconds of the default wait even at bcrypt's lowest cost here, 10.
const maxWaiting = 64

func newSeats(n int, wait time.Duration) *seats {
	if n == 0 {
		n = min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
	}
	return &seats{taken: make(chan struct{}, n), wait: wait}
}

// do calls f from a seat. It returns ErrBusy if none became free in time, or
// the context's error if that ended first.
func (s *seats) do(ctx context.Context, f func()) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer func() { <-s.taken }()
	f()
	return nil
}

func (s *seats) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.taken <- struct{}{}:
		return nil
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting*int64(cap(s.taken)) {
		return ErrBusy
	}
	late := time.NewTimer(s.wait)
	defer late.Stop()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-late.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}
