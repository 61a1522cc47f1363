package storetest_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth/storetest"
	"github.com/vestibule-go/auth/throttle"
)

// counts is a right store of counts.
type counts struct {
	mu sync.Mutex
	m  map[string]throttle.Count
}

func newCounts() *counts { return &counts{m: make(map[string]throttle.Count)} }

func (s *counts) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c := s.m[key]
	if !c.Expires.After(time.Now()) {
		c = throttle.Count{}
	}
	if next, ok := change(c); ok {
		s.m[key] = next
	}
	return nil
}

func TestCounts(t *testing.T) {
	one := newCounts()
	storetest.RunThrottle(t, func(*testing.T) throttle.Store { return one })
}

// wrongCounts are stores of counts with one mistake each, and a property that
// must find it.
var wrongCounts = []struct {
	name  string
	store func() throttle.Store
	found string
}{
	{"LooksThenWrites", func() throttle.Store { return looksThenWrites{newCounts()} }, "NothingIsLost"},
	{"LetsMoreThrough", func() throttle.Store { return looksThenWrites{newCounts()} }, "NoMoreThanTheLimit"},
	{"NeverExpires", func() throttle.Store { return otherCount{newCounts(), expiresLater} }, "ExpiredIsNone"},
	{"SecondsOnly", func() throttle.Store { return otherCount{newCounts(), wholeSecondsOnly} }, "Kept"},
	{"AlwaysKeeps", func() throttle.Store { return alwaysKeeps{newCounts()} }, "FalseKeepsNothing"},
	{"FirstStays", func() throttle.Store { return firstStays{newCounts()} }, "Replaced"},
	{"InventsOne", func() throttle.Store { return inventsOne{newCounts()} }, "NoneIsZero"},
	{"FoldsKeys", func() throttle.Store { return foldsKeys{newCounts(), strings.ToLower} }, "KeysAreComparedByteForByte"},
	{"CutsKeys", func() throttle.Store { return foldsKeys{newCounts(), cutKey} }, "KeysAreComparedByteForByte"},
	{"SaysItWasKept", func() throttle.Store { return saysItWasKept{newCounts()} }, "CancellationNeverLies"},
}

func TestWrongCounts(t *testing.T) {
	if os.Getenv(runWrong) == "" {
		t.Skip("TestWrongCountsFail runs this in a process of its own")
	}
	for _, w := range wrongCounts {
		t.Run(w.name, func(t *testing.T) {
			storetest.RunThrottle(t, func(*testing.T) throttle.Store { return w.store() })
		})
	}
}

func TestWrongCountsFail(t *testing.T) {
	out := failing(t, "TestWrongCounts")
	for _, w := range wrongCounts {
		if !strings.Contains(out, "--- FAIL: TestWrongCounts/"+w.name+"/"+w.found+" ") {
			t.Errorf("%s does not fail on %s", w.found, w.name)
		}
	}
}

type looksThenWrites struct{ *counts }

func (s looksThenWrites) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	var next throttle.Count
	var ok bool
	err := s.counts.Update(ctx, key, func(c throttle.Count) (throttle.Count, bool) {
		next, ok = change(c)
		return c, false
	})
	if err != nil || !ok {
		return err
	}
	time.Sleep(window)
	return s.counts.Update(ctx, key, func(throttle.Count) (throttle.Count, bool) { return next, true })
}

type otherCount struct {
	*counts
	other func(throttle.Count) throttle.Count
}

func (s otherCount) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return s.counts.Update(ctx, key, func(c throttle.Count) (throttle.Count, bool) {
		next, ok := change(c)
		return s.other(next), ok
	})
}

func expiresLater(c throttle.Count) throttle.Count {
	c.Expires = c.Expires.AddDate(9, 0, 0)
	return c
}

func wholeSecondsOnly(c throttle.Count) throttle.Count {
	c.Last = c.Last.Truncate(time.Second)
	return c
}

type alwaysKeeps struct{ *counts }

func (s alwaysKeeps) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return s.counts.Update(ctx, key, func(c throttle.Count) (throttle.Count, bool) {
		next, _ := change(c)
		return next, true
	})
}

type firstStays struct{ *counts }

func (s firstStays) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return s.counts.Update(ctx, key, func(c throttle.Count) (throttle.Count, bool) {
		next, ok := change(c)
		return next, ok && c == (throttle.Count{})
	})
}

type inventsOne struct{ *counts }

func (s inventsOne) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return s.counts.Update(ctx, key, func(c throttle.Count) (throttle.Count, bool) {
		c.N = max(c.N, 1)
		return change(c)
	})
}

type foldsKeys struct {
	*counts
	fold func(string) string
}

func (s foldsKeys) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return s.counts.Update(ctx, s.fold(key), change)
}

// cutKey keeps what a narrow column would.
func cutKey(key string) string { return key[:min(len(key), 1000)] }

type saysItWasKept struct{ *counts }

func (s saysItWasKept) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	if ctx.Err() != nil {
		return nil
	}
	return s.counts.Update(ctx, key, change)
}
