package dbtest

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/sqlstore"
	"github.com/vestibule-go/auth/storetest"
)

// A database that a release has left, whichever, is brought up to date with all that is in it.
//
// For every migration there is a file in testdata/upgrade, of the same name: what the library wrote when that one was the
// newest, in SQL that all databases understand. Each has the same people and sessions, in the form of its time. So the next
// migration needs its file, and nothing here.
func TestUpgrade(t *testing.T) {
	for _, d := range []database{modernc, pgx, mariadb} {
		t.Run(d.name, func(t *testing.T) {
			names, err := fs.Glob(sqlstore.Migrations(d.dialect), "*.sql")
			must(t, err)
			for i, name := range names {
				t.Run(strings.TrimSuffix(name, ".sql"), func(t *testing.T) { upgraded(t, d.source(t).quick(), names[:i+1], names[i+1:]) })
			}
		})
	}
}

// upgraded makes a database with the old migrations, and applies the others.
func upgraded(t *testing.T, src source, old, others []string) {
	db := src.open(t)
	release(t, db, src.dialect, old)
	s := sqlstore.New(db, src.dialect)
	t.Cleanup(func() { s.Close() })
	applied, err := s.Migrate(t.Context())
	if err != nil || !slices.Equal(applied, others) {
		t.Fatalf("applied %q, error %v, want %q", applied, err, others)
	}
	checkUsers(t, s)
	checkCredentials(t, s)
	checkSessions(t, s)
	checkUse(t, s)
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}

// release does what a release with these migrations did: it made tables, noted so, and wrote rows.
func release(t *testing.T, db *sql.DB, d sqlstore.Dialect, names []string) {
	t.Helper()
	execute(t, db, "CREATE TABLE auth_migrations (name VARCHAR(100) NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)")
	for _, name := range names {
		script, err := fs.ReadFile(sqlstore.Migrations(d), name)
		must(t, err)
		execute(t, db, string(script))
		execute(t, db, fmt.Sprintf("INSERT INTO auth_migrations (name, applied) VALUES ('%s', 0)", name))
	}
	rows, err := os.ReadFile(filepath.Join("testdata", "upgrade", names[len(names)-1]))
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v: what does the library write with this migration?", err)
	}
	must(t, err)
	execute(t, db, string(rows))
}

var blob = regexp.MustCompile(`X'([0-9a-f]*)'`)

// execute runs a script, one statement at a time.
func execute(t *testing.T, db *sql.DB, script string) {
	t.Helper()
	if _, ok := db.Driver().(*stdlib.Driver); ok {
		script = blob.ReplaceAllString(script, `'\x$1'`)
	}
	for statement := range strings.SplitSeq(script, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%v, in %s", err, statement)
		}
	}
}

const (
	annID       = "06h109u1fdehe8ga9v3aek7b7s"
	beaID       = "06h109u278rq4sr975pu0ubvh8"
	cydID       = "06h109u2no9s2477ippjp4cafg"
	annCookie   = "TpMVn2zBUtcU4T_7Ye3EltOMo3rvUvHyZwNNNCVJvP8"
	annSession  = "lJkQ4mfiXvl4BqhwD_Yj4dvVkKmN4JI-1WVrzHuCEz0"
	annReset    = "y-o2BFL75Jf1a02DRxV99ryg9ED8TtM9eGlx7kCMZ8c"
	guestCookie = "K93dpzN1FA3scfdU0ZeRljaCzjrHVObcK2Sgmf98HAc"
)

// at returns the time in 2026 or 2096 at which the rows were written or expire.
func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func checkUsers(t *testing.T, s auth.Store) {
	t.Helper()
	for _, want := range []*auth.User{
		{ID: annID, Email: "ann@example.com", PasswordHash: "$2a$10$IDQfQ9LDPgvBLOjlIZy/x.hw8zbrfyIV9JW78cMI/Njeaj96pNCme", Stamp: "ZuMAOF3_ReeEaTdqoeBO3Q",
			Version: 2, Created: at(1795567370619181), Updated: at(1795567370681125), Confirmed: at(1795567370681124)},
		{ID: beaID, Email: "bea@example.com", PasswordHash: "$2a$10$0WSYqjU3VCGmmayKhN37qe7ndbgjxAIGh2e1BGYDocGU5QfNRs2dS", Stamp: "3n1_nFISD_ErCpHV_aZ4RA",
			Version: 1, Created: at(1795567370810485), Updated: at(1795567370810485)},
		{ID: cydID, Email: "cyd@example.com", PasswordHash: "$2a$10$Vr3a1akEDtTCHizWtTNeUODUBBACEMcKdw5l/SjsCh0kVnLB.FhdC", Stamp: "Bhpj-z9NmKlVMXeEckTBzw",
			Version: 2, Created: at(1795567370942351), Updated: at(1795567370942351), Disabled: at(1795567370945806)},
	} {
		byID, err := s.UserByID(t.Context(), want.ID)
		must(t, err)
		byLogin, err := s.UserByLogin(t.Context(), want.Email)
		must(t, err)
		if !reflect.DeepEqual(byID, want) || !reflect.DeepEqual(byLogin, want) {
			type plain auth.User // which prints everything
			t.Errorf("got\n\t%+v and\n\t%+v, want\n\t%+v", plain(*byID), plain(*byLogin), plain(*want))
		}
	}
}

func checkCredentials(t *testing.T, s auth.Store) {
	t.Helper()
	reset, err := s.Credentials(t.Context(), annID, "reset")
	must(t, err)
	if len(reset) != 1 || len(reset[0].Data) != 32 || !reset[0].Used.IsZero() || !reset[0].Expires.Equal(at(4003087370947524)) {
		t.Errorf("got %+v", reset)
	}
	count, err := s.Credential(t.Context(), "throttle.account", "b6jjOrhW6vcZbKfulYo5lsVYDdDbVt9CH0UoqAQibds")
	must(t, err)
	if count.UserID != "" || len(count.Data) != 17 || !count.Used.Equal(at(1795567370820083)) {
		t.Errorf("got %+v", count)
	}
}

func checkSessions(t *testing.T, s auth.Store) {
	t.Helper()
	all, err := s.Sessions(t.Context(), annID)
	must(t, err)
	if len(all) != 1 || all[0].ID != annSession || all[0].Address != "192.0.2.7" || all[0].Agent != "Zoë's browser" ||
		!all[0].Created.Equal(at(1795567370749701)) || !all[0].LastSeen.Equal(at(1795567370751057)) || !all[0].Expires.Equal(at(4003087370749701)) {
		t.Errorf("got %+v", all)
	}
}

// checkUse checks that people go on as if nothing had happened: in their browsers, with their passwords and links.
func checkUse(t *testing.T, s auth.Store) {
	t.Helper()
	m, err := auth.New(s, authtest.Config(t, &auth.Config{Hasher: auth.Bcrypt(10)}))
	must(t, err)
	checkCookie(t, m, annCookie, "ann@example.com, with a lamp")
	checkCookie(t, m, guestCookie, "nobody, with a lamp")
	for login, want := range map[string]error{"ann": nil, "bea": nil, "cyd": auth.ErrBadLogin} {
		if _, err := m.Authenticate(t.Context(), &auth.LoginForm{Email: login + "@example.com", Password: authtest.Password}); !errors.Is(err, want) {
			t.Errorf("%s logs in: got error %v, want %v", login, err, want)
		}
	}
	links, err := email.New(m, s, &email.Config{Mailer: new(authtest.Outbox)})
	must(t, err)
	defer links.Close(t.Context())
	next := "ferry copper museum lantern"
	must(t, links.Reset(t.Context(), annReset, &auth.PasswordForm{Password: next, Confirm: next}))
	checkCookie(t, m, annCookie, "nobody, with ")
}

// checkCookie checks who makes a request with that cookie, and what they have kept.
func checkCookie(t *testing.T, m *auth.Manager, cookie, want string) {
	t.Helper()
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	rec := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if u := auth.CurrentUser(r.Context()); u != nil {
			who = u.Email
		}
		cart, _ := auth.SessionValue[string](r.Context(), "cart")
		fmt.Fprintf(w, "%s, with %s", who, cart)
	})).ServeHTTP(rec, r)
	if got := rec.Body.String(); got != want {
		t.Errorf("the cookie is that of %q, want %q", got, want)
	}
}
