package auth_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
)

func TestCheckPassword(t *testing.T) {
	s := newSite(t, nil)
	for _, test := range []struct {
		password, confirm string
		want              []string // fields and codes
	}{
		{another, another, nil},
		{"", "", []string{"password required", "confirm required"}},
		{"short", "short", []string{"password too_short"}},
		{another, password, []string{"confirm mismatch"}},
		{ann + ann, ann + ann, []string{"password similar"}},
	} {
		f := &auth.PasswordForm{Password: test.password, Confirm: test.confirm}
		err := s.m.CheckPassword(f, ann)
		var got []string
		for _, e := range f.Errors {
			got = append(got, e.Field+" "+e.Code)
		}
		var faults auth.FormErrors
		if !reflect.DeepEqual(got, test.want) || errors.As(err, &faults) != (test.want != nil) {
			t.Errorf("%q, %q: %v, %v; want %v", test.password, test.confirm, got, err, test.want)
		}
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
	if err := s.m.CheckPassword(auth.ParsePassword(r), ann); !errors.Is(err, auth.ErrFormType) {
		t.Errorf("no form: %v", err)
	}
	if s.hasher.hashed.Load() != 1 { // the decoy of New
		t.Errorf("%d passwords were hashed", s.hasher.hashed.Load())
	}
}

func TestRecord(t *testing.T) {
	s := newSite(t, nil)
	s.m.Record(t.Context(), auth.Event{Name: "invited", UserID: "7", Reason: "by hand"})
	events := s.event("invited")
	if len(events) != 1 || events[0].UserID != "7" || events[0].Reason != "by hand" || events[0].Time.IsZero() {
		t.Errorf("events %v", events)
	}
	if !strings.Contains(s.logged.String(), `msg="auth: invited" user=7 reason="by hand"`) {
		t.Errorf("the log is %q", s.logged.String())
	}
}

func TestVerifyPassword(t *testing.T) {
	s := newSite(t, func(c *auth.Config) {
		c.Hooks = append(c.Hooks, auth.Hooks{Authenticate: func(context.Context, *auth.User) error { return errors.New("no") }})
	})
	u, err := s.m.Signup(t.Context(), &auth.SignupForm{Email: ann, Password: password, Confirm: password})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(password string) (*auth.LoginForm, error) {
		f := &auth.LoginForm{Email: "whatever", Password: password}
		return f, s.m.VerifyPassword(t.Context(), u, f)
	}
	if _, err := verify(password); err != nil {
		t.Errorf("right password: %v", err)
	}
	if f, err := verify(""); auth.Status(err) != 422 || f.Errors.Get("password") == "" {
		t.Errorf("no password: %v, %v", err, f.Errors)
	}
	for range 5 {
		if f, err := verify(another); !errors.Is(err, auth.ErrBadLogin) || f.Errors.Get("password") == "" {
			t.Errorf("wrong password: %v, %v", err, f.Errors)
		}
	}
	if f, err := verify(password); !errors.Is(err, auth.ErrThrottled) || f.Errors.Get("") == "" {
		t.Errorf("after five wrong ones: %v, %v", err, f.Errors)
	}
	if err := s.m.VerifyPassword(t.Context(), nil, &auth.LoginForm{Password: password}); !errors.Is(err, auth.ErrNotLoggedIn) {
		t.Errorf("nobody: %v", err)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
	if err := s.m.VerifyPassword(t.Context(), u, auth.ParseLogin(r)); !errors.Is(err, auth.ErrFormType) {
		t.Errorf("no form: %v", err)
	}
}
