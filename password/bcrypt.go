package password

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/vestibule-go/auth"
)

// PHP reads the "$2y$" strings that password_hash writes, of PHP with PASSWORD_BCRYPT
// and so of Laravel and Symfony. PHP's "$argon2id$" is for [PHC].
//
// bcrypt reads 72 bytes of a password, and so did PHP when it made the hash. Verify
// therefore compares the first 72: of a longer password what follows
// is anything, as it was in PHP. The next login replaces the hash by one of the
// whole password as it was then typed. A password with a NUL, which PHP
// refuses to hash, fits nothing. Otherwise the password is compared as it is typed.
//
// A PHP needs no values, is a [Verifier], and safe for concurrent use.
type PHP struct{}

// Reads implements [Verifier].
func (PHP) Reads(hash string) bool { return strings.HasPrefix(hash, "$2y$") }

// Verify implements [Verifier].
func (p PHP) Verify(hash, password string) (bool, error) { return verify(hash, password, p.parse) }

func (p PHP) parse(hash string) (matcher, error) {
	if !p.Reads(hash) {
		return nil, fmt.Errorf("%w: no bcrypt of PHP", ErrMalformed)
	}
	return parseBcrypt(hash)
}

// Devise reads the "$2a$" and "$2b$" strings of Devise, of has_secure_password in
// Rails, and of most other uses of bcrypt. Passwords longer than 72 bytes, or
// with a NUL, are treated as [PHP] says.
//
// [auth.Bcrypt] writes "$2a$", too. Where it is the preferred Hasher it reads these
// hashes itself, except those of passwords over 72 bytes, and a Devise with a pepper cannot be
// used: prefer [Argon2id], or a [Pepper], whose hashes look different.
//
// The zero Devise has no pepper. A Devise is a [Verifier], and safe for
// concurrent use.
type Devise struct {
	// Pepper is config.pepper of the old application, which Devise appends to
	// every password. It is as secret there as any key; here it is needed until
	// the last hash is replaced.
	Pepper string
}

// Reads implements [Verifier].
func (Devise) Reads(hash string) bool {
	return strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, "$2b$")
}

// Verify implements [Verifier].
func (d Devise) Verify(hash, password string) (bool, error) {
	return verify(hash, password+d.Pepper, d.parse)
}

func (d Devise) parse(hash string) (matcher, error) {
	if !d.Reads(hash) {
		return nil, fmt.Errorf("%w: no bcrypt of Devise", ErrMalformed)
	}
	return parseBcrypt(hash)
}

// bcryptHash is a bcrypt string of the usual form.
type bcryptHash string

// bcryptForm leaves "$2x$" out, which marks hashes of a faulty implementation.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$[0-3][0-9]\$[./A-Za-z0-9]{53}$`)

func parseBcrypt(hash string) (bcryptHash, error) {
	if !bcryptForm.MatchString(hash) {
		return "", fmt.Errorf("%w: no bcrypt", ErrMalformed)
	}
	cost, _ := strconv.Atoi(hash[4:6])
	switch {
	case cost < bcrypt.MinCost:
		return "", fmt.Errorf("%w: bcrypt of cost %d", ErrMalformed, cost)
	case cost > maxBcryptCost:
		return "", fmt.Errorf("%w: bcrypt of cost %d", ErrTooCostly, cost)
	}
	return bcryptHash(hash), nil
}

// bcryptBytes is how much of a password bcrypt reads.
const bcryptBytes = 72

// fits compares what bcrypt reads of a password. After a NUL it would go on with
// the password's beginning, and take "a" and "a", NUL, "a" for the same.
func (b bcryptHash) fits(password string) (bool, error) {
	nul := strings.IndexByte(password, 0) >= 0
	key := []byte(password[:min(len(password), bcryptBytes)])
	err := bcrypt.CompareHashAndPassword([]byte(b), key)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("password: %w", err)
	}
	return !nul, nil
}

// Bcrypt reads what [auth.Bcrypt] writes, "$2a$" and "$hmac-sha384$2a$", in its
// way: passwords whole, and in normalization form C. It is for a site that goes from
// the default Hasher to another one. A Bcrypt needs no values, is a [Verifier], and safe
// for concurrent use.
type Bcrypt struct{}

// Reads implements [Verifier].
func (Bcrypt) Reads(hash string) bool { return owns(auth.Bcrypt(0), hash) }

// Verify implements [Verifier].
func (b Bcrypt) Verify(hash, password string) (bool, error) { return verify(hash, password, b.parse) }

func (b Bcrypt) parse(hash string) (matcher, error) {
	if !b.Reads(hash) {
		return nil, fmt.Errorf("%w: no bcrypt of package auth", ErrMalformed)
	}
	_, err := parseBcrypt(strings.TrimPrefix(hash, bcryptLong))
	return ownBcrypt(hash), err
}

// bcryptLong marks hashes of passwords that bcrypt alone would not read whole.
const bcryptLong = "$hmac-sha384"

// ownBcrypt is a hash of auth.Bcrypt.
type ownBcrypt string

func (o ownBcrypt) fits(password string) (bool, error) {
	ok, _, err := auth.Bcrypt(0).Verify(string(o), password)
	return ok, err
}
