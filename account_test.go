package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

// accountPages adds what users do with their whole account.
func (s *site) accountPages() {
	s.mux.HandleFunc("POST /email", func(w http.ResponseWriter, r *http.Request) {
		s.done(w, r, s.m.SetEmail(r.Context(), auth.CurrentUser(r.Context()), r.PostFormValue("email")))
	})
	s.mux.HandleFunc("POST /delete", func(w http.ResponseWriter, r *http.Request) {
		err := s.m.DeleteAccount(r.Context(), auth.CurrentUser(r.Context()))
		if err == nil && auth.CurrentUser(r.Context()) != nil {
			io.WriteString(w, "still here")
			return
		}
		s.done(w, r, err)
	})
}

func (s *site) user(email string) *auth.User {
	s.t.Helper()
	u, err := s.store.UserByLogin(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

const carol = "carol@example.com"

// Another address ends what was there before, and nothing here.
func TestSetEmail(t *testing.T) {
	s := newSite(t, nil)
	s.accountPages()
	here, there := s.browser(), s.browser()
	here.signup(ann)
	there.login(ann, password)
	s.browser().signup(bob)
	old := here.token()
	wantStatus(t, "no address", here.post("/email", "email", "carol"), 422)
	wantStatus(t, "bob's address", here.post("/email", "email", "BOB@example.com"), 409)
	wantWho(t, "there, after refusals", there, ann)
	if n := len(s.event(auth.EventFailure)); n != 0 {
		t.Errorf("%d failures: a taken address is none", n)
	}
	wantStatus(t, "change", here.post("/email", "email", " Carol@Example.com"), 303)
	wantWho(t, "here", here, carol)
	wantWho(t, "there", there, "nobody")
	wantWho(t, "the token that was here", here.with(old), "nobody")
	if s.user(carol).Confirmed.IsZero() {
		t.Error("the address does not count as confirmed")
	}
	wantStatus(t, "old address", s.browser().login(ann, password), 422)
	wantStatus(t, "new address", s.browser().login(carol, password), 303)
	if e := s.event(auth.EventEmailChanged); len(e) != 1 || e[0].UserID != s.user(carol).ID {
		t.Errorf("events %+v", e)
	}
}

func TestSetEmailErrors(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	s.browser().signup(bob)
	u := s.user(ann)
	if err := s.m.SetEmail(t.Context(), nil, carol); !errors.Is(err, auth.ErrNotLoggedIn) {
		t.Errorf("nobody: %v", err)
	}
	if err := s.m.SetEmail(t.Context(), u, bob); !errors.Is(err, auth.ErrExists) || u.Email != ann {
		t.Errorf("taken: %v, %v", err, u)
	}
	stale := *u
	if err := s.m.EndSessions(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if err := s.m.SetEmail(t.Context(), &stale, carol); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("credentials have changed: %v", err)
	}
	if err := s.m.SetEmail(t.Context(), u, carol); err != nil || u.Email != carol {
		t.Errorf("%v, %v", u, err)
	}
}

// Two who want one address at once: one gets it.
func TestParallelSetEmail(t *testing.T) {
	s := newSite(t, nil)
	var users []*auth.User
	for _, email := range []string{ann, bob} {
		s.browser().signup(email)
		users = append(users, s.user(email))
	}
	errs := make([]error, len(users))
	var all sync.WaitGroup
	for i, u := range users {
		all.Go(func() { errs[i] = s.m.SetEmail(t.Context(), u, carol) })
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v and %v", errs[0], errs[1])
	}
}

// A part of an account that an application keeps.
type part struct {
	name    string
	data    any
	deleted []string
	fails   error
}

func (p *part) hooks() auth.Hooks {
	return auth.Hooks{
		Export: func(context.Context, *auth.User) (string, any, error) { return p.name, p.data, p.fails },
		Delete: func(_ context.Context, u *auth.User) error {
			if p.fails == nil {
				p.deleted = append(p.deleted, u.ID)
			}
			return p.fails
		},
	}
}

func TestExport(t *testing.T) {
	p, none := &part{name: "orders", data: []string{"a mug"}}, &part{name: "orders"}
	s := newSite(t, func(c *auth.Config) { c.Hooks = []auth.Hooks{p.hooks(), none.hooks(), {}} })
	b := s.browser()
	b.signup(ann)
	s.browser().login(ann, password)
	s.browser().signup(bob)
	u := s.user(ann)
	all, err := s.m.Export(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Account struct {
			ID, Email string
			Confirmed *string
		}
		Sessions []struct{ Address string }
		Orders   []string
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Account.ID != u.ID || got.Account.Email != ann || got.Account.Confirmed != nil || len(got.Sessions) != 2 || len(got.Orders) != 1 {
		t.Errorf("%v: %s", err, text)
	}
	for _, secret := range []string{u.PasswordHash, u.Stamp, b.token(), bob} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
	none.data = 1
	if _, err := s.m.Export(t.Context(), u); err == nil || !strings.Contains(err.Error(), "orders") {
		t.Errorf("two parts of one name: %v", err)
	}
	none.data, p.fails = nil, errStore
	if _, err := s.m.Export(t.Context(), u); !errors.Is(err, errStore) {
		t.Errorf("a part that fails: %v", err)
	}
	if _, err := s.m.Export(t.Context(), nil); !errors.Is(err, auth.ErrNotLoggedIn) {
		t.Errorf("nobody: %v", err)
	}
}

// Nothing of a deleted account is left, or of use.
func TestDeleteAccount(t *testing.T) {
	p, last := new(part), &part{fails: errStore}
	s := newSite(t, func(c *auth.Config) { c.Hooks = []auth.Hooks{p.hooks(), last.hooks(), {}} })
	s.accountPages()
	here, there, bobs := s.browser(), s.browser(), s.browser()
	here.signup(ann)
	there.login(ann, password)
	bobs.signup(bob)
	u, token := s.user(ann), here.token()
	if err := s.store.PutCredential(t.Context(), &auth.Credential{Kind: "passkey", ID: "1", UserID: u.ID}); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "a part fails", here.post("/delete"), 500)
	wantWho(t, "after that", here, ann)
	last.fails = nil
	r := here.post("/delete")
	wantStatus(t, "delete", r, 303)
	for what, b := range map[string]*browser{"here": here, "there": there, "an old cookie": here.with(token)} {
		wantWho(t, what, b, "nobody")
	}
	wantWho(t, "bob", bobs, bob)
	wantStatus(t, "login", s.browser().login(ann, password), 422)
	if _, err := s.store.UserByID(t.Context(), u.ID); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the user: %v", err)
	}
	if _, err := s.store.Credential(t.Context(), "passkey", "1"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a credential: %v", err)
	}
	if len(p.deleted) != 2 || len(last.deleted) != 1 || last.deleted[0] != u.ID {
		t.Errorf("the application deleted %v and %v", p.deleted, last.deleted)
	}
	if e := s.event(auth.EventDeleted); len(e) != 1 || e[0].UserID != u.ID {
		t.Errorf("events %+v", e)
	}
	wantStatus(t, "another account of that address", s.browser().signup(ann), 303)
	if err := s.m.DeleteAccount(t.Context(), nil); !errors.Is(err, auth.ErrNotLoggedIn) {
		t.Errorf("nobody: %v", err)
	}
}

// The user is gone, and only the answer of the store is lost. Nobody can log in to try again, so the rest goes now.
func TestDeleteAccountWhoseAnswerIsLost(t *testing.T) {
	f := &storetest.Faulty{Store: memstore.New()}
	s := newSiteOn(t, f, nil)
	s.accountPages()
	here := s.browser()
	here.signup(ann)
	u := s.user(ann)
	if err := f.PutCredential(t.Context(), &auth.Credential{Kind: "passkey", ID: "1", UserID: u.ID}); err != nil {
		t.Fatal(err)
	}
	f.After = func(method string) error {
		if method == "DeleteUser" {
			return errStore
		}
		return nil
	}
	wantStatus(t, "delete", here.post("/delete"), 303)
	wantWho(t, "after that", here, "nobody")
	left, err := f.Sessions(t.Context(), u.ID)
	if _, key := f.Credential(t.Context(), "passkey", "1"); err != nil || len(left) > 0 || !errors.Is(key, auth.ErrNotFound) {
		t.Errorf("left: %d sessions (%v), and the credential: %v", len(left), err, key)
	}
	if n := len(s.event(auth.EventFailure)); n != 1 {
		t.Errorf("%d failures are recorded", n)
	}
}

// Where users, credentials and sessions are in three stores, all three are cleared; what fails is
// recorded, and lets nobody in.
func TestDeleteAccountInThreeStores(t *testing.T) {
	for _, failing := range []string{"", "DeleteUser", "DeleteCredentials", "DeleteSessions", "DeleteSession"} {
		fail := func(method string) error {
			if failing == method {
				return errStore
			}
			return nil
		}
		users, credentials, sessions := memstore.New(), memstore.New(), memstore.New()
		store := auth.Stores{
			UserStore:       &storetest.Faulty{Store: users, Before: fail},
			CredentialStore: &storetest.Faulty{Store: credentials, Before: fail},
			SessionStore:    &storetest.Faulty{Store: sessions, Before: fail},
		}
		s := newSiteOn(t, store, nil)
		s.accountPages()
		here, there := s.browser(), s.browser()
		here.signup(ann)
		there.login(ann, password)
		u := s.user(ann)
		if err := credentials.PutCredential(t.Context(), &auth.Credential{Kind: "passkey", ID: "1", UserID: u.ID}); err != nil {
			t.Fatal(err)
		}
		want := 303
		if failing == "DeleteUser" {
			want = 500
		}
		wantStatus(t, failing, here.post("/delete"), want)
		if failing == "DeleteUser" {
			wantWho(t, failing, here, ann)
			continue
		}
		wantWho(t, failing, here, "nobody")
		wantWho(t, failing, there, "nobody")
		left, _ := sessions.Sessions(t.Context(), u.ID)
		_, err := credentials.Credential(t.Context(), "passkey", "1")
		if failing == "" && (len(left) > 0 || err == nil) {
			t.Errorf("%d sessions and a credential (%v) are left", len(left), err)
		}
		if n := len(s.event(auth.EventFailure)); (n > 0) != (failing != "") {
			t.Errorf("%s: %d events of failure", failing, n)
		}
	}
}

// Who is disabled is out at once, and stays out; sessions do not come back with the account.
func TestDisable(t *testing.T) {
	s := newSite(t, nil)
	s.unwatched()
	b := s.browser()
	b.signup(ann)
	if err := s.m.Disable(t.Context(), nil); !errors.Is(err, auth.ErrNotLoggedIn) {
		t.Errorf("nobody is disabled: %v", err)
	}
	u := s.user(ann)
	if err := s.m.Disable(t.Context(), u); err != nil || u.Disabled.IsZero() {
		t.Fatalf("Disabled %v, error %v", u.Disabled, err)
	}
	since := u.Disabled
	wantWho(t, "disabled", b, "nobody")
	wantStatus(t, "login of who is disabled", s.browser().login(ann, password), 422)
	if err := s.m.Disable(t.Context(), u); err != nil || !u.Disabled.Equal(since) {
		t.Errorf("twice: Disabled %v, error %v", u.Disabled, err)
	}
	if err := s.m.Enable(t.Context(), u); err != nil || !s.user(ann).Disabled.IsZero() {
		t.Fatalf("enable: %v", err)
	}
	wantWho(t, "enabled, with the old session", b, "nobody")
	wantStatus(t, "login of who is enabled", s.browser().login(ann, password), 303)
	if n := len(s.event(auth.EventDisabled)) + len(s.event(auth.EventEnabled)); n != 3 {
		t.Errorf("%d events", n)
	}
}
