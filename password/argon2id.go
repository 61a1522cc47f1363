package password

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Argon2id is an [auth.Hasher] with the function of RFC 9106 that OWASP puts first.
// It writes PHC strings: "$argon2id$v=19$m=19456,t=2,p=1$SALT$KEY", with a salt of
// 128 and a key of 256 bits.
//
// A field that is zero means OWASP's choice (Password Storage Cheat Sheet). Each
// seat (auth.Config.HashSeats) takes Memory while it hashes. Hash refuses, and so auth.New does, what is
// weaker than every one of OWASP's choices: 46 MiB for one pass, 19 for
// two, 12 for three, 9 for four, 7 for five and more. It also refuses what Verify would
// find too costly: more than 256 MiB, 64 passes, 16 threads, or 1 GiB times passes.
//
// Passwords are compared whole, and in Unicode normalization form C (NIST SP 800-63B-4, section
// 3.1.1.2). An Argon2id is safe for concurrent use.
type Argon2id struct {
	Memory  uint32 // KiB; zero means 19456, 19 MiB
	Time    uint32 // passes over the memory; zero means 2
	Threads uint8  // lanes, each with a goroutine; zero means 1, which fits one seat for each processor
}

// What Argon2id chooses where it is free to (RFC 9106, section 4: salt and tag of the
// recommended options).
const (
	argonSalt = 16 // bytes
	argonKey  = 32 // bytes
)

// owaspMemory is the least memory in KiB for one pass, two passes, and so on.
var owaspMemory = [...]uint64{47104, 19456, 12288, 9216, 7168}

func (a Argon2id) params() argon2Params {
	p := argon2Params{id: true, m: uint64(a.Memory), t: uint64(a.Time), p: uint64(a.Threads)}
	if p.m == 0 {
		p.m = 19456
	}
	if p.t == 0 {
		p.t = 2
	}
	if p.p == 0 {
		p.p = 1
	}
	return p
}

// Reads reports whether hash is of the form that Hash writes.
func (Argon2id) Reads(hash string) bool { return strings.HasPrefix(hash, "$argon2id$") }

// Hash implements [auth.Hasher]. The error is about the parameters.
func (a Argon2id) Hash(password string) (string, error) {
	p := a.params()
	if least := owaspMemory[min(p.t, uint64(len(owaspMemory)))-1]; p.m < least {
		return "", fmt.Errorf("password: Argon2id with Memory %d and Time %d is weak; OWASP asks for %d", p.m, p.t, least)
	}
	if err := p.check(argonKey); err != nil {
		return "", err
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, err := p.derive(norm.NFC.String(password), salt, argonKey)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.m, p.t, p.p, enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// Verify implements [auth.Hasher]. It reads what other libraries write in this
// form, too. A hash with less memory, fewer passes, or a shorter salt or key than a's is stale. The error wraps
// ErrMalformed or ErrTooCostly.
func (a Argon2id) Verify(hash, password string) (ok, stale bool, err error) {
	if !a.Reads(hash) {
		return false, false, fmt.Errorf("%w: no argon2id", ErrMalformed)
	}
	m, err := read(hash, func(s string) (matcher, error) { return parseArgon2(s) })
	if err != nil {
		return false, false, err
	}
	if ok, err = m.fits(norm.NFC.String(password)); !ok || err != nil {
		return false, false, err
	}
	r := m.(*recipe)
	was, want := r.kdf.(argon2Params), a.params()
	return true, was.m < want.m || was.t < want.t || len(r.salt) < argonSalt || len(r.key) < argonKey, nil
}
