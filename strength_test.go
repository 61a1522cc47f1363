package auth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
)

func TestPasswordStrength(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.Passwords.MinLength, c.Passwords.Words = 8, []string{"zeppelin"} })
	for _, test := range []struct {
		password string
		min, max int
		code     string
	}{
		{"", 0, 0, auth.CodeRequired},
		{"short", 0, 0, auth.CodeTooShort},
		{"trustno1", 0, 0, auth.CodeCommon},
		{"ann@example.com", 0, 0, auth.CodeSimilar},
		{strings.Repeat("kV7?mzq2", 129), 0, 0, auth.CodeTooLong},
		{"zeppelin ruin", 1, 2, auth.CodeWeak},
		{"kV7?mzq2", 3, 4, "any"},
		{"elephants", 1, 1, auth.CodeWeak},
		{password, 4, 4, ""},
		{another, 4, 4, ""},
		{"x7Gh2kQp-9mWz4RtL", 4, 4, ""},
	} {
		got := s.m.PasswordStrength(test.password, ann)
		if got.Score < test.min || got.Score > test.max || test.code != "any" && got.Code != test.code {
			t.Errorf("%q: %+v", test.password, got)
		}
		if (got.Message == "") != (got.Code == "") || (got.Code == "") != (got.Score == 4) {
			t.Errorf("%q: %+v contradicts itself", test.password, got)
		}
	}
	if s.logged.Len() > 0 {
		t.Errorf("logged: %s", s.logged.String())
	}
}

// The score is 0 exactly for what is refused.
func FuzzPasswordStrength(f *testing.F) {
	s := newSite(f, nil)
	for _, p := range []string{"", password, "passwordpassword", "a\xffb", strings.Repeat("水", 400), "ann@example.com!!!", "1234567890123456"} {
		f.Add(p, ann)
	}
	f.Fuzz(func(t *testing.T, password, email string) {
		email, err := auth.CanonicalEmail(email)
		if err != nil {
			return
		}
		form := &auth.SignupForm{Email: email, Password: password, Confirm: "never" + password}
		s.m.Signup(t.Context(), form)
		got := s.m.PasswordStrength(password, email)
		if got.Score < 0 || got.Score > 4 || (got.Score == 0) != (form.Errors.Get("password") != "") {
			t.Errorf("%q: %+v, %v", password, got, form.Errors)
		}
	})
}

func TestPasswordHint(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.Passwords.MinLength = 17 })
	s.mux.HandleFunc("GET /hint", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.PasswordHint(r.Context())) })
	if got := s.browser().get("/hint").Body.String(); !strings.HasPrefix(got, "At least 17 characters. ") {
		t.Errorf("%q", got)
	}
	if got := auth.PasswordHint(t.Context()); got != "" {
		t.Errorf("%q outside of Handler", got)
	}
}

func BenchmarkPasswordStrength(b *testing.B) {
	s := newSite(b, nil)
	for b.Loop() {
		s.m.PasswordStrength(password, ann)
	}
}
