// Package database opens the database that an operator names: a file of SQLite, or an address of PostgreSQL, MySQL or
// MariaDB.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth/cmd/vestibule/shell"
	"github.com/vestibule-go/auth/sqlstore"
)

// Open opens the database at address, and asks it whether it is there. A file of SQLite that is missing is made only
// if create is set. No error has the password of the address in it.
func Open(ctx context.Context, address string, create bool) (*shell.Database, error) {
	db, dialect, err := open(address, create)
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		hint := ""
		if strings.Contains(err.Error(), "readonly database") {
			hint = "; a database of SQLite with a write-ahead log is read only by who can write to the file and its folder, such as the application's user"
		}
		return nil, without(password(address), fmt.Errorf("cannot reach the database: %w%s", err, hint))
	}
	store := sqlstore.New(db, dialect)
	return &shell.Database{Store: store, Close: func() error { return errors.Join(store.Close(), db.Close()) }}, nil
}

func open(address string, create bool) (*sql.DB, sqlstore.Dialect, error) {
	scheme, _, isURL := strings.Cut(address, "://")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		db, err := openPostgres(address)
		return db, sqlstore.Postgres, err
	case scheme == "mysql":
		db, err := openMySQL(address)
		return db, sqlstore.MySQL, err
	case isURL: // whatever follows may hold a password
		return nil, sqlstore.Dialect{}, fmt.Errorf("%w: the address of a database begins with postgres:// or mysql://, not with %q", shell.ErrUsage, scheme+"://")
	}
	db, err := openSQLite(address, create)
	return db, sqlstore.SQLite, err
}

// errAddress does not repeat the address, for there may be a password in it.
func errAddress(example string) error {
	return fmt.Errorf("%w: this is no address such as %s", shell.ErrUsage, example)
}

// errEncode is for a password of which only a part would be taken for one, and the rest shown as a host.
var errEncode = fmt.Errorf("%w: in the address of a database @, /, ? and # of the password are written %%40, %%2F, %%3F and %%23", shell.ErrUsage)

// cutsPassword reports whether an address may have a password in it that url.Parse does not see as a whole.
func cutsPassword(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.Fragment != "" || strings.Count(address, "@") > 1
}

// likeDSN reports whether a name that is no file looks like an address as drivers write it, with a password in it.
func likeDSN(name string) bool {
	return strings.Contains(name, "password=") || strings.Contains(name, "@")
}

func openPostgres(address string) (*sql.DB, error) {
	const example = "postgres://user:password@host:5432/database"
	if u, err := url.Parse(address); err != nil || u.Host == "" && u.RawQuery == "" && u.Path == "" {
		return nil, errAddress(example)
	}
	if cutsPassword(address) {
		return nil, errEncode
	}
	return sql.Open("pgx", address)
}

// openMySQL takes an address that looks like that of any other server. Its query is that of the driver.
func openMySQL(address string) (*sql.DB, error) {
	const example = "mysql://user:password@host:3306/database"
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errAddress(example)
	}
	if cutsPassword(address) {
		return nil, errEncode
	}
	query, _ := mysql.ParseDSN("/?" + u.RawQuery)
	if query == nil {
		return nil, errAddress(example + "?tls=true")
	}
	query.Net, query.Addr, query.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	query.User = u.User.Username()
	query.Passwd, _ = u.User.Password()
	if u.Port() == "" {
		query.Addr = u.Host + ":3306"
	}
	query.Logger = &mysql.NopLogger{} // what it logs it also returns
	connector, err := mysql.NewConnector(query)
	if err != nil {
		return nil, errAddress(example)
	}
	return sql.OpenDB(connector), nil
}

// openSQLite leaves the file as it is: whether it has a write-ahead log is its application's choice, unless it is new.
func openSQLite(file string, create bool) (*sql.DB, error) {
	settings := "?mode=rw&_pragma=busy_timeout(5000)&_txlock=immediate"
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder, not a database", file)
	case errors.Is(err, fs.ErrNotExist) && likeDSN(file):
		return nil, fmt.Errorf("%w: this is neither a file nor an address such as postgres://user:password@host:5432/database", shell.ErrUsage)
	case errors.Is(err, fs.ErrNotExist) && !create:
		return nil, fmt.Errorf("there is no file %s", file)
	case errors.Is(err, fs.ErrNotExist):
		f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // for its owner alone: it will hold password hashes
		if err != nil {
			return nil, err
		}
		f.Close()
		settings += "&_pragma=journal_mode(WAL)"
	case err != nil:
		return nil, err
	}
	path := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()}
	return sql.Open("sqlite", path.String()+settings)
}

// password returns the password in an address, or "".
func password(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	p, _ := u.User.Password()
	return p
}

// without returns err, in which stars stand for the password.
func without(password string, err error) error {
	if password == "" || !strings.Contains(err.Error(), password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), password, "***"))
}
