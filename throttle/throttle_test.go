package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth/throttle"
)

// counts is a Store in a map.
type counts struct {
	mu   sync.Mutex
	m    map[string]throttle.Count
	fail error
}

func (s *counts) Update(_ context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	c := s.m[key]
	if !c.Expires.After(time.Now()) {
		c = throttle.Count{}
	}
	if next, ok := change(c); ok {
		if s.m == nil {
			s.m = make(map[string]throttle.Count)
		}
		s.m[key] = next
	}
	return nil
}

func limiter(t testing.TB, rules throttle.Rules) *throttle.Limiter {
	t.Helper()
	l, err := throttle.New(new(counts), rules)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// take wants an attempt to be allowed or, if want is not zero, to have to wait so long.
func take(t *testing.T, l *throttle.Limiter, action, key string, want time.Duration) {
	t.Helper()
	if wait, err := l.Take(t.Context(), action, key); err != nil || wait != want {
		t.Errorf("%s of %q: wait %v, %v; want %v", action, key, wait, err, want)
	}
}

// Five are free, then each waits for twice as long, up to 15 minutes, and after 100
// there is none.
func TestInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, action := range []string{throttle.Account, throttle.Browser} {
			l := limiter(t, throttle.Rules{})
			for range 5 {
				take(t, l, action, "ann", 0)
			}
			wait := time.Second
			for n := 5; n < 100; n++ {
				take(t, l, action, "ann", wait)
				time.Sleep(wait - time.Millisecond)
				take(t, l, action, "ann", time.Millisecond)
				time.Sleep(time.Millisecond)
				take(t, l, action, "ann", 0)
				wait = min(2*wait, 15*time.Minute)
			}
			for range 3 {
				take(t, l, action, "ann", 15*time.Minute)
				time.Sleep(31 * 24 * time.Hour)
			}
			take(t, l, action, "bob", 0)
			must(t, l.Reset(t.Context(), action, "ann"))
			for range 5 {
				take(t, l, action, "ann", 0)
			}
			take(t, l, action, "ann", time.Second)
		}
	})
}

// A pause begins a new row, and only a long one.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, throttle.Rules{})
		for range 5 {
			time.Sleep(29 * 24 * time.Hour)
			take(t, l, throttle.Account, "ann", 0)
		}
		take(t, l, throttle.Account, "ann", time.Second)
		time.Sleep(30 * 24 * time.Hour)
		for range 5 {
			take(t, l, throttle.Account, "ann", 0)
		}
		take(t, l, throttle.Account, "ann", time.Second)
	})
}

func TestWindow(t *testing.T) {
	for _, test := range []struct {
		action string
		free   int
		window time.Duration
	}{
		{throttle.Network, 30, 15 * time.Minute},
		{throttle.WideNetwork, 300, 15 * time.Minute},
		{throttle.Signup, 30, time.Hour},
		{throttle.Mail, 3, time.Hour},
		{throttle.MailNetwork, 20, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := limiter(t, throttle.Rules{})
			for range 2 {
				for n := range test.free {
					take(t, l, test.action, "192.0.2.1", 0)
					if n == 0 {
						time.Sleep(time.Minute)
					}
				}
				take(t, l, test.action, "192.0.2.1", test.window-time.Minute)
				take(t, l, test.action, "192.0.2.2", 0)
				time.Sleep(test.window - time.Minute)
			}
		})
	}
}

func TestReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, throttle.Rules{})
		for _, action := range []string{throttle.Account, throttle.Signup} {
			must(t, l.Return(t.Context(), action, "ann")) // there is none
			for range 200 {
				take(t, l, action, "ann", 0)
				must(t, l.Return(t.Context(), action, "ann"))
			}
		}
		for range 5 {
			take(t, l, throttle.Account, "ann", 0)
		}
		take(t, l, throttle.Account, "ann", time.Second)
		must(t, l.Return(t.Context(), throttle.Account, "ann"))
		take(t, l, throttle.Account, "ann", 0)
		take(t, l, throttle.Account, "ann", time.Second)
	})
}

// What was taken back leaves nothing behind.
func TestReturnedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(counts)
		l, err := throttle.New(s, throttle.Rules{})
		must(t, err)
		for _, action := range []string{throttle.Account, throttle.Network} {
			take(t, l, action, "ann", 0)
			must(t, l.Return(t.Context(), action, "ann"))
		}
		for key, c := range s.m {
			if c.Expires.After(time.Now()) {
				t.Errorf("%q is kept: %+v", key, c)
			}
		}
	})
}

// However many come at the same time, no more than the free ones get through.
func TestParallelTakes(t *testing.T) {
	l := limiter(t, throttle.Rules{})
	var through atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if wait, err := l.Take(t.Context(), throttle.Account, "ann"); err == nil && wait == 0 {
				through.Add(1)
			}
		})
	}
	wg.Wait()
	if n := through.Load(); n != 5 {
		t.Errorf("%d of 50 attempts got through, want 5", n)
	}
}

// crowded is a Store that notices when two want one count at once.
type crowded struct {
	counts
	inside  atomic.Int32
	crowded atomic.Bool
	enter   chan bool
}

func (s *crowded) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	if s.inside.Add(1) > 1 {
		s.crowded.Store(true)
	}
	defer s.inside.Add(-1)
	<-s.enter
	return s.counts.Update(ctx, key, change)
}

// Calls for one count take turns, and nobody waits for theirs longer than they want to.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &crowded{enter: make(chan bool)}
		l, err := throttle.New(s, throttle.Rules{})
		must(t, err)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 10 {
			go l.Take(t.Context(), throttle.Account, "ann")
		}
		synctest.Wait()
		if _, err := l.Take(gone, throttle.Account, "ann"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want context.DeadlineExceeded", err)
		}
		for range 10 {
			s.enter <- true
		}
		synctest.Wait()
		if s.crowded.Load() {
			t.Error("two calls for one count are in the Store at once")
		}
	})
}

func TestRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter(t, throttle.Rules{
			Signup: throttle.Rule{Free: 1, Window: time.Minute},
			Mail:   throttle.InsecureUnlimited,
			Others: map[string]throttle.Rule{"code": {Free: 2, Window: time.Minute, Wait: time.Second, MaxWait: 3 * time.Second}},
		})
		take(t, l, throttle.Signup, "a", 0)
		take(t, l, throttle.Signup, "a", time.Minute)
		for range 1000 {
			take(t, l, throttle.Mail, "a", 0)
		}
		for _, wait := range []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
			if wait > 0 {
				take(t, l, "code", "a", wait)
				time.Sleep(wait)
			}
			take(t, l, "code", "a", 0)
		}
		if _, err := l.Take(t.Context(), "coed", "a"); err == nil {
			t.Error("an action without a rule was let through")
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	if _, err := throttle.New(nil, throttle.Rules{}); err == nil {
		t.Error("New took no store")
	}
	_, err := throttle.New(new(counts), throttle.Rules{
		Account:     throttle.Rule{Window: time.Minute},
		Browser:     throttle.Rule{Free: 1},
		Network:     throttle.Rule{Free: 1, Window: 1, Stop: 3},
		WideNetwork: throttle.Rule{Free: 1, Window: 1, Wait: 2, MaxWait: 1},
		Signup:      throttle.Rule{Free: 9, Window: 1, Wait: 1, MaxWait: 1, Stop: 3},
		Others:      map[string]throttle.Rule{"other": {}},
	})
	for _, action := range []string{"account", "browser", "network", "wide_network", "signup", "other"} {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", action)) {
			t.Errorf("no word of %q in %v", action, err)
		}
	}
	if strings.Contains(err.Error(), "mail") {
		t.Errorf("a default is at fault: %v", err)
	}
}

// What cannot be counted must not be tried.
func TestFailingStore(t *testing.T) {
	broken := errors.New("broken")
	l, err := throttle.New(&counts{fail: broken}, throttle.Rules{})
	must(t, err)
	if _, err := l.Take(t.Context(), throttle.Account, "ann"); !errors.Is(err, broken) {
		t.Errorf("Take: %v", err)
	}
	if err := l.Return(t.Context(), throttle.Account, "ann"); !errors.Is(err, broken) {
		t.Errorf("Return: %v", err)
	}
	if err := l.Reset(t.Context(), throttle.Account, "ann"); !errors.Is(err, broken) {
		t.Errorf("Reset: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
