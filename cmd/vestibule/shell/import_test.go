package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	hashes "github.com/vestibule-go/auth/password"
)

const werkzeugHash = "pbkdf2:sha1:1000$ARaKG1cq$e002348a431b7da071881f109f645b7ec53e2a94" // of "window tractor ocean violin"

// source writes a file to import.
func source(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.csv")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func users(t *testing.T, d *desk) (n int) {
	t.Helper()
	must(t, d.db.QueryRowContext(t.Context(), "SELECT count(*) FROM auth_users").Scan(&n))
	return n
}

// Users come along with their passwords, once, and the mapping says who is who.
func TestImport(t *testing.T) {
	d := newDesk(t, &auth.Config{Hasher: hashes.Migrating{Preferred: authtest.Hasher{}, Others: []hashes.Verifier{hashes.Werkzeug{}}}})
	path := source(t, "id,email,password_hash,created_at,confirmed\n7,Ann@Example.com,"+werkzeugHash+",2021-03-04,1\n8,bob@example.com,,,\n")
	mapping := filepath.Join(t.TempDir(), "ids.csv")
	d.run("", "import", path, "-check").want(0, "to import    2 users", "password.Werkzeug{}, // 1 user")
	if n := users(t, d); n != 0 {
		t.Fatalf("-check has imported %d", n)
	}
	d.run("", "import", path, "-mapping", mapping).want(0, "imported     2 users", "no password  1 user", "confirmed    1 user", "mapping      "+mapping)
	if !d.enters("window tractor ocean violin") {
		t.Error("ann does not get in")
	}
	text, err := os.ReadFile(mapping)
	must(t, err)
	if want := fmt.Sprintf("old_id,new_id\n7,%s\n8,%s\n", d.user(ann).ID, d.user("bob@example.com").ID); string(text) != want {
		t.Errorf("got  %q\nwant %q", text, want)
	}
	d.run("", "import", path).want(1, "line 2: a user with this email is there already", "1 of 2 lines are wrong, and nobody was imported")
	d.run("", "import", path, "-keep-existing").want(0, "kept         1 user", "already      1 user")
	if n := users(t, d); n != 2 {
		t.Errorf("%d users after the second import", n)
	}
}

// If a line is wrong nobody is imported, unless the bad ones are to be left out: then they are kept for later.
func TestImportIsWholeOrNot(t *testing.T) {
	d := newDesk(t, nil)
	path := source(t, "email,hash\nann@example.com,"+werkzeugHash+"\nbob,Secret\ncarol@example.com,Secret\n")
	for _, args := range [][]string{{"import", path}, {"import", path, "-check"}} {
		s := d.run("", args...).want(1, "line 3: the email is none that Signup would take; the password hash is none", "line 4: ", "2 of 3 lines are wrong")
		if strings.Contains(s.out+s.err, "Secret") || strings.Contains(s.out+s.err, "$") {
			t.Errorf("a secret is shown: %s%s", s.out, s.err)
		}
	}
	d.run("", "import", path, "-max-errors", "1").want(1, "line 3: ", "and 1 more; -max-errors")
	if _, err := os.Stat(path + ".rejected"); users(t, d) != 0 || err == nil {
		t.Fatal("somebody was imported, or rejected")
	}
	s := d.run("", "import", path, "-skip-bad", "-json").want(0, `{"line":3,"reason":"`)
	lines := strings.Split(strings.TrimSpace(s.out), "\n")
	var last map[string]any
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	if last["did"] != "import" || last["imported"] != 1.0 || last["bad"] != 2.0 || last["rejects"] != path+".rejected" {
		t.Errorf("%v", last)
	}
	text, err := os.ReadFile(path + ".rejected")
	must(t, err)
	if info, err := os.Stat(path + ".rejected"); err != nil || info.Mode() != 0o600 || string(text) != "email,hash\nbob,Secret\ncarol@example.com,Secret\n" {
		t.Errorf("%q, %v, %v", text, info.Mode(), err)
	}
}

// What makes no sense is said before anything is read or written.
func TestImportUsage(t *testing.T) {
	d := newDesk(t, nil)
	path := source(t, "email,hash\n")
	d.run("", "import").want(2, "FILE is missing")
	d.run("", "import", path, "-columns", "email").want(2, "-columns is a list")
	d.run("", "import", path, "-mapping", path).want(2, "two files are one")
	d.run("", "import", path, "-rejects", path).want(2, "two files are one")
	d.run("", "import", path, "-mapping", "x", "-rejects", "./x").want(2, "two files are one")
	d.run("", "import", path, "-columns", "name=x").want(1, "columns may hold")
	d.run("", "import", path).want(0, "imported     0 users")
}

// No file takes the place of what is none, as /dev/null would be for root, or of the database.
func TestImportReplacesFilesOnly(t *testing.T) {
	d := newDesk(t, nil)
	path := source(t, "id,email,password_hash\n7,ann@example.com,\n8,nobody,\n")
	socket := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", socket)
	must(t, err)
	defer l.Close()
	d.run("", "import", path, "-mapping", socket).want(2, "no regular file")
	d.run("", "import", path, "-skip-bad", "-rejects", socket).want(2, "no regular file")
	must(t, os.Symlink(socket, path+".rejected"))
	d.run("", "import", path, "-skip-bad").want(1, "no regular file")
	if n := users(t, d); n != 0 {
		t.Errorf("%d users were imported", n)
	}
	d.app.SQL = nil
	d.app.Open = func(context.Context, string, bool) (*Database, error) { return nil, errors.New("opened") }
	d.run("", "import", path, "-db", d.file, "-mapping", d.file).want(2, "is the database")
}

// A table in the database of the application itself can be the source.
func TestImportFromTheSameDatabase(t *testing.T) {
	d := newDesk(t, nil)
	_, err := d.db.ExecContext(t.Context(), `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, password_hash TEXT);
		INSERT INTO people VALUES (1, 'ann@example.com', '`+werkzeugHash+`')`)
	must(t, err)
	d.run("", "import", d.file).want(0, "1 user from table people", "imported     1 user")
}

// Who interrupts it is told how to go on.
func TestImportInterrupted(t *testing.T) {
	d := newDesk(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	store := &interrupting{Store: d.store, stop: cancel}
	path := source(t, "email,hash\n"+many(50))
	var out, errs strings.Builder
	code := Run(ctx, []string{"import", path}, &App{Store: store, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	if code != 1 || !strings.Contains(errs.String(), "of 50 users are imported; the same command goes on from there") {
		t.Errorf("%d: %s%s", code, out.String(), errs.String())
	}
	if n := users(t, d); n == 0 || n == 50 {
		t.Errorf("%d imported", n)
	}
	d.run("", "import", path).want(0)
	if n := users(t, d); n != 50 {
		t.Errorf("%d imported at the end", n)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "user%d@example.com,\n", i)
	}
	return b.String()
}

// interrupting is a store that ends the import at the first user.
type interrupting struct {
	auth.Store
	stop func()
}

func (s *interrupting) CreateUser(ctx context.Context, u *auth.User) error {
	s.stop()
	return s.Store.CreateUser(ctx, u)
}
