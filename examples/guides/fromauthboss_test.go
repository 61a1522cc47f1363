package guides

import (
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

// The hash of phrase by GenerateFromPassword(…, bcrypt.DefaultCost) of golang.org/x/crypto/bcrypt.
const defaultBcrypt = "$2a$10$lJAG/3GYR21rpu/MdnvSOuLuc4h0idC2qHVUuT949vffM17vyB3bW"

func TestImportAuthboss(t *testing.T) {
	ctx, old := t.Context(), openDB(t, "authboss.db")
	execute(t, old,
		`CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, password TEXT, confirmed BOOLEAN, locked TIMESTAMP)`,
		`INSERT INTO users VALUES (1, 'ann@example.com', '`+defaultBcrypt+`', true, '2030-01-01'), (2, 'bob@example.com', '`+defaultBcrypt+`', false, NULL)`)
	store, _ := newStore(t)
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hooks: []auth.Hooks{email.Hooks(0)}})
	if err != nil {
		t.Fatal(err)
	}
	if result, err := Import(ctx, store, cost10, authbossUsers(ctx, old)); err != nil || result.Added != 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	if _, err := m.Authenticate(ctx, &auth.LoginForm{Email: "bob@example.com", Password: phrase}); err == nil {
		t.Error("bob gets in, who has not confirmed")
	}
	ann, err := m.Authenticate(ctx, &auth.LoginForm{Email: "ann@example.com", Password: phrase})
	if err != nil || !strings.HasPrefix(ann.PasswordHash, "$2a$12$") {
		t.Fatalf("ann: %v, %v", ann, err)
	}
	if result, err := Import(ctx, store, cost10, authbossUsers(ctx, old)); err != nil || result.Kept != 2 {
		t.Errorf("again: %+v, %v", result, err)
	}
}
