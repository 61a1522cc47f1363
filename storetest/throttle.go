package storetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth/throttle"
)

// RunThrottle checks a store of counts against the contract of [throttle.Store],
// each check as a subtest with a store from newStore.
//
// The stores may be one and the same and need not be empty: every check has keys
// of its own. To check that several processes may share the counts, return a
// store that hands its calls to several others in turn, each with a connection of
// its own. No verdict depends on the time a call takes.
func RunThrottle(t *testing.T, newStore func(t *testing.T) throttle.Store) {
	for _, p := range counts {
		t.Run(p.name, func(t *testing.T) {
			c := &check{T: t, unique: strings.ToLower(rand.Text()[:10])}
			p.check(&countCheck{c, newStore(t)})
		})
	}
}

var counts = []struct {
	name  string
	check func(*countCheck)
}{
	{"NoneIsZero", countNone},
	{"Kept", countKept},
	{"Replaced", countReplaced},
	{"FalseKeepsNothing", countFalse},
	{"ExpiredIsNone", countExpired},
	{"KeysAreComparedByteForByte", countKeys},
	{"CancellationNeverLies", countCancelled},
	{"NothingIsLost", countRace},
	{"NoMoreThanTheLimit", countLimit},
}

// countCheck is one run of one property of a store of counts.
type countCheck struct {
	*check
	counts throttle.Store
}

// What is said of Update.
const (
	updateCalls = "Update calls change with the count that is kept under key, or the zero Count if there is none or it has expired."
	updateKeeps = "If change reports true the Store keeps what change returned, until that expires, in the place of what was there."
	updateSteps = "All this is one step: of any number of concurrent calls for one key, in any number of processes, each change sees what the one before it has left."
)

// set keeps a count, whatever was there.
func (c *countCheck) set(key string, to throttle.Count) {
	c.Helper()
	c.ok("update", c.counts.Update(c.Context(), key, func(throttle.Count) (throttle.Count, bool) { return to, true }))
}

// get returns what is kept, and changes nothing.
func (c *countCheck) get(key string) (got throttle.Count) {
	c.Helper()
	c.ok("update that changes nothing", c.counts.Update(c.Context(), key, func(now throttle.Count) (throttle.Count, bool) {
		got = now
		return throttle.Count{}, false
	}))
	return got
}

// wants compares what is kept with what should be.
func (c *countCheck) wants(key string, want throttle.Count) {
	c.Helper()
	got := c.get(key)
	if got.N != want.N {
		c.broken("%d are counted under %.50q, want %d", got.N, key, want.N)
	}
	c.sameTime("First", got.First, want.First)
	c.sameTime("Last", got.Last, want.Last)
	c.sameTime("Expires", got.Expires, want.Expires)
}

// add counts one more.
func (c *countCheck) add(ctx context.Context, key string) error {
	return c.counts.Update(ctx, key, func(now throttle.Count) (throttle.Count, bool) {
		now.N++
		now.Expires = future()
		return now, true
	})
}

func countNone(c *countCheck) {
	c.says(updateCalls)
	c.wants(c.id("none"), throttle.Count{})
}

func countKept(c *countCheck) {
	c.says(updateKeeps)
	now := time.Now()
	for i, want := range []throttle.Count{
		{N: 1, First: now, Last: now, Expires: future()},
		{N: 1 << 30, First: past, Last: past.Add(time.Microsecond).In(time.FixedZone("west", -9*3600)), Expires: future()},
		{N: 3, First: now, Last: now.Add(time.Hour), Expires: now.AddDate(1, 0, 0)},
		{Expires: future()},
	} {
		key := c.id("kept" + string(rune('a'+i)))
		c.set(key, want)
		c.wants(key, want)
	}
}

func countReplaced(c *countCheck) {
	c.says(updateKeeps)
	key := c.id("replaced")
	c.set(key, throttle.Count{N: 1, First: past, Last: past, Expires: future().Add(time.Hour)})
	second := throttle.Count{N: 7, First: past.Add(1e9), Last: past.Add(2e9), Expires: future()}
	c.set(key, second)
	c.wants(key, second)
}

func countFalse(c *countCheck) {
	c.says(updateKeeps)
	key, refused := c.id("false"), throttle.Count{N: 9, Expires: future()}
	refuse := func(throttle.Count) (throttle.Count, bool) { return refused, false }
	c.ok("update that changes nothing", c.counts.Update(c.Context(), key, refuse))
	c.wants(key, throttle.Count{})
	kept := throttle.Count{N: 2, First: past, Last: past, Expires: future()}
	c.set(key, kept)
	c.ok("update that changes nothing", c.counts.Update(c.Context(), key, refuse))
	c.wants(key, kept)
}

func countExpired(c *countCheck) {
	c.says(updateCalls)
	over, reset := c.id("over"), c.id("reset")
	c.set(over, throttle.Count{N: 1, First: past, Last: past, Expires: past})
	c.wants(over, throttle.Count{})
	c.set(reset, throttle.Count{N: 1, First: past, Last: past, Expires: future()})
	c.set(reset, throttle.Count{Expires: time.Now()})
	c.wants(reset, throttle.Count{})

	short, end := c.id("short"), time.Now().Add(200*time.Millisecond)
	c.set(short, throttle.Count{N: 4, First: past, Last: past, Expires: end})
	time.Sleep(time.Until(end) + 10*time.Millisecond)
	c.wants(short, throttle.Count{})
	c.ok("update", c.add(c.Context(), short))
	if got := c.get(short); got.N != 1 {
		c.broken("%d are counted after the others have expired, want 1", got.N)
	}
}

func countKeys(c *countCheck) {
	c.says(updateCalls)
	keys := []string{
		"Ann", "ann", "ann ", " ann", "ann\x00", "ann\x00x", "änn", "a\u0308nn", "ann\xff", "ann%", "{ann}", "ann*",
		strings.Repeat("a", 5000), strings.Repeat("a", 5000) + "b",
	}
	for i, key := range keys {
		c.set(c.id(key), throttle.Count{N: i + 1, Expires: future()})
	}
	for i, key := range keys {
		if got := c.get(c.id(key)); got.N != i+1 {
			c.broken("%d are counted under %.50q, want %d", got.N, key, i+1)
		}
	}
}

func countCancelled(c *countCheck) {
	c.says(updateKeeps)
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	key := c.id("cancelled")
	if err := c.add(ctx, key); err != nil {
		return
	}
	if got := c.get(key); got.N != 1 {
		c.broken("an update without an error was not kept")
	}
}

func countRace(c *countCheck) {
	c.says(updateSteps)
	const each = 4
	key := c.id("race")
	for i, err := range c.together(func(int) error {
		for range each {
			if err := c.add(c.Context(), key); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			c.broken("call %d of %d: got error %v, want none", i, racers, err)
		}
	}
	if got := c.get(key); got.N != racers*each {
		c.broken("%d are counted after %d concurrent ones", got.N, racers*each)
	}
}

// However many look at the same time, no more get through than a limit allows.
func countLimit(c *countCheck) {
	c.says(updateSteps)
	const limit = 5
	key, through := c.id("limit"), make([]bool, racers)
	for i, err := range c.together(func(i int) error {
		return c.counts.Update(c.Context(), key, func(now throttle.Count) (throttle.Count, bool) {
			through[i] = now.N < limit
			now.N++
			now.Expires = future()
			return now, through[i]
		})
	}) {
		if err != nil {
			c.broken("call %d of %d: got error %v, want none", i, racers, err)
		}
	}
	n := 0
	for _, ok := range through {
		if ok {
			n++
		}
	}
	if n != limit {
		c.broken("%d of %d got through, want %d", n, racers, limit)
	}
}
