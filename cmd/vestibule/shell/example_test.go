package shell_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/cmd/vestibule/shell"
	"github.com/vestibule-go/auth/password"
	"github.com/vestibule-go/auth/sqlstore"
)

// config returns the settings of the shop, which its server and its operators share.
func config() *auth.Config {
	return &auth.Config{
		BaseURL:   "https://shop.example",
		Hasher:    password.Argon2id{},
		Passwords: auth.Policy{Words: []string{"lamps"}},
		Hooks: []auth.Hooks{{
			Event: func(_ context.Context, e auth.Event) { fmt.Printf("audit: %s %q\n", e.Name, e.Reason) },
			Delete: func(_ context.Context, u *auth.User) error {
				fmt.Println("the orders of", u.Email, "are gone")
				return nil
			},
		}},
	}
}

// operate is the whole of the shop's own shopctl, but for os.Exit.
func operate(ctx context.Context, db *sql.DB, args []string) int {
	return shell.Run(ctx, args, &shell.App{
		Name:   "shopctl",
		SQL:    sqlstore.New(db, sqlstore.SQLite),
		Config: config(),
	})
}

// An application's own program for operators: its store, its Hasher and policy, its hooks.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "shopctl")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	store := sqlstore.New(db, sqlstore.SQLite)
	if _, err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	m, err := auth.New(store, config())
	if err != nil {
		log.Fatal(err)
	}
	const secret = "four words nobody guesses"
	if _, err := m.Signup(ctx, &auth.SignupForm{Email: "ann@example.com", Password: secret, Confirm: secret}); err != nil {
		log.Fatal(err)
	}
	operate(ctx, db, []string{"users", "disable", "ann@example.com"})
	fmt.Println(operate(ctx, db, []string{"users", "delete", "ann@example.com", "-yes"}))
	fmt.Println(operate(ctx, db, []string{"users", "list", "-json"}))
	// Output:
	// audit: signed_up ""
	// audit: account_disabled "by operator"
	// ann@example.com is disabled, and all sessions have ended.
	// the orders of ann@example.com are gone
	// audit: account_deleted "by operator"
	// ann@example.com is deleted.
	// 0
	// 0
}
