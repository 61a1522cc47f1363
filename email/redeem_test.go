package email_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

func TestReset(t *testing.T) {
	s := newSite(t, 24*time.Hour, nil)
	s.user(nil)
	device, own, guest := s.visitor(), s.visitor(), s.visitor()
	want(t, "login", device.Login(ann, password), 200)
	want(t, "login", own.Login(ann, password), 200)
	first, token := s.forgot(1), s.forgot(2)
	if first == token {
		t.Error("the same token twice")
	}
	for range 2 { // looking uses nothing up
		if u, err := s.links.ResetUser(t.Context(), token); err != nil || u.Email != ann {
			t.Errorf("%v, %v", u, err)
		}
	}
	for _, form := range []url.Values{
		{"token": {token}, "password": {"short"}, "confirm": {"short"}},
		{"token": {token}, "password": {another}, "confirm": {third}},
		{"token": {token}, "password": {another, another}, "confirm": {another}},
		{"token": {token}},
	} {
		want(t, "a password to mend", guest.Post("/reset", form), 422)
	}
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "/reset", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-CSRF-Token", guest.Get("/").Field("csrf_token"))
	if err := s.links.Reset(t.Context(), token, auth.ParsePassword(r)); !errors.Is(err, auth.ErrFormType) {
		t.Errorf("no form: %v", err)
	}
	if !s.opens(password) || who(device) != ann {
		t.Error("a refused password changed something")
	}

	want(t, "reset", own.Post("/reset", resetForm(token, another)), 200)
	for name, c := range map[string]string{"the other device": who(device), "the browser itself": who(own)} {
		if c != "" {
			t.Errorf("%s is still logged in", name)
		}
	}
	if !s.opens(another) || s.stored().Confirmed.IsZero() {
		t.Error("no new password, or not confirmed")
	}
	for name, old := range map[string]string{"used": token, "earlier": first} {
		want(t, name+" link", guest.Post("/reset", resetForm(old, third)), 404)
	}
	want(t, "the old password", guest.Login(ann, password), 422)
	want(t, "the new password", guest.Login(ann, another), 200)

	want(t, "reset", guest.Post("/reset", resetForm(s.forgot(3), third)), 200)
	if who(guest) != "" {
		t.Error("the only session is still logged in")
	}
	clean := s.visitor()
	want(t, "reset", clean.Post("/reset", resetForm(token, third)), 404)
	if who(clean) != "" || s.event(email.EventConfirmed) != 1 {
		t.Errorf("logged in as %q, %d confirmations", who(clean), s.event(email.EventConfirmed))
	}
}

// A reset changes the password, and no other factor (ASVS 6.4.3).
func TestResetKeepsTheSecondFactor(t *testing.T) {
	s := newSite(t, 0, nil)
	u := s.user(confirmed)
	factor := &auth.Credential{Kind: "totp", ID: u.ID, UserID: u.ID, Data: []byte("seed"), Created: time.Now()}
	if err := s.store.PutCredential(t.Context(), factor); err != nil {
		t.Fatal(err)
	}
	s.second = true
	c := s.visitor()
	want(t, "the first factor", c.Login(ann, password), 401)
	want(t, "reset, while the second is awaited", c.Post("/reset", resetForm(s.forgot(1), another)), 200)
	if who(c) != "" {
		t.Error("the reset has logged in")
	}
	want(t, "the new password alone", c.Login(ann, another), 401)
	if who(c) != "" {
		t.Error("logged in without the second factor")
	}
	if kept, err := s.store.Credentials(t.Context(), u.ID, "totp"); err != nil || len(kept) != 1 {
		t.Errorf("%d credentials, %v", len(kept), err)
	}
}

// Who waits for a new password since theirs has leaked is not logged in by a reset.
func TestResetOfACompromisedPassword(t *testing.T) {
	s := newSite(t, 0, nil)
	if err := s.m.MarkCompromised(t.Context(), s.user(confirmed)); err != nil {
		t.Fatal(err)
	}
	c := s.visitor()
	if r := c.Login(ann, password); r.Status == 200 || who(c) != "" {
		t.Fatalf("login: %d", r.Status)
	}
	want(t, "reset", c.Post("/reset", resetForm(s.forgot(1), another)), 200)
	if who(c) != "" || s.stored().Compromised() {
		t.Errorf("logged in as %q, compromised: %v", who(c), s.stored().Compromised())
	}
	want(t, "login", c.Login(ann, another), 200)
}

// A server that is too busy uses no link up.
func TestBusyResetKeepsTheLink(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	token := s.forgot(1)
	h := &blocking{Hasher: s, seated: make(chan bool), leave: make(chan bool)}
	m, err := auth.New(s.store, &auth.Config{BaseURL: s.m.BaseURL(), Hasher: h, HashSeats: 1, HashWait: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	links, err := email.New(m, s.store, &email.Config{Mailer: s.out})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password}) })
	<-h.seated
	f := &auth.PasswordForm{Password: another, Confirm: another}
	if err := links.Reset(t.Context(), token, f); !errors.Is(err, auth.ErrBusy) {
		t.Errorf("busy: %v", err)
	}
	close(h.leave)
	wg.Wait()
	if !s.opens(password) {
		t.Error("the password has changed")
	}
	if err := s.links.Reset(t.Context(), token, f); err != nil || !s.opens(another) {
		t.Errorf("later: %v", err)
	}
}

// blocking is a Hasher that verifies when it is told to.
type blocking struct {
	auth.Hasher
	seated, leave chan bool
}

func (b *blocking) Verify(hash, p string) (ok, stale bool, err error) {
	b.seated <- true
	<-b.leave
	return b.Hasher.Verify(hash, p)
}

// Of many uses of one link one counts.
func TestParallelUses(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(nil)
	token := s.forgot(1)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			switch err := s.links.Reset(t.Context(), token, &auth.PasswordForm{Password: another, Confirm: another}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, email.ErrLink):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || !s.opens(another) {
		t.Errorf("%d of 50 won", won.Load())
	}
}

func TestParallelConfirmations(t *testing.T) {
	s := newSite(t, 0, nil)
	u := s.user(nil)
	token := s.resend(1)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 5 { // as many as may guess at a time
		wg.Go(func() {
			got, err := s.links.Confirm(t.Context(), token, &auth.LoginForm{Password: password})
			if err == nil && got.ID == u.ID && !got.Confirmed.IsZero() {
				won.Add(1)
			} else if !errors.Is(err, email.ErrLink) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || s.stored().Confirmed.IsZero() {
		t.Errorf("%d won", won.Load())
	}
}

// Two links of one user at the same time: the password is that of one of them, and the other is no
// good.
func TestTwoLinksAtOnce(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	first, second := s.forgot(1), s.forgot(2)
	var begun atomic.Bool
	s.store.Before = func(method string) error {
		if method == "UpdateUser" && begun.CompareAndSwap(false, true) {
			if err := s.links.Reset(t.Context(), second, &auth.PasswordForm{Password: third, Confirm: third}); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	err := s.links.Reset(t.Context(), first, &auth.PasswordForm{Password: another, Confirm: another})
	if !errors.Is(err, email.ErrLink) || !s.opens(third) {
		t.Errorf("%v; the password of the second: %v", err, s.opens(third))
	}
}

// Changes of something else at that moment lose neither the password nor the confirmation.
func TestResetBesideOtherUpdates(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(nil)
	token := s.forgot(1)
	var beside bool
	calls := 0
	s.store.Before = func(method string) error {
		if method != "UpdateUser" || beside {
			return nil
		}
		if calls++; calls%2 == 1 { // the first try for the password, and that for the confirmation
			beside = true
			if err := s.store.UpdateUser(t.Context(), s.stored()); err != nil {
				t.Error(err)
			}
			beside = false
		}
		return nil
	}
	if err := s.links.Reset(t.Context(), token, &auth.PasswordForm{Password: another, Confirm: another}); err != nil {
		t.Error(err)
	}
	if !s.opens(another) || s.stored().Confirmed.IsZero() || calls != 4 {
		t.Errorf("the new password: %v, confirmed %v, %d tries", s.opens(another), s.stored().Confirmed, calls)
	}
}

// What changes the credentials at that moment wins over a confirmation.
func TestConfirmLosesToAnotherPassword(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(nil)
	token := s.resend(1)
	var begun atomic.Bool
	s.store.Before = func(method string) error {
		if method == "UpdateUser" && begun.CompareAndSwap(false, true) {
			if err := s.m.SetPassword(t.Context(), s.stored(), another); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if _, err := s.links.Confirm(t.Context(), token, &auth.LoginForm{Password: password}); !errors.Is(err, email.ErrLink) || !s.stored().Confirmed.IsZero() {
		t.Errorf("%v, confirmed %v", err, s.stored().Confirmed)
	}
}

func TestConfirm(t *testing.T) {
	s := newSite(t, 24*time.Hour, nil)
	c := s.visitor()
	want(t, "signup", c.Signup(ann, password), 200)
	if who(c) != "" {
		t.Error("signup has logged in")
	}
	_, first := s.mail(1)
	token := s.resend(2)
	if u, err := s.links.Confirmation(t.Context(), token); err != nil || u.Email != ann || u.User.Email != ann {
		t.Errorf("%v, %v", u, err)
	}
	want(t, "login in the time of grace", c.Login(ann, password), 200)
	want(t, "no password, though logged in", c.Post("/confirm", confirmForm(token, "")), 422)
	want(t, "wrong password", c.Post("/confirm", confirmForm(token, another)), 422)
	if !s.stored().Confirmed.IsZero() {
		t.Fatal("confirmed without the password")
	}
	want(t, "confirm", c.Post("/confirm", confirmForm(token, password)), 200)
	if s.stored().Confirmed.IsZero() || who(c) != ann {
		t.Errorf("not confirmed, or logged out: %q", who(c))
	}
	for name, old := range map[string]string{"used": token, "earlier": first} {
		want(t, name+" link", c.Post("/confirm", confirmForm(old, password)), 404)
	}
	clean := s.visitor()
	want(t, "a link that is no good tells nothing of the password", clean.Post("/confirm", confirmForm(token, another)), 404)
	if who(clean) != "" {
		t.Error("logged in")
	}
}

// The password is limited behind a link as it is at the login.
func TestConfirmIsNoWayAroundTheLimit(t *testing.T) {
	synctest.Test(t, testConfirmIsNoWayAroundTheLimit)
}

func testConfirmIsNoWayAroundTheLimit(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(nil)
	token := s.resend(1)
	c := s.visitor()
	for range 5 {
		want(t, "wrong password", c.Post("/confirm", confirmForm(token, another)), 422)
	}
	want(t, "one too many", c.Post("/confirm", confirmForm(token, password)), 429)
	if !s.stored().Confirmed.IsZero() {
		t.Error("confirmed")
	}
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 30*time.Minute, nil)
		s.user(nil)
		c := s.visitor()
		want(t, "login in the time of grace", c.Login(ann, password), 200)
		time.Sleep(29 * time.Minute)
		if who(c) != ann {
			t.Error("the time of grace is too short")
		}
		time.Sleep(time.Minute)
		if who(c) != "" {
			t.Error("the session outlives the time of grace")
		}
		fresh := s.visitor()
		want(t, "login afterwards", fresh.Login(ann, password), 422)
		_, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
		for way, err := range map[string]error{"password": err, "another": email.Hooks(time.Minute).Login(nil, nil, s.stored(), nil)} {
			if !errors.Is(err, email.ErrUnconfirmed) || !errors.Is(err, auth.ErrBadLogin) {
				t.Errorf("%s: %v", way, err)
			}
		}
		want(t, "confirm", fresh.Post("/confirm", confirmForm(s.resend(1), password)), 200)
		if who(fresh) != "" || who(c) != ann {
			t.Errorf("after it: %q, %q", who(fresh), who(c))
		}
		want(t, "login", fresh.Login(ann, password), 200)
	})
}

// Somebody signs up with Ann's address before she does, and keeps a session. When Ann signs up, or asks
// for a password, everything of theirs ends, and what they chose is worthless.
func TestPreHijacking(t *testing.T) {
	for name, begin := range map[string]func(*site){
		"she signs up": func(s *site) { want(s.t, "signup", s.visitor().Signup(ann, another), 200) },
		"she forgets":  func(s *site) { want(s.t, "forgot", s.visitor().Post("/forgot", url.Values{"email": {ann}}), 200) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 24*time.Hour, nil)
			attacker := s.visitor()
			want(t, "signup", attacker.Signup(ann, password), 200)
			want(t, "login in the time of grace", attacker.Login(ann, password), 200)
			passkey := &auth.Credential{Kind: "passkey", ID: "theirs", UserID: s.stored().ID, Created: time.Now()}
			if err := s.store.PutCredential(t.Context(), passkey); err != nil {
				t.Fatal(err)
			}
			_, theirs := s.mail(1) // Ann gets it, and does not have the password
			want(t, "confirm", s.visitor().Post("/confirm", confirmForm(theirs, another)), 422)
			if !s.stored().Confirmed.IsZero() {
				t.Fatal("confirmed by the link alone")
			}

			begin(s)
			_, token := s.mail(2)
			if !s.opens(password) || who(attacker) != ann {
				t.Error("signing up again changed something")
			}
			owner := s.visitor()
			want(t, "reset", owner.Post("/reset", resetForm(token, third)), 200)
			if who(attacker) != "" {
				t.Error("the attacker is still logged in")
			}
			if _, err := s.store.Credential(t.Context(), "passkey", "theirs"); !errors.Is(err, auth.ErrNotFound) {
				t.Errorf("the attacker's passkey: %v", err)
			}
			want(t, "the attacker's password", attacker.Login(ann, password), 422)
			want(t, "the attacker's link", attacker.Post("/confirm", confirmForm(theirs, password)), 404)
			want(t, "the owner's password", owner.Login(ann, third), 200)
			if who(owner) != ann || s.stored().Confirmed.IsZero() {
				t.Error("the account is not the owner's")
			}
		})
	}
}
