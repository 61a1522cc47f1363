package password

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
)

// ASPNET reads what the PasswordHasher of ASP.NET Core Identity writes in its
// format 3: base64 of the byte 1, of three big-endian numbers of 32 bits (which
// PRF, how many iterations, how long the salt is), of the salt and of a
// key of PBKDF2. Format 2, with 1,000 iterations of SHA-1, is not read.
//
// The password is compared as it is typed. An ASPNET needs no values, is a [Verifier],
// and safe for concurrent use.
type ASPNET struct{}

// Reads implements [Verifier].
func (ASPNET) Reads(hash string) bool { return strings.HasPrefix(hash, "AQAAAA") }

// Verify implements [Verifier].
func (a ASPNET) Verify(hash, password string) (bool, error) { return verify(hash, password, a.parse) }

// aspnetPRFs are the KeyDerivationPrf of .NET, in its order.
var aspnetPRFs = []func() hash.Hash{sha1.New, sha256.New, sha512.New}

func (ASPNET) parse(hash string) (matcher, error) {
	b, err := decode(base64.StdEncoding, hash)
	if err != nil {
		return nil, err
	}
	const header = 1 + 3*4
	if len(b) < header || b[0] != 1 {
		return nil, fmt.Errorf("%w: not format 3 of ASP.NET", ErrMalformed)
	}
	prf, iterations, saltLen := binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint32(b[5:]), binary.BigEndian.Uint32(b[9:])
	b = b[header:]
	if uint64(prf) >= uint64(len(aspnetPRFs)) || uint64(saltLen) > uint64(len(b)) {
		return nil, fmt.Errorf("%w: PRF %d, salt of %d bytes", ErrMalformed, prf, saltLen)
	}
	return newRecipe(pbkdf2Params{aspnetPRFs[prf], uint64(iterations)}, b[:saltLen], b[saltLen:])
}
