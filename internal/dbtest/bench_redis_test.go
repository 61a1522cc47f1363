package dbtest

import (
	"fmt"
	"testing"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/redisstore"
)

// BenchmarkRedis is what sessions on Redis cost, by redisstore and by a store that was made for scs.
func BenchmarkRedis(b *testing.B) {
	client := redisClient(b)
	for name, s := range map[string]auth.SessionStore{
		"redisstore": redisstore.New(client, uniqueName()+":"),
		"scs":        auth.SCSStore(goredisstore.NewWithPrefix(client, uniqueName()+":")),
	} {
		b.Run("Session/"+name, func(b *testing.B) {
			rec := typical("read")
			must(b, s.CreateSession(b.Context(), rec, ""))
			for b.Loop() {
				_, _, err := s.Session(b.Context(), rec.ID)
				must(b, err)
			}
		})
		b.Run("Update/"+name, func(b *testing.B) {
			rec := typical("write")
			must(b, s.CreateSession(b.Context(), rec, ""))
			for b.Loop() {
				must(b, s.UpdateSession(b.Context(), rec))
			}
		})
		b.Run("Replace/"+name, func(b *testing.B) {
			must(b, s.CreateSession(b.Context(), typical("0"), ""))
			n := 0
			for b.Loop() {
				must(b, s.CreateSession(b.Context(), typical(fmt.Sprint(n+1)), fmt.Sprint(n)))
				n++
			}
		})
		b.Run("Delete/"+name, func(b *testing.B) {
			for b.Loop() {
				must(b, s.CreateSession(b.Context(), typical("gone"), ""))
				must(b, s.DeleteSession(b.Context(), "gone"))
			}
		})
	}
}

// BenchmarkRedisMemory is how much of Redis 10,000 sessions of as many users take.
func BenchmarkRedisMemory(b *testing.B) {
	client := redisClient(b)
	for name, open := range map[string]func(prefix string) auth.SessionStore{
		"redisstore": func(prefix string) auth.SessionStore { return redisstore.New(client, prefix) },
		"scs": func(prefix string) auth.SessionStore {
			return auth.SCSStore(goredisstore.NewWithPrefix(client, prefix))
		},
	} {
		b.Run(name, func(b *testing.B) {
			const sessions = 10_000
			prefix := "shop:session:" + uniqueName()[10:14] + ":"
			s := open(prefix)
			for i := range sessions { // once, however often b asks
				rec := typical(fmt.Sprintf("%043d", i))
				rec.UserID = fmt.Sprintf("%026d", i)
				must(b, s.CreateSession(b.Context(), rec, ""))
			}
			b.ReportMetric(float64(memory(b, client, prefix))/sessions, "B/session")
		})
	}
}

// memory adds up what Redis says of every key with that prefix, and removes them.
func memory(b *testing.B, client *redis.Client, prefix string) (sum int64) {
	b.Helper()
	it := client.Scan(b.Context(), 0, prefix+"*", 1000).Iterator()
	for it.Next(b.Context()) {
		n, err := client.MemoryUsage(b.Context(), it.Val()).Result()
		must(b, err)
		sum += n
		must(b, client.Del(b.Context(), it.Val()).Err())
	}
	must(b, it.Err())
	return sum
}

// typical returns a session of the size that those of a browser have.
func typical(id string) *auth.SessionRecord {
	rec := session(id, tomorrow())
	rec.UserID = "06h119h5dn2747nr54bf4ot98s"
	rec.Address = "203.0.113.195"
	rec.Agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	rec.Data = make([]byte, 64) // the facts of a login, and no values
	return rec
}
