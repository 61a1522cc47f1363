package password

import (
	"strings"
	"testing"
)

// parsers are those of all readers.
var parsers = map[string]struct {
	Verifier
	parse func(string) (matcher, error)
}{
	"Werkzeug": {Werkzeug{}, Werkzeug{}.parse},
	"Django":   {Django{}, Django{}.parse},
	"Devise":   {Devise{}, Devise{}.parse},
	"PHP":      {PHP{}, PHP{}.parse},
	"Bcrypt":   {Bcrypt{}, Bcrypt{}.parse},
	"PHC":      {PHC{}, PHC{}.parse},
	"ASPNET":   {ASPNET{}, ASPNET{}.parse},
	"Firebase": {fuzzedProject, fuzzedProject.parse},
}

var fuzzedProject = Firebase{SignerKey: make([]byte, 64), SaltSeparator: []byte{7}, Rounds: 1, MemCost: 4}

// work says what a hash asks for: bytes of memory, and, as a multiple of what
// its library does by default, time.
func work(t *testing.T, m matcher) (memory uint64, time float64) {
	switch m := m.(type) {
	case bcryptHash:
		cost := 10*(m[4]-'0') + m[5] - '0'
		if cost < 4 || cost > 31 {
			t.Fatalf("bcrypt of cost %d", cost)
		}
		return 0, float64(uint(1)<<cost) / (1 << 12)
	case ownBcrypt:
		return work(t, bcryptHash(strings.TrimPrefix(string(m), "$hmac-sha384")))
	case hexSHA256:
		return work(t, m.bcryptHash)
	case *recipe:
		if len(m.salt) < 4 || len(m.salt) > 512 || len(m.key) < 16 || len(m.key) > 64 {
			t.Errorf("salt of %d bytes, key of %d", len(m.salt), len(m.key))
		}
		return workOf(t, m.kdf, len(m.key))
	}
	t.Fatalf("what is a %T?", m)
	return 0, 0
}

func workOf(t *testing.T, k kdf, keyLen int) (memory uint64, time float64) {
	switch k := k.(type) {
	case pbkdf2Params:
		if k.iterations == 0 {
			t.Error("no iterations")
		}
		blocks := (keyLen + k.hash().Size() - 1) / k.hash().Size()
		return 0, float64(k.iterations) * float64(blocks) / 1_000_000
	case scryptParams:
		for _, n := range []uint64{k.n, k.r, k.p} {
			if n == 0 || n > 1<<31 {
				t.Errorf("scrypt with %d", n)
			}
		}
		return 128 * (k.n*k.r + k.r*k.p), float64(k.n) * float64(k.r) * float64(k.p) / (1 << 18)
	case firebaseKDF:
		return workOf(t, k.scryptParams, 32)
	case argon2Params:
		if k.t == 0 || k.p == 0 || k.p > 255 || k.m < 8*k.p || k.m > 1<<31 || k.t > 1<<31 {
			t.Errorf("argon2 with m=%d, t=%d, p=%d", k.m, k.t, k.p)
		}
		return k.m << 10, float64(k.m) * float64(k.t) / (65536 * 4)
	}
	t.Fatalf("what is a %T?", k)
	return 0, 0
}

// FuzzReaders gives every parser any string. What it accepts it must claim by
// Reads, alone but for our own bcrypt, and may not cost more than doc.go says. What is cheap is computed, too.
func FuzzReaders(f *testing.F) {
	for _, s := range []string{
		"scrypt:16:8:1$abcdefgh$00000000000000000000000000000000", "pbkdf2:sha256:1000$abcdefgh$00000000000000000000000000000000",
		"pbkdf2_sha256$1000$abcdefgh$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "scrypt$16$abcdefgh$8$1$AAAAAAAAAAAAAAAAAAAAAA==",
		"argon2$argon2id$v=19$m=8,t=1,p=1$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "bcrypt_sha256$$2b$04$" + strings.Repeat("a", 53), "bcrypt$$2b$31$" + strings.Repeat("a", 53),
		"$2a$04$" + strings.Repeat("a", 53), "$hmac-sha384$2a$31$" + strings.Repeat("a", 53), "$2y$04$" + strings.Repeat(".", 53), "$argon2i$v=19$m=8,t=1,p=1$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=1099511627776,t=1,p=1$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=4,r=8,p=1$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=1000000,t=1,p=1$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=20,r=8,p=2$AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "pbkdf2_sha256$99000000$abcdefgh$AAAAAAAAAAAAAAAAAAAAAA==",
		"AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", "$firebase$AQIDBAUGBwgJCg==$" + strings.Repeat("A", 86) + "==",
	} {
		f.Add(s, "password")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		var accepted []string
		for name, p := range parsers {
			m, err := read(hash, p.parse)
			if err != nil {
				continue
			}
			if name != "Bcrypt" {
				accepted = append(accepted, name)
			}
			if len(accepted) > 1 || !p.Reads(hash) {
				t.Errorf("%q is accepted by %s, claimed: %v", hash, accepted, p.Reads(hash))
			}
			memory, time := work(t, m)
			if memory > 512<<20 || time > 10 {
				t.Errorf("%s computes %q: %d bytes, %.1f times the usual", name, hash, memory, time)
			}
			if time > 0.01 || memory > 1<<20 {
				continue
			}
			if _, err := m.fits(password); err != nil {
				t.Errorf("%s: %q was accepted, and then: %v", name, hash, err)
			}
		}
	})
}
