package password_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/password"
)

var (
	key1 = bytes.Repeat([]byte{1}, 32)
	key2 = bytes.Repeat([]byte{2}, 48)
)

func TestPepper(t *testing.T) {
	p := password.Pepper{Keys: map[string][]byte{"k1": key1}, Current: "k1", Hasher: cheap{auth.Bcrypt(4)}}
	for _, try := range []struct {
		name, set, use string
		ok             bool
	}{
		{"same", plain, plain, true},
		{"one more", plain, plain + "x", false},
		{"long", long, long, true},
		{"long, another end", long, long + "x", false},
		{"NUL and repetition", plain, plain + "\x00" + plain, false},
		{"composed and decomposed", "caf\u00e9 window tractor", "cafe\u0301 window tractor", true},
	} {
		hash, err := p.Hash(try.set)
		if err != nil || !strings.HasPrefix(hash, "$pepper$k1$$2a$04$") {
			t.Fatalf("%s: %q, %v", try.name, hash, err)
		}
		if ok, stale, err := p.Verify(hash, try.use); ok != try.ok || stale || err != nil {
			t.Errorf("%s: %v, stale %v, %v; want %v", try.name, ok, stale, err, try.ok)
		}
	}
}

// The stored hash is OWASP's bcrypt(base64(hmac-sha384(key, password))), and of no use
// without the key.
func TestPepperIsNeeded(t *testing.T) {
	p := password.Pepper{Keys: map[string][]byte{"k1": key1}, Current: "k1", Hasher: cheap{auth.Bcrypt(4)}}
	hash, err := p.Hash(plain)
	if err != nil {
		t.Fatal(err)
	}
	stored := strings.TrimPrefix(hash, "$pepper$k1$")
	mac := hmac.New(sha512.New384, key1)
	mac.Write([]byte(plain))
	if err := bcrypt.CompareHashAndPassword([]byte(stored), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))); err != nil {
		t.Errorf("with the key: %v", err)
	}
	if ok, _, _ := p.Hasher.Verify(stored, plain); ok {
		t.Error("the password alone fits")
	}
	if ok, _, err := p.Verify(stored, plain); ok || err != nil {
		t.Errorf("without its mark: %v, %v", ok, err)
	}
	p.Keys = map[string][]byte{"k1": key2}
	if ok, stale, err := p.Verify(hash, plain); ok || stale || err != nil {
		t.Errorf("with another key: %v, stale %v, %v", ok, stale, err)
	}
}

// A new key takes over hash by hash, and so does the first.
func TestPepperRotates(t *testing.T) {
	bare, err := auth.Bcrypt(4).Hash(plain)
	if err != nil {
		t.Fatal(err)
	}
	old := password.Pepper{Keys: map[string][]byte{"k1": key1}, Current: "k1", Hasher: cheap{auth.Bcrypt(4)}}
	first, _ := old.Hash(plain)
	next := old
	next.Keys, next.Current = map[string][]byte{"k1": key1, "k2": key2}, "k2"
	second, _ := next.Hash(plain)
	dearer := next
	dearer.Hasher = cheap{auth.Bcrypt(5)}
	for _, try := range []struct {
		name  string
		p     password.Pepper
		hash  string
		stale bool
	}{
		{"no pepper yet", old, bare, true},
		{"no pepper yet, two keys", next, bare, true},
		{"current", old, first, false},
		{"the key before", next, first, true},
		{"the key after, put back", password.Pepper{Keys: next.Keys, Current: "k1", Hasher: old.Hasher}, second, true},
		{"current again", next, second, false},
		{"the inner cost is low", dearer, second, true},
	} {
		if ok, stale, err := try.p.Verify(try.hash, plain); !ok || stale != try.stale || err != nil {
			t.Errorf("%s: %v, stale %v, %v; want %v", try.name, ok, stale, err, try.stale)
		}
		if ok, stale, err := try.p.Verify(try.hash, script); ok || stale || err != nil {
			t.Errorf("%s, wrong password: %v, stale %v, %v", try.name, ok, stale, err)
		}
	}
	for _, unknown := range []string{second, "$pepper$", "$pepper$$" + bare, "$pepper$k9$" + bare} {
		if ok, stale, err := old.Verify(unknown, plain); ok || stale || !errors.Is(err, password.ErrUnknownKey) {
			t.Errorf("%s: %v, stale %v, %v", unknown, ok, stale, err)
		}
	}
	if ok, stale, err := old.Verify("$pepper$k1", plain); ok || stale || err == nil {
		t.Errorf("nothing behind the key: %v, stale %v, %v", ok, stale, err)
	}
}

// A Pepper that cannot work does not get past auth.New, and says all that is wrong.
func TestPepperNamesEveryFault(t *testing.T) {
	for name, try := range map[string]struct {
		p    password.Pepper
		want []string
	}{
		"nothing":      {password.Pepper{}, []string{`no key for Current, ""`}},
		"no such key":  {password.Pepper{Keys: map[string][]byte{"k1": key1}, Current: "k2"}, []string{`no key for Current, "k2"`}},
		"a short key":  {password.Pepper{Keys: map[string][]byte{"k1": key1[:31]}, Current: "k1"}, []string{`"k1" of 31 bytes`}},
		"a weak inner": {password.Pepper{Keys: map[string][]byte{"k1": key1}, Current: "k1", Hasher: auth.Bcrypt(9)}, []string{"cost of 10"}},
		"several":      {password.Pepper{Keys: map[string][]byte{"K$": key1, "k2": nil, strings.Repeat("k", 17): key1}, Current: "k1"}, []string{`"K$"`, `"k2" of 0 bytes`, `"kkkkkkkkkkkkkkkkk"`, `Current, "k1"`}},
	} {
		if hash, err := try.p.Hash(plain); err == nil || hash != "" {
			t.Errorf("%s: %q, %v", name, hash, err)
		}
		_, err := auth.New(memstore.New(), &auth.Config{BaseURL: authtest.BaseURL, Hasher: try.p})
		for _, want := range try.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %s", name, err, want)
			}
		}
	}
	// A short key is none.
	short := password.Pepper{Keys: map[string][]byte{"k1": key1[:31]}, Current: "k1"}
	if ok, _, err := short.Verify("$pepper$k1$$2a$04$"+strings.Repeat("a", 53), plain); ok || !errors.Is(err, password.ErrUnknownKey) {
		t.Errorf("a short key verifies: %v, %v", ok, err)
	}
}
