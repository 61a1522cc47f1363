package auth_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vestibule-go/auth"
)

func refused(t *testing.T, s *site, email, password string) bool {
	t.Helper()
	f := &auth.SignupForm{Email: email, Password: password, Confirm: "no"}
	s.m.Signup(t.Context(), f)
	for _, e := range f.Errors {
		if e.Field == "password" {
			return e.Code == auth.CodeCommon
		}
	}
	return false
}

func TestGuessedPasswords(t *testing.T) {
	s := newSite(t, func(c *auth.Config) {
		c.BaseURL = "https://shop.acme.example"
		c.Passwords.Words = []string{"Acme Widgets"}
	})
	for _, bad := range []string{
		"passwordpassword", "PasswordPassword1", "password1234567890", "p4ssw0rdp4ssw0rd", "Password Password!", "password-2026-password",
		"123456789012345", "987654321098765", "qwertyuiopasdfghjkl", "abcdefghijklmnop", "1qaz2wsx3edc4rfv", "aaaaaaaaaaaaaaaa",
		"abcabcabcabcabcabc", "iloveyouiloveyou", "iloveyouforever", "letmeinletmein1", "administrator123", "sunshineprincess",
		"acmewidgets2026!!!", "acmewidgetsacme", "acmeacmeacmeacme", "johndoejohndoe1", "JohnDoe@example1", "qwertzuiopqwertz",
		"asdfghjklasdfghjkl", "               ", "...............", "qazwsxedcrfvtgb", "Pa$$w0rd12345678", "aabbccddeeffgghh", "112233445566778899",
		"111222333444555", "121212121212121", "147258369147258369", "aaaaaaaabbbbbbbb", "000000000000001", "manchesterunited",
		"mypasswordispassword", "monkey dragon monkey", "hello hello hello", "azertyuiopqsdfgh", "пароль1234567890", "acme password 1",
	} {
		if !refused(t, s, "john.doe@example.com", bad) {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{
		password, another, "correct horse battery staple", "acme will never know my goat", "57392058163940275816", "sunshine dragon monkey tango",
		"x7Gh2kQp-9mWz4RtL", "ünser gärten blüht schön", "😀🎻🚂🌵🐙🎲🍋🧦🪁🛶🧭🪀🪗🧩🪤", "my password is a long sentence",
		"8391029384a7264a", "april 83920 48573 92847", "banana bicycle orbit",
	} {
		if refused(t, s, "john.doe@example.com", good) {
			t.Errorf("%q is refused", good)
		}
	}
}

// OWASP ASVS 5.0, 6.2.4: at least 3,000 common passwords that meet the policy.
func TestBlocklistHoldsEnough(t *testing.T) {
	data, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(data))
	s := newSite(t, nil)
	n, tried := 0, 0
	for i, a := range words {
		for _, dressed := range []string{a + a + a + a, a + "123456789012", a + words[(i+1)%len(words)] + "2026", a + words[(i*7+3)%len(words)] + "!!!"} {
			if len([]rune(dressed)) < 15 {
				continue
			}
			tried++
			if refused(t, s, ann, dressed) {
				n++
			} else {
				t.Errorf("%q passes", dressed)
			}
		}
	}
	for range 3000 {
		a, b := words[rand.IntN(len(words))], words[rand.IntN(len(words))]
		if utf8.RuneCountInString(a+b) < 15 {
			continue
		}
		if n++; !refused(t, s, ann, a+b) {
			t.Errorf("%q passes", a+b)
		}
	}
	t.Logf("%d words, %d passwords of 15 characters made of them, all refused", len(words), n)
	if n < 1000 {
		t.Errorf("only %d tried", n)
	}
	pairs := 0
	for _, a := range words {
		for _, b := range words {
			if len(a+b) >= 15 {
				pairs++
			}
		}
	}
	if pairs < 3000 {
		t.Errorf("%d pairs of 15 characters, want 3,000", pairs)
	}
}
