package email_test

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

const (
	bob        = "bob@example.com"
	newAddress = "ann@new.example"
)

// change asks for another address for ann, and returns the token in the nth mail.
func (s *site) change(n int) string {
	s.t.Helper()
	if err := s.links.SendChange(s.t.Context(), s.stored(), &auth.LoginForm{Email: newAddress}); err != nil {
		s.t.Fatal(err)
	}
	_, token := s.mail(n)
	return token
}

// by returns the user with that address.
func (s *site) by(address string) *auth.User {
	s.t.Helper()
	u, err := s.store.UserByLogin(s.t.Context(), address)
	if err != nil {
		s.t.Fatalf("%s: %v", address, err)
	}
	return u
}

func contact(c *email.Config) { c.Contact = "help@shop.example" }

func TestChange(t *testing.T) {
	s := newSite(t, 0, contact)
	id := s.user(confirmed).ID
	device, own := s.visitor(), s.visitor()
	want(t, "login", device.Login(ann, password), 200)
	want(t, "login", own.Login(ann, password), 200)
	want(t, "change", own.Post("/change", url.Values{"email": {" Ann@NEW.example "}}), 200)
	m, token := s.mail(1)
	if m.To != newAddress || m.Kind != email.KindChange || m.UserID != id || !strings.Contains(m.Text, "http://localhost/confirm?token=") || strings.Contains(m.Text, ann) {
		t.Errorf("to %s, kind %s, user %s:\n%s", m.To, m.Kind, m.UserID, m.Text)
	}
	for range 2 { // looking uses nothing up
		if c, err := s.links.Confirmation(t.Context(), token); err != nil || c.Email != newAddress || c.User.Email != ann {
			t.Errorf("%+v, %v", c, err)
		}
	}
	want(t, "no password, though logged in", own.Post("/confirm", confirmForm(token, "")), 422)
	want(t, "wrong password", own.Post("/confirm", confirmForm(token, another)), 422)
	if who(device) != ann || who(own) != ann || len(s.out.notices()) != 0 {
		t.Fatal("changed without the password")
	}

	before := own.Cookie("session").Value
	want(t, "confirm", own.Post("/confirm", confirmForm(token, password)), 200)
	if who(own) != newAddress || own.Cookie("session").Value == before || who(device) != "" {
		t.Errorf("the browser itself is %q, the other %q", who(own), who(device))
	}
	if u := s.by(newAddress); u.ID != id || u.Confirmed.IsZero() || !s.works(newAddress, password) {
		t.Errorf("%v, confirmed %v", u, u.Confirmed)
	}
	if n := s.notice(1); n.To != ann || n.Kind != email.KindEmailChanged || n.UserID != id {
		t.Errorf("the notice is for %s, kind %s, user %s", n.To, n.Kind, n.UserID)
	}
	for name, n := range map[string]int{auth.EventEmailChanged: 1, email.EventConfirmed: 1, email.EventNotified: 1, email.EventAsked: 1} {
		if got := s.event(name); got != n {
			t.Errorf("%d events %s, want %d", got, name, n)
		}
	}
	want(t, "the used link", own.Post("/confirm", confirmForm(token, password)), 404)
	fresh := s.visitor()
	want(t, "login with the old address", fresh.Login(ann, password), 422)
	want(t, "login", fresh.Login(newAddress, password), 200)
}

// works reports whether who has that address can log in with p.
func (s *site) works(address, p string) bool {
	s.t.Helper()
	_, err := s.m.Authenticate(s.t.Context(), &auth.LoginForm{Email: address, Password: p})
	return err == nil
}

// What is wrong with the form is told, and no mail is sent.
func TestChangeForms(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	c := s.visitor()
	want(t, "login", c.Login(ann, password), 200)
	for _, test := range []struct {
		form url.Values
		code string
	}{
		{url.Values{}, auth.CodeRequired},
		{url.Values{"email": {"ann"}}, auth.CodeInvalid},
		{url.Values{"email": {newAddress + "\r\nBcc: all@example.com"}}, auth.CodeInvalid},
		{url.Values{"email": {newAddress, bob}}, auth.CodeRepeated},
		{url.Values{"email": {ann}}, "same"},
		{url.Values{"email": {" ANN@Example.com"}}, "same"},
	} {
		r := c.Post("/change", test.form)
		if want(t, test.code, r, 422); !strings.Contains(r.Body, `[{"field":"email","code":"`+test.code+`","message":"`) {
			t.Errorf("%v: %s", test.form, r.Body)
		}
	}
	want(t, "a guest", s.visitor().Post("/change", url.Values{"email": {newAddress}}), 401)
	s.links.Close(t.Context())
	if n := len(s.out.sent()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

// A link to change the address logs nobody in, whoever opens it, and changes no session of theirs.
func TestChangeLogsNobodyIn(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(*site, *authtest.Client)
		after string
	}{
		"guest":                    {func(*site, *authtest.Client) {}, ""},
		"somebody else":            {func(s *site, c *authtest.Client) { s.bob(c) }, bob},
		"waits for another factor": {func(s *site, c *authtest.Client) { s.second = true; c.Login(ann, password) }, ""},
		"waits for a new password": {func(s *site, c *authtest.Client) {
			if err := s.m.MarkCompromised(s.t.Context(), s.stored()); err != nil {
				s.t.Error(err)
			}
			c.Login(ann, password)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 0, nil)
			s.user(confirmed)
			device, c := s.visitor(), s.visitor()
			want(t, "login", device.Login(ann, password), 200)
			test.begin(s, c)
			c.Get("/")
			want(t, "confirm", c.Post("/confirm", confirmForm(s.change(1), password)), 200)
			if who(c) != test.after || who(device) != "" {
				t.Errorf("logged in as %q, and elsewhere as %q", who(c), who(device))
			}
			s.by(newAddress)
		})
	}
}

// bob makes another user, as whom c is logged in.
func (s *site) bob(c *authtest.Client) *auth.User {
	s.t.Helper()
	u := authtest.User(s.t, s.m, bob)
	want(s.t, "login", c.Login(bob, password), 200)
	return u
}

// Whose the address is learns that somebody wants it, and the other does not learn that it is anybody's.
func TestChangeToATakenAddress(t *testing.T) {
	for name, test := range map[string]struct {
		user  func(*auth.User)
		mails int
	}{"confirmed": {confirmed, 1}, "unconfirmed": {nil, 1}, "disabled": {disabled, 0}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 0, nil)
			u := s.user(test.user)
			c := s.visitor()
			s.bob(c)
			want(t, "change", c.Post("/change", url.Values{"email": {ann}}), 200)
			s.links.Close(t.Context())
			mails := s.out.sent()
			if len(mails) != test.mails {
				t.Fatalf("%d mails, want %d", len(mails), test.mails)
			}
			for _, m := range mails {
				if m.To != ann || m.Kind != email.KindChangeTaken || m.UserID != u.ID || strings.Contains(m.Text+m.HTML, "token=") || strings.Contains(m.Text, bob) {
					t.Errorf("to %s, kind %s, user %s:\n%s", m.To, m.Kind, m.UserID, m.Text)
				}
			}
			for _, u := range []string{u.ID, s.by(bob).ID} {
				if links, err := s.store.Credentials(t.Context(), u, "change"); err != nil || len(links) != 0 {
					t.Errorf("a link was made: %v, %v", links, err)
				}
			}
		})
	}
}

// Who finds the address taken when they confirm gets no more than a link that is no good.
func TestChangeTakenMeanwhile(t *testing.T) {
	s := newSite(t, 0, nil)
	u := s.user(confirmed)
	c := s.visitor()
	want(t, "login", c.Login(ann, password), 200)
	token := s.change(1)
	other := authtest.UnconfirmedUser(t, s.m, newAddress)
	want(t, "confirm", c.Post("/confirm", confirmForm(token, password)), 404)
	if who(c) != ann || s.stored().Stamp != u.Stamp || s.by(newAddress).ID != other.ID {
		t.Error("something has changed")
	}
	if err := s.store.DeleteUser(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	want(t, "the link, once the address is free", c.Post("/confirm", confirmForm(token, password)), 404)
	s.links.Close(t.Context())
	if n := len(s.out.notices()); n != 0 || s.event(email.EventLink) != 2 {
		t.Errorf("%d notices, %d events", n, s.event(email.EventLink))
	}
}

// Two users wait for the same address: it is whose who confirms first.
func TestChangeTwoUsers(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	first := s.change(1)
	if err := s.links.SendChange(t.Context(), s.bob(s.visitor()), &auth.LoginForm{Email: newAddress}); err != nil {
		t.Fatal(err)
	}
	_, second := s.mail(2)
	want(t, "bob confirms", s.visitor().Post("/confirm", confirmForm(second, password)), 200)
	want(t, "ann confirms", s.visitor().Post("/confirm", confirmForm(first, password)), 404)
	if u := s.by(newAddress); u.ID == s.stored().ID {
		t.Error("it is ann's")
	}
}

// Somebody has got into a session, and asks for an address of theirs. What the owner does about it ends
// that, too, though the link is good for a day.
func TestPendingChangeEnds(t *testing.T) {
	for name, test := range map[string]struct {
		user func(*auth.User)
		do   func(*site) *authtest.Response
	}{
		"a reset": {confirmed, func(s *site) *authtest.Response {
			return s.visitor().Post("/reset", resetForm(s.forgot(2), another))
		}},
		"a new password": {confirmed, func(s *site) *authtest.Response {
			c := s.visitor()
			c.Login(ann, password)
			return c.Post("/password", passwordForm(password, another))
		}},
		"a confirmation": {nil, func(s *site) *authtest.Response {
			return s.visitor().Post("/confirm", confirmForm(s.resend(2), password))
		}},
		"another change": {confirmed, func(s *site) *authtest.Response {
			if err := s.links.SendChange(s.t.Context(), s.stored(), &auth.LoginForm{Email: "ann@other.example"}); err != nil {
				s.t.Error(err)
			}
			_, token := s.mail(2)
			return s.visitor().Post("/confirm", confirmForm(token, password))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 0, nil)
			s.user(test.user)
			theirs := s.change(1)
			want(t, "the owner", test.do(s), 200)
			for _, p := range []string{password, another} {
				want(t, "the link", s.visitor().Post("/confirm", confirmForm(theirs, p)), 404)
			}
			if _, err := s.store.UserByLogin(t.Context(), newAddress); !errors.Is(err, auth.ErrNotFound) {
				t.Errorf("the address has changed: %v", err)
			}
		})
	}
}

func passwordForm(current, p string) url.Values {
	return url.Values{"current": {current}, "password": {p}, "confirm": {p}}
}

// Who has not confirmed yet, as the address was misspelled, can mend it.
func TestChangeConfirms(t *testing.T) {
	s := newSite(t, time.Hour, nil)
	s.user(nil)
	want(t, "confirm", s.visitor().Post("/confirm", confirmForm(s.change(1), password)), 200)
	if s.by(newAddress).Confirmed.IsZero() {
		t.Error("not confirmed")
	}
}

// The password is limited behind this link, too.
func TestChangeIsNoWayAroundTheLimit(t *testing.T) { synctest.Test(t, testChangeIsNoWayAroundTheLimit) }

func testChangeIsNoWayAroundTheLimit(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	token, c := s.change(1), s.visitor()
	for range 5 {
		want(t, "wrong password", c.Post("/confirm", confirmForm(token, another)), 422)
	}
	want(t, "one too many", c.Post("/confirm", confirmForm(token, password)), 429)
	s.stored()
}

// Of many uses of one link one counts, and one notice is sent.
func TestParallelChanges(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	token := s.change(1)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 5 { // as many as may guess at a time
		wg.Go(func() {
			switch u, err := s.links.Confirm(t.Context(), token, &auth.LoginForm{Password: password}); {
			case err == nil && u.Email == newAddress && !u.Confirmed.IsZero():
				won.Add(1)
			case !errors.Is(err, email.ErrLink):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.links.Close(t.Context())
	if n := len(s.out.notices()); won.Load() != 1 || n != 1 {
		t.Errorf("%d won, %d notices", won.Load(), n)
	}
}

// What changes the credentials at that moment wins over another address.
func TestChangeLosesToAnotherPassword(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	token := s.change(1)
	var begun atomic.Bool
	s.store.Before = func(method string) error {
		if method == "UpdateUser" && begun.CompareAndSwap(false, true) {
			if err := s.m.SetPassword(t.Context(), s.stored(), another); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if _, err := s.links.Confirm(t.Context(), token, &auth.LoginForm{Password: password}); !errors.Is(err, email.ErrLink) || !s.opens(another) {
		t.Errorf("%v", err)
	}
}

// A link is good for the address that it was sent to, and for none that the store is made to say.
func TestChangeIsBoundToTheAddress(t *testing.T) {
	s := newSite(t, 0, nil)
	u := s.user(confirmed)
	token := s.change(1)
	links, err := s.store.Credentials(t.Context(), u.ID, "change")
	if err != nil || len(links) != 1 {
		t.Fatal(links, err)
	}
	c := links[0]
	c.Data = append(c.Data[:32:32], "eve@evil.example"...)
	if err := s.store.UpdateCredential(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want(t, "confirm", s.visitor().Post("/confirm", confirmForm(token, password)), 404)
	s.stored()
}

// A link to confirm is good for as long as those at the signup.
func TestChangeExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 0, func(c *email.Config) { c.ConfirmFor = time.Hour })
		s.user(confirmed)
		token := s.change(1)
		time.Sleep(time.Hour)
		want(t, "confirm", s.visitor().Post("/confirm", confirmForm(token, password)), 404)
	})
}
