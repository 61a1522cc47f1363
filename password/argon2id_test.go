package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/password"
)

func TestArgon2id(t *testing.T) {
	long := strings.Repeat("a", 72)
	for _, try := range []struct {
		name, set, use string
		ok             bool
	}{
		{"same", plain, plain, true},
		{"case", plain, strings.ToUpper(plain), false},
		{"one more", plain, plain + "x", false},
		{"a 73rd byte", long, long + "x", false},
		{"1024 bytes, another last", strings.Repeat("x", 1023) + "y", strings.Repeat("x", 1024), false},
		{"1024 bytes", strings.Repeat("x", 1024), strings.Repeat("x", 1024), true},
		{"NUL and repetition", plain, plain + "\x00" + plain, false},
		{"NUL, another end", "NUL \x00 in the middle", "NUL \x00 in the muddle", false},
		{"composed and decomposed", "caf\u00e9 window tractor", "cafe\u0301 window tractor", true},
		{"ligature", "\ufb01sh window tractor", "fish window tractor", false},
		{"not UTF-8", "\xff\xfe window tractor", "\xff\xfe window tractor", true},
		{"empty", "", "x", false},
	} {
		a := password.Argon2id{}
		hash, err := a.Hash(try.set)
		if err != nil {
			t.Errorf("%s: %v", try.name, err)
			continue
		}
		if ok, stale, err := a.Verify(hash, try.use); ok != try.ok || stale || err != nil {
			t.Errorf("%s: %v, stale %v, %v; want %v", try.name, ok, stale, err, try.ok)
		}
	}
}

// The zero value is OWASP's choice, in a string that others can read.
func TestArgon2idWritesPHC(t *testing.T) {
	hash, err := password.Argon2id{}.Hash(plain)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || len(hash) != len("$argon2id$v=19$m=19456,t=2,p=1$")+22+1+43 {
		t.Fatalf("%q, %v", hash, err)
	}
	if ok, err := (password.PHC{}).Verify(hash, plain); !ok || err != nil {
		t.Errorf("as PHC: %v, %v", ok, err)
	}
	if again, _ := (password.Argon2id{}).Hash(plain); again == hash {
		t.Error("no salt")
	}
	// The reference implementation, argon2 0~20171227 of Debian, echo -n p | argon2 0123456789abcdef -id -t 2 -k 19456 -p 1 -l 32 -e
	const reference = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dW81wUHdDA4Y1rQxzgH3LZ1AQQLATxIyx9l+17/XY78"
	if ok, stale, err := (password.Argon2id{}).Verify(reference, plain); !ok || stale || err != nil {
		t.Errorf("the reference's: %v, stale %v, %v", ok, stale, err)
	}
}

func TestArgon2idCosts(t *testing.T) {
	zero := password.Argon2id{}
	hash, err := zero.Hash(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		a     password.Argon2id
		stale bool
	}{
		{password.Argon2id{Memory: 19457}, true},
		{password.Argon2id{Time: 3}, true},
		{password.Argon2id{Memory: 12288, Time: 3}, true},
		{password.Argon2id{Threads: 4}, false},
		{password.Argon2id{Memory: 9216, Time: 1}, false}, // which Hash refuses
	} {
		if ok, stale, err := try.a.Verify(hash, plain); !ok || stale != try.stale || err != nil {
			t.Errorf("%+v: %v, stale %v, %v; want %v", try.a, ok, stale, err, try.stale)
		}
		if ok, stale, err := try.a.Verify(hash, script); ok || stale || err != nil {
			t.Errorf("%+v, wrong password: %v, stale %v, %v", try.a, ok, stale, err)
		}
	}
	// argon2-cffi 21.1.0, whose keys have 16 bytes: PasswordHasher(memory_cost=102400, time_cost=2, parallelism=8, hash_len=16).hash(p)
	short := "$argon2id$v=19$m=102400,t=2,p=8$YH+pLWNddncLUlFDhs83IQ$dzyWazaJ9d9a59BwWDB6IA"
	if ok, stale, err := zero.Verify(short, script); !ok || !stale || err != nil {
		t.Errorf("a short key: %v, stale %v, %v", ok, stale, err)
	}
}

func TestArgon2idParameters(t *testing.T) {
	for _, weak := range []password.Argon2id{{Memory: 19455}, {Time: 1}, {Memory: 47103, Time: 1}, {Memory: 12287, Time: 3}, {Memory: 9215, Time: 4}, {Memory: 7167, Time: 5}, {Memory: 7167, Time: 64}} {
		if hash, err := weak.Hash(plain); err == nil {
			t.Errorf("%+v made %q", weak, hash)
		}
	}
	for _, costly := range []password.Argon2id{{Memory: 262145}, {Memory: 262144, Time: 5}, {Time: 65}, {Threads: 17}, {Memory: 1<<32 - 1, Time: 1<<32 - 1, Threads: 255}} {
		if hash, err := costly.Hash(plain); !errors.Is(err, password.ErrTooCostly) {
			t.Errorf("%+v: %q, %v", costly, hash, err)
		}
	}
	for _, good := range []password.Argon2id{{Memory: 47104, Time: 1}, {Memory: 12288, Time: 3}, {Memory: 9216, Time: 4}, {Memory: 7168, Time: 5}, {Memory: 7168, Time: 6, Threads: 2}} {
		hash, err := good.Hash(plain)
		if err != nil {
			t.Errorf("%+v: %v", good, err)
		}
		if ok, stale, err := good.Verify(hash, plain); !ok || stale || err != nil {
			t.Errorf("%+v: %v, stale %v, %v", good, ok, stale, err)
		}
	}
}

func TestArgon2idReadsItsOwnOnly(t *testing.T) {
	for _, bad := range []string{"", "x", "$argon2id$", "$argon2i$v=19$m=4096,t=3,p=2$In6NL4bTtNDnHWL7SC48EQ$kquJjkbKo1al6IYzYvBI+hqy94wBcjZv", "$2a$12$" + strings.Repeat("a", 53)} {
		if ok, stale, err := (password.Argon2id{}).Verify(bad, plain); ok || stale || !errors.Is(err, password.ErrMalformed) {
			t.Errorf("%q: %v, stale %v, %v", bad, ok, stale, err)
		}
	}
}
