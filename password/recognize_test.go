package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/password"
)

// What a library wrote is recognized as that library's.
func TestRecognize(t *testing.T) {
	for _, lib := range libraries(t) {
		want := lib.reader
		switch want.(type) {
		case password.Firebase:
			want = password.Firebase{}
		case password.Devise: // the pepper does not show
			want = password.Devise{}
		}
		for _, v := range lib.hashes {
			got, err := password.Recognize(v.hash)
			switch f, firebase := got.(password.Firebase); {
			case err != nil:
				t.Errorf("%s: %v", v.hash, err)
			case firebase:
				if _, ok := want.(password.Firebase); !ok || f.SignerKey != nil {
					t.Errorf("%s is taken for one of Firebase", v.hash)
				}
			case got != want:
				t.Errorf("%s is taken for one of %T, not %T", v.hash, got, want)
			}
		}
	}
}

// Hashes of our own are recognized, but for those that need a key.
func TestRecognizeOwn(t *testing.T) {
	for _, test := range []struct {
		hasher auth.Hasher
		want   password.Verifier
	}{
		{auth.Bcrypt(4), password.Devise{}},
		{password.Argon2id{}, password.PHC{}},
		{password.Pepper{Keys: map[string][]byte{"1": make([]byte, 32)}, Current: "1", Hasher: auth.Bcrypt(10)}, nil},
	} {
		hash, err := test.hasher.Hash(plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := password.Recognize(hash); got != test.want || (err == nil) != (test.want != nil) {
			t.Errorf("%T: %T, %v", test.hasher, got, err)
		}
	}
	hash, err := auth.Bcrypt(4).Hash(long)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := password.Recognize(hash); got != (password.Bcrypt{}) || err != nil {
		t.Errorf("a long password: %T, %v", got, err)
	}
}

// What nobody could log in with is refused, and the error tells nothing of it.
func TestRecognizeRefuses(t *testing.T) {
	for hash, want := range map[string]error{
		"":                                 password.ErrMalformed,
		"hunter2":                          password.ErrMalformed,
		"5f4dcc3b5aa765d61d8327deb882cf99": password.ErrMalformed,
		"!x8b2Secret":                      password.ErrMalformed,
		"pbkdf2_sha256$600000$Secret":      password.ErrMalformed,
		"pbkdf2_sha256$600000000$SecretSalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=": password.ErrTooCostly,
		"$2b$31$OcDFKboJbLiVE5QpBdHGPuoDriJrkK77Ga9hDPn3E5cYJL9.9RKhm":                    password.ErrTooCostly,
		"$firebase$Secret":                        password.ErrMalformed,
		"$2y$10$" + strings.Repeat("Secret", 100): password.ErrTooCostly,
	} {
		got, err := password.Recognize(hash)
		if got != nil || !errors.Is(err, want) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%q: %T, %v", hash, got, err)
		}
	}
}
