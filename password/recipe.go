package password

import (
	"crypto/pbkdf2"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// Errors of reading hashes. Their text may go to a log: it holds numbers, and
// nothing else of the hash.
var (
	// ErrMalformed reports a hash that is not of the form its reader reads, or
	// that is so weak that no library would have written it.
	ErrMalformed = errors.New("password: hash cannot be read")

	// ErrTooCostly reports a hash that asks for more memory or time than this
	// package is ready to spend on one login. Nothing of it was computed.
	ErrTooCostly = errors.New("password: hash asks for too much work")
)

// What one login may cost. A hash that was planted or damaged can ask for
// anything, so all of this is checked before anything is computed. Each limit
// leaves room above what the libraries choose and OWASP recommends; a hash at
// a limit takes from one to five seconds of a processor.
const (
	maxHash = 512 // bytes of the whole string; the libraries write 60 to 250

	minSalt = 4   // bytes: 32 bits, NIST SP 800-63B-4, section 3.1.1.2
	maxSalt = 128 // bytes; the libraries choose 8 to 32
	minKey  = 16  // bytes: 128 bits; guessing the key must not be easier than guessing the password
	maxKey  = 64  // bytes: what SHA-512 yields, the longest that any of the libraries chooses

	maxBcryptCost = 15        // 8 times the usual 12
	maxIterations = 5_000_000 // of PBKDF2, for each block of output; Django and werkzeug ask for about a million
	maxScrypt     = 1 << 21   // N·r·p; times 128 bytes that is 256 MiB. OWASP's largest is 2^20
	maxArgonMem   = 256 << 10 // KiB; the libraries choose up to 100 MiB
	maxArgonWork  = 1 << 20   // KiB times passes; PHP chooses a quarter of it
	maxArgonTime  = 64        // passes
	maxArgonLanes = 16        // each becomes a goroutine
)

// matcher is a hash that was read, and found bearable.
type matcher interface {
	// fits reports whether the hash was made of password.
	fits(password string) (bool, error)
}

// read parses a hash that is not too long to be one.
func read(hash string, parse func(string) (matcher, error)) (matcher, error) {
	if len(hash) > maxHash {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooCostly, len(hash))
	}
	return parse(hash)
}

// verify is the Verify of a reader whose parser is parse.
func verify(hash, password string, parse func(string) (matcher, error)) (bool, error) {
	m, err := read(hash, parse)
	if err != nil {
		return false, err
	}
	return m.fits(password)
}

// kdf is a function that derives keys from passwords, with its parameters.
type kdf interface {
	// check refuses parameters that make no sense, or are too costly for a key
	// of so many bytes.
	check(keyLen int) error

	// derive must not be called before check has accepted.
	derive(password string, salt []byte, keyLen int) ([]byte, error)
}

// recipe is a hash as most libraries keep it: how a key is derived, and the key.
type recipe struct {
	kdf
	salt, key []byte
}

func newRecipe(k kdf, salt, key []byte) (*recipe, error) {
	switch {
	case len(salt) < minSalt:
		return nil, fmt.Errorf("%w: salt of %d bytes", ErrMalformed, len(salt))
	case len(salt) > maxSalt:
		return nil, fmt.Errorf("%w: salt of %d bytes", ErrTooCostly, len(salt))
	case len(key) < minKey:
		return nil, fmt.Errorf("%w: key of %d bytes", ErrMalformed, len(key))
	case len(key) > maxKey:
		return nil, fmt.Errorf("%w: key of %d bytes", ErrTooCostly, len(key))
	}
	if err := k.check(len(key)); err != nil {
		return nil, err
	}
	return &recipe{k, salt, key}, nil
}

func (r *recipe) fits(password string) (bool, error) {
	key, err := r.derive(password, r.salt, len(r.key))
	if err != nil {
		return false, fmt.Errorf("password: %w", err)
	}
	return subtle.ConstantTimeCompare(key, r.key) == 1, nil
}

// pbkdf2Params is PBKDF2 (RFC 8018) with HMAC.
type pbkdf2Params struct {
	hash       func() hash.Hash
	iterations uint64
}

func (p pbkdf2Params) check(keyLen int) error {
	size := p.hash().Size()
	blocks := uint64((keyLen + size - 1) / size)
	switch {
	case p.iterations == 0:
		return fmt.Errorf("%w: no iterations", ErrMalformed)
	case p.iterations > maxIterations/blocks:
		return fmt.Errorf("%w: %d iterations of PBKDF2 for %d blocks", ErrTooCostly, p.iterations, blocks)
	}
	return nil
}

func (p pbkdf2Params) derive(password string, salt []byte, keyLen int) ([]byte, error) {
	return pbkdf2.Key(p.hash, password, salt, int(p.iterations), keyLen)
}

// scryptParams is scrypt (RFC 7914) with cost n, block size r and parallelism p.
type scryptParams struct{ n, r, p uint64 }

func (s scryptParams) check(int) error {
	switch {
	case s.n < 2 || s.n&(s.n-1) != 0 || s.r == 0 || s.p == 0:
		return fmt.Errorf("%w: scrypt with N=%d, r=%d, p=%d", ErrMalformed, s.n, s.r, s.p)
	case s.n > maxScrypt || s.r > maxScrypt || s.p > maxScrypt || s.n*s.r*s.p > maxScrypt: // the product stays below 2^64
		return fmt.Errorf("%w: scrypt with N=%d, r=%d, p=%d", ErrTooCostly, s.n, s.r, s.p)
	}
	return nil
}

func (s scryptParams) derive(password string, salt []byte, keyLen int) ([]byte, error) {
	return scrypt.Key([]byte(password), salt, int(s.n), int(s.r), int(s.p), keyLen)
}

// argon2Params is Argon2id (RFC 9106) or Argon2i, version 1.3, with memory m in KiB, t
// passes and p lanes.
type argon2Params struct {
	id      bool
	m, t, p uint64
}

func (a argon2Params) check(int) error {
	switch {
	case a.t == 0 || a.p == 0 || a.m < 8*a.p: // RFC 9106, section 3.1
		return fmt.Errorf("%w: argon2 with m=%d, t=%d, p=%d", ErrMalformed, a.m, a.t, a.p)
	case a.m > maxArgonMem || a.t > maxArgonTime || a.p > maxArgonLanes || a.m*a.t > maxArgonWork:
		return fmt.Errorf("%w: argon2 with m=%d, t=%d, p=%d", ErrTooCostly, a.m, a.t, a.p)
	}
	return nil
}

func (a argon2Params) derive(password string, salt []byte, keyLen int) ([]byte, error) {
	key := argon2.Key
	if a.id {
		key = argon2.IDKey
	}
	return key([]byte(password), salt, uint32(a.t), uint32(a.m), uint8(a.p), uint32(keyLen)), nil
}

// number reads a decimal number as all of the libraries write it: digits, and
// no zero before others. What does not fit into 31 bits is too costly, whatever it counts.
func number(s string) (uint64, error) {
	if s == "" || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%w: a parameter is no number", ErrMalformed)
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%w: a parameter of %d digits", ErrTooCostly, len(s))
	}
	return n, nil
}

// numbers reads several.
func numbers(fields ...string) ([]uint64, error) {
	ns := make([]uint64, len(fields))
	for i, f := range fields {
		var err error
		if ns[i], err = number(f); err != nil {
			return nil, err
		}
	}
	return ns, nil
}

// decode reads base64 in the one form that its encoder writes.
func decode(enc *base64.Encoding, s string) ([]byte, error) {
	b, err := enc.DecodeString(s)
	if err != nil || enc.EncodeToString(b) != s {
		return nil, fmt.Errorf("%w: not base64", ErrMalformed)
	}
	return b, nil
}
