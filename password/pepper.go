package password

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/vestibule-go/auth"
)

// ErrUnknownKey reports a hash that was made with a key that is not in
// Pepper.Keys. It is the operator's to mend: put the key back.
var ErrUnknownKey = errors.New("password: hash was made with an unknown pepper")

// Pepper is an [auth.Hasher] that puts passwords through HMAC-SHA-384 with a secret key
// before another Hasher hashes them (NIST SP 800-63B-4, section 3.1.1.2; OWASP Password
// Storage Cheat Sheet). Whoever copies the database but not the key cannot even begin to guess.
//
// Keep the keys out of the database and its backups, in a vault or the
// environment. A key that is lost takes all passwords along that were hashed with it.
//
// A hash begins with "$pepper$", the ID of its key, and "$"; the inner Hasher's hash
// follows. It is stale if its key is not Current, and so is a hash without pepper,
// which the inner Hasher verifies as it is: so a pepper can be introduced, and changed, at
// any time. An old key may go when no hash names it any more.
//
// Passwords are compared in Unicode normalization form C. A Pepper is safe for concurrent
// use as long as nobody changes Keys.
type Pepper struct {
	// Keys are the secret keys by ID: up to 16 of the letters a to z and digits. A key has
	// 32 bytes at least, from a secure random generator.
	Keys map[string][]byte

	// Current is the ID of the key for new hashes.
	Current string

	// Hasher hashes what comes of it, 64 characters of base64, which fit into
	// bcrypt's 72 bytes; nil means auth.Bcrypt(0).
	Hasher auth.Hasher
}

const (
	pepperPrefix = "$pepper$"
	minPepper    = 32 // bytes; NIST SP 800-63B-4, section 3.1.1.2, asks for 112 bits
)

var pepperID = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// check names all that is wrong with p.
func (p Pepper) check() error {
	faults := []error{checkInner(p.Hasher)}
	for _, id := range slices.Sorted(maps.Keys(p.Keys)) {
		if !pepperID.MatchString(id) {
			faults = append(faults, fmt.Errorf("password: Pepper has a key with the ID %q, not up to 16 of a-z and 0-9", id))
		}
		if n := len(p.Keys[id]); n < minPepper {
			faults = append(faults, fmt.Errorf("password: Pepper has a key %q of %d bytes, less than %d", id, n, minPepper))
		}
	}
	if p.Keys[p.Current] == nil {
		faults = append(faults, fmt.Errorf("password: Pepper has no key for Current, %q", p.Current))
	}
	return errors.Join(faults...)
}

// Reads reports whether hash is of the form that Hash writes.
func (Pepper) Reads(hash string) bool { return strings.HasPrefix(hash, pepperPrefix) }

// Hash implements [auth.Hasher]. An error names all that is wrong with p, or is the inner Hasher's.
func (p Pepper) Hash(password string) (string, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	hash, err := inner(p.Hasher).Hash(keyed(p.Keys[p.Current], password))
	if err != nil {
		return "", err
	}
	return pepperPrefix + p.Current + "$" + hash, nil
}

// Verify implements [auth.Hasher]. Beside the errors of the inner Hasher there is
// ErrUnknownKey.
func (p Pepper) Verify(hash, password string) (ok, stale bool, err error) {
	rest, peppered := strings.CutPrefix(hash, pepperPrefix)
	if !peppered {
		ok, _, err = inner(p.Hasher).Verify(hash, password)
		return ok, ok, err
	}
	id, stored, _ := strings.Cut(rest, "$")
	key := p.Keys[id]
	if len(key) < minPepper {
		return false, false, ErrUnknownKey
	}
	ok, stale, err = inner(p.Hasher).Verify(stored, keyed(key, password))
	return ok, ok && (stale || id != p.Current), err
}

// keyed returns what the inner Hasher gets to see of a password.
func keyed(key []byte, password string) string {
	mac := hmac.New(sha512.New384, key)
	mac.Write(norm.NFC.Bytes([]byte(password)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
