package redisstore_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/redisstore"
	"github.com/vestibule-go/auth/storetest"
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
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	return client
}

// newPrefix returns one that no other test uses, and removes its keys afterwards.
func newPrefix(t testing.TB, client *redis.Client) string {
	t.Helper()
	prefix := "redisstore-test:" + rand.Text() + ":"
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

func TestStore(t *testing.T) {
	client := connect(t)
	users, sessions := memstore.New(), redisstore.New(client, newPrefix(t, client))
	store := auth.Stores{UserStore: users, CredentialStore: users, SessionStore: sessions}
	storetest.Run(t, func(*testing.T) auth.Store { return store })
}
