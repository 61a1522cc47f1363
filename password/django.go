package password

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Django reads what make_password of django.contrib.auth.hashers writes:
//
//	pbkdf2_sha256$600000$SALT$KEY     and pbkdf2_sha1
//	argon2$argon2id$v=19$m=102400,t=2,p=8$SALT$KEY
//	bcrypt_sha256$$2b$12$SALTANDKEY   and bcrypt
//	scrypt$16384$SALT$8$1$KEY
//
// Unsalted and once-hashed forms (md5, sha1, crypt) are not read. Django
// marks users without a password by a string that begins with "!": give them an empty
// PasswordHash.
//
// The password is compared as it is typed, with "bcrypt$" as [PHP] does. A Django
// needs no values, is a [Verifier], and safe for concurrent use.
type Django struct{}

// Reads implements [Verifier].
func (Django) Reads(hash string) bool {
	name, _, ok := strings.Cut(hash, "$")
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt":
		return ok
	}
	return false
}

// Verify implements [Verifier].
func (d Django) Verify(hash, password string) (bool, error) { return verify(hash, password, d.parse) }

func (Django) parse(hash string) (matcher, error) {
	name, rest, _ := strings.Cut(hash, "$")
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return djangoPBKDF2(strings.TrimPrefix(name, "pbkdf2_"), strings.Split(rest, "$"))
	case "argon2":
		return parseArgon2("$" + rest)
	case "bcrypt_sha256":
		b, err := parseBcrypt(rest)
		return hexSHA256{b}, err
	case "bcrypt":
		return parseBcrypt(rest)
	case "scrypt":
		return djangoScrypt(strings.Split(rest, "$"))
	}
	return nil, fmt.Errorf("%w: no algorithm of Django that is read", ErrMalformed)
}

func djangoPBKDF2(digest string, f []string) (matcher, error) {
	if len(f) != 3 {
		return nil, fmt.Errorf("%w: %d fields of pbkdf2", ErrMalformed, len(f))
	}
	n, err := number(f[0])
	if err != nil {
		return nil, err
	}
	key, err := decode(base64.StdEncoding, f[2])
	if err != nil {
		return nil, err
	}
	return newRecipe(pbkdf2Params{digests[digest], n}, []byte(f[1]), key)
}

func djangoScrypt(f []string) (matcher, error) {
	if len(f) != 5 {
		return nil, fmt.Errorf("%w: %d fields of scrypt", ErrMalformed, len(f))
	}
	n, err := numbers(f[0], f[2], f[3])
	if err != nil {
		return nil, err
	}
	key, err := decode(base64.StdEncoding, f[4])
	if err != nil {
		return nil, err
	}
	return newRecipe(scryptParams{n[0], n[1], n[2]}, []byte(f[1]), key)
}

// hexSHA256 gives bcrypt the SHA-256 of a password in hexadecimal, whose 64 bytes it
// reads whole.
type hexSHA256 struct{ bcryptHash }

func (h hexSHA256) fits(password string) (bool, error) {
	sum := sha256.Sum256([]byte(password))
	return h.bcryptHash.fits(hex.EncodeToString(sum[:]))
}
