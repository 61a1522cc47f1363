package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
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
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/throttle"
)

const wrong = "AAAA BBBB CCCC DDDD EEEE FFFF"

// Who has the password is nobody until there was a code.
func TestPendingIsNobody(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	h.pending(c, ann)
	for _, path := range []string{"/", accountPath, "/account/sessions", "/account/password", "/account/export", "/account/delete", "/account/email", "/reauth"} {
		if r := c.Get(path); r.Status != 303 || !strings.HasPrefix(r.Location, codePath) {
			t.Errorf("GET %s: %d to %q", path, r.Status, r.Location)
		}
	}
	for path, form := range map[string]url.Values{
		accountPath: nil, accountPath + "/off": nil, accountPath + "/on": {"code": {codes[0]}}, "/account/sessions/revoke-all": nil, "/account/delete": nil,
		"/account/password": {"current": {authtest.Password}, "password": {another}, "confirm": {another}}, "/reauth": {"password": {authtest.Password}},
	} {
		if r := c.Post(path, form); r.Status != 303 || !strings.HasPrefix(r.Location, codePath) {
			t.Errorf("POST %s: %d to %q", path, r.Status, r.Location)
		}
	}
	if all := answer(t, program(c).Get(accountPath)); all["code"] != "second_factor_required" {
		t.Errorf("a program gets %v", all)
	}
	if h.left(ann) != 9 {
		t.Errorf("%d left", h.left(ann))
	}
	if guest := h.client().Get(codePath); guest.Location != "/login?next=%2Fcode" {
		t.Errorf("a guest gets %d to %q", guest.Status, guest.Location)
	}
}

// program makes the visitor one who prefers JSON.
func program(c *authtest.Client) *authtest.Client {
	c.Header = http.Header{"Accept": {"application/json"}}
	return c
}

func TestPendingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c, codes := h.enrolled(ann)
		h.pending(c, ann)
		time.Sleep(10*time.Minute + time.Second)
		want(t, give(c, codes[0]), 303, "/login")
		if h.left(ann) != 9 {
			t.Errorf("%d left", h.left(ann))
		}
	})
}

// A code counts once.
func TestReplay(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	want(t, give(h.pending(c, ann), codes[0]), 303, "/")
	r := give(h.pending(h.client(), ann), codes[0])
	want(t, r, 422, "")
	contains(t, r, "was used before")
	want(t, give(c, codes[0]), 422, "")
}

// unlimited returns the Codes of a Manager without limits, so that nothing but the store decides.
func unlimited(t *testing.T, store auth.Store) *Codes {
	t.Helper()
	limiter, err := throttle.New(auth.ThrottleStore(store), throttle.Rules{Others: map[string]throttle.Rule{Action: throttle.InsecureUnlimited}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}, Limiter: limiter, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &Codes{m, store}
}

func drawn(t testing.TB, c *Codes, u *auth.User) []string {
	t.Helper()
	codes, err := c.Draw(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// race calls f fifty times at once, and returns how many calls had no error.
func race(t *testing.T, f func() error) int {
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := f(); err == nil {
				won.Add(1)
			} else if !errors.Is(err, auth.ErrBadLogin) && !errors.Is(err, auth.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return int(won.Load())
}

func TestParallelUse(t *testing.T) {
	t.Run("memory", func(t *testing.T) { parallelUse(t, memstore.New()) })
	t.Run("SQLite", func(t *testing.T) {
		store, closeStore, err := open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer closeStore()
		parallelUse(t, store)
	})
}

func parallelUse(t *testing.T, store auth.Store) {
	c := unlimited(t, store)
	u := authtest.User(t, c.m, ann)
	codes := drawn(t, c, u)
	if n := race(t, func() error { return c.Activate(t.Context(), u, codes[0]) }); n != 1 {
		t.Errorf("%d of 50 made the sheet count", n)
	}
	for _, code := range codes[1:4] {
		if n := race(t, func() error { return c.Redeem(t.Context(), u, code) }); n != 1 {
			t.Errorf("%d of 50 got in with one code", n)
		}
	}
	if left, on, err := c.Left(t.Context(), u.ID); left != 6 || !on || err != nil {
		t.Errorf("%d left, %t, %v", left, on, err)
	}
}

// The same by HTTP: of many who have the password and one code one gets in.
func TestParallelLogins(t *testing.T) {
	h := newHouse(t)
	_, codes := h.enrolled(ann)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		c := h.pending(h.client(), ann)
		wg.Go(func() {
			if give(c, codes[0]).Status == 303 {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 8 got in", won.Load())
	}
}

// A code of somebody else does not count, and is not used up by who tries it.
func TestCodeOfAnother(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	other, others := h.enrolled(bob)
	want(t, give(h.pending(c, ann), others[0]), 422, "")
	want(t, give(h.pending(other, bob), others[0]), 303, "/")
	want(t, give(c, codes[0]), 303, "/")
}

// What one user has proved in a browser is nothing to the next one there.
func TestPendingOfAnother(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	_, others := h.enrolled(bob)
	h.pending(c, ann)
	h.pending(c, bob)
	want(t, give(c, codes[0]), 422, "")
	want(t, give(c, others[0]), 303, "/")
	contains(t, c.Get("/"), bob)
	if h.left(ann) != 9 {
		t.Errorf("%d of Ann's codes left", h.left(ann))
	}
	want(t, c.Logout(), 303, "/")
	h.pending(c, ann) // Bob's code counts for Bob
	if in(c) {
		t.Error("in by another's code")
	}
}

// Nobody gets at a code by asking often, and nobody is kept out for good by others who do.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c, codes := h.enrolled(ann)
		want(t, give(h.pending(c, ann), codes[0]), 303, "/") // a browser in which Ann is known from now on
		want(t, c.Logout(), 303, "/")

		thief := h.pending(h.client(), ann)
		for range 20 {
			want(t, give(thief, "ABC"), 422, "") // counts as no attempt
		}
		for range 9 { // and Ann's own one
			want(t, give(thief, wrong), 422, "")
		}
		r := give(thief, codes[1])
		want(t, r, 429, "")
		contains(t, r, "too many attempts")
		if r.Header.Get("Retry-After") != "900" {
			t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
		}
		want(t, give(h.pending(h.client(), ann), codes[1]), 429, "") // from elsewhere, too
		want(t, give(h.pending(c, ann), codes[1]), 303, "/")         // but not from Ann's own browser

		time.Sleep(15*time.Minute + time.Second)
		elsewhere := h.pending(h.client(), ann)
		want(t, give(elsewhere, codes[2]), 303, "/")
	})
}

// Without the rule nobody gets in, rather than anyone.
func TestRuleIsMissing(t *testing.T) {
	c := unlimited(t, memstore.New())
	u := authtest.User(t, c.m, ann)
	codes := drawn(t, c, u)
	if err := c.Activate(t.Context(), u, codes[0]); err != nil {
		t.Fatal(err)
	}
	c.m = authtest.New(t, nil)
	if err := c.Redeem(t.Context(), u, codes[1]); err == nil {
		t.Error("a guess that nobody counts")
	}
}

// Whatever a wrong code was once, or is to somebody else, it costs the same, also for who has no sheet.
func TestWrongCodesAreAlike(t *testing.T) {
	c := unlimited(t, memstore.New())
	store := &watched{Store: c.store.(auth.Store), calls: map[string]int{}}
	c.store = store
	u, other, none := authtest.User(t, c.m, ann), authtest.User(t, c.m, bob), authtest.User(t, c.m, "carol@example.com")
	sheet := func(u *auth.User) []string {
		codes := drawn(t, c, u)
		if err := c.Activate(t.Context(), u, codes[0]); err != nil {
			t.Fatal(err)
		}
		return codes
	}
	old, foreign := sheet(u), sheet(other)
	codes := sheet(u)
	try := func(u *auth.User, code string) map[string]int {
		return store.work(func() {
			if err := c.Redeem(t.Context(), u, code); err != auth.ErrBadLogin {
				t.Errorf("%v", err)
			}
		})
	}
	first := try(u, wrong)
	if len(first) == 0 {
		t.Error("nothing was looked up")
	}
	for name, work := range map[string]map[string]int{"used": try(u, codes[0]), "old": try(u, old[5]), "another's": try(u, foreign[5]), "no sheet": try(none, wrong)} {
		if !maps.Equal(work, first) {
			t.Errorf("%s: %v, want %v", name, work, first)
		}
	}
}

// A new sheet is the end of the one before, once it counts, and not earlier.
func TestNewSheet(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	old := h.enrol(c)
	codes := draw(t, c)
	want(t, give(h.pending(h.client(), ann), codes[1]), 422, "")
	want(t, give(h.pending(h.client(), ann), old[0]), 303, "/")
	want(t, c.Post(accountPath+"/on", url.Values{"code": {codes[0]}}), 303, accountPath)
	want(t, give(h.pending(h.client(), ann), old[1]), 422, "")
	want(t, give(h.pending(h.client(), ann), codes[1]), 303, "/")
	kept, err := h.store.Credentials(t.Context(), h.user(ann).ID, KindCode)
	if err != nil || len(kept) != 8 {
		t.Errorf("%d codes are kept, %v", len(kept), err)
	}
	want(t, c.Post(accountPath+"/on", url.Values{"code": {codes[2]}}), 422, "") // the draft is gone
}

// Of two sheets that are made at once the store decides, and the other's codes are gone.
func TestTwoSheetsAtOnce(t *testing.T) {
	c := unlimited(t, memstore.New())
	u := authtest.User(t, c.m, ann)
	store := &between{CredentialStore: c.store}
	late := &Codes{c.m, store}
	var codes []string
	store.before = func() { // the sheet that was counted on
		codes = drawn(t, c, u)
		if err := c.Activate(t.Context(), u, codes[0]); err != nil {
			t.Error(err)
		}
	}
	if err := late.Activate(t.Context(), u, drawn(t, c, u)[0]); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("the second: %v", err)
	}
	if kept, err := c.store.Credentials(t.Context(), u.ID, KindCode); len(kept) != 9 || err != nil {
		t.Errorf("%d codes are kept, %v", len(kept), err)
	}
	if err := c.Redeem(t.Context(), u, codes[1]); err != nil {
		t.Error(err)
	}
}

// between is a store in which something happens before a sheet is made the one that counts.
type between struct {
	auth.CredentialStore
	before func()
}

func (s *between) PutCredential(ctx context.Context, c *auth.Credential) error {
	if c.Kind == KindSheet {
		s.before()
	}
	return s.CredentialStore.PutCredential(ctx, c)
}

// What was drawn later takes the place of what was drawn before, and neither waits for ever.
func TestDrafts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unlimited(t, memstore.New())
		u := authtest.User(t, c.m, ann)
		first, second := drawn(t, c, u), drawn(t, c, u)
		if err := c.Activate(t.Context(), u, first[0]); !errors.Is(err, auth.ErrBadLogin) {
			t.Errorf("the first draft: %v", err)
		}
		time.Sleep(time.Hour)
		if err := c.Activate(t.Context(), u, second[0]); !errors.Is(err, auth.ErrBadLogin) {
			t.Errorf("after an hour: %v", err)
		}
	})
}

// Both proofs must be fresh to make another sheet, or to do without one; without a sheet, the password.
func TestFreshProofs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c := h.member(ann)
		time.Sleep(16 * time.Minute)
		want(t, c.Post(accountPath, nil), 303, "/reauth?next=%2F") // back to the page with the form
		want(t, c.Post("/reauth", url.Values{"password": {authtest.Password}}), 303, "/")
		codes := h.enrol(c)

		time.Sleep(16 * time.Minute)
		for _, path := range []string{accountPath, accountPath + "/on", accountPath + "/off"} {
			want(t, c.Post(path, nil), 303, "/reauth?next=%2F")
		}
		want(t, give(c, codes[0]), 303, "/")
		for _, path := range []string{accountPath, accountPath + "/on", accountPath + "/off"} {
			want(t, c.Post(path, nil), 303, "/reauth?next=%2Faccount%2Fcodes")
		}
		time.Sleep(16 * time.Minute)
		want(t, c.Post("/reauth", url.Values{"password": {authtest.Password}}), 303, "/")
		for _, path := range []string{accountPath, accountPath + "/on", accountPath + "/off"} {
			want(t, c.Post(path, nil), 303, "/code?next=%2Faccount%2Fcodes")
		}
		if h.left(ann) != 8 {
			t.Errorf("%d left", h.left(ann))
		}
		want(t, c.Post(codePath, url.Values{"code": {codes[1]}, "next": {accountPath}}), 303, accountPath)
		want(t, c.Post(accountPath+"/off", nil), 303, accountPath)
		if h.left(ann) != -1 {
			t.Error("still on")
		}
		want(t, h.client().Login(ann, authtest.Password), 303, "/")
	})
}

// Sessions in which nobody has shown a code end with the enrolment, and those that are pending.
func TestOtherSessions(t *testing.T) {
	h := newHouse(t)
	c, other := h.member(ann), h.client()
	want(t, other.Login(ann, authtest.Password), 303, "/")
	h.enrol(c)
	if in(other) || !in(c) {
		t.Errorf("the other is in: %t, this one: %t", in(other), in(c))
	}
	h.pending(other, ann)
	codes := h.enrol(c)
	want(t, give(other, codes[0]), 303, "/login")
}

// Had one of them been left, its next renewal would have asked for a code.
func TestRenewalAsksForTheFactor(t *testing.T) {
	for name, renew := range map[string]func(*house, *authtest.Client) *authtest.Response{
		"password": func(_ *house, c *authtest.Client) *authtest.Response {
			return c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {another}, "confirm": {another}})
		},
		"others": func(_ *house, c *authtest.Client) *authtest.Response {
			return c.Post("/account/sessions/revoke-others", nil)
		},
		"one more proof": func(_ *house, c *authtest.Client) *authtest.Response {
			return c.Post("/reauth", url.Values{"password": {authtest.Password}})
		},
	} {
		h := newHouse(t)
		c := h.member(ann)
		u := h.user(ann)
		codes := drawn(t, h.codes, u)
		if err := h.codes.Activate(t.Context(), u, codes[0]); err != nil {
			t.Fatal(err)
		}
		if !in(c) {
			t.Errorf("%s: out before", name)
		}
		renew(h, c)
		if r := c.Get("/"); r.Location != "/code?next=%2F" {
			t.Errorf("%s: %d to %q", name, r.Status, r.Location)
		}
		want(t, give(c, codes[1]), 303, "/")
	}
}

// A session in which a code was shown keeps that when it gets a new token.
func TestRenewalsKeepTheFactor(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	want(t, give(h.pending(c, ann), codes[0]), 303, "/")
	want(t, c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {another}, "confirm": {another}}), 303, "/account/password")
	if !in(c) {
		t.Error("out by a new password")
	}
	want(t, c.Post("/account/sessions/revoke-others", nil), 303, "/account/sessions")
	want(t, c.Post("/reauth", url.Values{"password": {another}}), 303, "/")
	sessions, err := h.m.Sessions(t.Context(), h.user(ann))
	if err != nil || len(sessions) != 1 || !sessions[0].Has(Factor) || !in(c) {
		t.Errorf("%+v, %v", sessions, err)
	}
}

// Who reads the user's mail gets a new password by it, and still needs a code.
func TestResetKeepsTheFactor(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	want(t, c.Post("/password/forgot", url.Values{"email": {ann}}), 303, "/password/forgot")
	r := c.Get(h.out.Link(h.out.Wait(t, ann, email.KindReset))).Follow()
	want(t, c.Post("/password/reset", url.Values{"token": {r.Field("token")}, "password": {another}, "confirm": {another}}), 303, "/password/reset")
	want(t, c.Login(ann, another), 303, codePath)
	if in(c) || h.left(ann) != 9 {
		t.Errorf("in: %t, %d left", in(c), h.left(ann))
	}
	want(t, give(c, codes[0]), 303, "/")
}

// A store that fails lets nobody in, uses up nothing that it did not say, and is not shown.
func TestStoreFails(t *testing.T) {
	h := newHouse(t)
	c, codes := h.enrolled(ann)
	h.store.failing("get " + KindSheet)
	r := c.Login(ann, authtest.Password)
	want(t, r, 500, "")
	if in(c) || strings.Contains(r.Body, errStore.Error()) {
		t.Errorf("in: %t\n%s", in(c), r.Body)
	}
	h.store.failing("")
	h.pending(c, ann)
	for _, call := range []string{"get " + KindSheet, "take " + KindCode, "get throttle", "update throttle"} { // in this order: the first count is no update
		h.store.failing(call)
		r, status := give(c, codes[0]), 500
		if strings.HasSuffix(call, "throttle") {
			status = 503
		}
		want(t, r, status, "")
		if strings.Contains(r.Body, errStore.Error()) {
			t.Errorf("%s: %s", call, r.Body)
		}
		h.store.failing("")
		if in(c) {
			t.Errorf("%s: in", call)
		}
	}
	want(t, give(c, codes[0]), 303, "/")
}

// A sheet that could not be stored does not count, and the one before does.
func TestEnrolmentFails(t *testing.T) {
	for _, call := range []string{"put " + KindCode, "take " + KindDraft, "update " + KindSheet, "get " + KindSheet} {
		h := newHouse(t)
		c := h.member(ann)
		old := h.enrol(c)
		codes := draw(t, c)
		h.store.failing(call)
		want(t, c.Post(accountPath+"/on", url.Values{"code": {codes[0]}}), 500, "")
		h.store.failing("")
		other := h.pending(h.client(), ann)
		want(t, give(other, codes[1]), 422, "")
		want(t, give(other, old[0]), 303, "/")
	}
}

// Codes of an old sheet that cannot be removed do not count all the same, and keep nobody from the new one.
func TestRemovingFails(t *testing.T) {
	for _, call := range []string{"take " + KindCode, "list " + KindCode} {
		h := newHouse(t)
		c := h.member(ann)
		old := h.enrol(c)
		codes := draw(t, c)
		h.store.failing(call)
		want(t, c.Post(accountPath+"/on", url.Values{"code": {codes[0]}}), 303, accountPath)
		h.store.failing("")
		other := h.pending(h.client(), ann)
		want(t, give(other, old[0]), 422, "")
		want(t, give(other, codes[1]), 303, "/")
		if h.left(ann) != 8 {
			t.Errorf("%d left", h.left(ann))
		}
	}
}

// Forms from elsewhere change nothing.
func TestForgery(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	h.enrol(c)
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	for _, path := range []string{codePath, accountPath, accountPath + "/on", accountPath + "/off"} {
		want(t, c.Post(path, nil), 403, "")
	}
	if h.left(ann) != 9 {
		t.Errorf("%d left", h.left(ann))
	}
}

// Headers that keep codes out of caches, histories and other sites.
func TestHeaders(t *testing.T) {
	h := newHouse(t)
	c := h.member(ann)
	r := c.Post(accountPath, nil)
	for name, value := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
		if r.Header.Get(name) != value {
			t.Errorf("%s is %q", name, r.Header.Get(name))
		}
	}
	if !strings.Contains(r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || r.Location != "" {
		t.Errorf("%v", r.Header)
	}
	want(t, c.Get("/codes.css"), 200, "")
	if s := fmt.Sprint(c.Get("/codes.css").Header["Content-Type"]); s != "[text/css; charset=utf-8]" {
		t.Error(s)
	}
}
