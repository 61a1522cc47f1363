package guides

import (
	"context"
	"io"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/redisstore"
	"github.com/vestibule-go/auth/sqlstore"
)

// shopStore is the application's own table of users, and our tables for the rest.
func shopStore(ctx context.Context, users auth.UserStore, ours *sqlstore.Store) (auth.Store, error) {
	if _, err := ours.Migrate(ctx); err != nil {
		return nil, err
	}
	return auth.Stores{UserStore: users, CredentialStore: ours, SessionStore: ours}, nil
}

// shopStoreOnRedis keeps the sessions on the Redis on which scs kept them, under keys of their own.
func shopStoreOnRedis(users auth.UserStore, ours *sqlstore.Store, client *redis.Client) auth.Store {
	sessions := redisstore.New(client, "shop:sessions:")
	return auth.Stores{UserStore: users, CredentialStore: ours, SessionStore: sessions}
}

// shopHandler puts Handler in the place of LoadAndSave and nosurf.New, around everything that browsers ask for. What other
// programs call, with a signature of their own instead of a cookie and a token, stays outside.
func shopHandler(m *auth.Manager, mux *http.ServeMux) http.Handler {
	outer := http.NewServeMux()
	outer.HandleFunc("POST /webhooks/payment", payment)
	outer.Handle("/", m.Handler(mux))
	return outer
}

func payment(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "noted\n") }
