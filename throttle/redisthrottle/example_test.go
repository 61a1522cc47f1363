package redisthrottle_test

import (
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/throttle"
	"github.com/vestibule-go/auth/throttle/redisthrottle"
)

// All processes of an application count attempts on one Redis.
func Example() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()
	limiter, err := throttle.New(redisthrottle.New(client, "shop:throttle:"), throttle.Rules{})
	if err != nil {
		log.Fatal(err)
	}
	store := memstore.New() // rather one of package sqlstore, which processes share
	m, err := auth.New(store, &auth.Config{BaseURL: "https://shop.example", Limiter: limiter})
	if err != nil {
		log.Fatal(err)
	}
	_ = m // its Handler serves visitors
}
