package auth

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"

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
//
// A Bcrypt is a number, and safe for concurrent use.
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
