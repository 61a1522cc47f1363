package password_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/password"
)

const (
	salt16 = "AAAAAAAAAAAAAAAAAAAAAA"                      // 16 bytes in base64
	key32  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" // 32 bytes
	hex32  = "00000000000000000000000000000000"            // 16 bytes in hexadecimal
)

// raw returns n bytes in base64 without padding.
func raw(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }

func aspnet(prf, iterations, saltLen uint32, rest int) string {
	b := append([]byte{1}, make([]byte, 12+rest)...)
	binary.BigEndian.PutUint32(b[1:], prf)
	binary.BigEndian.PutUint32(b[5:], iterations)
	binary.BigEndian.PutUint32(b[9:], saltLen)
	return base64.StdEncoding.EncodeToString(b)
}

// What a hash may ask for ends somewhere, and is refused before it is computed:
// most of these would take all memory, or the rest of the year. The first of each
// kind is just beyond the limit, and would take seconds.
func TestHostileHashes(t *testing.T) {
	costly, malformed := password.ErrTooCostly, password.ErrMalformed
	for _, try := range []struct {
		reader password.Verifier
		want   error
		hashes []string
	}{
		{password.PHC{}, costly, []string{
			"$argon2id$v=19$m=262145,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=262144,t=5,p=1$" + salt16 + "$" + key32,
			"$argon2i$v=19$m=8,t=65,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=136,t=1,p=17$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=65536,t=1,p=257$" + salt16 + "$" + key32, // p would be 1 in a byte
			"$argon2id$v=19$m=1099511627776,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=4294967304,t=1,p=1$" + salt16 + "$" + key32, // 8 in 32 bits
			"$argon2id$v=19$m=18446744073709551624,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=8,t=4294967295,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=2147483647,t=2147483647,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=8,t=1,p=1$" + raw(129) + "$" + key32,
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$" + raw(65),
			"$argon2id$v=19$m=8,t=1,p=1$" + strings.Repeat("A", 1<<20) + "$" + key32,
		}},
		{password.PHC{}, malformed, []string{
			"", "$", "$argon2id$", "$argon2id$v=19$" + strings.Repeat("$", 200),
			"$argon2d$v=19$m=8,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=16$m=8,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$m=8,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=8,t=1,p=1,keyid=AAAA$" + salt16 + "$" + key32,
			"$argon2id$v=19$t=1,m=8,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=8,t=0,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=8,t=1,p=0$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=7,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=15,t=1,p=2$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=-8,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=+8,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=08,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=0x8,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=,t=1,p=1$" + salt16 + "$" + key32,
			"$argon2id$v=19$m=8,t=1,p=1$" + raw(3) + "$" + key32,
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$" + raw(15),
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$",
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$" + key32 + "=",
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$" + key32 + "\n",
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16[:21] + "B$" + key32, // bits that nobody reads
			"$argon2id$v=19$m=8,t=1,p=1$" + salt16 + "$" + key32 + "$more",
			"$scrypt$ln=0,r=8,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=4,r=0,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=4,r=8,p=0$" + salt16 + "$" + key32,
			"$scrypt$r=8,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=4,r=8,p=1$" + salt16,
		}},
		{password.PHC{}, costly, []string{
			"$scrypt$ln=18,r=9,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=18,r=8,p=2$" + salt16 + "$" + key32,
			"$scrypt$ln=22,r=1,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=1,r=1048577,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=1,r=1,p=1048577$" + salt16 + "$" + key32,
			"$scrypt$ln=31,r=2147483647,p=2147483647$" + salt16 + "$" + key32,
			"$scrypt$ln=1,r=2147483647,p=2147483647$" + salt16 + "$" + key32,
			"$scrypt$ln=32,r=1,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=64,r=1,p=1$" + salt16 + "$" + key32,
			"$scrypt$ln=1099511627776,r=1,p=1$" + salt16 + "$" + key32,
		}},
		{password.Werkzeug{}, costly, []string{
			"pbkdf2:sha256:5000001$abcdefgh$" + hex32,
			"pbkdf2:sha1:2500001$abcdefgh$" + hex32 + "0000000000", // 21 bytes take two blocks of 20
			"pbkdf2:sha256:2147483647$abcdefgh$" + hex32,
			"pbkdf2:sha256:99999999999999999999$abcdefgh$" + hex32,
			"pbkdf2:sha256:1$" + strings.Repeat("a", 129) + "$" + hex32,
			"pbkdf2:sha256:1$abcdefgh$" + strings.Repeat("0", 130),
			"pbkdf2:sha256:1$" + strings.Repeat("a", 1<<20) + "$" + hex32,
			"scrypt:262144:8:2$abcdefgh$" + hex32,
			"scrypt:1099511627776:8:1$abcdefgh$" + hex32,
		}},
		{password.Werkzeug{}, malformed, []string{
			"", "scrypt:", "pbkdf2:", "pbkdf2:sha256", "$$",
			"pbkdf2:sha256:0$abcdefgh$" + hex32,
			"pbkdf2:md5:1000$abcdefgh$" + hex32,
			"pbkdf2:sha256$abcdefgh$" + hex32,
			"pbkdf2:sha256:1000:1$abcdefgh$" + hex32,
			"pbkdf2:sha256:1000$abcdefgh",
			"pbkdf2:sha256:1000$$" + hex32,
			"pbkdf2:sha256:1000$abcdefgh$",
			"pbkdf2:sha256:1000$abcdefgh$" + hex32[1:],
			"pbkdf2:sha256:1000$abcdefgh$" + hex32[2:],
			"scrypt:0:8:1$abcdefgh$" + hex32,
			"scrypt:1:8:1$abcdefgh$" + hex32,
			"scrypt:3:8:1$abcdefgh$" + hex32,
			"scrypt:16:8$abcdefgh$" + hex32,
			"sha256$abcdefgh$" + hex32,
			"plain$$" + plain,
		}},
		{password.Django{}, costly, []string{
			"pbkdf2_sha256$5000001$abcdefgh$" + key32 + "=",
			"pbkdf2_sha1$1099511627776$abcdefgh$" + key32 + "=",
			"pbkdf2_sha256$1$" + strings.Repeat("a", 129) + "$" + key32 + "=",
			"argon2$argon2id$v=19$m=262145,t=1,p=1$" + salt16 + "$" + key32,
			"argon2$argon2id$v=19$m=1099511627776,t=1,p=1$" + salt16 + "$" + key32,
			"scrypt$262144$abcdefgh$8$2$" + key32 + "=",
			"scrypt$1099511627776$abcdefgh$8$1$" + key32 + "=",
			"bcrypt$$2b$16$" + strings.Repeat("a", 53),
			"bcrypt_sha256$$2b$31$" + strings.Repeat("a", 53),
		}},
		{password.Django{}, malformed, []string{
			"", "!AbCdEf", "argon2$", "bcrypt$", "scrypt$", "pbkdf2_sha256$$$",
			"md5$abcdefgh$" + hex32,
			"pbkdf2_sha256$0$abcdefgh$" + key32 + "=",
			"pbkdf2_sha256$1000$abcdefgh$" + key32,
			"pbkdf2_sha256$1000$abcdefgh$" + base64.StdEncoding.EncodeToString(make([]byte, 15)),
			"pbkdf2_sha256$1000$$" + key32 + "=",
			"scrypt$16$abcdefgh$8$1",
			"scrypt$15$abcdefgh$8$1$" + key32 + "=",
			"argon2$scrypt$ln=4,r=8,p=1$" + salt16 + "$" + key32,
			"bcrypt$2b$05$" + strings.Repeat("a", 53),
		}},
		{password.PHP{}, costly, []string{"$2y$16$" + strings.Repeat("a", 53), "$2y$31$" + strings.Repeat("a", 53), "$2y$" + strings.Repeat("a", 1<<20)}},
		{password.PHP{}, malformed, []string{
			"", "$2y$", "$2y$03$" + strings.Repeat("a", 53), "$2y$00$" + strings.Repeat("a", 53), "$2y$99$" + strings.Repeat("a", 53),
			"$2y$05$" + strings.Repeat("a", 52), "$2y$05$" + strings.Repeat("a", 54), "$2y$05$" + strings.Repeat("a", 52) + "\n",
			"$2y$5$" + strings.Repeat("a", 53), "$2a$05$" + strings.Repeat("a", 53), "$2x$05$" + strings.Repeat("a", 53), "$2y$05$" + strings.Repeat("=", 53),
		}},
		{password.Devise{}, costly, []string{"$2a$16$" + strings.Repeat("a", 53), "$2b$31$" + strings.Repeat("a", 53)}},
		{password.Devise{}, malformed, []string{"", "$2a$", "$2a$03$" + strings.Repeat("a", 53), "$2y$05$" + strings.Repeat("a", 53), "$2x$05$" + strings.Repeat("a", 53)}},
		{password.Bcrypt{}, costly, []string{"$2a$16$" + strings.Repeat("a", 53), "$hmac-sha384$2a$31$" + strings.Repeat("a", 53)}},
		{password.Bcrypt{}, malformed, []string{"", "$2a$", "$hmac-sha384", "$hmac-sha384$", "$hmac-sha384$2a$", "$2y$05$" + strings.Repeat("a", 53)}},
		{password.ASPNET{}, costly, []string{
			aspnet(2, 5_000_001, 16, 16+32),
			aspnet(0, 1_250_001, 16, 16+64), // 64 bytes take four blocks of SHA-1
			aspnet(2, 1<<32-1, 16, 16+32),
			aspnet(2, 1, 129, 129+32),
			aspnet(2, 1, 16, 16+65),
		}},
		{password.ASPNET{}, malformed, []string{
			"", "AQAAAA", "AQAAAA==", "AQAAAAIAAYag", aspnet(2, 0, 16, 16+32), aspnet(3, 1, 16, 16+32), aspnet(1<<32-1, 1, 16, 16+32),
			aspnet(2, 1, 1<<32-1, 16+32), aspnet(2, 1, 49, 16+32), aspnet(2, 1, 3, 3+32), aspnet(2, 1, 16, 16+15), aspnet(2, 1, 16, 16), aspnet(2, 1, 16, 0),
			"AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==", // format 2
		}},
		{project(t, 14), costly, []string{"$firebase$" + base64.StdEncoding.EncodeToString(make([]byte, 129)) + "$" + base64.StdEncoding.EncodeToString(make([]byte, 64))}},
		{project(t, 14), malformed, []string{
			"", "$firebase$", "$firebase$$", "$firebase$AQIDBAUGBwgJCg==$AAAA", "$firebase$AQIDBAUGBwgJCg==$" + base64.StdEncoding.EncodeToString(make([]byte, 63)),
			"$firebase$AQIDBAUGBwgJCg==$" + base64.StdEncoding.EncodeToString(make([]byte, 64)) + "$", "$firebase$!$" + base64.StdEncoding.EncodeToString(make([]byte, 64)),
		}},
	} {
		for _, hash := range try.hashes {
			if ok, err := try.reader.Verify(hash, plain); ok || !errors.Is(err, try.want) {
				t.Fatalf("%T: %.80q: %v, %v; want %v", try.reader, hash, ok, err, try.want)
			}
		}
	}
}

// Our own forms are read with the same limits, and leave nothing to bcrypt's.
func TestHostileHashesOfOurs(t *testing.T) {
	pepper := password.Pepper{Keys: map[string][]byte{"k1": make([]byte, 32)}, Current: "k1", Hasher: password.Argon2id{}}
	for _, h := range []auth.Hasher{password.Argon2id{}, password.Migrating{Preferred: password.Argon2id{}}, pepper, password.Migrating{Preferred: pepper}} {
		for _, params := range []string{"m=262145,t=1,p=1", "m=1099511627776,t=1,p=1", "m=8,t=1,p=257", "m=8,t=0,p=1"} {
			hash := "$argon2id$v=19$" + params + "$" + salt16 + "$" + key32
			if ok, stale, err := h.Verify(hash, plain); ok || stale || !errors.Is(err, password.ErrTooCostly) && !errors.Is(err, password.ErrMalformed) {
				t.Errorf("%T: %s: %v, %v, %v", h, hash, ok, stale, err)
			}
		}
	}
}

// A Firebase that was not filled in verifies nothing.
func TestFirebaseNeedsItsProject(t *testing.T) {
	good := project(t, 14)
	const hash = "$firebase$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
	for name, change := range map[string]func(*password.Firebase){
		"no rounds":     func(f *password.Firebase) { f.Rounds = 0 },
		"no memory":     func(f *password.Firebase) { f.MemCost = 0 },
		"2^19 of N":     func(f *password.Firebase) { f.MemCost = 19 },
		"2^64 of N":     func(f *password.Firebase) { f.MemCost = 64 },
		"many rounds":   func(f *password.Firebase) { f.Rounds = 1 << 30 },
		"no signer key": func(f *password.Firebase) { f.SignerKey = nil },
	} {
		f := good
		change(&f)
		if ok, err := f.Verify(hash, "user1password"); ok || err == nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	other := good
	other.SignerKey = make([]byte, 64)
	if ok, err := other.Verify(hash, "user1password"); ok || err != nil {
		t.Errorf("another signer key: %v, %v", ok, err)
	}
}

// cheapVectors take about a millisecond each.
var cheapVectors = []struct {
	reader password.Verifier
	vector
}{
	{password.Werkzeug{}, vector{plain, "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94"}},
	// argon2-cffi 21.1.0: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16).hash(p)
	{password.PHC{}, vector{plain, "$argon2id$v=19$m=8,t=1,p=1$+avAnvxY9KS+DpKMNFcrfA$IcMXsuQfcWKHR5/gUMZDYQ"}},
	{password.Django{}, vector{plain, "argon2$argon2id$v=19$m=8,t=1,p=1$+avAnvxY9KS+DpKMNFcrfA$IcMXsuQfcWKHR5/gUMZDYQ"}},
	{password.ASPNET{}, vector{"my password", "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw"}},
	// PHP 8.2.36: password_hash(p, PASSWORD_BCRYPT, ['cost' => 4])
	{password.PHP{}, vector{plain, "$2y$04$OcDFKboJbLiVE5QpBdHGPuoDriJrkK77Ga9hDPn3E5cYJL9.9RKhm"}},
}

// No hash fits after one of its characters is another.
func TestChangedHashesFitNothing(t *testing.T) {
	for _, try := range cheapVectors {
		if ok, err := try.reader.Verify(try.hash, try.password); !ok || err != nil {
			t.Errorf("%s as it is: %v, %v", try.hash, ok, err)
		}
		for i := range try.hash {
			for _, c := range "0A$" {
				changed := try.hash[:i] + string(c) + try.hash[i+1:]
				if _, bcrypt := try.reader.(password.PHP); changed == try.hash || bcrypt && i == 28 {
					continue // in bcrypt four bits of that character mean nothing
				}
				if ok, _ := try.reader.Verify(changed, try.password); ok {
					t.Errorf("%s fits as %s", try.hash, changed)
				}
			}
		}
	}
}

// Errors go to logs, where nothing of a hash belongs.
func TestErrorsHoldNoHash(t *testing.T) {
	for _, try := range cheapVectors {
		for n := range len(try.hash) {
			_, err := try.reader.Verify(try.hash[:n]+"Secret Secret"+try.hash[n:], plain)
			if text := fmt.Sprint(err); strings.Contains(text, "Secret") {
				t.Errorf("%T at %d: %s", try.reader, n, text)
			}
		}
	}
}
