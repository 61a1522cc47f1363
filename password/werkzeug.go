package password

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// Werkzeug reads what generate_password_hash of werkzeug.security writes, which
// is what Flask applications use:
//
//	scrypt:32768:8:1$SALT$KEY
//	pbkdf2:sha256:1000000$SALT$KEY
//
// with SHA-1, SHA-256 or SHA-512. The methods "plain", "md5", "sha1" and the like
// of old versions hardly protect a password, and are not read: such
// users need a new one.
//
// The password is compared as it is typed. A Werkzeug needs no values, is a
// [Verifier], and safe for concurrent use.
type Werkzeug struct{}

// Reads implements [Verifier].
func (Werkzeug) Reads(hash string) bool {
	return strings.HasPrefix(hash, "scrypt:") || strings.HasPrefix(hash, "pbkdf2:")
}

// Verify implements [Verifier].
func (w Werkzeug) Verify(hash, password string) (bool, error) {
	return verify(hash, password, w.parse)
}

func (Werkzeug) parse(hash string) (matcher, error) {
	f := strings.Split(hash, "$")
	if len(f) != 3 {
		return nil, fmt.Errorf("%w: %d fields of werkzeug", ErrMalformed, len(f))
	}
	k, err := werkzeugMethod(strings.Split(f[0], ":"))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(f[2])
	if err != nil || hex.EncodeToString(key) != f[2] {
		return nil, fmt.Errorf("%w: not hexadecimal", ErrMalformed)
	}
	return newRecipe(k, []byte(f[1]), key) // the salt counts as text
}

func werkzeugMethod(f []string) (kdf, error) {
	switch {
	case f[0] == "scrypt" && len(f) == 4:
		n, err := numbers(f[1:]...)
		if err != nil {
			return nil, err
		}
		return scryptParams{n[0], n[1], n[2]}, nil
	case f[0] == "pbkdf2" && len(f) == 3 && digests[f[1]] != nil:
		n, err := number(f[2])
		return pbkdf2Params{digests[f[1]], n}, err
	}
	return nil, fmt.Errorf("%w: no method of werkzeug that is read", ErrMalformed)
}

// digests are those with which PBKDF2 is read.
var digests = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
