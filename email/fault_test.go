package email_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

var errStore = errors.New("SECRET-XYZ: disk of db-3 is full")

var methods = []string{
	"CreateUser", "UpdateUser", "UserByID", "UserByLogin", "PutCredential", "Credential", "UpdateCredential", "TakeCredential",
	"DeleteCredentials", "CreateSession", "Session", "UpdateSession", "DeleteSession", "DeleteSessions", "Sessions",
}

// everyFault lets every method of the store fail at each of its calls, before and after its effect,
// once or from then on. It calls walk until the fault does not come about, with a function that
// begins it and one that ends it.
func everyFault(t *testing.T, walk func(t *testing.T, begin func(*site), end func(*site))) {
	for _, method := range methods {
		for nth := 1; nth <= 12; nth++ {
			happened := false
			for _, kind := range []string{"before", "after", "from then on"} {
				calls, active := 0, false
				fail := func(m string) error {
					if !active || m != method {
						return nil
					}
					if calls++; calls < nth || calls > nth && kind != "from then on" {
						return nil
					}
					happened = true
					return errStore
				}
				begin := func(s *site) {
					calls, active = 0, true
					if kind == "after" {
						s.store.After = fail
					} else {
						s.store.Before = fail
					}
				}
				end := func(*site) { active = false }
				if !t.Run(method+" "+kind, func(t *testing.T) { walk(t, begin, end) }) {
					t.Errorf("call %d", nth)
				}
			}
			if !happened {
				break
			}
		}
	}
}

// quiet checks that an answer tells nothing of the inside.
func quiet(t *testing.T, r *authtest.Response) {
	t.Helper()
	if strings.Contains(r.Body, "SECRET") {
		t.Errorf("the answer is %s", r.Body)
	}
}

// Whatever fails in a reset: one password counts, never a new one while the link is still good or
// an old session open; and nobody is logged in.
func TestResetFaults(t *testing.T) {
	login := func(s *site, c *authtest.Client) { c.Login(ann, password) }
	for name, test := range map[string]struct {
		user  func(*auth.User)
		begin func(*site, *authtest.Client)
	}{
		"confirmed":   {confirmed, func(*site, *authtest.Client) {}},
		"unconfirmed": {nil, func(*site, *authtest.Client) {}},
		"logged in":   {confirmed, login},
		"compromised": {confirmed, func(s *site, c *authtest.Client) {
			if err := s.m.MarkCompromised(s.t.Context(), s.stored()); err != nil {
				s.t.Error(err)
			}
			login(s, c)
		}},
	} {
		t.Run(name, func(t *testing.T) { resetFaults(t, test.user, test.begin) })
	}
}

func resetFaults(t *testing.T, user func(*auth.User), before func(*site, *authtest.Client)) {
	everyFault(t, func(t *testing.T, begin, end func(*site)) {
		s := newSite(t, time.Hour, nil)
		u := s.user(user)
		if err := s.store.PutCredential(t.Context(), &auth.Credential{Kind: "passkey", ID: "1", UserID: u.ID, Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
		device, c := s.visitor(), s.visitor()
		device.Login(ann, password)
		before(s, c)
		was := who(c)
		token := s.forgot(1)
		begin(s)
		r := c.Post("/reset", resetForm(token, another))
		end(s)
		quiet(t, r)
		if now := who(c); now != "" && (now != was || s.opens(another)) {
			t.Error("logged in")
		}
		c.Get("/") // for the token of whatever session there is now
		switch {
		case s.opens(another):
			if who(device) != "" {
				t.Error("a session of before is open")
			}
			want(t, "the link, afterwards", c.Post("/reset", resetForm(token, third)), 404)
		case s.opens(password):
			if r.Status == 200 {
				t.Error("success without a new password")
			}
		default:
			t.Error("no password counts")
		}
		keys, err := s.store.Credentials(t.Context(), u.ID, "passkey")
		if err != nil || user == nil && (s.opens(another) || !s.stored().Confirmed.IsZero()) && len(keys) > 0 {
			t.Errorf("the owner is in, or confirmed, and so is what may be somebody else's: %v, %v", keys, err)
		}
		want(t, "another link", s.visitor().Post("/reset", resetForm(s.forgot(2), third)), 200)
		c.Get("/")
		want(t, "login", c.Login(ann, third), 200)
	})
}

// Whatever fails at a confirmation: it counts or does not, with a link that is used up or not, and
// the user can go on.
func TestConfirmFaults(t *testing.T) {
	everyFault(t, func(t *testing.T, begin, end func(*site)) {
		s := newSite(t, 0, nil)
		s.user(nil)
		c := s.visitor()
		token := s.resend(1)
		begin(s)
		r := c.Post("/confirm", confirmForm(token, password))
		end(s)
		quiet(t, r)
		if who(c) != "" || !s.opens(password) {
			t.Errorf("logged in as %q, or another password", who(c))
		}
		if s.stored().Confirmed.IsZero() {
			if r.Status == 200 {
				t.Error("success without effect")
			}
			want(t, "another link", c.Post("/confirm", confirmForm(s.resend(2), password)), 200)
		} else {
			want(t, "the link, afterwards", c.Post("/confirm", confirmForm(token, password)), 404)
		}
		want(t, "login", c.Login(ann, password), 200)
	})
}

// Whatever fails at a change of address: one of the two counts, and nobody is logged in by it. If it is
// told to have succeeded, the old address knows.
func TestChangeFaults(t *testing.T) {
	for _, visitor := range []string{"guest", "ann"} {
		everyFault(t, func(t *testing.T, begin, end func(*site)) {
			s := newSite(t, 0, nil)
			s.user(confirmed)
			device, c := s.login(), s.visitor()
			if visitor == "ann" {
				c = s.login()
				c.Get("/")
			}
			token := s.change(1)
			begin(s)
			r := c.Post("/confirm", confirmForm(token, password))
			end(s)
			quiet(t, r)
			_, err := s.store.UserByLogin(t.Context(), newAddress)
			address := newAddress
			if err != nil {
				address = s.stored().Email
			}
			if now := who(c); now != "" && (now != address || visitor == "guest") {
				t.Errorf("logged in as %q", now)
			}
			c.Get("/")
			if address == newAddress {
				if who(device) != "" {
					t.Error("a session of before is open")
				}
				want(t, "the link, afterwards", c.Post("/confirm", confirmForm(token, password)), 404)
			}
			s.links.Close(t.Context())
			n := len(s.out.notices())
			if r.Status == 200 && (address != newAddress || n != 1) || address != newAddress && n != 0 {
				t.Errorf("status %d, the address is %s, %d notices", r.Status, address, n)
			}
			want(t, "login", s.visitor().Login(address, password), 200)
		})
	}
}

// Whatever fails when a mail is asked for: known and unknown get the same answer.
func TestAskFaults(t *testing.T) {
	for _, path := range []string{"/signup", "/forgot", "/resend", "/change"} {
		form := url.Values{"email": {ann}, "password": {another}, "confirm": {another}}
		everyFault(t, func(t *testing.T, begin, end func(*site)) {
			var answers []string
			for _, user := range []func(*auth.User){nil, confirmed, func(*auth.User) {}} {
				s := newSite(t, 0, nil)
				if user != nil {
					s.user(user)
				}
				c, visitor := s.visitor(), ""
				if path == "/change" {
					visitor = bob
					s.bob(c)
					c.Get("/")
				}
				begin(s)
				r := c.Post(path, form)
				end(s)
				quiet(t, r)
				answers = append(answers, answer(r))
				s.links.Close(t.Context())
				if r.Status >= 500 && len(s.out.sent()) > 0 || who(c) != visitor && who(c) != "" {
					t.Errorf("%s: %d, %d mails, logged in as %q", path, r.Status, len(s.out.sent()), who(c))
				}
			}
			for _, other := range answers[1:] {
				if name := t.Name(); strings.Contains(name, "/CreateUser_after") || strings.Contains(name, "/UserByLogin_after") {
					continue // who is not created, or not found, has no such fault
				}
				if other != answers[0] {
					t.Errorf("%s: the answers are %q", path, answers)
				}
			}
		})
	}
}

// A link that cannot be read is no link that is no good.
func TestUnreadableLink(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(nil)
	token := s.forgot(1)
	s.store.Before = func(method string) error {
		if method == "Credential" {
			return errStore
		}
		return nil
	}
	if _, err := s.links.ResetUser(t.Context(), token); errors.Is(err, email.ErrLink) || auth.Status(err) != 500 {
		t.Error(err)
	}
	if s.event(auth.EventFailure) != 1 {
		t.Error("no event")
	}
}

// Until the new password counts whoever made the account can add to it: that goes, too, or else the account
// stays unconfirmed.
func TestResetEvictsToTheEnd(t *testing.T) {
	for name, fails := range map[string]int{"nothing fails": 0, "the second removal fails": 2} {
		s := newSite(t, 0, nil)
		u := s.user(nil)
		token := s.forgot(1)
		updates, removals := 0, 0
		s.store.Before = func(method string) error {
			switch method {
			case "UpdateUser":
				if updates++; updates > 1 {
					return nil
				}
				return s.store.Store.PutCredential(t.Context(), &auth.Credential{Kind: "passkey", ID: "late", UserID: u.ID, Created: time.Now()})
			case "DeleteCredentials":
				if removals++; removals == fails {
					return errStore
				}
			}
			return nil
		}
		r := s.visitor().Post("/reset", resetForm(token, another))
		s.store.Before = nil
		_, err := s.store.Credential(t.Context(), "passkey", "late")
		gone := errors.Is(err, auth.ErrNotFound)
		if confirmed := !s.stored().Confirmed.IsZero(); confirmed != (fails == 0) || confirmed != (r.Status == 200) || confirmed && !gone {
			t.Errorf("%s: status %d, confirmed %v, the passkey is gone: %v", name, r.Status, confirmed, gone)
		}
	}
}
