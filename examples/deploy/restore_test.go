//go:build linux

package deploy

import (
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/sqlstore"
)

// life is what happens to an account around a backup, in a shop that keeps its sessions in the database.
type life struct {
	t      *testing.T
	mails  string
	shop   *replica
	phone  *visitor // is logged out after the backup
	laptop *visitor // changes the password after the backup
	link   string   // for a new password, is used after the backup
}

func newLife(t *testing.T, db string) *life {
	watch.Secret(authtest.Password)
	watch.Secret(changed)
	l := &life{t: t, mails: filepath.Join(t.TempDir(), "mails")}
	l.open(db)
	l.laptop = l.visitor().join()
	l.phone = l.visitor()
	l.phone.email = l.laptop.email
	want(t, l.phone.logIn(authtest.Password), http.StatusSeeOther)
	want(t, l.phone.send("/password/forgot", "/password/forgot", "email", l.phone.email), http.StatusSeeOther)
	until(t, "the mail", func() bool { l.link = l.mailed("/password/reset"); return l.link != "" })
	return l
}

// open starts the shop on that database.
func (l *life) open(db string) {
	l.t.Helper()
	l.shop = newReplica(l.t, "DB="+db, "MAIL=dir:"+l.mails)
}

func (l *life) visitor() *visitor {
	return visitorBy(l.t, &http.Transport{DisableKeepAlives: true}, "http://127.0.0.1:"+l.shop.port, addresses.Add(1))
}

// at is the same browser in front of another shop.
func (l *life) at(v *visitor) *visitor {
	again := l.visitor()
	again.email = v.email
	u, err := url.Parse(again.base)
	if err != nil {
		l.t.Fatal(err)
	}
	again.c.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: v.session(), Path: "/"}})
	return again
}

var tokens = regexp.MustCompile(`\?token=3D([\w-]+)|\?token=([\w-]+)`)

// mailed returns the path of a link in a mail, or "".
func (l *life) mailed(path string) string {
	files, _ := filepath.Glob(filepath.Join(l.mails, "*"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			l.t.Fatal(err)
		}
		mail := strings.ReplaceAll(strings.ReplaceAll(string(text), "=\r\n", ""), "=\n", "")
		if _, rest, ok := strings.Cut(mail, path); ok {
			m := tokens.FindStringSubmatch(rest)
			return path + "?token=" + m[1] + m[2]
		}
	}
	return ""
}

// follow opens the link of the mail, which leads to the form by a cookie.
func (l *life) follow() *visitor {
	l.t.Helper()
	v := l.visitor()
	want(l.t, v.get(l.link), http.StatusSeeOther)
	return v
}

// goOn is what happens after the backup: everything that somebody knew or had is worth nothing any more.
func (l *life) goOn() {
	t := l.t
	t.Helper()
	old := l.at(l.phone)
	want(t, l.phone.send("/dashboard", "/logout"), http.StatusSeeOther)
	want(t, old.get("/dashboard"), http.StatusSeeOther)
	l.phone = old // what a thief has kept
	want(t, l.follow().send("/password/reset", "/password/reset", "password", changed, "confirm", changed), http.StatusSeeOther)
	want(t, l.follow().get("/password/reset"), http.StatusNotFound)
	l.shop.stop(syscall.SIGTERM)
}

// wantRestored checks what a restored backup brings back, and that the statements of the guide end it.
func (l *life) wantRestored(db string, afterRestore func(statements string), file string) {
	t := l.t
	t.Helper()
	l.open(db)
	want(t, l.at(l.phone).get("/dashboard"), http.StatusOK, l.phone.email)   // the session that was logged out
	want(t, l.follow().get("/password/reset"), http.StatusOK, l.phone.email) // the link that was used
	l.shop.stop(syscall.SIGTERM)

	afterRestore(read(t, file))
	l.open(db)
	for _, v := range []*visitor{l.phone, l.laptop} {
		want(t, l.at(v).get("/dashboard"), http.StatusSeeOther)
	}
	want(t, l.follow().get("/password/reset"), http.StatusNotFound)
	again := l.visitor()
	again.email = l.phone.email
	want(t, again.logIn(changed), http.StatusUnprocessableEntity)
	want(t, again.logIn(authtest.Password), http.StatusSeeOther) // the password as it was in the backup
	want(t, again.get("/dashboard"), http.StatusOK, again.email)
}

// A backup of PostgreSQL, restored into another cluster.
func TestRestorePostgres(t *testing.T) {
	first := newPostgres(t)
	l := newLife(t, first.address())
	backup := filepath.Join(filepath.Dir(first.dir), "shop.dump")
	first.run("pg_dump", "--format=custom", "--file="+backup)
	l.goOn()
	second := newPostgres(t)
	copied := filepath.Join(filepath.Dir(second.dir), "shop.dump")
	write(t, copied, read(t, backup))
	ownUser(t, filepath.Dir(second.dir))
	if err := os.Chmod(copied, 0o644); err != nil {
		t.Fatal(err)
	}
	second.run("pg_restore", "--dbname=postgres", "--exit-on-error", copied)
	l.wantRestored(second.address(), func(s string) { second.exec(s) }, "after-restore-postgres.sql")
}

// A backup of SQLite, made while the shop is running.
func TestRestoreSQLite(t *testing.T) {
	dir := t.TempDir()
	name, backup := filepath.Join(dir, "shop.db"), filepath.Join(dir, "backup.db")
	l := newLife(t, name)
	execSQLite(t, name, "VACUUM INTO '"+backup+"'")
	l.goOn()
	l.wantRestored(backup, func(s string) { execSQLite(t, backup, s) }, "after-restore-sqlite.sql")
}

func execSQLite(t *testing.T, file, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

// The statements for MySQL, on tables of their own.
func TestAfterRestoreMySQL(t *testing.T) {
	dsn := os.Getenv("AUTH_TEST_MYSQL_DSN")
	if dsn == "" {
		missing(t, "AUTH_TEST_MYSQL_DSN")
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c.MultiStatements = true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	prefix := strings.ToLower(secret()[:10]) + "_"
	store := sqlstore.New(db, sqlstore.MySQL.WithPrefix(prefix))
	t.Cleanup(func() { store.Close() })
	t.Cleanup(func() {
		db.Exec(strings.ReplaceAll("DROP TABLE auth_users, auth_credentials, auth_sessions, auth_migrations", "auth_", prefix+"auth_"))
	})
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	m := manager(t, store)
	u := authtest.User(t, m, "ann@example.com")
	(authtest.Login{}).Cookies(t, m, u)
	if _, err := db.Exec(strings.ReplaceAll(read(t, "after-restore-mysql.sql"), "auth_", prefix+"auth_")); err != nil {
		t.Fatal(err)
	}
	now, err := store.UserByID(ctx, u.ID)
	if err != nil || now.Stamp == u.Stamp || now.Version != u.Version+1 || len(now.Stamp) < 20 {
		t.Errorf("%+v, %v", now, err)
	}
	if list, err := store.Sessions(ctx, u.ID); err != nil || len(list) != 0 {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}

// A file of SQLite that is read-only, or a disk that is full, keeps its readers, and says to come again to others.
func TestReadOnlySQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.db")
	open := func(settings string) *sqlstore.Store {
		db, err := sql.Open("sqlite", "file:"+file+"?"+settings)
		if err != nil {
			t.Fatal(err)
		}
		s := sqlstore.New(db, sqlstore.SQLite)
		t.Cleanup(func() { s.Close(); db.Close() })
		return s
	}
	store := open("_pragma=busy_timeout(5000)")
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := manager(t, store)
	u := authtest.User(t, m, "ann@example.com")
	cookie := (authtest.Login{}).Cookies(t, m, u)[0]
	for what, settings := range map[string]string{"read-only": "mode=ro", "full": "_pragma=max_page_count(1)"} {
		s := open(settings)
		if u, err := s.UserByLogin(t.Context(), "ann@example.com"); err != nil || u == nil {
			t.Errorf("%s: %v", what, err)
		}
		app := pages.Handler(manager(t, s))
		in := authtest.NewClient(t, app)
		in.Header = http.Header{"Cookie": {cookie.String()}}
		in.Get("/account/sessions").Want(http.StatusOK)
		var err error
		for i := 0; err == nil && i < 100; i++ { // until the pages that there are have no room left
			err = s.CreateUser(t.Context(), &auth.User{ID: strings.Repeat("x", i+1), Email: strings.Repeat("x", i+1) + "@example.com", PasswordHash: strings.Repeat("x", 2000), Stamp: "x"})
		}
		if auth.Status(err) != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, %v", what, auth.Status(err), err)
		}
		if what == "full" { // where it has room left, small rows may fit
			continue
		}
		out := authtest.NewClient(t, app)
		out.Login("ann@example.com", authtest.Password).Want(http.StatusServiceUnavailable)
		if out.Cookie("session") != nil {
			t.Errorf("%s: somebody is logged in", what)
		}
	}
}

func manager(t *testing.T, store auth.Store) *auth.Manager {
	t.Helper()
	m, err := auth.New(store, authtest.Config(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
