// Package redisthrottle keeps the counts of package throttle on Redis, for
// applications whose processes share one:
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	limiter, err := throttle.New(redisthrottle.New(client, "shop:throttle:"), throttle.Rules{})
//	…
//	cfg.Limiter = limiter
//
// It is a module of its own, so that only those who want it need a Redis client.
//
// # What Redis forgets
//
// A Redis without persistence forgets all counts when it is started again, and a
// failover those of the last moments; then everyone has their free attempts once more.
// Who minds that keeps appendonly on. Expired counts go by themselves. Someone
// who invents names makes one count each, of some 230 bytes: set maxmemory, and
// maxmemory-policy to volatile-ttl, which drops what expires soon: counts by network before
// those of accounts, and sessions too if they are on the same Redis, for which package redisstore advises
// otherwise. So give it room, a gigabyte is 4 million counts. With noeviction a full Redis takes no counts,
// and then nobody gets in.
//
// # When Redis is away
//
// Update returns an error, and whoever asked must not go on. How long that takes is up
// to the client's DialTimeout, ReadTimeout and MaxRetries.
package redisthrottle

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth/throttle"
)

// Store is a [throttle.Store] on Redis. Make one with [New]. It is safe for concurrent use.
//
// A key of Redis is the prefix and the SHA-256 of the key of the count, so neither an
// email nor a password that was typed into the wrong field can be read there,
// though who knows an email can look for it. Every update is about one key, so
// Redis may be a cluster.
//
// An update is a GET and a script that replaces the value if it is still the same. If
// the answer to the script is lost and the client sends it again, an attempt
// may be counted, or taken back, twice.
type Store struct {
	client redis.UniversalClient
	prefix string
}

var _ throttle.Store = (*Store)(nil)

// New returns a Store whose keys begin with prefix. Stores with the same prefix on the same
// Redis share their counts. The client remains the caller's to close.
func New(client redis.UniversalClient, prefix string) *Store {
	return &Store{client: client, prefix: prefix}
}

// Update implements [throttle.Store]. It returns an error if Redis fails, if ctx
// ends, or if others were quicker a hundred times in a row; then
// the count may or may not have changed.
//
// A value that cannot be read counts as none, and is replaced: no visitor can bring
// that about, who can write to Redis could as well delete it, and an error would
// keep the owner of the account out for as long as it is there.
func (s *Store) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	sum := sha256.Sum256([]byte(key))
	if err := s.update(ctx, s.prefix+base64.RawURLEncoding.EncodeToString(sum[:]), change); err != nil {
		return fmt.Errorf("redisthrottle: %w", err)
	}
	return nil
}

// tries is how often others may be quicker. Within a process a Limiter lets calls for one count
// take turns, so it is as many processes that would have to want it at once.
const tries = 100

var errBusy = errors.New("too many change this count at once")

func (s *Store) update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	old, err := s.client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		old, err = "", nil
	}
	for i := range tries {
		if err = failure(ctx, err); err != nil {
			return err
		}
		next, ok := change(decode(old))
		if !ok {
			return nil
		}
		var now string
		if now, err = s.swap(ctx, key, old, next); err == nil && now == swapped {
			return nil
		}
		old = now
		pause(ctx, i)
	}
	return errBusy
}

// failure returns err or, if there is none, that of the context, at which the client of
// Redis only looks when it has to wait.
func failure(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return ctx.Err()
}

// pause waits for a moment that differs between processes, and grows.
func pause(ctx context.Context, i int) {
	select {
	case <-time.After(rand.N(min(time.Duration(i+1), 20) * time.Millisecond)):
	case <-ctx.Done():
	}
}

// compareAndSwap replaces the old value by the new one for so many milliseconds, or
// returns the value that is there instead. Without milliseconds it removes it.
var compareAndSwap = redis.NewScript(`
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then
	return now
end
if ARGV[3] == '0' then
	redis.call('DEL', KEYS[1])
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 'swapped'
`)

// swapped is what the script returns if it did. No value is like it, see encode.
const swapped = "swapped"

// swap puts next in the place of old. It returns what is there instead if it is not old.
func (s *Store) swap(ctx context.Context, key, old string, next throttle.Count) (now string, err error) {
	// The time that is left, and not the time of the end: the clock of Redis may be another.
	left := max(time.Until(next.Expires), 0)
	ms := (left + time.Millisecond - 1) / time.Millisecond
	return compareAndSwap.Run(ctx, s.client, []string{key}, old, encode(next), int64(ms)).Text()
}

// encode writes a count as its number and its three times in microseconds.
func encode(c throttle.Count) string {
	return fmt.Sprintf("%d %d %d %d", c.N, c.First.UnixMicro(), c.Last.UnixMicro(), c.Expires.UnixMicro())
}

// decode returns the zero Count for what encode has not written, and for what has expired.
func decode(s string) throttle.Count {
	var n int
	var first, last, expires int64
	if _, err := fmt.Sscanf(s, "%d %d %d %d", &n, &first, &last, &expires); err != nil || n < 0 {
		return throttle.Count{}
	}
	c := throttle.Count{N: n, First: micro(first), Last: micro(last), Expires: micro(expires)}
	if !c.Expires.After(time.Now()) {
		return throttle.Count{}
	}
	return c
}

func micro(t int64) time.Time { return time.UnixMicro(t).UTC() }
