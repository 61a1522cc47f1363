package importer_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/cmd/vestibule/internal/importer"
	"github.com/vestibule-go/auth/sqlstore"
)

// A test runs this program once more, to kill it.
const childOf = "IMPORTER_TEST_CHILD"

func TestMain(m *testing.M) {
	if source := os.Getenv(childOf); source != "" {
		if err := child(source, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child imports, and writes a line whenever users were added. It goes on when it has read one, so that it is never far ahead
// of who is to kill it.
func child(source, target string) error {
	store, end, err := sqlite(target)
	if err != nil {
		return err
	}
	defer end()
	ctx := context.Background()
	p, err := importer.Read(ctx, source, importer.Options{NeedIDs: true})
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Compare(ctx, store); err != nil {
		return err
	}
	goOn := bufio.NewScanner(os.Stdin)
	err = p.Import(ctx, store, func(ctx context.Context, users []*auth.User) ([]*auth.User, error) {
		taken, err := store.CreateUsers(ctx, users)
		fmt.Println("added")
		goOn.Scan()
		return taken, err
	})
	if err != nil {
		return err
	}
	return p.WriteMapping(target + ".map")
}

func sqlite(path string) (*sqlstore.Store, func(), error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	store := sqlstore.New(db, sqlstore.SQLite)
	_, err = store.Migrate(context.Background())
	return store, func() { store.Close(); db.Close() }, err
}

// Killed again and again, at any moment, an import ends as if it had never been.
func TestKilled(t *testing.T) {
	const users = 2000
	source := file(t, "users.csv", people(users))
	target := filepath.Join(t.TempDir(), "app.db")
	kills := 0
	for killAfter(t, source, target, rand.IntN(2)) {
		kills++
	}
	if kills < 3 {
		t.Errorf("killed %d times only", kills)
	}
	t.Logf("killed %d times", kills)

	undisturbed := filepath.Join(t.TempDir(), "app.db")
	if killAfter(t, source, undisturbed, users) {
		t.Fatal("killed")
	}
	got, want := contents(t, target), contents(t, undisturbed)
	if len(got) != users || len(want) != users {
		t.Fatalf("%d and %d users, want %d", len(got), len(want), users)
	}
	for email, w := range want {
		if got[email] != w {
			t.Fatalf("%s: got %s, want %s", email, got[email], w)
		}
	}
	mapped(t, target, users)
}

// killAfter imports, and kills the import some moment after n times users were added, while it may add others. It returns
// whether that was soon enough.
func killAfter(t *testing.T, source, target string, n int) (killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], target)
	cmd.Env = append(os.Environ(), childOf+"="+source)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	seen := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		seen++
		if seen <= n+1 {
			fmt.Fprintln(in)
		}
		if seen == n+1 {
			time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
			cmd.Process.Kill()
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return true
	}
	must(t, err)
	return false
}

// contents returns what is known of the users but what chance has made.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT email, password_hash || ' ' || created || ' ' || coalesce(confirmed, '') || ' ' || (disabled IS NULL) || ' ' || version
		FROM auth_users WHERE id <> '' AND stamp <> ''`)
	must(t, err)
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var email, rest string
		must(t, rows.Scan(&email, &rest))
		all[email] = rest
	}
	must(t, rows.Err())
	return all
}

// mapped checks that the mapping has everybody, whichever run imported them.
func mapped(t *testing.T, target string, users int) {
	t.Helper()
	store, end, err := sqlite(target)
	must(t, err)
	defer end()
	f, err := os.Open(target + ".map")
	must(t, err)
	defer f.Close()
	lines, n := bufio.NewScanner(f), -1
	for ; lines.Scan(); n++ {
		if n < 0 {
			continue // the header
		}
		old, id, _ := strings.Cut(lines.Text(), ",")
		if u, err := store.UserByID(t.Context(), id); err != nil || u.Email != "user"+old+"@example.com" {
			t.Fatalf("%s is %v, %v", lines.Text(), u, err)
		}
	}
	if n != users {
		t.Errorf("%d users in the mapping, want %d", n, users)
	}
}
