package password

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Firebase reads the modified scrypt of Firebase Authentication. Firebase exports a
// hash and a salt, each in base64; store them as
//
//	$firebase$SALT$HASH
//
// The fields are the password hash parameters of the project, as its console shows them;
// without them no password can be verified. A Firebase whose fields make no
// sense returns an error from Verify. The password is compared as it is typed. A Firebase is a
// [Verifier], and safe for concurrent use.
type Firebase struct {
	SignerKey     []byte // base64_signer_key, decoded
	SaltSeparator []byte // base64_salt_separator, decoded
	Rounds        int    // rounds, such as 8
	MemCost       int    // mem_cost, such as 14
}

// Reads implements [Verifier].
func (Firebase) Reads(hash string) bool { return strings.HasPrefix(hash, "$firebase$") }

// Verify implements [Verifier].
func (f Firebase) Verify(hash, password string) (bool, error) { return verify(hash, password, f.parse) }

func (f Firebase) parse(hash string) (matcher, error) {
	if f.Rounds < 1 || f.MemCost < 1 || f.MemCost > 31 {
		return nil, fmt.Errorf("password: Firebase with Rounds=%d, MemCost=%d", f.Rounds, f.MemCost)
	}
	salt, key, err := f.fields(hash)
	if err != nil {
		return nil, err
	}
	if len(key) != len(f.SignerKey) {
		return nil, fmt.Errorf("%w: hash of %d bytes, signer key of %d", ErrMalformed, len(key), len(f.SignerKey))
	}
	k := firebaseKDF{scryptParams{1 << f.MemCost, uint64(f.Rounds), 1}, f.SignerKey}
	return newRecipe(k, slices.Concat(salt, f.SaltSeparator), key)
}

// fields returns what the hash holds, which needs no parameters.
func (f Firebase) fields(hash string) (salt, key []byte, err error) {
	fields := strings.Split(hash, "$")
	if len(fields) != 4 || !f.Reads(hash) {
		return nil, nil, fmt.Errorf("%w: not $firebase$SALT$HASH", ErrMalformed)
	}
	if salt, err = decode(base64.StdEncoding, urlSafe.Replace(fields[2])); err != nil {
		return nil, nil, err
	}
	key, err = decode(base64.StdEncoding, urlSafe.Replace(fields[3]))
	return salt, key, err
}

// urlSafe undoes the alphabet in which some of Firebase's tools write.
var urlSafe = strings.NewReplacer("-", "+", "_", "/")

// firebaseKDF encrypts the signer key with a key that scrypt derives.
type firebaseKDF struct {
	scryptParams
	signerKey []byte
}

func (f firebaseKDF) derive(password string, salt []byte, _ int) ([]byte, error) {
	key, err := f.scryptParams.derive(password, salt, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(f.signerKey))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, f.signerKey)
	return out, nil
}
