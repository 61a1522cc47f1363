package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
)

const spilled = "marble turnip oboe lagoon"

// breaches is a checker that knows one password, and may be out of order.
type breaches struct {
	fault func(ctx context.Context) error

	mu    sync.Mutex
	asked []string
}

func (b *breaches) Breached(ctx context.Context, password string) (bool, error) {
	b.mu.Lock()
	b.asked = append(b.asked, password)
	b.mu.Unlock()
	if b.fault != nil {
		if err := b.fault(ctx); err != nil {
			return false, err
		}
	}
	return password == spilled, nil
}

func newBreachSite(t *testing.T, b *breaches, required bool) *site {
	return newSite(t, func(c *auth.Config) { c.Passwords.Breaches, c.Passwords.BreachesRequired = b, required })
}

func signup(t *testing.T, s *site, email, password string) (*auth.User, *auth.SignupForm, error) {
	t.Helper()
	f := &auth.SignupForm{Email: email, Password: password, Confirm: password}
	u, err := s.m.Signup(t.Context(), f)
	return u, f, err
}

// OWASP ASVS 5.0, 6.2.12: a password that has leaked is refused where one is chosen.
func TestBreaches(t *testing.T) {
	s := newBreachSite(t, new(breaches), false)
	_, f, err := signup(t, s, ann, spilled)
	if auth.Status(err) != 422 || codeOf(err) != auth.CodeBreached || !strings.Contains(f.Errors.Get("password"), "leaked") {
		t.Errorf("signup: %v", err)
	}
	u, _, err := signup(t, s, ann, password)
	if err != nil {
		t.Fatal(err)
	}
	change := &auth.PasswordForm{Current: password, Password: spilled, Confirm: spilled}
	if err := s.m.ChangePassword(t.Context(), u, change); codeOf(err) != auth.CodeBreached || codeOf(change.Errors) != auth.CodeBreached {
		t.Errorf("change: %v, form %v", err, change.Errors)
	}
	if err := s.m.SetPassword(t.Context(), u, spilled); codeOf(err) != auth.CodeBreached {
		t.Errorf("set: %v", err)
	}
	if _, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password}); err != nil {
		t.Errorf("the password has changed: %v", err)
	}
	if n := s.hasher.hashed.Load(); n != 2 { // the decoy, and ann's
		t.Errorf("%d passwords were hashed", n)
	}
}

// The checker gets what would be stored, once, and nothing that is refused anyway.
func TestBreachesAreAskedLast(t *testing.T) {
	b := new(breaches)
	s := newBreachSite(t, b, true)
	for _, f := range []*auth.SignupForm{
		{Email: ann, Password: "short", Confirm: "short"},
		{Email: ann, Password: "passwordpassword", Confirm: "passwordpassword"},
		{Email: ann, Password: another, Confirm: "no"},
		{Email: "no email", Password: another, Confirm: another},
	} {
		s.m.Signup(t.Context(), f)
	}
	u, _, err := signup(t, s, ann, password)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
		s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: spilled})
	}
	s.m.ChangePassword(t.Context(), u, &auth.PasswordForm{Current: "wrong wrong wrong", Password: another, Confirm: another})
	change := &auth.PasswordForm{Current: password, Password: "cafe\u0301 " + another, Confirm: "cafe\u0301 " + another}
	if err := s.m.ChangePassword(t.Context(), u, change); err != nil {
		t.Fatal(err)
	}
	s.m.SetPassword(t.Context(), u, "short")
	if want := []string{password, "caf\u00e9 " + another}; !slices.Equal(b.asked, want) {
		t.Errorf("asked for %q, want %q", b.asked, want)
	}
}

// A checker that fails in whatever way leaves the door open, or closes it, as the
// policy says. Either way the operator learns of it, and the visitor nothing.
func TestBreachesFail(t *testing.T) {
	for name, fault := range map[string]func(context.Context) error{
		"error":                 func(context.Context) error { return errStore },
		"panic":                 func(context.Context) error { panic(errStore) },
		"slow":                  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"hangs":                 func(ctx context.Context) error { time.Sleep(time.Hour); return nil },
		"error of another kind": func(context.Context) error { return auth.ErrNotFound },
		"error for a form": func(context.Context) error {
			return auth.FormErrors{{Field: "password", Code: "x", Message: "SECRET-XYZ"}}
		},
	} {
		for _, required := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := newBreachSite(t, &breaches{fault: fault}, required)
				begin := time.Now()
				_, f, err := signup(t, s, ann, password)
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("%s: takes %v", name, took)
				}
				if required != errors.Is(err, auth.ErrUnchecked) || required != (auth.Status(err) == 503) || !required && err != nil {
					t.Errorf("%s, required %v: %v", name, required, err)
				}
				if _, err := s.store.UserByLogin(t.Context(), ann); required != errors.Is(err, auth.ErrNotFound) {
					t.Errorf("%s, required %v: the user: %v", name, required, err)
				}
				if e := s.event(auth.EventFailure); len(e) != 1 || e[0].Reason != "check for breaches" || e[0].Err == nil {
					t.Errorf("%s: events %+v", name, e)
				}
				if strings.Contains(s.logged.String(), password) || len(f.Errors) > 0 {
					t.Errorf("%s: log %s, form %v", name, s.logged.String(), f.Errors)
				}
				time.Sleep(2 * time.Hour) // whoever hangs has an end
			})
		}
	}
}

// Who hangs up while the checker is asked does not get around it.
func TestBreachesAndHangingUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newBreachSite(t, &breaches{fault: func(ctx context.Context) error { cancel(); <-ctx.Done(); return ctx.Err() }}, false)
	if _, err := s.m.Signup(ctx, &auth.SignupForm{Email: ann, Password: spilled, Confirm: spilled}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.store.UserByLogin(t.Context(), ann); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the user is there: %v", err)
	}
}
