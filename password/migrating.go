package password

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vestibule-go/auth"
)

// Verifier reads hashes that another library has made, and writes none. Its
// methods must be safe for concurrent use.
type Verifier interface {
	// Reads reports whether hash looks like one of this library's. It looks at
	// the beginning only, which must be unlike those of other libraries.
	Reads(hash string) bool

	// Verify reports whether hash was made of password, in the way of that library. The
	// error is for a hash that cannot be read, or asks for too much; a wrong password is none.
	Verify(hash, password string) (bool, error)
}

// Migrating is an [auth.Hasher] for users who are brought along from elsewhere. It hashes
// with one Hasher, reads the hashes of others, and calls those stale, so that each
// is replaced at its user's next login. That ends no session.
//
// Until then such a hash is as strong as it was, and verifying it takes as long
// as it asks for: whoever measures logins can tell who has not logged in since.
//
// It is safe for concurrent use, as its parts have to be.
type Migrating struct {
	// Preferred makes all new hashes; nil means auth.Bcrypt(0). Hashes of the form that
	// it writes are its own, if it is an auth.Bcrypt or has a method Reads(hash string) bool,
	// as the Hashers of this package have. What no one reads is left to it, too.
	Preferred auth.Hasher

	// Others read the other hashes: the first whose Reads says so does, and no
	// other is tried.
	Others []Verifier
}

// Hash implements [auth.Hasher]. It returns an error also if m cannot work: if a
// field of it is nil or too weak, or if one of Others reads what Preferred writes. So
// auth.New does.
func (m Migrating) Hash(password string) (string, error) {
	if err := checkInner(m.Preferred); err != nil {
		return "", err
	}
	hash, err := inner(m.Preferred).Hash(password)
	if err != nil {
		return "", err
	}
	if err := m.conflict(hash); err != nil {
		return "", err
	}
	return hash, nil
}

// conflict returns an error if Preferred's hash would be taken for another's, or
// another's for Preferred's.
func (m Migrating) conflict(hash string) error {
	for i, v := range m.Others {
		if v == nil {
			return fmt.Errorf("password: Migrating.Others[%d] is nil", i)
		}
		if !v.Reads(hash) {
			continue
		}
		d, ok := v.(Devise)
		if ok && d.Pepper != "" || !owns(m.Preferred, hash) {
			return fmt.Errorf("password: Migrating: %T reads what the preferred %T writes; prefer another Hasher", v, inner(m.Preferred))
		}
	}
	return nil
}

// Verify implements [auth.Hasher].
func (m Migrating) Verify(hash, password string) (ok, stale bool, err error) {
	if !owns(m.Preferred, hash) {
		for _, v := range m.Others {
			if v.Reads(hash) {
				ok, err = v.Verify(hash, password)
				ok = ok && err == nil
				return ok, ok, err
			}
		}
	}
	return inner(m.Preferred).Verify(hash, password)
}

// Reads reports whether hash is of the form that Hash writes.
func (m Migrating) Reads(hash string) bool { return owns(m.Preferred, hash) }

// owns reports whether h writes hashes of this form.
func owns(h auth.Hasher, hash string) bool {
	switch h := inner(h).(type) {
	case auth.Bcrypt:
		return strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, bcryptLong+"$")
	case interface{ Reads(hash string) bool }:
		return h.Reads(hash)
	}
	return false
}

// inner returns the Hasher that h stands for.
func inner(h auth.Hasher) auth.Hasher {
	if h == nil {
		return auth.Bcrypt(0)
	}
	return h
}

// checkInner refuses what auth.New would refuse, if it saw it.
func checkInner(h auth.Hasher) error {
	if b, ok := h.(auth.Bcrypt); ok && b != 0 && b < 10 {
		return errors.New("password: Bcrypt needs a cost of 10 at least (OWASP ASVS 5.0, appendix C)")
	}
	return nil
}
