package guides

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/password"
	"github.com/vestibule-go/auth/sqlstore"
)

// Hashes that werkzeug 3.1.3 made of phrase: see vectors_test.go of package password.
const (
	phrase         = "window tractor ocean violin"
	werkzeugScrypt = "scrypt:32768:8:1$CPKEFOy4vHe7If9E$919e2d3a77456d981ec15b1f7228851eb34047d338c120dcc461548ea061ddf72c98254258d59558145897657f9947f751ad03bb116986f0c7cc6a1f5f17578c"
	werkzeugPBKDF2 = "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94"
)

func openDB(t *testing.T, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), name))+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func newStore(t *testing.T) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db := openDB(t, "new.db")
	store := sqlstore.New(db, sqlstore.SQLite)
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, db
}

// flaskDB is a database as Flask-SQLAlchemy leaves it behind.
func flaskDB(t *testing.T) *sql.DB {
	t.Helper()
	db := openDB(t, "flask.db")
	execute(t, db,
		`CREATE TABLE "user" (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(254) UNIQUE, password_hash VARCHAR(256))`,
		`INSERT INTO "user" VALUES (1, 'Ann@example.com', '`+werkzeugScrypt+`'), (2, 'bob@example.com', '`+werkzeugPBKDF2+`'),
			(3, 'ann@example.com', 'x'), (4, 'nobody', 'x'), (5, 'eve@example.com', NULL), (6, 'dan@example.com', 'md5$salt$0123')`)
	return db
}

func TestImportFlask(t *testing.T) {
	ctx, old := t.Context(), flaskDB(t)
	store, _ := newStore(t)
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: flaskHashes()})
	if err != nil {
		t.Fatal(err)
	}
	run := func() *Result {
		t.Helper()
		result, err := Import(ctx, store, password.Werkzeug{}.Reads, flaskUsers(ctx, old))
		if err != nil {
			t.Fatal(err)
		}
		if result.Refused["3"] != "another user has the address" || result.Refused["4"] == "" || len(result.Refused) != 2 {
			t.Errorf("refused: %v", result.Refused)
		}
		return result
	}
	login := func(email, word string) error {
		_, err := m.Authenticate(ctx, &auth.LoginForm{Email: email, Password: word})
		return err
	}

	first := run()
	if first.Added != 4 || strings.Join(first.WithoutPassword, " ") != "5 6" {
		t.Errorf("first run: %+v", first)
	}
	if again := run(); again.Added+again.Updated != 0 || again.Kept != 4 {
		t.Errorf("run again: %+v", again)
	}
	for _, email := range []string{"ann@example.com", "bob@example.com"} {
		if err := login(email, phrase); err != nil {
			t.Errorf("%s: %v", email, err)
		}
		if err := login(email, "wrong"); !errors.Is(err, auth.ErrBadLogin) {
			t.Errorf("%s with a wrong password: %v", email, err)
		}
		u, err := store.UserByLogin(ctx, email)
		if err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$") {
			t.Errorf("%s has %.20q, %v", email, u.PasswordHash, err)
		}
	}
	for _, email := range []string{"eve@example.com", "dan@example.com"} {
		if err := login(email, phrase); !errors.Is(err, auth.ErrBadLogin) {
			t.Errorf("%s, who has no password: %v", email, err)
		}
	}
}

// What happens in Flask between two runs counts, unless the user has been here.
func TestImportAgain(t *testing.T) {
	ctx, old := t.Context(), flaskDB(t)
	store, _ := newStore(t)
	if err := importFlask(ctx, old, store); err != nil {
		t.Fatal(err)
	}
	ann, err := store.UserByID(ctx, "1")
	if err != nil {
		t.Fatal(err)
	}
	ann.PasswordHash = "$argon2id$made here"
	if err := store.UpdateUser(ctx, ann); err != nil {
		t.Fatal(err)
	}
	execute(t, old, `UPDATE "user" SET password_hash = '`+werkzeugPBKDF2+`' WHERE id = 1`,
		`UPDATE "user" SET password_hash = '`+werkzeugScrypt+`', email = 'robert@example.com' WHERE id = 2`,
		`INSERT INTO "user" VALUES (7, 'kim@example.com', '`+werkzeugPBKDF2+`')`)
	result, err := Import(ctx, store, password.Werkzeug{}.Reads, flaskUsers(ctx, old))
	if err != nil || result.Added != 1 || result.Updated != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	for id, want := range map[string]string{"1": ann.PasswordHash, "2": werkzeugScrypt, "7": werkzeugPBKDF2} {
		if u, err := store.UserByID(ctx, id); err != nil || u.PasswordHash != want {
			t.Errorf("user %s: %+v, %v", id, u, err)
		}
	}
	if u, err := store.UserByLogin(ctx, "robert@example.com"); err != nil || u.ID != "2" {
		t.Errorf("the new address: %v, %v", u, err)
	}
}

// failing is a store that fails at the second user, once.
type failing struct {
	*sqlstore.Store
	calls int
}

var errDown = errors.New("down")

func (f *failing) CreateUser(ctx context.Context, u *auth.User) error {
	if f.calls++; f.calls == 2 {
		return errDown
	}
	return f.Store.CreateUser(ctx, u)
}

func TestImportGoesOn(t *testing.T) {
	ctx, old := t.Context(), flaskDB(t)
	store, _ := newStore(t)
	f := &failing{Store: store}
	if result, err := Import(ctx, f, password.Werkzeug{}.Reads, flaskUsers(ctx, old)); !errors.Is(err, errDown) || result.Added != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if result, err := Import(ctx, f, password.Werkzeug{}.Reads, flaskUsers(ctx, old)); err != nil || result.Added != 3 || result.Kept != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestOldPaths(t *testing.T) {
	m, mux := authtest.New(t, nil), http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	oldPaths(mux)
	c := authtest.NewClient(t, m.Handler(mux))
	if r := c.Get("/auth/login?next=%2Forders"); r.Status != http.StatusMovedPermanently || r.Location != "/login?next=%2Forders" {
		t.Errorf("%d to %s", r.Status, r.Location)
	}
	if r := c.Get("/auth/register"); r.Location != "/signup" {
		t.Errorf("to %s", r.Location)
	}
}
