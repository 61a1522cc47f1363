package password_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/password"
)

// everyone is what a site would have to which users came from everywhere.
func everyone(t testing.TB, preferred auth.Hasher) password.Migrating {
	return password.Migrating{Preferred: preferred, Others: []password.Verifier{
		password.Werkzeug{}, password.Django{}, password.Devise{}, password.PHP{}, password.PHC{}, password.ASPNET{}, project(t, 14),
	}}
}

func TestMigrating(t *testing.T) {
	m := everyone(t, nil)
	for _, try := range cheapVectors {
		if ok, stale, err := m.Verify(try.hash, try.password); !ok || !stale || err != nil {
			t.Errorf("%s: %v, stale %v, %v", try.hash, ok, stale, err)
		}
		if ok, stale, err := m.Verify(try.hash, "x"+try.password); ok || stale || err != nil {
			t.Errorf("%s, wrong password: %v, stale %v, %v", try.hash, ok, stale, err)
		}
	}
	for _, bad := range []string{"", "x", "!unusable", "$1$abcdefgh$", "pbkdf2:sha256:0$abcdefgh$" + hex32} {
		if ok, stale, err := m.Verify(bad, plain); ok || stale || err == nil {
			t.Errorf("%q: %v, stale %v, %v", bad, ok, stale, err)
		}
	}
}

// What the preferred hasher writes is its own, also where a reader would claim it: else
// it would be replaced at every login.
func TestMigratingKeepsItsOwn(t *testing.T) {
	keys := map[string][]byte{"k1": make([]byte, 32)}
	for _, h := range []auth.Hasher{auth.Bcrypt(10), password.Argon2id{}, password.Pepper{Keys: keys, Current: "k1", Hasher: cheap{auth.Bcrypt(4)}}, everyone(t, password.Argon2id{})} {
		m := everyone(t, h)
		for _, p := range []string{plain, long} {
			hash, err := m.Hash(p)
			if err != nil || !m.Reads(hash) {
				t.Fatalf("%T: %q, %v; its own: %v", h, hash, err, m.Reads(hash))
			}
			if ok, stale, err := m.Verify(hash, p); !ok || stale || err != nil {
				t.Errorf("%T: %s: %v, stale %v, %v", h, hash, ok, stale, err)
			}
			if ok, _, _ := m.Verify(hash, p+"x"); ok {
				t.Errorf("%T cuts", h)
			}
		}
	}
}

// A site goes from the default hasher to another, with every password that it took.
func TestFromBcryptToArgon2id(t *testing.T) {
	m := password.Migrating{Preferred: password.Argon2id{}, Others: []password.Verifier{password.Bcrypt{}}}
	for _, p := range []string{plain, script, decomposed, long, long[:72], long[:73], "NUL \x00 in the middle"} {
		hash, err := auth.Bcrypt(4).Hash(p)
		if err != nil {
			t.Fatal(err)
		}
		if ok, stale, err := m.Verify(hash, p); !ok || !stale || err != nil {
			t.Errorf("%q: %v, stale %v, %v", p, ok, stale, err)
		}
		if ok, stale, err := m.Verify(hash, p+"x"); ok || stale || err != nil {
			t.Errorf("%q, one more: %v, stale %v, %v", p, ok, stale, err)
		}
	}
}

// cheap is bcrypt at its cheapest, in a type that says nothing of its form.
type cheap struct{ auth.Hasher }

func TestMigratingNamesConflicts(t *testing.T) {
	four := cheap{auth.Bcrypt(4)}
	for name, m := range map[string]password.Migrating{
		"Devise with a pepper beside bcrypt": {Preferred: auth.Bcrypt(10), Others: []password.Verifier{password.Devise{Pepper: oldPepper}}},
		"Devise beside an unknown bcrypt":    {Preferred: four, Others: []password.Verifier{password.Devise{}}},
		"nil":                                {Preferred: four, Others: []password.Verifier{nil}},
		"a weak bcrypt":                      {Preferred: auth.Bcrypt(9)},
		"a weak Argon2id":                    {Preferred: password.Argon2id{Memory: 8}},
	} {
		if hash, err := m.Hash(plain); err == nil || hash != "" {
			t.Errorf("%s: %q, %v", name, hash, err)
		}
		if _, err := auth.New(memstore.New(), &auth.Config{BaseURL: authtest.BaseURL, Hasher: m}); err == nil {
			t.Errorf("%s: auth.New takes it", name)
		}
	}
	for name, m := range map[string]password.Migrating{
		"Devise with a pepper beside Argon2id": {Preferred: password.Argon2id{}, Others: []password.Verifier{password.Devise{Pepper: oldPepper}}},
		"PHP beside bcrypt":                    {Preferred: four, Others: []password.Verifier{password.PHP{}}},
	} {
		if _, err := m.Hash(plain); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// counting counts how often it hashes.
type counting struct {
	auth.Hasher
	hashed *atomic.Int64
}

func (c counting) Hash(p string) (string, error) {
	c.hashed.Add(1)
	return c.Hasher.Hash(p)
}

// At the next login the hash is replaced, once, and no session ends.
func TestForeignHashIsReplacedOnce(t *testing.T) {
	for name, old := range map[string]vector{
		"Django":          {script, "pbkdf2_sha256$1000$xslG19Xznq5r04KL8ykNKb$iasNJ9Bj2GM3GXJ0xAI0H7/OkzD7wUnheUQT0UnyRK8="},
		"werkzeug":        {script, "scrypt:1024:8:2$IOVyxbJPyh8ccDZJ$e67b15a73b5b7fa71d0d96f351191cb058e04b48da30006504916880c45e0439a6b34c4e88190e0ee2eb42e38b4367e0ff345b340bc6a6de9fa9c1064295cdb1"},
		"PHP, 100 bytes":  {long, "$2y$05$8LALeP2Obn7pgTi.WAyiqeJN1i0mN7hGzLcFQdBys0exbRkyE1wAe"},
		"Devise":          {script, "$2a$05$1yhkJ.Jo8zS1a3WWw6XRa.ZGg4Z.pPtTO8ODkTAj/Zv9tH/AWo/kG"},
		"decomposed, PHP": {decomposed, "$2y$05$I09a72iLF.LrRJKLq5JlL.OLUVLjD07RBdVfUTdR8gj8k2FtScnBa"},
	} {
		t.Run(name, func(t *testing.T) { replacedOnce(t, old) })
	}
}

func replacedOnce(t *testing.T, old vector) {
	const ann = "ann@example.com"
	upgrades := 0
	hooks := auth.Hooks{Event: func(_ context.Context, e auth.Event) {
		if e.Name == auth.EventHashUpgraded {
			upgrades++
		}
	}}
	store, hasher := memstore.New(), counting{everyone(t, password.Argon2id{}), new(atomic.Int64)}
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: hasher, Hooks: []auth.Hooks{hooks}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	brought := &auth.User{ID: "1", Email: ann, PasswordHash: old.hash, Stamp: "stamp", Created: time.Now(), Updated: time.Now()}
	if err := store.CreateUser(t.Context(), brought); err != nil {
		t.Fatal(err)
	}
	me := m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "me") }))
	before := authtest.Request(t, m, brought, "GET", "/me", nil) // a session from before
	app := m.Handler(pages.Handler(m))
	login := func(p string) int { return authtest.NewClient(t, app).Login(ann, p).Status }

	hasher.hashed.Store(0)
	if status := login("x" + old.password); status != http.StatusUnprocessableEntity && status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", status)
	}
	if u, _ := store.UserByID(t.Context(), "1"); u.PasswordHash != old.hash || hasher.hashed.Load() != 0 {
		t.Error("a wrong password replaces the hash")
	}
	for range 2 {
		if status := login(old.password); status != http.StatusSeeOther {
			t.Errorf("login: %d", status)
		}
	}
	u, _ := store.UserByID(t.Context(), "1")
	if !strings.HasPrefix(u.PasswordHash, "$argon2id$") || hasher.hashed.Load() != 1 || upgrades != 1 {
		t.Errorf("hash is %.10s after %d hashings and %d events, want argon2id after one", u.PasswordHash, hasher.hashed.Load(), upgrades)
	}
	if u.Stamp != brought.Stamp {
		t.Error("the stamp changed: sessions end")
	}
	rec := httptest.NewRecorder()
	if me.ServeHTTP(rec, before); rec.Body.String() != "me" {
		t.Errorf("the session from before: %d %s", rec.Code, rec.Body)
	}
	if status := login(old.password + "x"); status == http.StatusSeeOther {
		t.Error("the new hash is of less than the whole password")
	}
}
