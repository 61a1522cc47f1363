package auth_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/vestibule-go/auth"
)

func TestBcrypt(t *testing.T) {
	b := auth.Bcrypt(4)
	long := strings.Repeat("a", 72)
	for _, try := range []struct {
		name, set, use string
		ok             bool
	}{
		{"same", password, password, true},
		{"case", password, strings.ToUpper(password), false},
		{"one more", password, password + "x", false},
		{"space before", password, " " + password, false},
		{"space after", password, password + " ", false},
		{"spaces kept", "  " + password + " ", "  " + password + " ", true},
		{"72 bytes", long, long, true},
		{"a 73rd byte", long, long + "x", false},
		{"73 bytes", long + "x", long + "x", true},
		{"73 bytes, another last", long + "x", long + "y", false},
		{"73 bytes, one less", long + "x", long, false},
		{"NUL and repetition", password, password + "\x00" + password, false},
		{"NUL", "NUL \x00 in the middle", "NUL \x00 in the middle", true},
		{"NUL, another end", "NUL \x00 in the middle", "NUL \x00 in the muddle", false},
		{"empty against NUL", "", "\x00", false},
		{"64 emoji", strings.Repeat("😀", 64), strings.Repeat("😀", 64), true},
		{"63 emoji", strings.Repeat("😀", 64), strings.Repeat("😀", 63), false},
		{"composed and decomposed", "caf\u00e9 window tractor", "cafe\u0301 window tractor", true},
		{"ligature", "\ufb01sh window tractor", "fish window tractor", false},
		{"not UTF-8", "\xff\xfe window tractor", "\xff\xfe window tractor", true},
		{"1024 bytes", strings.Repeat("x", 1024), strings.Repeat("x", 1024), true},
	} {
		hash, err := b.Hash(try.set)
		if err != nil {
			t.Errorf("%s: %v", try.name, err)
			continue
		}
		if ok, stale, err := b.Verify(hash, try.use); ok != try.ok || stale || err != nil {
			t.Errorf("%s: %v, stale %v, %v; want %v", try.name, ok, stale, err, try.ok)
		}
	}
}

func TestBcryptIsBcrypt(t *testing.T) {
	hash, err := auth.Bcrypt(4).Hash(password)
	if err != nil || !strings.HasPrefix(hash, "$2a$04$") {
		t.Fatalf("%q, %v", hash, err)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil {
		t.Errorf("bcrypt itself cannot read it: %v", err)
	}
	again, _ := auth.Bcrypt(4).Hash(password)
	if again == hash {
		t.Error("no salt")
	}
	// Made by another bcrypt: the test vector of its authors' crypt_blowfish.
	if ok, _, err := auth.Bcrypt(4).Verify("$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", "\xa3"); !ok || err != nil {
		t.Errorf("a hash with $2y$: %v, %v", ok, err)
	}
}

func TestBcryptCosts(t *testing.T) {
	weak, _ := auth.Bcrypt(4).Hash(password)
	if ok, stale, _ := auth.Bcrypt(5).Verify(weak, password); !ok || !stale {
		t.Errorf("lower cost: %v, stale %v", ok, stale)
	}
	if _, stale, _ := auth.Bcrypt(5).Verify(weak, another); stale {
		t.Error("a wrong password makes the hash stale")
	}
	strong, _ := auth.Bcrypt(5).Hash(password)
	if ok, stale, _ := auth.Bcrypt(4).Verify(strong, password); !ok || stale {
		t.Errorf("higher cost: %v, stale %v", ok, stale)
	}
	for _, bad := range []auth.Bcrypt{-1, 3, 32} {
		if h, err := bad.Hash(password); err == nil {
			t.Errorf("Bcrypt(%d) made %q", bad, h)
		}
	}
	for _, bad := range []string{"", "x", "$2a$", "$2a$99$" + strings.Repeat("a", 53), "$hmac-sha384", "$1$" + strings.Repeat("a", 60)} {
		if ok, _, err := auth.Bcrypt(4).Verify(bad, ""); ok || err == nil {
			t.Errorf("hash %q: %v, %v; want an error", bad, ok, err)
		}
	}
}

// A hash that was planted or damaged can ask for days. The first of these, if
// computed, takes seconds.
func TestBcryptHostileCosts(t *testing.T) {
	for _, cost := range []string{"16", "31"} {
		for _, prefix := range []string{"$2a$", "$hmac-sha384$2a$"} {
			if ok, _, err := auth.Bcrypt(4).Verify(prefix+cost+"$"+strings.Repeat("a", 53), password); ok || err == nil {
				t.Fatalf("cost %s: %v, %v; want an error", cost, ok, err)
			}
		}
	}
	if ok, _, err := auth.Bcrypt(16).Verify("$2a$17$"+strings.Repeat("a", 53), password); ok || err == nil {
		t.Errorf("one more than its own: %v, %v; want an error", ok, err)
	}
}

// gate is a hasher that waits, to hold a seat.
type gate struct {
	auth.Bcrypt
	entered, leave chan bool
}

func (g gate) Verify(hash, password string) (bool, bool, error) {
	g.entered <- true
	<-g.leave
	return g.Bcrypt.Verify(hash, password)
}

func TestSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{4, make(chan bool), make(chan bool)}
		hook := &hashHook{}
		s := newSite(t, func(c *auth.Config) {
			c.Hasher, c.HashSeats, c.Hooks = g, 1, []auth.Hooks{{}, hook.hooks(), hook.hooks()}
		})
		wantLoad := func(used, waiting int) {
			t.Helper()
			if got := s.m.HashLoad(); got != (auth.HashLoad{Seats: 1, Used: used, Waiting: waiting}) {
				t.Errorf("load is %+v, want %d used and %d waiting", got, used, waiting)
			}
		}
		wantLoad(0, 0)
		login := func(ctx context.Context) error {
			_, err := s.m.Authenticate(ctx, &auth.LoginForm{Email: ann, Password: password})
			return err
		}
		var wg sync.WaitGroup
		errs := make([]error, 4)
		wg.Go(func() { errs[0] = login(t.Context()) })
		<-g.entered
		gone, cancel := context.WithCancel(t.Context())
		wg.Go(func() { errs[1] = login(gone) })
		wg.Go(func() { errs[2] = login(t.Context()) })
		synctest.Wait()
		wantLoad(1, 2)
		cancel() // the second gives its place back
		synctest.Wait()
		wantLoad(1, 1)
		time.Sleep(time.Second)
		wg.Go(func() { errs[3] = login(t.Context()) })
		synctest.Wait()
		time.Sleep(time.Second) // the third has waited in vain, the fourth has not
		synctest.Wait()
		g.leave <- true
		<-g.entered
		g.leave <- true
		wg.Wait()
		want := []error{auth.ErrBadLogin, context.Canceled, auth.ErrBusy, auth.ErrBadLogin}
		for i := range want {
			if !errors.Is(errs[i], want[i]) {
				t.Errorf("login %d: %v, want %v", i, errs[i], want[i])
			}
		}
		if len(s.event(auth.EventBusy)) != 1 {
			t.Errorf("events %v", s.event(auth.EventBusy))
		}
		synctest.Wait() // a seat is free a moment after its turn is done
		wantLoad(0, 0)
		if hook.begun != 8 || len(hook.done) != 8 || hook.count(nil) != 4 || hook.count(context.Canceled) != 2 || hook.count(auth.ErrBusy) != 2 {
			t.Errorf("Hooks.Hash, twice: %d begun, ended with %v", hook.begun, hook.done)
		}
	})
}

// hashHook notes what Hooks.Hash is told.
type hashHook struct {
	mu    sync.Mutex
	begun int
	done  []error
}

func (h *hashHook) hooks() auth.Hooks {
	return auth.Hooks{Hash: func(context.Context) func(error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.begun++
		return func(err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.done = append(h.done, err)
		}
	}}
}

func (h *hashHook) count(err error) (n int) {
	for _, e := range h.done {
		if errors.Is(e, err) {
			n++
		}
	}
	return n
}

// A hook that wants to know the beginning alone returns nil, and one whose Hasher panics is told of it.
func TestHashHookEnds(t *testing.T) {
	hook := &hashHook{}
	s := newSite(t, func(c *auth.Config) {
		c.Hasher = ending{4, func() { panic("the Hasher") }}
		c.Hooks = []auth.Hooks{hook.hooks(), {Hash: func(context.Context) func(error) { return nil }}}
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
	}()
	if len(hook.done) != 1 || hook.done[0] == nil {
		t.Errorf("ended with %v", hook.done)
	}
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{4, make(chan bool), make(chan bool)}
		s := newSite(t, func(c *auth.Config) { c.Hasher, c.HashSeats, c.HashWait = g, 1, time.Hour })
		var wg sync.WaitGroup
		busy := make(chan error, 1000)
		for i := range 200 {
			wg.Go(func() {
				_, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: fmt.Sprint(i, ann), Password: password})
				if errors.Is(err, auth.ErrBusy) {
					busy <- err
				}
			})
		}
		synctest.Wait()
		if n := len(busy); n < 100 || n > 198 {
			t.Errorf("%d of 200 were turned away at once", n)
		}
		close(g.leave)
		go func() {
			for range g.entered {
			}
		}()
		wg.Wait()
		close(g.entered)
	})
}

// Whoever goes away before there is a seat must not take it along.
func TestCancelledRequestsTakeNoSeat(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.HashSeats, c.HashWait = 1, time.Nanosecond })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	f := func() *auth.SignupForm { return &auth.SignupForm{Email: ann, Password: password, Confirm: password} }
	for range 3 {
		if _, err := s.m.Signup(gone, f()); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled signup: %v", err)
		}
	}
	if n := s.hasher.hashed.Load(); n != 1 { // the decoy
		t.Errorf("%d passwords were hashed", n)
	}
	if _, err := s.m.Signup(t.Context(), f()); err != nil {
		t.Errorf("the next signup: %v", err)
	}
}

// ending is a Hasher whose Verify never returns.
type ending struct {
	auth.Bcrypt
	end func()
}

func (h ending) Verify(string, string) (bool, bool, error) {
	h.end()
	return true, false, nil
}

// A Hasher that panics, or ends its goroutine, ends the request, lets nobody in, and keeps no seat.
func TestPanickingHasherKeepsNoSeat(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("hasher") }, "Goexit": runtime.Goexit} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, func(c *auth.Config) { c.Hasher, c.HashSeats = ending{4, end}, 1 })
			for range 3 {
				func() {
					defer func() {
						if recover() == nil {
							t.Errorf("%s: it did not panic: it had no seat", name)
						}
					}()
					u, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
					t.Errorf("%s: %v, %v", name, u, err)
				}()
			}
		})
	}
}
