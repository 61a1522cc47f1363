package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
	"github.com/vestibule-go/auth/throttle"
)

// at returns a new browser at that address.
func (s *site) at(addr string) *browser {
	b := s.browser()
	b.h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(addr), 1234).String()
		s.handler.ServeHTTP(w, r)
	})
	return b
}

// somewhere returns a new browser at an address of its own.
func (s *site) somewhere(n int) *browser { return s.at(fmt.Sprintf("198.51.%d.%d", n/250, n%250+1)) }

// Five wrong passwords are free, whoever is asked for, and from wherever. Then the answer is 429, says
// when to try again, and takes no look at the password.
func TestGuessesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.browser().signup(ann)
		n := 0
		guess := func(email, password string) *response { n++; return s.somewhere(n).login(email, password) }
		for i := range 5 {
			wantStatus(t, fmt.Sprint("wrong password ", i), guess(ann, another), 422)
			wantStatus(t, fmt.Sprint("unknown user ", i), guess(bob, another), 422)
		}
		s.hasher.verified.Store(0)
		known, unknown := guess(ann, password), guess(bob, password)
		for name, r := range map[string]*response{"known": known, "unknown": unknown} {
			if r.Code != 429 || len(r.cookies) > 0 || s.hasher.verified.Load() != 0 {
				t.Errorf("%s user after five guesses: %d, cookies %v, %d times Verify", name, r.Code, r.cookies, s.hasher.verified.Load())
			}
		}
		if known.body() != unknown.body() || fmt.Sprint(known.Header()) != fmt.Sprint(unknown.Header()) {
			t.Errorf("the answers differ:\n%v %q\n%v %q", known.Header(), known.body(), unknown.Header(), unknown.body())
		}
		if e := s.event(auth.EventThrottled); len(e) != 2 || e[0].Reason != throttle.Account || e[0].UserID != "" {
			t.Errorf("events %+v", e)
		}
		time.Sleep(time.Second)
		wantStatus(t, "the right password, a second later", guess(ann, password), 303)
		for i := range 5 {
			wantStatus(t, fmt.Sprint("wrong password after the right one ", i), guess(ann, another), 422)
		}
		wantStatus(t, "and then", guess(ann, another), 429)
	})
}

// What a form is told of it.
func TestThrottledError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		for range 7 {
			s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
			time.Sleep(500 * time.Millisecond)
		}
		f := &auth.LoginForm{Email: ann, Password: password}
		_, err := s.m.Authenticate(t.Context(), f)
		var throttled *auth.ThrottledError
		if !errors.Is(err, auth.ErrThrottled) || !errors.As(err, &throttled) || throttled.After != 1500*time.Millisecond || auth.RetryAfter(err) != 2 || auth.Status(err) != 429 {
			t.Errorf("error %v, status %d, Retry-After %d", err, auth.Status(err), auth.RetryAfter(err))
		}
		want := auth.FormErrors{{Code: auth.CodeThrottled, Message: "There were too many attempts. Please try again in 2 seconds.", Limit: 2}}
		if fmt.Sprint([]auth.FieldError(f.Errors)) != fmt.Sprint([]auth.FieldError(want)) {
			t.Errorf("form errors %v, want %v", []auth.FieldError(f.Errors), []auth.FieldError(want))
		}
	})
	for err, want := range map[error]int{auth.ErrBusy: 5, auth.ErrBadLogin: 0, &auth.ThrottledError{After: time.Nanosecond}: 1} {
		if got := auth.RetryAfter(err); got != want {
			t.Errorf("RetryAfter(%v) is %d, want %d", err, got, want)
		}
	}
}

// No way of writing a login, and no header, gives more guesses.
func TestLimitsCannotBeDodged(t *testing.T) {
	for name, test := range map[string]func(*testing.T){"spellings": dodgeBySpelling, "headers": dodgeByHeaders, "parallel": dodgeInParallel} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func dodgeBySpelling(t *testing.T) {
	for name, spellings := range map[string][]string{
		"case and spaces": {ann, "ANN@example.com", " ann@example.com", "ann@example.com\t", "Ann@Example.Com", "\u00a0ann@EXAMPLE.com\u2003"},
		"unicode":         {"ren\u00e9@example.com", "rene\u0301@example.com", "REN\u00c9@example.com", "\uff52en\u00e9@example.com", "ren\u00e9@example.com ", "ren\u00e9@EXAMPLE.com"},
		"no email":        {"ann", "Ann", " ANN", "\uff41nn", "ann ", "aNN"},
	} {
		s := newSite(t, nil)
		for i, login := range spellings {
			b := s.somewhere(i)
			r := b.form("/login", "email", login, "password", another)
			r.Header.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", i))
			r.Header.Set("Forwarded", fmt.Sprint("for=203.0.113.", i))
			want := 422
			if i >= 5 {
				want = 429
			}
			wantStatus(t, fmt.Sprintf("%s: %q", name, login), b.do(r), want)
		}
	}
}

func dodgeByHeaders(t *testing.T) {
	s := newSite(t, nil)
	for i := range 31 {
		b := s.at("192.0.2.7")
		r := b.form("/login", "email", fmt.Sprint(i, ann), "password", another)
		for _, h := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"} {
			r.Header.Set(h, fmt.Sprint("203.0.113.", i))
		}
		if resp := b.do(r); (resp.Code == 429) != (i == 30) {
			t.Errorf("guess %d: status %d", i, resp.Code)
		}
	}
}

func dodgeInParallel(t *testing.T) {
	s := newSite(t, func(c *auth.Config) { c.HashSeats, c.HashWait = 50, time.Hour })
	var wg sync.WaitGroup
	var throttled atomic.Int64
	for range 50 {
		wg.Go(func() {
			_, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: another})
			if errors.Is(err, auth.ErrThrottled) {
				throttled.Add(1)
			} else if !errors.Is(err, auth.ErrBadLogin) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if v := s.hasher.verified.Load(); v != 5 || throttled.Load() != 45 {
		t.Errorf("%d of 50 guesses were verified and %d throttled, want 5 and 45", v, throttled.Load())
	}
}

// After 100 wrong passwords in a row not even the right one lets anyone in, until it is set
// anew: NIST SP 800-63B-4, section 3.2.2.
func TestStopAfterHundred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.browser().signup(ann)
		verified := 0
		for i := 0; verified < 200 && i < 300; i++ {
			s.hasher.verified.Store(0)
			s.somewhere(i%1000).login(ann, another)
			verified += int(s.hasher.verified.Load())
			time.Sleep(15 * time.Minute)
		}
		if verified != 100 {
			t.Errorf("%d guesses were looked at, want 100", verified)
		}
		r := s.at("203.0.113.1").login(ann, password)
		wantStatus(t, "the right password", r, 429)
		for range 5 { // unknown users are stopped as well
			time.Sleep(24 * time.Hour)
			wantStatus(t, "days later", s.at("203.0.113.1").login(ann, password), 429)
		}
		u, _ := s.store.UserByLogin(t.Context(), ann)
		if err := s.m.SetPassword(t.Context(), u, another); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, "the new password", s.at("203.0.113.1").login(ann, another), 303)
	})
}

func TestUnlock(t *testing.T) { synctest.Test(t, testUnlock) }

func testUnlock(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	for i := range 6 {
		s.somewhere(i).login(ann, another)
	}
	wantStatus(t, "before", s.somewhere(9).login(ann, password), 429)
	if err := s.m.Unlock(t.Context(), " Ann@example.com"); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "after", s.somewhere(9).login(ann, password), 303)
}

// The right password takes its attempt back: a whole office may log in from one
// address. Wrong ones there are limited, whatever the accounts.
func TestNetworkLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.somewhere(1).signup(ann)
		for i := range 40 {
			wantStatus(t, fmt.Sprint("right password ", i), s.at("192.0.2.7").login(ann, password), 303)
		}
		for i := range 30 {
			if i == 15 {
				wantStatus(t, "the right one in between", s.at("192.0.2.7").login(ann, password), 303)
			}
			wantStatus(t, fmt.Sprint("wrong password ", i), s.at("192.0.2.7").login(fmt.Sprint(i, ann), another), 422)
		}
		wantStatus(t, "one more", s.at("192.0.2.7").login("new@example.com", another), 429)
		wantStatus(t, "the right one", s.at("192.0.2.7").login(ann, password), 429)
		wantStatus(t, "the right one by the same address in IPv6", s.at("::ffff:192.0.2.7").login(ann, password), 429)
		wantStatus(t, "the right one from elsewhere", s.at("192.0.2.8").login(ann, password), 303)
		time.Sleep(15 * time.Minute)
		wantStatus(t, "the right one later", s.at("192.0.2.7").login(ann, password), 303)
	})
}

// Who has an IPv6 network has it for nothing, with all the addresses in it.
func TestWideNetworks(t *testing.T) { synctest.Test(t, testWideNetworks) }

func testWideNetworks(t *testing.T) {
	s := newSite(t, nil)
	guess := func(n int, addr string) *response { return s.at(addr).login(fmt.Sprint(n, ann), another) }
	for i := range 30 {
		wantStatus(t, fmt.Sprint("guess ", i), guess(i, fmt.Sprintf("2001:db8:1:1::%x", i+1)), 422)
	}
	for i := range 300 { // which takes nothing from the neighbours
		wantStatus(t, "the same 64 bits", guess(100+i, "2001:db8:1:1:ffff::1"), 429)
	}
	for i := range 270 {
		wantStatus(t, fmt.Sprint("guess ", i), guess(1000+i, fmt.Sprintf("2001:db8:1:%x::1", 2+i/30)), 422)
	}
	wantStatus(t, "the same 48 bits", guess(2000, "2001:db8:1:abcd::1"), 429)
	wantStatus(t, "other 48 bits", guess(2001, "2001:db8:2:1::1"), 422)
	for i := range 31 {
		wantStatus(t, "IPv4 by translation", guess(3000+i, fmt.Sprintf("64:ff9b::198.51.100.%d", i)), 422)
	}
}

func TestSignupLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		for i := range 30 {
			wantStatus(t, "too short a password", s.at("192.0.2.7").post("/signup", "email", ann, "password", "x", "confirm", "x"), 422)
			wantStatus(t, fmt.Sprint("signup ", i), s.at("192.0.2.7").signup(fmt.Sprint(i, ann)), 303)
		}
		s.hasher.hashed.Store(0)
		wantStatus(t, "one more", s.at("192.0.2.7").signup(ann), 429)
		if n := s.hasher.hashed.Load(); n != 0 {
			t.Errorf("%d hashes for a refused signup", n)
		}
		wantStatus(t, "from elsewhere", s.at("192.0.2.8").signup(ann), 303)
		time.Sleep(time.Hour)
		wantStatus(t, "later", s.at("192.0.2.7").signup(bob), 303)
	})
}

// Guesses within a session count as well: ASVS 6.2.3.
func TestGuessesWithinASession(t *testing.T) { synctest.Test(t, testGuessesWithinASession) }

func testGuessesWithinASession(t *testing.T) {
	for _, path := range []string{"/reauth", "/password"} {
		s := newSite(t, nil)
		b := s.browser()
		b.signup(ann)
		guess := func(password string) *response {
			return b.post(path, "password", map[string]string{"/reauth": password, "/password": another}[path], "current", password, "confirm", another)
		}
		for i := range 5 {
			wantStatus(t, fmt.Sprint(path, " guess ", i), guess("not "+password), 422)
		}
		wantStatus(t, path+" after five", guess(password), 429)
	}
}

// What was not looked at is no guess: nobody is locked out by a crowd at the door.
func TestBusyIsNoGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(c *auth.Config) { c.HashSeats, c.HashWait = 1, time.Second })
		s.browser().signup(ann)
		hold := &gate{4, make(chan bool), make(chan bool)}
		busy, err := auth.New(s.store, &auth.Config{BaseURL: base, Hasher: hold, HashSeats: 1, HashWait: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan bool)
		go func() {
			busy.Authenticate(t.Context(), &auth.LoginForm{Email: bob, Password: another})
			close(done)
		}()
		<-hold.entered
		for range 20 {
			if _, err := busy.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: another}); !errors.Is(err, auth.ErrBusy) {
				t.Errorf("error %v, want ErrBusy", err)
			}
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for range 20 {
			if _, err := busy.Authenticate(gone, &auth.LoginForm{Email: ann, Password: another}); err == nil || errors.Is(err, auth.ErrThrottled) {
				t.Errorf("error %v, want that of the context", err)
			}
		}
		hold.leave <- true
		<-done
		wantStatus(t, "the right password", s.browser().login(ann, password), 303)
	})
}

// brokenLimiter fails at the named calls.
type brokenLimiter struct{ take, rest error }

func (l brokenLimiter) Take(context.Context, string, string) (time.Duration, error) {
	return 0, l.take
}
func (l brokenLimiter) Return(context.Context, string, string) error { return l.rest }
func (l brokenLimiter) Reset(context.Context, string, string) error  { return l.rest }

// What cannot be counted is not tried.
func TestBrokenLimiter(t *testing.T) { synctest.Test(t, testBrokenLimiter) }

func testBrokenLimiter(t *testing.T) {
	broken := errors.New("SECRET-XYZ")
	s := newSite(t, nil)
	s.browser().signup(ann)
	closed := newSiteOn(t, s.store, func(c *auth.Config) { c.Limiter = brokenLimiter{take: broken} })
	for name, r := range map[string]*response{"login": closed.browser().login(ann, password), "signup": closed.browser().signup(bob)} {
		if r.Code != 503 || strings.Contains(r.body(), "SECRET") || len(closed.event(auth.EventFailure)) == 0 {
			t.Errorf("%s without counting: %d %q", name, r.Code, r.body())
		}
	}
	if n := closed.hasher.verified.Load() + closed.hasher.hashed.Load(); n != 1 { // the decoy
		t.Errorf("%d passwords were hashed", n)
	}
	if err := closed.m.Limit(t.Context(), throttle.Mail, ann); !errors.Is(err, broken) {
		t.Errorf("Limit: %v", err)
	}
	open := newSiteOn(t, s.store, func(c *auth.Config) { c.Limiter = brokenLimiter{rest: broken} })
	wantStatus(t, "login that is counted and not taken back", open.browser().login(ann, password), 303)
	if err := open.m.Unlock(t.Context(), ann); !errors.Is(err, broken) {
		t.Errorf("Unlock: %v", err)
	}
}

func TestLimit(t *testing.T) { synctest.Test(t, testLimit) }

func testLimit(t *testing.T) {
	s := newSite(t, nil)
	s.mux.HandleFunc("POST /mail", func(w http.ResponseWriter, r *http.Request) {
		err := s.m.Limit(r.Context(), throttle.MailNetwork, "")
		if err == nil {
			err = s.m.Limit(r.Context(), throttle.Mail, r.PostFormValue("to"))
		}
		s.done(w, r, err)
	})
	for i := range 4 {
		if r := s.at("192.0.2.7").post("/mail", "to", ann); (r.Code == 429) != (i == 3) {
			t.Errorf("mail %d: %d", i, r.Code)
		}
	}
	for i := range 20 {
		if r := s.at("192.0.2.7").post("/mail", "to", fmt.Sprint(i, ann)); (r.Code == 429) != (i >= 16) {
			t.Errorf("mail %d to others: %d", i, r.Code)
		}
	}
	if err := s.m.Limit(t.Context(), throttle.MailNetwork, ""); err != nil {
		t.Errorf("without a request: %v", err)
	}
	for i, address := range []string{bob, " Bob@example.com", "BOB@EXAMPLE.COM", "bob@example.com "} {
		if err := s.m.Limit(t.Context(), throttle.Mail, address); errors.Is(err, auth.ErrThrottled) != (i == 3) {
			t.Errorf("mail %d, to %q: %v", i, address, err)
		}
	}
	if err := s.m.Limit(t.Context(), "unheard of", ann); err == nil {
		t.Error("an action without a rule is let through")
	}
}

// A proxy that nobody was told of makes all visitors one. The operator learns of it, once.
func TestUnknownProxyIsNoticed(t *testing.T) {
	s := newSite(t, nil)
	for range 3 {
		b := s.at("10.1.2.3")
		r := b.form("/login", "email", ann, "password", another)
		r.Header.Set("X-Forwarded-For", "203.0.113.1")
		b.do(r)
	}
	e := s.event(auth.EventFailure)
	if len(e) != 1 || !strings.Contains(e[0].Err.Error(), "TrustedProxies") || !strings.Contains(e[0].Err.Error(), "10.1.2.3") {
		t.Errorf("events %+v", e)
	}
	s = newSite(t, func(c *auth.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for i := range 31 {
		b := s.at("10.1.2.3")
		r := b.form("/login", "email", fmt.Sprint(i, ann), "password", another)
		r.Header.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", i))
		if i == 30 {
			r.Header.Set("X-Forwarded-For", "192.168.1.2") // a visitor on the intranet
		}
		wantStatus(t, "behind a trusted proxy", b.do(r), 422)
	}
	if e := s.event(auth.EventFailure); len(e) != 0 {
		t.Errorf("events %+v", e)
	}
}

// spying notes the credentials that are put.
type spying struct {
	*memstore.Store
	mu  sync.Mutex
	put []auth.Credential
}

func (s *spying) PutCredential(ctx context.Context, c *auth.Credential) error {
	s.mu.Lock()
	s.put = append(s.put, *c)
	s.mu.Unlock()
	return s.Store.PutCredential(ctx, c)
}

// People type their passwords as logins: nothing of them is stored. All counts expire.
func TestCountsAreAnonymous(t *testing.T) { synctest.Test(t, testCountsAreAnonymous) }

func testCountsAreAnonymous(t *testing.T) {
	store := &spying{Store: memstore.New()}
	s := newSiteOn(t, store, nil)
	s.browser().login("my secret password", another)
	if len(store.put) != 2 {
		t.Errorf("%d counts, want one of the account and one of the network", len(store.put))
	}
	for _, c := range store.put {
		if c.Kind != "throttle.account" && c.Kind != "throttle.network" || c.UserID != "" || c.Name != "" || c.Expires.IsZero() || len(c.ID) != 43 || len(c.Data) > 30 ||
			strings.Contains(fmt.Sprintf("%q", c.Data), "secret") {
			t.Errorf("count %+v", c)
		}
	}
}

func TestThrottleStore(t *testing.T) {
	storetest.RunThrottle(t, func(t *testing.T) throttle.Store { return auth.ThrottleStore(memstore.New()) })
}

// rendezvous is a store at which every two readers of a credential wait for each other.
type rendezvous struct {
	*memstore.Store
	meet chan bool
}

func (s *rendezvous) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	c, err := s.Store.Credential(ctx, kind, id)
	select {
	case s.meet <- true:
	case <-s.meet:
	}
	return c, err
}

// Two processes with one store share every count, and lose none.
func TestReplicasShareCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &rendezvous{memstore.New(), make(chan bool)}
		for round := range 3 {
			done := make(chan error, 2)
			for range 2 {
				process := auth.ThrottleStore(store)
				go func() {
					done <- process.Update(t.Context(), "key", func(c throttle.Count) (throttle.Count, bool) {
						c.N++
						c.Expires = time.Now().Add(time.Hour)
						return c, true
					})
				}()
			}
			synctest.Wait() // one has written, the other has to read again
			<-store.meet
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			go auth.ThrottleStore(store).Update(t.Context(), "key", func(c throttle.Count) (throttle.Count, bool) {
				if want := 2 * (round + 1); c.N != want {
					t.Errorf("counted %d of %d", c.N, want)
				}
				return c, false
			})
			<-store.meet
			synctest.Wait()
		}
	})
}
