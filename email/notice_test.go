package email_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

// login returns a visitor who is logged in as ann.
func (s *site) login() *authtest.Client {
	s.t.Helper()
	c := s.visitor()
	want(s.t, "login", c.Login(ann, password), 200)
	return c
}

// An action is one of those after which the user is told, or is not.
type action struct {
	name   string
	user   func(*auth.User)
	do     func(*site) *authtest.Response
	kind   string // of the notice; "": there is none
	status int
}

var actions = []action{
	{"a password is changed", confirmed, func(s *site) *authtest.Response {
		return s.login().Post("/password", passwordForm(password, another))
	}, email.KindPasswordChanged, 200},
	{"a compromised one is changed", confirmed, func(s *site) *authtest.Response {
		if err := s.m.MarkCompromised(s.t.Context(), s.stored()); err != nil {
			s.t.Error(err)
		}
		c := s.visitor()
		want(s.t, "login", c.Login(ann, password), 401)
		r := c.Post("/password", passwordForm(password, another))
		if who(c) != ann {
			s.t.Error("not logged in")
		}
		return r
	}, email.KindPasswordChanged, 200},
	{"a password is reset", confirmed, func(s *site) *authtest.Response {
		return s.visitor().Post("/reset", resetForm(s.forgot(1), another))
	}, email.KindPasswordChanged, 200},
	{"the first password is chosen", nil, func(s *site) *authtest.Response {
		return s.visitor().Post("/reset", resetForm(s.forgot(1), another))
	}, "", 200},
	{"an address is confirmed", nil, func(s *site) *authtest.Response {
		return s.visitor().Post("/confirm", confirmForm(s.resend(1), password))
	}, "", 200},
	{"the address is changed", confirmed, func(s *site) *authtest.Response {
		return s.visitor().Post("/confirm", confirmForm(s.change(1), password))
	}, email.KindEmailChanged, 200},
	{"the account is deleted", confirmed, func(s *site) *authtest.Response {
		c := s.login()
		r := c.Post("/delete", nil)
		if who(c) != "" {
			s.t.Error("still logged in")
		}
		return r
	}, email.KindDeleted, 200},
	{"others may know the password", confirmed, func(s *site) *authtest.Response {
		if err := s.m.MarkCompromised(s.t.Context(), s.stored()); err != nil {
			s.t.Error(err)
		}
		return s.visitor().Get("/")
	}, "", 200},
	{"all sessions are ended", confirmed, func(s *site) *authtest.Response {
		s.login()
		if err := s.m.EndSessions(s.t.Context(), s.stored()); err != nil {
			s.t.Error(err)
		}
		return s.visitor().Get("/")
	}, "", 200},
	{"one session is ended", confirmed, func(s *site) *authtest.Response {
		s.login()
		u := s.stored()
		live, err := s.m.Sessions(s.t.Context(), u)
		if err != nil || len(live) != 1 {
			s.t.Fatal(len(live), err)
		}
		if err := s.m.EndSession(s.t.Context(), u, live[0].ID); err != nil {
			s.t.Error(err)
		}
		return s.visitor().Get("/")
	}, "", 200},
	{"the account is disabled", confirmed, func(s *site) *authtest.Response {
		c, u := s.login(), s.stored()
		u.Disabled = time.Now()
		if err := s.store.UpdateUser(s.t.Context(), u); err != nil {
			s.t.Error(err)
		}
		return c.Get("/")
	}, "", 200},
	{"a copy is made", confirmed, func(s *site) *authtest.Response {
		if _, err := s.m.Export(s.t.Context(), s.stored()); err != nil {
			s.t.Error(err)
		}
		return s.visitor().Get("/")
	}, "", 200},
	{"the current password is wrong", confirmed, func(s *site) *authtest.Response {
		return s.login().Post("/password", passwordForm(third, another))
	}, "", 422},
	{"the new password is short", confirmed, func(s *site) *authtest.Response {
		return s.login().Post("/password", passwordForm(password, "short"))
	}, "", 422},
	{"a guest changes a password", confirmed, func(s *site) *authtest.Response {
		return s.visitor().Post("/password", passwordForm(password, another))
	}, "", 401},
	{"a guest deletes", confirmed, func(s *site) *authtest.Response { return s.visitor().Post("/delete", nil) }, "", 401},
	{"a short password is set", confirmed, func(s *site) *authtest.Response {
		return s.visitor().Post("/reset", resetForm(s.forgot(1), "short"))
	}, "", 422},
	{"a change is asked for", confirmed, func(s *site) *authtest.Response {
		return s.login().Post("/change", url.Values{"email": {newAddress}})
	}, "", 200},
	{"the store fails, password", confirmed, func(s *site) *authtest.Response {
		c := s.login()
		s.fails("UpdateUser")
		return c.Post("/password", passwordForm(password, another))
	}, "", 500},
	{"the store fails, reset", confirmed, func(s *site) *authtest.Response {
		token := s.forgot(1)
		s.fails("UpdateUser")
		return s.visitor().Post("/reset", resetForm(token, another))
	}, "", 500},
	{"the store fails, address", confirmed, func(s *site) *authtest.Response {
		token := s.change(1)
		s.fails("UpdateUser")
		return s.visitor().Post("/confirm", confirmForm(token, password))
	}, "", 500},
	{"the store fails, account", confirmed, func(s *site) *authtest.Response {
		c := s.login()
		s.fails("DeleteUser")
		return c.Post("/delete", nil)
	}, "", 500},
}

// fails lets a method of the store fail from now on.
func (s *site) fails(method string) {
	s.store.Before = func(m string) error {
		if m == method {
			return errStore
		}
		return nil
	}
}

// What is done to an account is told once, to the address that it had; what is not done is not told.
func TestNotices(t *testing.T) {
	for _, test := range actions {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, 0, contact)
			id := s.user(test.user).ID
			want(t, test.name, test.do(s), test.status)
			s.links.Close(t.Context())
			notices := s.out.notices()
			if test.kind == "" {
				if len(notices) != 0 || s.event(email.EventNotified) != 0 {
					t.Errorf("%d notices, %d events", len(notices), s.event(email.EventNotified))
				}
				return
			}
			if len(notices) != 1 || s.event(email.EventNotified) != 1 {
				t.Fatalf("%d notices, %d events", len(notices), s.event(email.EventNotified))
			}
			m := notices[0]
			if m.To != ann || m.Kind != test.kind || m.UserID != id || !strings.Contains(m.Text, "help@shop.example") || !strings.Contains(m.Text, "If it was not you") {
				t.Errorf("to %s, kind %s, user %s:\n%s", m.To, m.Kind, m.UserID, m.Text)
			}
			for _, secret := range []string{"token", password, another, newAddress} {
				if strings.Contains(flat(m.Subject+m.Text+m.HTML), secret) {
					t.Errorf("%q is in\n%s", secret, m.Text)
				}
			}
		})
	}
}

// refusing is a mail server that takes no notices.
type refusing struct{ *outbox }

func (m refusing) Send(ctx context.Context, mail *email.Message) error {
	if isNotice(mail.Kind) {
		return errors.New("the mail server is down")
	}
	return m.outbox.Send(ctx, mail)
}

// A mail server that is down changes nothing for who does something.
func TestNoticesThatAreRefused(t *testing.T) {
	for _, test := range actions {
		if test.kind == "" {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			out := new(outbox)
			s := newSite(t, 0, func(c *email.Config) { c.Mailer, c.Tries = refusing{out}, 1 })
			s.out = out
			s.user(test.user)
			want(t, test.name, test.do(s), test.status)
			s.links.Close(t.Context())
			if lost := s.failures(); len(lost) != 1 {
				t.Errorf("lost: %q", lost)
			}
		})
	}
}

// So does a queue that is full, and nobody waits for it.
func TestNoticesAndAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 0, func(c *email.Config) { c.Mailer, c.QueueSize = &stuck{free: make(chan bool)}, 1 })
		u := s.user(confirmed)
		s.links.Notify(t.Context(), u, email.KindDeleted)
		c, begin := s.login(), time.Now()
		want(t, "change the password", c.Post("/password", passwordForm(password, another)), 200)
		if lost := s.failures(); len(lost) != 1 || !s.opens(another) || !time.Now().Equal(begin) {
			t.Errorf("lost: %q, after %v", lost, time.Since(begin))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.links.Close(ctx)
	})
}

// Who changes their own password often is told each time, but an address that nobody has confirmed is not flooded.
func TestNoticesOfTheUnconfirmed(t *testing.T) {
	for name, test := range map[string]struct {
		user    func(*auth.User)
		notices int
	}{"confirmed": {confirmed, 10}, "unconfirmed": {nil, 3}} {
		s := newSite(t, 0, nil)
		u := s.user(test.user)
		now, next := password, another
		for range 10 {
			if err := s.links.ChangePassword(t.Context(), u, &auth.PasswordForm{Current: now, Password: next, Confirm: next}); err != nil {
				t.Error(err)
			}
			now, next = next, now
		}
		s.links.Close(t.Context())
		if n := len(s.out.notices()); n != test.notices {
			t.Errorf("%s: %d notices, want %d", name, n, test.notices)
		}
	}
}

// Whoever knows the password logs in as often as they like: the user is told three times an hour, and not buried under it.
func TestNoticesOfLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 0, nil)
		u := s.user(confirmed)
		for hour := 1; hour <= 2; hour++ {
			for range 10 {
				s.links.Notify(t.Context(), u, email.KindNewBrowser)
			}
			synctest.Wait()
			if n := len(s.out.mails); n != 3*hour {
				t.Errorf("hour %d: %d mails so far, want %d", hour, n, 3*hour)
			}
			time.Sleep(time.Hour)
		}
	})
}

// Notify sends what is no notice to nobody, and says so.
func TestNotify(t *testing.T) {
	s := newSite(t, 0, nil)
	u := s.user(confirmed)
	s.links.Notify(t.Context(), nil, email.KindDeleted)
	s.links.Notify(t.Context(), u, "unheard_of")
	wrong := *u
	wrong.Email += "\r\nBcc: all@example.com"
	s.links.Notify(t.Context(), &wrong, email.KindDeleted)
	s.links.Close(t.Context())
	if lost := s.failures(); len(lost) != 2 || len(s.out.notices()) != 0 || len(s.out.sent()) != 0 {
		t.Errorf("lost: %q; %d mails", lost, len(s.out.mails))
	}

	s = newSite(t, 0, func(c *email.Config) {
		c.Write = func(_ context.Context, l email.Letter) email.Message {
			return email.Message{Subject: l.SiteName, Text: l.Kind + l.Contact + l.Link}
		}
		c.Contact = ", call us"
	})
	s.links.Notify(t.Context(), s.user(confirmed), "passkey_added")
	s.links.Close(t.Context())
	if mails := s.out.sent(); len(mails) != 1 || mails[0].Text != "passkey_added, call us" || mails[0].To != ann {
		t.Errorf("%+v", mails)
	}
}
