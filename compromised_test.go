package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
)

// compromise marks ann's password.
func (s *site) compromise() {
	s.t.Helper()
	u, err := s.store.UserByLogin(s.t.Context(), ann)
	if err == nil {
		err = s.m.MarkCompromised(s.t.Context(), u)
	}
	if err != nil || !u.Compromised() {
		s.t.Fatalf("mark: %v, %t", err, u.Compromised())
	}
}

// passwordPage is what an application has at Config.PasswordURL.
func (s *site) passwordPage() {
	s.mux.Handle("/account/password", s.m.RequirePasswordChange(time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := auth.PendingPassword(r.Context())
		if u == nil {
			u = auth.CurrentUser(r.Context())
		}
		s.done(w, r, s.m.ChangePassword(r.Context(), u, auth.ParsePassword(r)))
	})))
}

func change(b *browser, current, next string) *response {
	return b.post("/account/password", "current", current, "password", next, "confirm", next)
}

// The next login leads to a new password, and nowhere else.
func TestMarkCompromised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.passwordPage()
		before := s.browser()
		before.signup(ann)
		s.compromise()
		s.compromise() // twice is once
		wantWho(t, "a session of before", before, "nobody")

		wantStatus(t, "a wrong password", s.browser().login(ann, another), 422)
		b := s.browser()
		wantStatus(t, "login", b.login(ann, password, "remember", "on"), 401)
		wantWho(t, "after the login", b, "nobody")
		for _, path := range []string{"/me", "/fresh"} {
			if r := b.get(path); r.Code != 303 || !strings.HasPrefix(r.Header().Get("Location"), "/account/password?next=") {
				t.Errorf("%s: %d to %q", path, r.Code, r.Header().Get("Location"))
			}
		}
		r := b.request("GET", "/me", nil)
		r.Header.Set("Accept", "application/json")
		if resp := b.do(r); resp.Code != 401 || !strings.Contains(resp.body(), "new_password_required") {
			t.Errorf("as JSON: %d %s", resp.Code, resp.body())
		}
		wantStatus(t, "reauthenticate", b.post("/reauth", "password", password), 401)
		wantStatus(t, "a wrong current password", change(b, another, another), 422)
		wantStatus(t, "the same password", change(b, password, password), 422)
		wantWho(t, "after the same password", b, "nobody")
		pending := b.token()
		wantStatus(t, "the change", change(b, password, another), 303)
		wantWho(t, "after the change", b, ann)
		wantWho(t, "the pending token", b.with(pending), "nobody")
		if c := b.cookies["session"]; c.MaxAge < 29*24*3600 {
			t.Errorf("who asked to be remembered is not: %v", c)
		}
		time.Sleep(20 * time.Minute)
		wantWho(t, "when a pending login would be over", b, ann)
		wantStatus(t, "the old password", s.browser().login(ann, password), 422)
		next := s.browser()
		wantStatus(t, "the new password", next.login(ann, another), 303)
		wantWho(t, "with the new password", next, ann)
	})
}

// A second factor is proved before, and need not be proved again.
func TestMarkCompromisedWithSecondFactor(t *testing.T) {
	toy := toyFactor{"123456"}
	s := newSite(t, func(c *auth.Config) { c.Hooks, c.SecondFactorURL = append(c.Hooks, toy.hooks()), "/otp" })
	toy.routes(s)
	s.passwordPage()
	s.browser().signup(ann)
	s.compromise()
	b := s.browser()
	wantStatus(t, "login", b.login(ann, password), 401)
	wantStatus(t, "change without the factor", change(b, password, another), 303)
	if got := b.get("/account/password").Header().Get("Location"); !strings.HasPrefix(got, "/otp") {
		t.Errorf("without the factor: to %q", got)
	}
	wantStatus(t, "the factor", b.post("/otp", "code", "123456"), 401)
	wantStatus(t, "the factor again", b.post("/otp", "code", "123456"), 422)
	wantWho(t, "before the change", b, "nobody")
	wantStatus(t, "the change", change(b, password, another), 303)
	wantWho(t, "after the change", b, ann)
}

// Ten minutes to think of one, and a stale hash stays marked when it is replaced.
func TestPendingPasswordEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.passwordPage()
		s.browser().signup(ann)
		s.compromise()
		s.hasher.Bcrypt = 5 // all hashes are stale now
		b := s.browser()
		wantStatus(t, "login", b.login(ann, password), 401)
		if n := len(s.event(auth.EventHashUpgraded)); n != 1 {
			t.Errorf("%d hashes upgraded", n)
		}
		u, _ := s.store.UserByLogin(t.Context(), ann)
		if !u.Compromised() {
			t.Error("the mark is gone with the stale hash")
		}
		time.Sleep(10 * time.Minute)
		if got := change(b, password, another).Header().Get("Location"); !strings.HasPrefix(got, "/login") {
			t.Errorf("too late: to %q", got)
		}
		wantStatus(t, "the old password, still", s.browser().login(ann, password), 401)
		u.PasswordHash = ""
		if err := s.store.UpdateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if err := s.m.MarkCompromised(t.Context(), u); err != nil || u.Compromised() {
			t.Errorf("a user without a password: %v, %t", err, u.Compromised())
		}
	})
}
