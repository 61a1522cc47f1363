package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
)

// Events are kept by an application, and shown here, page by page, each once.
func TestHistory(t *testing.T) {
	d := newDesk(t, nil)
	u := authtest.User(t, d.m, ann)
	d.run("", "users", "history", ann).want(0, "nothing is kept about "+ann, "keeps no audit trail")
	d.run("", "users", "history", ann, "-json").want(0)

	trail, err := audit.New(d.store, &audit.Config{PerDay: 3})
	must(t, err)
	tell := func(name, reason string) {
		trail.Hooks().Event(t.Context(), auth.Event{Time: u.Created, Name: name, UserID: u.ID, Reason: reason, Address: "192.0.2.7"})
	}
	tell("first", "")
	for range 5 {
		tell("second", "wrong \x1b]0;password\x07")
	}
	must(t, trail.Close(t.Context()))

	s := d.run("", "users", "history", ann).want(0, "192.0.2.7", "first", "2 more on this day", `\x1b]0;`)
	if strings.Contains(s.out, "\x1b") || s.err != "" {
		t.Errorf("got %q, %q", s.out, s.err)
	}
	var names []string
	before := ""
	for range 10 {
		entries, next := historyPage(t, d, before)
		if names = append(names, entries...); next == "" {
			break
		}
		before = next
	}
	if got := strings.Join(names, " "); got != "second second second first" {
		t.Errorf("pages of one have %q", got)
	}
	d.run("", "users", "history", ann, "-n", "3").want(0, "There is more: users history "+u.ID+" -n 3 -before ")
	d.run("", "users", "history", ann, "-before", "20000101.0").want(0, "nothing before that")
	d.run("", "users", "history", ann, "-before", "x").want(2, "-before")
	d.run("", "users", "history", ann, "-n", "0").want(2, "-n")
	d.run("", "users", "history", "bob@example.com").want(3)
}

// historyPage returns the names of the events on a page of one.
func historyPage(t *testing.T, d *desk, before string) (names []string, next string) {
	t.Helper()
	for line := range strings.Lines(d.run("", "users", "history", ann, "-json", "-n", "1", "-before", before).want(0).out) {
		var e struct{ Event, Before string }
		must(t, json.Unmarshal([]byte(line), &e))
		if next = e.Before; e.Event != "" {
			names = append(names, e.Event)
		}
	}
	return names, next
}

// An application may keep its trail elsewhere.
func TestHistoryOfAnotherTrail(t *testing.T) {
	d := newDesk(t, nil)
	u := authtest.User(t, d.m, ann)
	var err error
	d.app.Trail, err = audit.New(memstore.New(), nil)
	must(t, err)
	d.app.Trail.Hooks().Event(t.Context(), auth.Event{Time: u.Created, Name: "elsewhere", UserID: u.ID})
	d.run("", "users", "history", ann).want(0, "elsewhere")
}

// All sessions of everybody end, and with -links all links, of every kind that package email mails; nothing else goes.
func TestRevokeEverybody(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	bob := authtest.UnconfirmedUser(t, d.m, "bob@example.com")
	for i := range pageSize { // more than one page
		id := fmt.Sprint("more", i)
		must(t, d.store.CreateUser(t.Context(), &auth.User{ID: id, Email: id + "@example.com", Stamp: id, Created: bob.Created, Updated: bob.Created}))
	}
	b := d.browser()
	var box outbox
	links, err := email.New(d.m, d.store, &email.Config{Mailer: &box})
	must(t, err)
	mailAll(t, links, bob)
	must(t, d.store.PutCredential(t.Context(), &auth.Credential{Kind: "totp", ID: "1", UserID: bob.ID, Created: bob.Created}))

	revoke := []string{"sessions", "revoke", "-everybody"}
	d.run("y\n", revoke...).want(1, "say -yes")
	d.answer([]string{}, "n\n", revoke...).want(1, "nothing was changed")
	b.Get("/me").Want(200)
	d.run("", append(revoke, ann, "-yes")...).want(2)
	d.run("", append(revoke, "-all", "-yes")...).want(2)
	d.run("", "sessions", "revoke", ann, "-all", "-links", "-yes").want(2)
	d.run("", "sessions", "revoke", "-yes").want(2, "whose")

	d.answer([]string{}, "y\n", revoke...).want(0, "All sessions of 502 users have ended")
	b.Get("/me").WantLogin(d.m, "/me")
	kinds, err := d.store.CredentialKinds(t.Context(), bob.ID)
	must(t, err)
	if len(kinds) < 3 {
		t.Fatalf("bob has %v: links of every kind were to be there still", kinds)
	}
	d.run("", append(revoke, "-links", "-yes", "-json")...).want(0, `{"did":"revoke-everybody","links":true,"users":502}`)
	if kinds, err = d.store.CredentialKinds(t.Context(), bob.ID); err != nil || len(kinds) != 1 || kinds["totp"] != 1 {
		t.Errorf("bob has %v, error %v; want nothing but totp", kinds, err)
	}
}

// mailAll has links of all kinds mailed to u.
func mailAll(t *testing.T, links *email.Links, u *auth.User) {
	t.Helper()
	must(t, links.Forgot(t.Context(), &auth.LoginForm{Email: u.Email}))
	must(t, links.SendConfirmation(t.Context(), &auth.LoginForm{Email: u.Email}))
	must(t, links.SendChange(t.Context(), u, &auth.LoginForm{Email: "bobby@example.com", Password: authtest.Password}))
	must(t, links.Close(t.Context()))
}

// An interrupted run says how far it came, and that the same goes on.
func TestRevokeEverybodyInterrupted(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	authtest.User(t, d.m, "bob@example.com")
	list := d.store.Users
	ctx, cancel := context.WithCancel(t.Context())
	d.app.Config.Hooks = append(d.app.Config.Hooks, auth.Hooks{Event: func(context.Context, auth.Event) { cancel() }})
	d.app.Users = list
	o := newOperator(d.app)
	m, err := o.managed(o.root())
	must(t, err)
	if n, err := o.endAll(ctx, m, false); n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d users, error %v", n, err)
	}
}
