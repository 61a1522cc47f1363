package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	scsmem "github.com/alexedwards/scs/v2/memstore"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

// onSCS keeps sessions in a store that was made for scs.
func onSCS() auth.Stores {
	users := memstore.New()
	return auth.Stores{UserStore: users, CredentialStore: users, SessionStore: auth.SCSStore(scsmem.NewWithCleanupInterval(0))}
}

// slow lets others come between a look and the deed that follows.
type slow struct{ scs.Store }

func (s slow) Find(token string) ([]byte, bool, error) {
	defer time.Sleep(time.Millisecond)
	return s.Store.Find(token)
}

// A store for scs conforms, but for what needs a list of a user's sessions.
func TestSCSStoreConforms(t *testing.T) {
	s := onSCS()
	s.SessionStore = auth.SCSStore(slow{scsmem.NewWithCleanupInterval(0)})
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

func TestSCSStore(t *testing.T) {
	s := newSiteOn(t, onSCS(), nil)
	b, other := s.browser(), s.browser()
	b.signup(ann)
	other.login(ann, password)
	wantWho(t, "after signup", b, ann)
	b.post("/cart", "cart", "apples")
	if got := b.get("/cart").body(); got != "apples" {
		t.Errorf("the cart is %q", got)
	}
	before := b.token()
	wantStatus(t, "reauthentication", b.post("/reauth", "password", password), 303)
	wantWho(t, "the token of before", b.with(before), "nobody")
	before = b.token()
	wantStatus(t, "password", b.post("/password", "current", password, "password", another, "confirm", another), 303)
	wantWho(t, "here", b, ann)
	wantWho(t, "elsewhere, after the password changed", other, "nobody")
	wantWho(t, "the token of before the change", b.with(before), "nobody")
	before = b.token()
	wantStatus(t, "logout", b.post("/logout"), 303)
	wantWho(t, "the token of before the logout", b.with(before), "nobody")

	b.login(ann, another)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	if _, err := s.m.Sessions(t.Context(), u); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("listing: %v", err)
	}
	if err := s.m.EndSessions(t.Context(), u); err != nil {
		t.Error(err)
	}
	wantWho(t, "after an administrator ended all", b, "nobody")
}

func TestSCSStoreHoldsItsContract(t *testing.T) {
	store := auth.SCSStore(scsmem.NewWithCleanupInterval(0))
	ctx := t.Context()
	began := now()
	rec := func(id string) *auth.SessionRecord {
		return &auth.SessionRecord{ID: id, UserID: "u", Address: "a", Agent: "g", Data: []byte("d"), Created: began, LastSeen: began, Expires: began.Add(hour)}
	}
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("create", store.CreateSession(ctx, rec("1"), ""), nil)
	check("create again", store.CreateSession(ctx, rec("1"), ""), auth.ErrExists)
	got, u, err := store.Session(ctx, "1")
	if err != nil || u != nil || got.UserID != "u" || got.Address != "a" || got.Agent != "g" || string(got.Data) != "d" || !got.Created.Equal(began) || !got.LastSeen.Equal(began) {
		t.Errorf("session %+v, %v, %v", got, u, err)
	}
	check("replace", store.CreateSession(ctx, rec("2"), "1"), nil)
	check("replace what is gone", store.CreateSession(ctx, rec("3"), "1"), auth.ErrNotFound)
	_, _, err = store.Session(ctx, "1")
	check("the replaced one", err, auth.ErrNotFound)
	_, _, err = store.Session(ctx, "3")
	check("the one that replaced nothing", err, auth.ErrNotFound)
	touched := rec("2")
	touched.UserID, touched.Data, touched.LastSeen = "other", nil, now().Add(hour/2)
	check("touch", store.UpdateSession(ctx, touched), nil)
	if got, _, _ := store.Session(ctx, "2"); got.UserID != "u" || string(got.Data) != "d" || !got.LastSeen.Equal(touched.LastSeen) {
		t.Errorf("touched session %+v", got)
	}
	check("delete", store.DeleteSession(ctx, "2"), nil)
	check("delete again", store.DeleteSession(ctx, "2"), nil)
	check("update what is gone", store.UpdateSession(ctx, rec("2")), auth.ErrNotFound)
	_, _, err = store.Session(ctx, "2")
	check("after the update", err, auth.ErrNotFound)
	past := rec("4")
	past.Expires = now().Add(-1)
	check("create expired", store.CreateSession(ctx, past, ""), nil)
	_, _, err = store.Session(ctx, "4")
	check("expired", err, auth.ErrNotFound)
	_, err = store.DeleteSessions(ctx, "u", "")
	check("delete by user", err, errors.ErrUnsupported)
}
