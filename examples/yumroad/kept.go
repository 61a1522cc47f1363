package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/redisstore"
	"github.com/vestibule-go/auth/sqlstore"
	"github.com/vestibule-go/auth/throttle"
	"github.com/vestibule-go/auth/throttle/redisthrottle"
)

// kept is where the shop keeps everything: users and products in a database, and
// sessions and the counts of wrong passwords there, too, or on Redis.
type kept struct {
	db       *sql.DB
	users    *sqlstore.Store
	products *productStore
	redis    *redis.Client // nil: sessions are in the database
	store    auth.Store
	limiter  auth.Limiter // nil: counts are in the store
}

func open(ctx context.Context, o *options) (*kept, error) {
	k, err := openDatabase(o.database)
	if err != nil {
		return nil, err
	}
	k.store = k.users
	if err := k.migrate(ctx); err != nil {
		k.close()
		return nil, err
	}
	if o.sessions != "" {
		if err := k.openRedis(ctx, o.sessions, o.timeout); err != nil {
			k.close()
			return nil, err
		}
	}
	return k, nil
}

// openDatabase opens the database at that address, or in that file.
func openDatabase(address string) (*kept, error) {
	switch scheme, _, _ := strings.Cut(address, "://"); scheme {
	case "postgres", "postgresql":
		db, err := sql.Open("pgx", address)
		return newKept(db, sqlstore.Postgres, postgresProducts, err)
	case "mysql":
		db, err := openMySQL(address)
		return newKept(db, sqlstore.MySQL, mysqlProducts, err)
	}
	db, err := openSQLite(address)
	return newKept(db, sqlstore.SQLite, sqliteProducts, err)
}

func newKept(db *sql.DB, d sqlstore.Dialect, products productDialect, err error) (*kept, error) {
	if err != nil {
		return nil, err
	}
	// With the default of two idle connections a busy shop would spend its time
	// on opening others.
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	return &kept{db: db, users: sqlstore.New(db, d), products: &productStore{db, products}}, nil
}

// openMySQL opens a database of MySQL or MariaDB by an address that looks like
// that of any other server: mysql://user:password@host:3306/database.
func openMySQL(address string) (*sql.DB, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: -db is not an address such as mysql://user:password@host:3306/database", errOptions)
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("%w: -db: %w", errOptions, err)
	}
	return sql.OpenDB(connector), nil
}

// openSQLite opens the file, which nobody else on this machine may read, for it
// has people's password hashes in it.
func openSQLite(file string) (*sql.DB, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	path := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()}
	// Of these settings sqlstore needs the first two: readers and writers do not
	// wait for each other, and writers wait for writers instead of failing. The third
	// makes a transaction that will write take its turn at its beginning.
	return sql.Open("sqlite", path.String()+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
}

func (k *kept) migrate(ctx context.Context) error {
	if _, err := k.users.Migrate(ctx); err != nil {
		return err
	}
	return k.products.migrate(ctx)
}

// openRedis puts the sessions into the Redis at that address, and the counts of
// attempts. Users and credentials stay where they are.
func (k *kept) openRedis(ctx context.Context, address string, timeout time.Duration) error {
	o, err := redis.ParseURL(address)
	if err != nil {
		return fmt.Errorf("%w: -sessions is not an address such as redis://:password@localhost:6379/0", errOptions)
	}
	o.ContextTimeoutEnabled = true // or nobody's patience counts but the client's own
	// A Redis that hangs is given up in half the time of a request, so that the other half is for the page. The address may say
	// otherwise, by dial_timeout, read_timeout and so on.
	o.DialTimeout, o.ReadTimeout = cmp.Or(o.DialTimeout, timeout/4), cmp.Or(o.ReadTimeout, timeout/4)
	o.WriteTimeout, o.MaxRetries = cmp.Or(o.WriteTimeout, timeout/4), cmp.Or(o.MaxRetries, 1)
	k.redis = redis.NewClient(o)
	if err := k.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("reach Redis: %w", err)
	}
	sessions := redisstore.New(k.redis, "yumroad:sessions:")
	k.store = auth.Stores{UserStore: k.users, CredentialStore: k.users, SessionStore: sessions}
	k.limiter, err = throttle.New(redisthrottle.New(k.redis, "yumroad:throttle:"), throttle.Rules{})
	return err
}

func (k *kept) close() error {
	err := errors.Join(k.users.Close(), k.db.Close())
	if k.redis != nil {
		err = errors.Join(err, k.redis.Close())
	}
	return err
}
