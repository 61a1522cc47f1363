package redisstore_test

import (
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/redisstore"
)

// All processes of an application keep their sessions on one Redis.
func Example() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	defer client.Close()
	users := memstore.New() // rather one of package sqlstore, which processes share
	store := auth.Stores{
		UserStore:       users,
		CredentialStore: users,
		SessionStore:    redisstore.New(client, "shop:session:"),
	}
	m, err := auth.New(store, &auth.Config{BaseURL: "https://shop.example"})
	if err != nil {
		log.Fatal(err)
	}
	_ = m // its Handler serves visitors
}
