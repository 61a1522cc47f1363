package password_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/password"
)

// A Flask application moves to Go, and its users keep their passwords.
func ExampleMigrating() {
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{
		BaseURL: "http://localhost:8080",
		Hasher: password.Migrating{
			Preferred: password.Argon2id{},
			Others:    []password.Verifier{password.Werkzeug{}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	// A row of the old table of users.
	ctx, now := context.Background(), time.Now()
	ann := &auth.User{ID: "1", Email: "ann@example.com", Stamp: "from Flask", Created: now, Updated: now,
		PasswordHash: "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94"}
	if err := store.CreateUser(ctx, ann); err != nil {
		log.Fatal(err)
	}

	ann, err = m.Authenticate(ctx, &auth.LoginForm{Email: "ann@example.com", Password: "window tractor ocean violin"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ann.PasswordHash[:31])
	// Output: $argon2id$v=19$m=19456,t=2,p=1$
}

// A pepper from the environment, with the one before it.
func ExamplePepper() {
	getenv := func(string) string { return strings.Repeat("5f", 32) } // os.Getenv, in earnest
	key := func(name string) []byte {
		k, err := hex.DecodeString(getenv(name))
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		return k
	}
	pepper := password.Pepper{
		Keys:    map[string][]byte{"2025": key("PEPPER_2025"), "2026": key("PEPPER_2026")},
		Current: "2026",
		Hasher:  password.Argon2id{},
	}
	_, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: pepper})
	if err != nil {
		log.Fatal(err) // names every key that is too short
	}
	hash, _ := pepper.Hash("window tractor ocean violin")
	ok, stale, _ := pepper.Verify(hash, "window tractor ocean violin")
	fmt.Println(hash[:44], ok, stale)
	// Output: $pepper$2026$$argon2id$v=19$m=19456,t=2,p=1$ true false
}
