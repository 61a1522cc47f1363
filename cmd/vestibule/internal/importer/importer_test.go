package importer_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/cmd/vestibule/internal/importer"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/password"
)

// The passwords of testdata/make.py.
const (
	annsPassword   = "window tractor ocean violin"
	bobsPassword   = "пароль café 密碼"
	carolsPassword = "twelve purple elephants"
)

var when = time.Date(2021, 3, 4, 5, 6, 7, 890123000, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file writes a source.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// fixture makes the database of which name is the dump.
func fixture(t testing.TB, name, pragma string) string {
	t.Helper()
	dump, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return database(t, pragma+string(dump))
}

// database makes one of SQLite.
func database(t testing.TB, statements string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), statements)
	must(t, err)
	return path
}

// read reads a source, in which nothing may be wrong.
func read(t testing.TB, path string, o importer.Options) *importer.Plan {
	t.Helper()
	p := readAny(t, path, o)
	for _, f := range p.Faults() {
		t.Errorf("%s %d: %s", p.Unit(), f.Line, f.Reason)
	}
	return p
}

// readAny reads a source, in which things may be wrong.
func readAny(t testing.TB, path string, o importer.Options) *importer.Plan {
	t.Helper()
	p, err := importer.Read(t.Context(), path, o)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// run imports p.
func run(t testing.TB, p *importer.Plan, store auth.UserStore, bulk importer.Bulk) importer.Result {
	t.Helper()
	must(t, p.Compare(t.Context(), store))
	must(t, p.Import(t.Context(), store, bulk))
	return p.Result()
}

// login returns whether a user gets in.
func login(t testing.TB, store auth.Store, others []password.Verifier, email, pw string) error {
	t.Helper()
	hasher := password.Migrating{Preferred: authtest.Hasher{}, Others: others}
	m, err := auth.New(store, authtest.Config(t, &auth.Config{Hasher: hasher}))
	must(t, err)
	_, err = m.Authenticate(t.Context(), &auth.LoginForm{Email: email, Password: pw})
	return err
}

// People of a Flask application log in with the passwords they have.
func TestFlask(t *testing.T) {
	store := &memstore.Store{}
	p := read(t, fixture(t, "flask.sql", ""), importer.Options{})
	if p.Format != "sqlite" || p.Table != "user" {
		t.Errorf("%s, table %s", p.Format, p.Table)
	}
	want := importer.Result{Read: 4, New: 4, Imported: 4, WithoutPassword: 1, Confirmed: 3, Disabled: 1}
	if got := run(t, p, store, nil); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := p.Ignored; !slices.Equal(got, []string{"name"}) {
		t.Errorf("ignored: %q", got)
	}
	if code := importer.Code(p.Hashes()); !strings.Contains(code, "password.Werkzeug{}, // 3 users") {
		t.Error(code)
	}
	ann, err := store.UserByLogin(t.Context(), "ann@example.com")
	must(t, err)
	if !ann.Created.Equal(when) || !ann.Confirmed.Equal(when) || !ann.Disabled.IsZero() || ann.Stamp == "" {
		t.Errorf("%#v, created %v, confirmed %v", ann, ann.Created, ann.Confirmed)
	}
	if bob, err := store.UserByLogin(t.Context(), "bob@example.com"); err != nil || bob.ID <= ann.ID {
		t.Errorf("%v, %v: bob came after ann", bob, err)
	}
	doors(t, store, []password.Verifier{password.Werkzeug{}})
}

// doors tries who gets in, of the users in the fixtures.
func doors(t *testing.T, store auth.Store, others []password.Verifier) {
	t.Helper()
	for _, try := range []struct {
		email, password string
		want            error
	}{
		{"ann@example.com", annsPassword, nil},
		{"ann@example.com", bobsPassword, auth.ErrBadLogin},
		{"bob@example.com", bobsPassword, nil},
		{"carol@example.com", carolsPassword, auth.ErrBadLogin}, // switched off
		{"dave@example.com", "", auth.ErrBadLogin},              // no password
	} {
		if err := login(t, store, others, try.email, try.password); !errors.Is(err, try.want) && !(try.password == "" && err != nil) {
			t.Errorf("%s: got %v, want %v", try.email, err, try.want)
		}
	}
}

func TestDjango(t *testing.T) {
	store := &memstore.Store{}
	path := fixture(t, "django.sql", "")
	p := read(t, path, importer.Options{})
	if p.Table != "auth_user" {
		t.Errorf("table %s", p.Table)
	}
	want := importer.Result{Read: 4, New: 4, Imported: 4, WithoutPassword: 1, Disabled: 1}
	if got := run(t, p, store, nil); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	doors(t, store, []password.Verifier{password.Django{}})
	run(t, read(t, path, importer.Options{Table: "accounts_member"}), store, nil)
	must(t, login(t, store, []password.Verifier{password.Django{}}, "erin@example.com", carolsPassword))
}

// What an application needs is said for every reader, and is Go.
func TestCode(t *testing.T) {
	if code := importer.Code(nil); code != "" {
		t.Errorf("for nobody: %q", code)
	}
	hashes := map[string]int{"password.Django": 1, "password.PHP": 2, "password.Firebase": 3, "password.Devise": 4,
		"password.Bcrypt": 5, "password.PHC": 6, "password.ASPNET": 7, "password.Werkzeug": 8}
	code := importer.Code(hashes)
	if n := strings.Count(code, "password."); n != len(hashes)+2 {
		t.Errorf("%d readers in\n%s", n, code)
	}
	for name := range hashes {
		if !strings.Contains(code, "\t\t"+name+"{") {
			t.Errorf("no %s in\n%s", name, code)
		}
	}
}

// The source is as it was, and nothing is left beside it, whatever its mode.
func TestSourceIsNotChanged(t *testing.T) {
	for _, pragma := range []string{"", "PRAGMA journal_mode=WAL;"} {
		path := fixture(t, "flask.sql", pragma)
		before, err := os.ReadFile(path)
		must(t, err)
		run(t, read(t, path, importer.Options{}), &memstore.Store{}, nil)
		after, err := os.ReadFile(path)
		must(t, err)
		if string(after) != string(before) {
			t.Errorf("%q: the file has changed", pragma)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		must(t, err)
		if len(entries) != 1 {
			t.Errorf("%q: %v", pragma, entries)
		}
	}
}

// What another process has written to its log, and not yet to the file, is read, too.
func TestSourceIsInUse(t *testing.T) {
	path := fixture(t, "flask.sql", "PRAGMA journal_mode=WAL;")
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `INSERT INTO "user" VALUES(9,'late@example.com','late',NULL,1,'2021-03-07 05:06:07',NULL)`)
	must(t, err)
	if got := read(t, path, importer.Options{}).Result().Read; got != 5 {
		t.Errorf("%d users, want 5", got)
	}
}

const (
	hashA = "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94"
	hashB = "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a95"
)

// Who is there is never overwritten.
func TestAgain(t *testing.T) {
	store := &memstore.Store{}
	source := "id,email,password\n1,a@example.com," + hashA + "\n2,b@example.com," + hashA + "\n3,c@example.com,\n"
	run(t, read(t, file(t, "a.csv", source), importer.Options{}), store, nil)
	b, err := store.UserByLogin(t.Context(), "b@example.com")
	must(t, err)
	b.PasswordHash = "$2a$04$of.another" // has logged in here meanwhile
	must(t, store.UpdateUser(t.Context(), b))
	source = strings.Replace(source, "com,\n", "com,"+hashB+"\n4,d@example.com,"+hashB+"\n", 1) // c chose a password there, and d is new
	source = strings.Replace(source, "a@example.com,"+hashA, "a@example.com,"+hashB, 1)         // a chose another one there

	p := readAny(t, file(t, "b.csv", source), importer.Options{})
	want := importer.Result{Read: 4, Bad: 3, New: 1, Imported: 1}
	if got := run(t, p, store, nil); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	p = read(t, file(t, "b.csv", source), importer.Options{KeepExisting: true})
	want = importer.Result{Read: 4, Already: 1, Kept: 3, Changed: 1}
	if got := run(t, p, store, nil); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for email, hash := range map[string]string{"a@example.com": hashA, "b@example.com": "$2a$04$of.another", "c@example.com": "", "d@example.com": hashB} {
		if u, err := store.UserByLogin(t.Context(), email); err != nil || u.PasswordHash != hash {
			t.Errorf("%s has another hash than before, or is gone: %v", email, err)
		}
	}
}

// Who comes in between the look and the import is not overwritten either.
func TestOvertaken(t *testing.T) {
	store := &memstore.Store{}
	p := read(t, file(t, "a.csv", "email,password\na@example.com,"+hashA+"\nb@example.com,"+hashA+"\n"), importer.Options{})
	must(t, p.Compare(t.Context(), store))
	must(t, store.CreateUser(t.Context(), &auth.User{ID: "1", Email: "a@example.com", PasswordHash: hashB}))
	must(t, store.CreateUser(t.Context(), &auth.User{ID: "2", Email: "b@example.com", PasswordHash: hashA}))
	must(t, p.Import(t.Context(), store, nil))
	if got, want := p.Result(), (importer.Result{Read: 2, Bad: 1, Already: 1}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if u, err := store.UserByLogin(t.Context(), "a@example.com"); err != nil || u.PasswordHash != hashB {
		t.Errorf("a@example.com was overwritten: %v", err)
	}
}

// IDs look and sort like those that Signup makes, or are the old ones.
func TestIDs(t *testing.T) {
	store := &memstore.Store{}
	m, err := auth.New(store, authtest.Config(t, nil))
	must(t, err)
	first, err := m.Signup(t.Context(), &auth.SignupForm{Email: "first@example.com", Password: annsPassword, Confirm: annsPassword})
	must(t, err)
	time.Sleep(2 * time.Millisecond)
	const source = "id,email,password\n7,a@example.com,\n"
	run(t, read(t, file(t, "a.csv", source), importer.Options{}), store, nil)
	u, err := store.UserByLogin(t.Context(), "a@example.com")
	must(t, err)
	if len(u.ID) != len(first.ID) || u.ID <= first.ID || strings.Trim(u.ID, "0123456789abcdefghijklmnopqrstuv") != "" {
		t.Errorf("ID %q, after Signup's %q", u.ID, first.ID)
	}

	other := &memstore.Store{}
	run(t, read(t, file(t, "a.csv", source), importer.Options{KeepIDs: true}), other, nil)
	if u, err := other.UserByID(t.Context(), "7"); err != nil || u.Email != "a@example.com" {
		t.Errorf("%v, %v", u, err)
	}
	for _, source := range []string{
		"id,email,password\n7,other@example.com,\n", // another's ID
		"id,email,password\n8,a@example.com,\n",     // another's email
		"id,email,password\n,b@example.com,\n",
		"id,email,password\n9,b@example.com,\n9,c@example.com,\n",
	} {
		p := readAny(t, file(t, "a.csv", source), importer.Options{KeepIDs: true})
		if got := run(t, p, other, nil); got.Bad != got.Read {
			t.Errorf("%q: %+v", source, got)
		}
	}
}

// A store that chooses its own IDs cannot keep others, and that shows at the first user.
func TestOwnIDs(t *testing.T) {
	store := &numbering{UserStore: &memstore.Store{}}
	path := file(t, "a.csv", people(50))
	p := read(t, path, importer.Options{KeepIDs: true})
	must(t, p.Compare(t.Context(), store))
	if err := p.Import(t.Context(), store, nil); err == nil || p.Result().Imported > 10 {
		t.Errorf("%v, %+v", err, p.Result())
	}
}

// numbering is a store that counts its users.
type numbering struct {
	auth.UserStore
	last atomic.Int64
}

func (n *numbering) CreateUser(ctx context.Context, u *auth.User) error {
	u.ID = fmt.Sprint("number ", n.last.Add(1))
	return n.UserStore.CreateUser(ctx, u)
}

// An import that is interrupted ends between users, and goes on.
func TestInterrupted(t *testing.T) {
	store := &memstore.Store{}
	path := file(t, "a.csv", people(100))
	p := read(t, path, importer.Options{})
	must(t, p.Compare(t.Context(), store))
	ctx, cancel := context.WithCancel(t.Context())
	one := &stopping{UserStore: store, stop: cancel}
	one.left.Store(10)
	if err := p.Import(ctx, one, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's", err)
	}
	first := p.Result().Imported
	if first < 10 || first > 30 {
		t.Errorf("%d imported after 10 and an interruption", first)
	}
	if got, want := run(t, read(t, path, importer.Options{}), store, nil), (importer.Result{Read: 100, New: 100 - first, Imported: 100 - first, Already: first, Confirmed: 50, Disabled: 34}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// stopping is a store in which users who are added stop the import, after so many.
type stopping struct {
	auth.UserStore
	left atomic.Int64
	stop func()
}

func (s *stopping) CreateUser(ctx context.Context, u *auth.User) error {
	if s.left.Add(-1) == 0 {
		s.stop()
	}
	if err := ctx.Err(); err != nil { // a user is not to be left by halves
		return err
	}
	return s.UserStore.CreateUser(ctx, u)
}

// people returns a CSV file of n users.
func people(n int) string {
	var b strings.Builder
	b.WriteString("id,email,password,created_at,confirmed,active\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,user%d@example.com,%s%02x,2021-03-04 05:06:07,%d,%d\n", i, i, hashA[:len(hashA)-2], i%256, i%2, min(i%3, 1))
	}
	return b.String()
}

// recorder is a store in which there is nobody, and which keeps who is added.
type recorder struct {
	auth.UserStore
	users []*auth.User
}

func (r *recorder) UserByLogin(context.Context, string) (*auth.User, error) {
	return nil, auth.ErrNotFound
}

func (r *recorder) add(_ context.Context, users []*auth.User) ([]*auth.User, error) {
	r.users = append(r.users, users...)
	return nil, nil
}
