package guides

import (
	_ "embed"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
)

//go:embed handwired.sql
var addColumns string

// The old program goes on while the table has the new columns already.
func TestAddColumns(t *testing.T) {
	db := openDB(t, "shop.db")
	execute(t, db, `CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL)`,
		`INSERT INTO users (email, password_hash) VALUES ('ann@example.com', 'x')`, addColumns,
		`INSERT INTO users (email, password_hash) VALUES ('bob@example.com', 'x')`)
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM users WHERE version = 1 AND stamp = '' AND confirmed IS NULL AND disabled IS NULL`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d users, %v", n, err)
	}
}

func TestShopStore(t *testing.T) {
	ours, db := newStore(t)
	users, _ := newStore(t)
	store, err := shopStore(t.Context(), users, ours)
	if err != nil {
		t.Fatal(err)
	}
	ann := &auth.User{ID: "1", Email: "ann@example.com", PasswordHash: defaultBcrypt} // no stamp: the old program made it
	if err := users.CreateUser(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	app := shopHandler(m, mux)
	c := authtest.NewClient(t, app)
	c.Login("ann@example.com", phrase).WantRedirect("/")
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM auth_sessions WHERE user_id = '1'`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d sessions, %v", n, err)
	}

	hook, err := http.NewRequest("POST", authtest.BaseURL+"/webhooks/payment", nil)
	if err != nil {
		t.Fatal(err)
	}
	authtest.NewClient(t, app).Do(hook).Want(http.StatusOK, "noted")
}

func TestShopStoreOnRedis(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // yumroad.TestSessionsOnRedis has a real one
	defer client.Close()
	ours, _ := newStore(t)
	if _, err := auth.New(shopStoreOnRedis(ours, ours, client), &auth.Config{BaseURL: authtest.BaseURL}); err != nil {
		t.Error(err)
	}
}
