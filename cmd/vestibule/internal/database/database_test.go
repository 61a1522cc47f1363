package database

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/vestibule-go/auth/cmd/vestibule/shell"
)

// No error repeats the password, whether the address cannot be read or nobody answers there.
func TestPasswordsAreNotPrinted(t *testing.T) {
	const secret = "s3cr3t%zz" // which is no escape: such an address cannot be parsed
	for _, address := range []string{
		"postgres://u:s3cr3t@127.0.0.1:1/d", "postgres://u:s3cr3t@127.0.0.1:1/d?sslmode=nope", "postgres://u:" + secret + "@h/d",
		"postgres://u:s3cr3t@h:port/d", "postgres://u:s3cr3t@[::1/d", "postgres://", "postgresql://u:s3cr3t@127.0.0.1:1/s3cr3t?password=s3cr3t",
		"mysql://u:s3cr3t@127.0.0.1:1/d", "mysql://u:" + secret + "@h/d", "mysql://u:s3cr3t@h/d?tls=nope", "mysql://u:s3cr3t@/d", "mysql://u:s3cr3t@h:port/d",
		"mysql://u:s3cr3t@127.0.0.1:1/s3cr3t", "postgress://u:s3cr3t@h/d", "sqlite://u:s3cr3t@h/d",
		"postgres://u:p@s3cr3t@127.0.0.1:1/d", "postgres://u:p@h#s3cr3t@127.0.0.1:1/d", "mysql://u:p@s3cr3t@127.0.0.1:1/d",
		"host=127.0.0.1 password=s3cr3t", "u:s3cr3t@tcp(127.0.0.1:1)/d",
	} {
		db, err := Open(t.Context(), address, false)
		if err == nil {
			db.Close()
			t.Errorf("%s was opened", address)
		} else if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := Open(t.Context(), "oracle://h/d", false); !errors.Is(err, shell.ErrUsage) {
		t.Errorf("an unknown kind of address: %v", err)
	}
}

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a b?c#d%e.db")
	if _, err := Open(t.Context(), file, false); err == nil || !strings.Contains(err.Error(), "no file") {
		t.Errorf("a file that is missing: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
	if _, err := Open(t.Context(), dir, false); err == nil {
		t.Error("a folder was opened")
	}
	db, err := Open(t.Context(), file, true)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	in, err := db.Store.Inspect(t.Context())
	if err != nil || in.Journal != "wal" || in.BusyTimeout == 0 || filepath.Base(in.File) != filepath.Base(file) {
		t.Errorf("got %+v, %v", in, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(t.Context(), text, false); err == nil {
		if _, err := db.Store.MigrationStatus(t.Context()); err == nil {
			t.Error("a text is a database")
		}
		db.Close()
	}
}

// server skips a test without a server, or fails it where everything must be tested.
func server(t *testing.T, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" && os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
		t.Fatalf("AUTH_TEST_REQUIRE_ALL is 1, and %s names no server", variable)
	}
	if address == "" {
		t.Skipf("%s names no server", variable)
	}
	return address
}

// Servers are reached by their addresses.
func TestServers(t *testing.T) {
	for variable, address := range map[string]func(string) string{
		"AUTH_TEST_POSTGRES_DSN": func(dsn string) string { return dsn },
		"AUTH_TEST_MYSQL_DSN": func(dsn string) string {
			c, err := mysql.ParseDSN(dsn)
			if err != nil {
				t.Fatal(err)
			}
			u := url.URL{Scheme: "mysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + c.DBName, RawQuery: "tls=false"}
			return u.String()
		},
	} {
		t.Run(variable, func(t *testing.T) {
			db, err := Open(t.Context(), address(server(t, variable)), false)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Store.Inspect(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
