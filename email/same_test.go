package email_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

// answer returns all of r but what is random or the time.
func answer(r *authtest.Response) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Status)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "Date" && name != "Set-Cookie" {
			fmt.Fprintln(&b, name, r.Header[name])
		}
	}
	for _, c := range r.Cookies() {
		fmt.Fprintln(&b, "cookie", c.Name, len(c.Value), c.MaxAge)
	}
	fmt.Fprintf(&b, "\n%s", r.Body)
	return b.String()
}

// work returns how often which part of the store and the hasher was called.
func (s *site) work() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.calls)
}

func (s *site) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
}

// A situation is one of those between which nobody must see a difference.
type situation struct {
	name  string
	user  func(*auth.User)   // nil: there is none
	token func(*site) string // to be sent along
	mails int                // that are sent
	other bool               // the work may be another, for whoever sees it has the token already
}

// Known and unknown get the same answer, and cost the same work: calls of every method of the
// store, of Hash and of Verify. What differs is sent by mail.
func TestAnswersAreAlike(t *testing.T) {
	known := func(name string, mails int, adjust func(*auth.User)) situation {
		return situation{name: name, user: adjust, mails: mails}
	}
	unconfirmed := func(*auth.User) {}
	both := func(u *auth.User) { confirmed(u); disabled(u) }
	for _, test := range []struct {
		name       string
		path       string
		form       url.Values
		status     int
		situations []situation
	}{
		{"login", "/login", url.Values{"email": {ann}, "password": {another}}, 422, []situation{
			{name: "unknown"}, known("wrong password", 0, confirmed), known("unconfirmed, wrong password", 0, unconfirmed), known("disabled", 0, both),
		}},
		{"signup", "/signup", url.Values{"email": {ann}, "password": {another}, "confirm": {another}}, 200, []situation{
			{name: "new", mails: 1}, known("confirmed", 1, confirmed), known("unconfirmed", 1, unconfirmed), known("disabled", 0, both),
		}},
		{"signup, a form to mend", "/signup", url.Values{"email": {ann}, "password": {"short"}}, 422, []situation{
			{name: "unknown"}, known("confirmed", 0, confirmed), known("unconfirmed", 0, unconfirmed),
		}},
		{"forgot", "/forgot", url.Values{"email": {ann}}, 200, []situation{
			{name: "unknown"}, known("confirmed", 1, confirmed), known("unconfirmed", 1, unconfirmed), known("disabled", 0, both),
		}},
		{"resend", "/resend", url.Values{"email": {ann}}, 200, []situation{
			{name: "unknown"}, known("confirmed", 0, confirmed), known("unconfirmed", 1, unconfirmed), known("disabled", 0, disabled),
		}},
		{"reset", "/reset", resetForm("", another), 404, badLinks((*site).forgot, (*site).resend, func(s *site, token string) error {
			return s.links.Reset(s.t.Context(), token, &auth.PasswordForm{Password: third, Confirm: third})
		})},
		{"confirm", "/confirm", confirmForm("", password), 404, badLinks((*site).resend, (*site).forgot, confirmToken)},
		{"change", "/change", url.Values{"email": {ann}}, 200, []situation{
			{name: "unknown", mails: 1}, known("confirmed", 1, confirmed), known("unconfirmed", 1, unconfirmed), known("disabled", 0, both), known("disabled, unconfirmed", 0, disabled),
		}},
		{"change to the user's own", "/change", url.Values{"email": {bob}}, 422, []situation{{name: "own"}}},
		{"confirm a change", "/confirm", confirmForm("", password), 404, badLinks((*site).change, (*site).forgot, confirmToken)},
	} {
		first, firstWork := "", ""
		for i, this := range test.situations {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, 0, nil)
				if this.user != nil {
					s.user(this.user)
				}
				form := maps.Clone(test.form)
				if this.token != nil {
					form.Set("token", this.token(s))
				}
				synctest.Wait()
				before := len(s.out.sent())
				c := s.visitor()
				if test.path == "/change" {
					s.bob(c)
					c.Get("/")
				}
				s.forget()
				got := answer(c.Post(test.path, form))
				work := s.work()
				synctest.Wait()
				if n := len(s.out.sent()) - before; n != this.mails {
					t.Errorf("%s, %s: %d mails, want %d", test.name, this.name, n, this.mails)
				}
				if i == 0 {
					first, firstWork = got, work
					if !strings.HasPrefix(got, fmt.Sprint(test.status, "\n")) {
						t.Errorf("%s, %s: %s", test.name, this.name, got)
					}
				}
				if got != first {
					t.Errorf("%s, %s: the answer is\n%s\nand not\n%s", test.name, this.name, got, first)
				}
				if work != firstWork && !this.other {
					t.Errorf("%s, %s: the work is\n%s\nand not\n%s", test.name, this.name, work, firstWork)
				}
			})
		}
	}
}

func confirmToken(s *site, token string) error {
	_, err := s.links.Confirm(s.t.Context(), token, &auth.LoginForm{Password: password})
	return err
}

// badLinks are the ways in which a link can be no good.
func badLinks(issue, foreign func(*site, int) string, use func(*site, string) error) []situation {
	change := func(f func(*site, *auth.User)) func(*site) string {
		return func(s *site) string {
			token := issue(s, 1)
			f(s, s.stored())
			return token
		}
	}
	store := func(f func(*auth.User)) func(*site) string {
		return change(func(s *site, u *auth.User) {
			f(u)
			if err := s.store.UpdateUser(s.t.Context(), u); err != nil {
				s.t.Error(err)
			}
		})
	}
	must := func(s *site, err error) {
		s.t.Helper()
		if err != nil {
			s.t.Error(err)
		}
	}
	user := func(*auth.User) {}
	return []situation{
		{name: "unknown", user: user, token: func(*site) string { return strings.Repeat("A", 43) }},
		{name: "another purpose", user: user, token: func(s *site) string { return foreign(s, 1) }},
		{name: "expired", user: user, token: func(s *site) string {
			token := issue(s, 1)
			time.Sleep(24*time.Hour + time.Second)
			return token
		}},
		{name: "used", user: user, token: func(s *site) string {
			token := issue(s, 1)
			must(s, use(s, token))
			return token
		}},
		{name: "an earlier one, after another was used", user: user, other: true, token: func(s *site) string {
			token := issue(s, 1)
			must(s, use(s, issue(s, 2)))
			return token
		}},
		{name: "malformed", user: user, other: true, token: func(s *site) string { return issue(s, 1) + "=" }},
		{name: "empty", user: user, other: true, token: func(s *site) string { return "" }},
		{name: "another email", user: user, other: true, token: store(func(u *auth.User) { u.Email = "new@example.com" })},
		{name: "disabled", user: user, other: true, token: store(disabled)},
		{name: "confirmed", user: user, other: true, token: store(confirmed)},
		{name: "another password", user: user, other: true, token: change(func(s *site, u *auth.User) {
			must(s, s.m.SetPassword(s.t.Context(), u, third))
		})},
		{name: "all sessions ended", user: user, other: true, token: change(func(s *site, u *auth.User) {
			must(s, s.m.EndSessions(s.t.Context(), u))
		})},
		{name: "deleted", user: user, other: true, token: change(func(s *site, u *auth.User) {
			must(s, s.store.DeleteUser(s.t.Context(), u.ID))
		})},
	}
}

// Who signs up with somebody's address and then logs in with the password of their own choice gets the
// same answer whether or not that made an account.
func TestUnconfirmedLoginTellsNothing(t *testing.T) {
	var seen [2][]string
	for i, user := range []func(*auth.User){nil, confirmed} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, 0, nil)
			if user != nil {
				s.user(user)
			}
			c := s.visitor()
			want(t, "signup", c.Signup(ann, another), 200)
			for range 8 { // the last of them are too many
				s.forget()
				seen[i] = append(seen[i], answer(c.Login(ann, another))+s.work())
			}
			if who(c) != "" {
				t.Errorf("logged in as %q", who(c))
			}
			if !strings.HasPrefix(seen[i][0], "422") || !strings.HasPrefix(seen[i][7], "429") {
				t.Errorf("answers %q", seen[i])
			}
		})
	}
	for n := range seen[0] {
		if seen[0][n] != seen[1][n] {
			t.Errorf("login %d, new: %s\nknown: %s", n, seen[0][n], seen[1][n])
		}
	}
}

// Whoever asks for mails that are not due keeps nobody from those that they need.
func TestMailsOfOthers(t *testing.T) {
	for name, user := range map[string]func(*auth.User){"confirmed": confirmed, "unconfirmed": func(*auth.User) {}, "new": nil} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, 0, nil)
			if user != nil {
				s.user(user)
			}
			form := url.Values{"email": {ann}, "password": {another}, "confirm": {another}}
			for range 4 {
				paths := []string{"/signup", "/resend"}
				if user == nil {
					paths = []string{"/forgot", "/resend"}
				}
				for _, path := range paths {
					want(t, "a stranger's "+path, s.visitor().Post(path, form), 200)
				}
			}
			synctest.Wait()
			before := len(s.out.sent())
			path := "/forgot"
			if user == nil {
				path = "/signup"
			}
			want(t, path, s.visitor().Post(path, form), 200)
			synctest.Wait()
			if n := len(s.out.sent()) - before; n != 1 {
				t.Errorf("%s: %d mails by %s, want 1", name, n, path)
			}
		})
	}
}

// A network that has asked for too many mails makes no account that gets none.
func TestThrottledSignup(t *testing.T) {
	s := newSite(t, 0, nil)
	c := s.visitor()
	for i := range 20 {
		want(t, "forgot", c.Post("/forgot", url.Values{"email": {fmt.Sprint(i, ann)}}), 200)
	}
	want(t, "a form to mend", c.Signup(ann, "short"), 422)
	want(t, "signup", c.Signup(ann, password), 429)
	if _, err := s.store.UserByLogin(t.Context(), ann); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("an account was made: %v", err)
	}
}

// Three mails of a kind and an hour go to an address, and twenty are sent for one network. Of the first limit
// nobody is told.
func TestMailLimits(t *testing.T) {
	for _, path := range []string{"/forgot", "/resend", "/signup", "/change"} {
		works := map[string]bool{}
		for _, user := range []func(*auth.User){nil, func(*auth.User) {}} {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, 0, nil)
				if user != nil {
					s.user(user)
				}
				c := s.visitor()
				if path == "/change" {
					s.bob(c)
					c.Get("/")
				}
				form := url.Values{"email": {ann}, "password": {another}, "confirm": {another}}
				var answers []string
				s.forget()
				for range 20 {
					answers = append(answers, answer(c.Post(path, form)))
				}
				if len(slices.Compact(answers)) != 1 || !strings.HasPrefix(answers[0], "200\n") {
					t.Errorf("%s: the answers are %q", path, answers)
				}
				r := c.Post(path, form)
				if r.Status != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "3600" || !strings.Contains(r.Body, auth.CodeThrottled) {
					t.Errorf("%s: the 21st: %s", path, answer(r))
				}
				synctest.Wait()
				mails := 3
				if user == nil {
					mails = map[string]int{"/signup": 1 + 3, "/change": 3}[path] // the link to confirm, and then the other
				}
				if n := len(s.out.sent()); n != mails {
					t.Errorf("%s: %d mails, want %d", path, n, mails)
				}
				time.Sleep(time.Hour)
				if c.Get("/"); path == "/change" {
					want(t, "login, since nothing was done for an hour", c.Login(bob, password), 200)
				}
				want(t, path+", an hour later", c.Post(path, form), 200)
				works[s.work()] = true
			})
		}
		if len(works) > 1 && path != "/signup" { // there the first is what the others are to the second
			t.Errorf("%s: the work is %v", path, works)
		}
	}
}

// Accounts cost nothing as long as nobody has to confirm them: however many a stranger makes, an address gets no more mails
// for it. Accounts that are confirmed keep each other from nothing.
func TestMailLimitsAreNotPerAccount(t *testing.T) {
	s := newSite(t, time.Hour, nil)
	for range 5 {
		f := &auth.SignupForm{Email: ann, Password: password, Confirm: password}
		if err := s.links.Signup(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if err := s.links.DeleteAccount(t.Context(), s.stored()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		u := authtest.UnconfirmedUser(t, s.m, fmt.Sprint("mallory", i, "@example.com"))
		if i >= 5 {
			u = authtest.User(t, s.m, fmt.Sprint("zoe", i, "@example.com"))
		}
		if err := s.links.SendChange(t.Context(), u, &auth.LoginForm{Email: newAddress}); err != nil {
			t.Fatal(err)
		}
	}
	s.links.Close(t.Context())
	kinds := map[string]int{}
	for _, m := range s.out.mails {
		kinds[m.Kind]++
	}
	if kinds[email.KindConfirm] != 3 || kinds[email.KindDeleted] != 3 || kinds[email.KindChange] != 3+5 {
		t.Errorf("the mails are %v", kinds)
	}
}
