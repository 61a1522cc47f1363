package password

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// PHC reads strings in the format of the Password Hashing Competition, with
// Argon2id, Argon2i and scrypt:
//
//	$argon2id$v=19$m=65536,t=4,p=1$SALT$KEY
//	$argon2i$v=19$m=65536,t=4,p=1$SALT$KEY
//	$scrypt$ln=16,r=8,p=1$SALT$KEY
//
// PHP (PASSWORD_ARGON2ID), argon2-cffi, passlib, libsodium and many others write
// them. Version 1.0 of Argon2, Argon2d and strings with a key ID or with data are refused.
//
// The password is compared as it is typed. A PHC needs no values, is a [Verifier],
// and safe for concurrent use.
type PHC struct{}

// Reads implements [Verifier].
func (PHC) Reads(hash string) bool {
	return strings.HasPrefix(hash, "$argon2id$") || strings.HasPrefix(hash, "$argon2i$") || strings.HasPrefix(hash, "$scrypt$")
}

// Verify implements [Verifier].
func (p PHC) Verify(hash, password string) (bool, error) { return verify(hash, password, p.parse) }

func (PHC) parse(hash string) (matcher, error) {
	if strings.HasPrefix(hash, "$scrypt$") {
		return parseScrypt(hash)
	}
	return parseArgon2(hash)
}

func parseArgon2(hash string) (*recipe, error) {
	f := strings.Split(hash, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" && f[1] != "argon2i" || f[2] != "v=19" {
		return nil, fmt.Errorf("%w: no string of argon2 version 1.3", ErrMalformed)
	}
	n, err := parameters(f[3], "m=", "t=", "p=")
	if err != nil {
		return nil, err
	}
	return phcRecipe(argon2Params{id: f[1] == "argon2id", m: n[0], t: n[1], p: n[2]}, f[4], f[5])
}

func parseScrypt(hash string) (matcher, error) {
	f := strings.Split(hash, "$")
	if len(f) != 5 {
		return nil, fmt.Errorf("%w: %d fields of scrypt", ErrMalformed, len(f))
	}
	n, err := parameters(f[2], "ln=", "r=", "p=")
	if err != nil {
		return nil, err
	}
	if n[0] > 31 {
		return nil, fmt.Errorf("%w: scrypt with ln=%d", ErrTooCostly, n[0])
	}
	return phcRecipe(scryptParams{1 << n[0], n[1], n[2]}, f[3], f[4])
}

// parameters reads "m=1,t=2,p=3", given "m=", "t=" and "p=".
func parameters(s string, names ...string) ([]uint64, error) {
	fields := strings.Split(s, ",")
	if len(fields) != len(names) {
		return nil, fmt.Errorf("%w: %d parameters", ErrMalformed, len(fields))
	}
	for i, name := range names {
		value, ok := strings.CutPrefix(fields[i], name)
		if !ok {
			return nil, fmt.Errorf("%w: no parameter %s", ErrMalformed, name)
		}
		fields[i] = value
	}
	return numbers(fields...)
}

// phcRecipe reads salt and key, which PHC strings have in base64 without padding.
func phcRecipe(k kdf, salt, key string) (*recipe, error) {
	s, err := decode(base64.RawStdEncoding, salt)
	if err != nil {
		return nil, err
	}
	sum, err := decode(base64.RawStdEncoding, key)
	if err != nil {
		return nil, err
	}
	return newRecipe(k, s, sum)
}
