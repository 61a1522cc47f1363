package shell

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/sqlstore"
)

// never knows no leaked password.
type never struct{}

func (never) Breached(context.Context, string) (bool, error) { return false, nil }

// healthy returns an application of which there is nothing to say.
func healthy(t *testing.T, change func(*auth.Config)) *desk {
	t.Helper()
	cfg := &auth.Config{Hasher: authtest.Hasher{}, Passwords: auth.Policy{Breaches: never{}}}
	if change != nil {
		change(cfg)
	}
	d := newDeskOf(t, cfg)
	for _, name := range []string{d.file, d.file + "-wal"} {
		must(t, os.Chmod(name, 0o600))
	}
	return d
}

// wantFindings checks what doctor finds, by level and check.
func (d *desk) wantFindings(want ...string) {
	d.t.Helper()
	s := d.run("", "doctor", "-json")
	var got []string
	for line := range strings.Lines(s.out) {
		var f finding
		must(d.t, json.Unmarshal([]byte(line), &f))
		if f.Level == "summary" {
			continue
		}
		if f.What == "" || f.Why == "" || f.Do == "" {
			d.t.Errorf("%+v says too little", f)
		}
		got = append(got, f.Level+" "+f.Check)
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("found %q, want %q\n%s%s", got, want, s.out, s.err)
	}
	code := ExitOK
	if strings.Contains(strings.Join(want, "\n"), "error ") {
		code = ExitFailure
	}
	d.run("", "doctor").want(code)
}

func TestDoctorFindsNothing(t *testing.T) {
	d := healthy(t, nil)
	d.insert("1", ann, "$2a$12$"+strings.Repeat("x", 53))
	d.wantFindings()
	d.run("", "doctor").want(0, "0 errors, 0 warnings, 0 notes; 1 user", "bcrypt 12")
	if s := d.run("", "doctor", "-json"); !strings.Contains(s.out, `{"level":"summary","users":1,"schemes":{"bcrypt 12":1},"errors":0,"warnings":0,"notes":0}`) {
		t.Error(s.out)
	}
}

// insert adds a user whom nobody has checked.
func (d *desk) insert(id, email, hash string) {
	d.t.Helper()
	must(d.t, d.store.CreateUser(d.t.Context(), &auth.User{ID: id, Email: email, PasswordHash: hash, Stamp: "s", Created: now(), Updated: now()}))
}

func (d *desk) exec(statement string, args ...any) {
	d.t.Helper()
	_, err := d.db.ExecContext(d.t.Context(), statement, args...)
	must(d.t, err)
}

func TestDoctorOnUsers(t *testing.T) {
	hash := "$2a$12$" + strings.Repeat("x", 53)
	for name, c := range map[string]struct {
		users [][2]string // email and hash
		want  string
	}{
		"form":             {[][2]string{{"Ann@example.com", hash}}, "error email-form"},
		"clash":            {[][2]string{{"Ann@example.com", hash}, {ann, hash}}, "error email-clash"},
		"clash of two odd": {[][2]string{{"Ann@example.com", hash}, {"ANN@example.com", hash}}, "error email-clash,error email-form"},
		"none":             {[][2]string{{"ann", hash}}, "warning email-none"},
		"unknown":          {[][2]string{{ann, "md5:0123"}}, "warning hash-unknown"},
		"weak":             {[][2]string{{ann, "$2a$08$x"}, {"b@example.com", "compromised:pbkdf2:sha256:1000$x$y"}}, "warning hash-weak,warning hash-weak"},
		"no password":      {[][2]string{{ann, ""}}, "note no-password"},
	} {
		t.Run(name, func(t *testing.T) {
			d := healthy(t, nil)
			for i, u := range c.users {
				d.insert(fmt.Sprint(i), u[0], u[1])
			}
			d.wantFindings(strings.Split(c.want, ",")...)
		})
	}
}

func TestDoctorOnTheDatabase(t *testing.T) {
	expired := fmt.Sprintf(`INSERT INTO auth_credentials WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT 'k', i, '', '', NULL, 0, NULL, 1, 1 FROM n`, manyExpired)
	for name, c := range map[string]struct {
		spoil func(d *desk)
		want  string
	}{
		"pending":  {func(d *desk) { d.exec("DELETE FROM auth_migrations") }, "error migrations"},
		"newer":    {func(d *desk) { d.exec("INSERT INTO auth_migrations VALUES ('9', 1)") }, "error migrations"},
		"by goose": {func(d *desk) { d.exec("DROP TABLE auth_migrations") }, "note migrations"},
		"index":    {func(d *desk) { d.exec("DROP INDEX auth_sessions_expires") }, "error tables"},
		"column":   {func(d *desk) { d.exec("ALTER TABLE auth_users DROP COLUMN confirmed") }, "error tables"},
		"expired":  {func(d *desk) { d.exec(expired) }, "note expired"},
		"orphans": {func(d *desk) {
			d.exec("INSERT INTO auth_sessions VALUES ('1', 'gone', 1, 1, 9000000000000000, '', '', NULL)")
		}, "warning orphans"},
		"journal": {func(d *desk) { d.exec("PRAGMA journal_mode = DELETE") }, "warning journal"},
		"timeout": {func(d *desk) { d.db.SetMaxOpenConns(1); d.exec("PRAGMA busy_timeout = 10") }, "warning busy-timeout"},
		"mode":    {func(d *desk) { must(d.t, os.Chmod(d.file, 0o640)) }, "error file-mode"},
	} {
		t.Run(name, func(t *testing.T) {
			d := healthy(t, nil)
			c.spoil(d)
			d.wantFindings(c.want)
		})
	}
	t.Run("clock", func(t *testing.T) {
		o := newOperator(&App{})
		for ahead, want := range map[time.Duration]int{0: 0, time.Second: 0, time.Minute: 1, -time.Minute: 1} {
			x := &examination{}
			o.checkTables(x, &sqlstore.Inspection{Clock: ahead})
			if len(x.findings) != want {
				t.Errorf("%v: found %+v", ahead, x.findings)
			}
		}
	})
}

func TestDoctorOnTheConfig(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*auth.Config)
		want  []string
	}{
		"plain http":  {func(c *auth.Config) { c.BaseURL, c.InsecureHTTP = "http://shop.example", true }, []string{"error plain-http"}},
		"insecure":    {func(c *auth.Config) { c.InsecureHTTP = true; c.BaseURL = "https://shop.example" }, []string{"warning insecure-http"}},
		"local":       {func(c *auth.Config) { c.BaseURL = "http://localhost:8080" }, nil},
		"no second":   {func(c *auth.Config) { c.Passwords.MinLength = 10 }, []string{"warning min-password"}},
		"second":      {func(c *auth.Config) { c.Passwords.MinLength, c.SecondFactorURL = 10, "/code" }, nil},
		"breaches":    {func(c *auth.Config) { c.Passwords.Breaches = nil }, []string{"note breaches"}},
		"all proxies": {func(c *auth.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("::/0")} }, []string{"error trusted-proxies"}},
		"a proxy":     {func(c *auth.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")} }, nil},
		"lifetimes": {func(c *auth.Config) {
			c.Lifetime, c.IdleTimeout, c.RememberFor = 25*time.Hour, 2*time.Hour, 800*time.Hour
		}, []string{"warning lifetime", "warning idle-timeout", "warning remember-for"}},
		"NIST lifetimes": {func(c *auth.Config) {
			c.Lifetime, c.IdleTimeout, c.RememberFor = 24*time.Hour, time.Hour, 720*time.Hour
		}, nil},
		"seats": {func(c *auth.Config) { c.HashSeats = runtime.GOMAXPROCS(0) + 1 }, []string{"warning hash-seats"}},
	} {
		t.Run(name, func(t *testing.T) { healthy(t, c.spoil).wantFindings(c.want...) })
	}
	// With these no Manager is made, and so no desk.
	for name, c := range map[string]struct {
		cfg  auth.Config
		want string
	}{
		"no URL": {auth.Config{}, "base-url"},
		"short":  {auth.Config{BaseURL: "https://shop.example", Passwords: auth.Policy{MinLength: 7}}, "min-password"},
		"cheap":  {auth.Config{BaseURL: "https://shop.example", Hasher: auth.Bcrypt(9)}, "bcrypt-cost"},
		"other":  {auth.Config{BaseURL: "https://shop.example", MaxForm: -1}, "config"},
	} {
		x := &examination{}
		if x.checkConfig(&c.cfg, false); len(x.findings) != 1 || x.findings[0].Check != c.want || x.findings[0].Level != levelError {
			t.Errorf("%s: found %+v, want an error %s", name, x.findings, c.want)
		}
	}
}

func TestSchemes(t *testing.T) {
	for hash, want := range map[string]string{
		"$2a$12$abc":                            "bcrypt 12, ok",
		"compromised:$2a$12$abc":                "bcrypt 12, ok",
		"$hmac-sha384$2a$10$abc":                "bcrypt 10, ok",
		"$2y$09$abc":                            "bcrypt 09, weak",
		"bcrypt_sha256$$2b$12$abc":              "bcrypt 12, ok",
		"$pepper$k1$$2a$12$abc":                 "pepper, bcrypt 12, ok",
		"$pepper$k1$$2a$04$abc":                 "pepper, bcrypt 04, weak",
		"$argon2id$v=19$m=19456,t=2,p=1$a$b":    "argon2id m=19456 t=2 p=1, ok",
		"$argon2id$v=19$m=19456,t=1,p=1$a$b":    "argon2id m=19456 t=1 p=1, weak",
		"argon2$argon2i$v=19$m=102400,t=2,p=8$": "argon2i m=102400 t=2 p=8, ok",
		"scrypt:32768:8:1$salt$00":              "scrypt n=32768 r=8 p=1, weak",
		"scrypt:131072:8:1$salt$00":             "scrypt n=131072 r=8 p=1, ok",
		"scrypt$16384$salt$8$5$00":              "scrypt n=16384 r=8 p=5, ok",
		"$scrypt$ln=17,r=8,p=1$a$b":             "scrypt n=131072 r=8 p=1, ok",
		"pbkdf2:sha256:600000$salt$00":          "pbkdf2-sha256 600000, ok",
		"pbkdf2_sha1$600000$salt$00":            "pbkdf2-sha1 600000, weak",
		"AQAAAAEAACcQ":                          "aspnet, ok",
		"$firebase$x":                           "firebase, ok",
		"$1$md5":                                "unknown scheme, ok",
		"":                                      "unknown scheme, ok",
	} {
		s := schemeOf(hash)
		got := s.String() + ", ok"
		if s.weak != "" {
			got = s.String() + ", weak"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", hash, got, want)
		}
	}
	hash, err := authtest.Hasher{}.Hash(strings.Repeat(password, 9))
	must(t, err)
	if s := schemeOf(hash); s.name != "bcrypt" {
		t.Errorf("%s is of an unknown scheme", hash)
	}
}
