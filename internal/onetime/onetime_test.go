package onetime_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/onetime"
	"github.com/vestibule-go/auth/memstore"
)

// fixture returns secrets of two purposes, and a user.
func fixture(t *testing.T) (s, foreign onetime.Secrets, u *auth.User) {
	t.Helper()
	store := memstore.New()
	u = &auth.User{ID: "1", Email: "ann@example.com", Stamp: "s", Created: time.Now()}
	if err := store.CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	return onetime.Secrets{Store: store, Kind: "reset", For: time.Hour}, onetime.Secrets{Store: store, Kind: "confirm", For: time.Hour}, u
}

func issue(t *testing.T, s onetime.Secrets, u *auth.User) string {
	t.Helper()
	secret, err := s.Issue(t.Context(), u, "")
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// bad checks that a secret is as good as none, in one way only.
func bad(t *testing.T, what string, s onetime.Secrets, secret string) {
	t.Helper()
	if found, err := s.Peek(t.Context(), secret); found != nil || err != auth.ErrNotFound {
		t.Errorf("%s: Peek returned %v, %v", what, found, err)
	}
	if found, err := s.Redeem(t.Context(), secret); found != nil || err != auth.ErrNotFound {
		t.Errorf("%s: Redeem returned %v, %v", what, found, err)
	}
}

func TestSecret(t *testing.T) {
	s, foreign, u := fixture(t)
	secret := issue(t, s, u)
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil || len(raw) != 32 {
		t.Errorf("%q has %d bytes, %v", secret, len(raw), err)
	}
	kept, err := s.Store.Credentials(t.Context(), u.ID, "reset")
	if err != nil || len(kept) != 1 || kept[0].ID == secret || strings.Contains(string(kept[0].Data), secret) {
		t.Errorf("the store has %+v, %v", kept, err)
	}
	for range 2 {
		if found, err := s.Peek(t.Context(), secret); err != nil || found.User.ID != u.ID {
			t.Errorf("Peek: %v, %v", found, err)
		}
	}
	bad(t, "another purpose", foreign, secret)
	bad(t, "empty", s, "")
	bad(t, "padded", s, secret+"=")
	bad(t, "short", s, secret[:42])
	bad(t, "spaces", s, secret+"\n")
	last := strings.IndexByte(alphabet, secret[42])
	bad(t, "the same bits, written otherwise", s, secret[:42]+string(alphabet[last+1]))
	bad(t, "the stored hash", s, kept[0].ID)

	spent, err := s.Redeem(t.Context(), secret)
	if err != nil || spent.User.Email != u.Email {
		t.Fatalf("Redeem: %v, %v", spent, err)
	}
	bad(t, "used", s, secret)
	if err := s.Restore(t.Context(), spent); err != nil {
		t.Error(err)
	}
	if _, err := s.Redeem(t.Context(), secret); err != nil {
		t.Errorf("restored: %v", err)
	}
}

// What a secret is for comes back with it, and is covered by it.
func TestPayload(t *testing.T) {
	s, _, u := fixture(t)
	for _, payload := range []string{"", "new@example.com", strings.Repeat("ü", 500)} {
		secret, err := s.Issue(t.Context(), u, payload)
		if err != nil {
			t.Fatal(err)
		}
		kept := credential(t, s, secret)
		for range 2 {
			if found, err := s.Peek(t.Context(), secret); err != nil || found.Payload != payload {
				t.Errorf("Peek: %v, %v", found, err)
			}
		}
		for name, data := range map[string][]byte{
			"another":   append(kept.Data[:32:32], "eve@example.com"...),
			"longer":    append(kept.Data[:len(kept.Data):len(kept.Data)], 'x'),
			"cut":       kept.Data[:len(kept.Data)-1],
			"no digest": []byte(payload),
			"nothing":   nil,
		} {
			changed := *kept
			changed.Data = data
			if err := s.Store.UpdateCredential(t.Context(), &changed); err != nil {
				t.Fatal(err)
			}
			if found, err := s.Peek(t.Context(), secret); found != nil || err != auth.ErrNotFound {
				t.Errorf("%s: %v, %v", name, found, err)
			}
			kept.Version = changed.Version
		}
		if err := s.Store.UpdateCredential(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		if found, err := s.Redeem(t.Context(), secret); err != nil || found.Payload != payload {
			t.Errorf("Redeem: %v, %v", found, err)
		}
	}

	// That of nobody's secret is not kept.
	secret, err := s.Issue(t.Context(), nil, "new@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if c := credential(t, s, secret); strings.Contains(string(c.Data), "new") || len(c.Data) != 32+len("new@example.com") {
		t.Errorf("the store has %q", c.Data)
	}
}

// credential returns what the store has of a secret.
func credential(t *testing.T, s onetime.Secrets, secret string) *auth.Credential {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	c, err := s.Store.Credential(t.Context(), s.Kind, base64.RawURLEncoding.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, u := fixture(t)
		first, second := issue(t, s, u), issue(t, s, u)
		time.Sleep(time.Hour - time.Second)
		if _, err := s.Redeem(t.Context(), first); err != nil {
			t.Errorf("before its end: %v", err)
		}
		time.Sleep(time.Second)
		bad(t, "expired", s, second)
	})
}

// Every change that matters ends every secret.
func TestState(t *testing.T) {
	for name, change := range map[string]func(*auth.User){
		"email":     func(u *auth.User) { u.Email = "new@example.com" },
		"stamp":     func(u *auth.User) { u.Stamp = "t" },
		"confirmed": func(u *auth.User) { u.Confirmed = time.Now() },
		"disabled":  func(u *auth.User) { u.Disabled = time.Now() },
		"shifted":   func(u *auth.User) { u.Email, u.Stamp = u.Email+"s", "" },
	} {
		s, _, u := fixture(t)
		secrets := []string{issue(t, s, u), issue(t, s, u)}
		change(u)
		if err := s.Store.UpdateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			bad(t, name, s, secret)
		}
	}
	s, _, u := fixture(t)
	secret := issue(t, s, u)
	u.PasswordHash = "another cost"
	if err := s.Store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Peek(t.Context(), secret); err != nil {
		t.Errorf("a hash that was made anew: %v", err)
	}
	if err := s.Store.DeleteUser(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	bad(t, "deleted", s, secret)
	bad(t, "nobody's", s, issue(t, s, nil))
}

func TestParallelRedemption(t *testing.T) {
	s, _, u := fixture(t)
	secret := issue(t, s, u)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := s.Redeem(t.Context(), secret); err == nil {
				won.Add(1)
			} else if !errors.Is(err, auth.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 50 won", won.Load())
	}
}
