package redisthrottle_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth/storetest"
	"github.com/vestibule-go/auth/throttle"
	"github.com/vestibule-go/auth/throttle/redisthrottle"
)

// connect returns a client of the Redis for tests.
func connect(t testing.TB) *redis.Client {
	t.Helper()
	addr := os.Getenv("AUTH_TEST_REDIS_ADDR")
	if addr == "" {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
			t.Fatal("AUTH_TEST_REDIS_ADDR is not set, and AUTH_TEST_REQUIRE_ALL is")
		}
		t.Skip("AUTH_TEST_REDIS_ADDR is not set: there is no server to test with")
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { client.Close() })
	return client
}

// newPrefix returns one that no other test uses, and removes its keys afterwards.
func newPrefix(t testing.TB, client *redis.Client) string {
	t.Helper()
	prefix := "redisthrottle-test:" + rand.Text() + ":"
	t.Cleanup(func() {
		for _, key := range keys(t, client, prefix) {
			client.Del(context.WithoutCancel(t.Context()), key)
		}
	})
	return prefix
}

func keys(t testing.TB, client *redis.Client, prefix string) (all []string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	it := client.Scan(ctx, 0, prefix+"*", 1000).Iterator()
	for it.Next(ctx) {
		all = append(all, it.Val())
	}
	if err := it.Err(); err != nil {
		t.Error(err)
	}
	return all
}

// several hands its calls to several stores in turn, as a front does to processes.
type several struct {
	stores []throttle.Store
	turn   atomic.Int64
}

func (s *several) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return s.stores[int(s.turn.Add(1))%len(s.stores)].Update(ctx, key, change)
}

func newSeveral(t testing.TB, n int) *several {
	t.Helper()
	client := connect(t)
	prefix := newPrefix(t, client)
	s := &several{}
	for range n {
		s.stores = append(s.stores, redisthrottle.New(connect(t), prefix))
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.RunThrottle(t, func(t *testing.T) throttle.Store { return newSeveral(t, 1) })
}

func TestTwoProcesses(t *testing.T) {
	storetest.RunThrottle(t, func(t *testing.T) throttle.Store { return newSeveral(t, 2) })
}

// However many processes there are, each in its turn.
func TestManyProcesses(t *testing.T) {
	s := newSeveral(t, 16)
	for i, err := range together(64, func() error { return add(t.Context(), s, "ann") }) {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if got := get(t, s, "ann"); got.N != 64 {
		t.Errorf("%d are counted, want 64", got.N)
	}
}

func together(n int, f func() error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errs
}

func add(ctx context.Context, s throttle.Store, key string) error {
	return s.Update(ctx, key, func(c throttle.Count) (throttle.Count, bool) {
		c.N++
		c.Expires = time.Now().Add(time.Hour)
		return c, true
	})
}

func get(t *testing.T, s throttle.Store, key string) (got throttle.Count) {
	t.Helper()
	err := s.Update(t.Context(), key, func(c throttle.Count) (throttle.Count, bool) {
		got = c
		return c, false
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// If another process is quicker, change is called again with what that has left.
func TestChangeIsCalledAgain(t *testing.T) {
	s := newSeveral(t, 2)
	mine, other := s.stores[0], s.stores[1]
	var seen []int
	err := mine.Update(t.Context(), "ann", func(c throttle.Count) (throttle.Count, bool) {
		seen = append(seen, c.N)
		if len(seen) <= 2 {
			if err := add(t.Context(), other, "ann"); err != nil {
				t.Error(err)
			}
		}
		c.N += 10
		c.Expires = time.Now().Add(time.Hour)
		return c, true
	})
	if err != nil || fmt.Sprint(seen) != "[0 1 2]" {
		t.Errorf("change saw %v, %v", seen, err)
	}
	if got := get(t, s, "ann"); got.N != 12 {
		t.Errorf("%d are counted, want 12", got.N)
	}
}

// Whoever is always too late gets an error, and is not let through.
func TestTriesAreBounded(t *testing.T) {
	s := newSeveral(t, 2)
	calls := 0
	err := s.stores[0].Update(t.Context(), "ann", func(c throttle.Count) (throttle.Count, bool) {
		calls++
		if err := add(t.Context(), s.stores[1], "ann"); err != nil {
			t.Fatal(err)
		}
		return c, true
	})
	if err == nil || calls != 100 {
		t.Errorf("after %d calls: %v", calls, err)
	}
}

// What is on Redis names nobody, and goes by itself.
func TestKeysOnRedis(t *testing.T) {
	client := connect(t)
	prefix := newPrefix(t, client)
	s := redisthrottle.New(client, prefix)
	if err := add(t.Context(), s, "account\x00ann@example.com"); err != nil {
		t.Fatal(err)
	}
	all := keys(t, client, prefix)
	if len(all) != 1 {
		t.Fatalf("%d keys, want 1", len(all))
	}
	value, err := client.Get(t.Context(), all[0]).Result()
	if err != nil || strings.Contains(all[0]+value, "ann") || len(all[0]) != len(prefix)+43 {
		t.Errorf("%q = %q, %v", all[0], value, err)
	}
	if left := client.PTTL(t.Context(), all[0]).Val(); left <= 0 || left > time.Hour {
		t.Errorf("it expires in %v, want an hour at most", left)
	}
	err = s.Update(t.Context(), "account\x00ann@example.com", func(throttle.Count) (throttle.Count, bool) {
		return throttle.Count{Expires: time.Now()}, true
	})
	if all := keys(t, client, prefix); err != nil || len(all) != 0 {
		t.Errorf("after a reset %d keys are left, %v", len(all), err)
	}
}

// The clock of this process decides, should that of Redis be slow.
func TestExpiredOnRedis(t *testing.T) {
	client := connect(t)
	prefix := newPrefix(t, client)
	s := redisthrottle.New(client, prefix)
	if err := add(t.Context(), s, "ann"); err != nil {
		t.Fatal(err)
	}
	key := keys(t, client, prefix)[0]
	for _, value := range []string{
		fmt.Sprintf("5 1 1 %d", time.Now().Add(-time.Second).UnixMicro()),
		"", "swapped", "5", "-5 1 1 9000000000000000", "x 1 1 1", "99999999999999999999 1 1 9000000000000000", "\x00\xff",
	} {
		if err := client.Set(t.Context(), key, value, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if got := get(t, s, "ann"); got != (throttle.Count{}) {
			t.Errorf("%q is read as %+v", value, got)
		}
		if err := add(t.Context(), s, "ann"); err != nil {
			t.Fatal(err)
		}
		if got := get(t, s, "ann"); got.N != 1 {
			t.Errorf("%q was replaced by %+v", value, got)
		}
	}
	client.Del(t.Context(), key)
	client.LPush(t.Context(), key, "no string at all")
	if err := add(t.Context(), s, "ann"); err == nil {
		t.Error("what is no string was taken for a count")
	}
}

func TestEndedContext(t *testing.T) {
	s := newSeveral(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := add(ctx, s, "ann"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	if got := get(t, s, "ann"); got.N != 0 {
		t.Errorf("%d are counted", got.N)
	}
}

// A Redis that is not there, or goes away, is an error.
func TestRedisIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close() // in the middle of every command
		}
	}()
	for _, addr := range []string{"127.0.0.1:1", l.Addr().String()} {
		client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
		defer client.Close()
		limiter, err := throttle.New(redisthrottle.New(client, "x:"), throttle.Rules{})
		if err != nil {
			t.Fatal(err)
		}
		if wait, err := limiter.Take(t.Context(), throttle.Account, "ann"); err == nil {
			t.Errorf("%s: let through, wait %v", addr, wait)
		}
		if err := limiter.Reset(t.Context(), throttle.Account, "ann"); err == nil {
			t.Errorf("%s: what cannot be read was reset", addr)
		}
	}
}

// BenchmarkGuesses is 64 guesses at once at one account, and at one each.
func BenchmarkGuesses(b *testing.B) {
	for _, c := range []struct {
		name string
		key  func(int64) string
	}{
		{"OneAccount", func(int64) string { return "ann" }},
		{"EachItsOwn", func(i int64) string { return fmt.Sprint(i) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newSeveral(b, 1)
			var next atomic.Int64
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				key := c.key(next.Add(1))
				for pb.Next() {
					if err := add(b.Context(), s, key); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
