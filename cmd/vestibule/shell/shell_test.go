package shell

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	_ "modernc.org/sqlite"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/sqlstore"
)

const ann, password = "ann@example.com", "correct horse battery staple"

// desk is an application, and an operator who works on it.
type desk struct {
	t     *testing.T
	db    *sql.DB
	file  string
	app   *App
	store *sqlstore.Store
	m     *auth.Manager // the application's own
}

func newDesk(t *testing.T, cfg *auth.Config) *desk {
	t.Helper()
	return newDeskOf(t, authtest.Config(t, cfg))
}

func newDeskOf(t *testing.T, cfg *auth.Config) *desk {
	t.Helper()
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "app.db")}
	var err error
	d.db, err = sql.Open("sqlite", "file:"+d.file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	must(t, err)
	t.Cleanup(func() { d.db.Close() })
	d.store = sqlstore.New(d.db, sqlstore.SQLite)
	_, err = d.store.Migrate(t.Context())
	must(t, err)
	if cfg.BaseURL == "" {
		cfg.BaseURL = authtest.BaseURL
	}
	d.app = &App{SQL: d.store, Config: cfg}
	d.m, err = auth.New(d.store, cfg)
	must(t, err)
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// said is what a command has written.
type said struct {
	t        *testing.T
	command  string
	code     int
	out, err string
}

// run runs a command, with an input from which nobody answers.
func (d *desk) run(input string, args ...string) *said {
	d.t.Helper()
	return d.answer(nil, input, args...)
}

// answer runs a command at a terminal, if there are secrets to be typed, or none but a terminal.
func (d *desk) answer(secrets []string, input string, args ...string) *said {
	var out, errs bytes.Buffer
	app := *d.app
	app.Stdin, app.Stdout, app.Stderr = strings.NewReader(input), &out, &errs
	o := newOperator(&app)
	if secrets != nil {
		o.secret = func() (string, error) {
			next := secrets[0]
			secrets = secrets[1:]
			return next, nil
		}
	}
	o.outer = d.t.Context()
	code := o.exit(o.do(d.t.Context(), args))
	return &said{d.t, strings.Join(args, " "), code, out.String(), errs.String()}
}

// want checks the exit code, and that texts are in what was written.
func (s *said) want(code int, texts ...string) *said {
	s.t.Helper()
	if s.code != code {
		s.t.Errorf("%s: exit code %d, want %d", s.command, s.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(s.out+s.err, text) {
			s.t.Errorf("%s: no %q", s.command, text)
		}
	}
	if s.t.Failed() {
		s.t.Logf("%s: %d\n%s%s", s.command, s.code, s.out, s.err)
	}
	return s
}

func (d *desk) user(login string) *auth.User {
	d.t.Helper()
	u, err := d.store.UserByLogin(d.t.Context(), login)
	must(d.t, err)
	return u
}

// enters reports whether the application lets ann in by a password.
func (d *desk) enters(password string) bool {
	_, err := d.m.Authenticate(d.t.Context(), &auth.LoginForm{Email: ann, Password: password})
	return err == nil
}

// browser returns a visitor in whose browser ann is logged in.
func (d *desk) browser() *authtest.Client {
	return authtest.Login{App: site(d.m)}.Client(d.t, d.m, d.user(ann))
}

func TestUsersFromBeginningToEnd(t *testing.T) {
	d := newDesk(t, nil)
	d.run("", "users", "list").want(0, "no users")
	d.run(password+"\n", "users", "create", " Ann@Example.com").want(0, ann+" was made")
	d.run(password+"\n", "users", "create", ann).want(1, "there is a user "+ann+" already")
	d.run("", "users", "create", "ann@").want(2, "not an email address")
	d.run("", "users", "create", "bob@example.com").want(2, "the input is empty")
	d.run("short\n", "users", "create", "bob@example.com").want(1, "at least 15 characters")
	d.run(password+"\n", "users", "create", "bob@example.com", "-confirmed").want(0)
	d.run("", "users", "list").want(0, ann, "bob@example.com", "unconfirmed")
	if s := d.run("", "users", "list", "-unconfirmed"); strings.Contains(s.out, "bob@") || !strings.Contains(s.out, ann) {
		t.Errorf("-unconfirmed lists %s", s.out)
	}
	if s := d.run("", "users", "list", "-match", "BOB"); !strings.Contains(s.out, "bob@") || strings.Contains(s.out, ann) {
		t.Errorf("-match lists %s", s.out)
	}
	if s := d.run("", "users", "list", "-limit=1", "-json"); strings.Count(s.out, "\n") != 1 {
		t.Errorf("-limit lists %s", s.out)
	}
	d.run("", "users", "show", d.user(ann).ID).want(0, ann, "bcrypt", "credentials  none")
	if !d.enters(password) {
		t.Error("the application does not know the password")
	}
	d.run("another horse battery staple\n", "users", "set-password", ann).want(0, "new password")
	if d.enters(password) || !d.enters("another horse battery staple") {
		t.Error("the password was not replaced")
	}
	d.run("", "users", "mark-compromised", ann, "-yes").want(0)
	d.run("", "users", "show", ann).want(0, "compromised")
	d.run("", "users", "delete", ann, "-yes").want(0, "is deleted")
	d.run("", "users", "show", ann).want(3, "there is no user")
}

// What must end ends, and does not come back when the account does.
func TestDisable(t *testing.T) {
	var events authtest.Events
	d := newDesk(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}})
	authtest.User(t, d.m, ann)
	b := d.browser()
	b.Get("/me").Want(200, ann)
	d.run("", "users", "disable", ann).want(0, "disabled")
	if e := events.Want(t, auth.EventDisabled); e.Reason != reason || e.UserID != d.user(ann).ID {
		t.Errorf("event %+v", e)
	}
	b.Get("/me").WantLogin(d.m, "/me")
	if d.enters(authtest.Password) {
		t.Error("who is disabled logs in")
	}
	d.run("", "users", "list", "-disabled").want(0, ann)
	d.run("", "users", "disable", ann).want(0)
	d.run("", "users", "enable", ann).want(0, "can log in again")
	events.Want(t, auth.EventEnabled)
	b.Get("/me").WantLogin(d.m, "/me")
	if !d.enters(authtest.Password) {
		t.Error("who is enabled does not log in")
	}
	d.run("", "users", "enable", ann).want(0, "was not disabled")
}

func TestSessions(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	b, c := d.browser(), d.browser()
	d.run("", "users", "show", ann).want(0, "sessions     2")
	live, err := d.m.Sessions(t.Context(), d.user(ann))
	must(t, err)
	var first auth.Session
	out := d.run("", "sessions", "list", ann, "-json").want(0).out
	must(t, json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &first))
	if first.ID != live[0].ID {
		t.Errorf("got %s, want %s first", out, live[0].ID)
	}
	d.run("", "sessions", "list", ann).want(0, live[1].ID[:shortID])
	d.run("", "sessions", "revoke", ann, "--", live[0].ID[:shortID]).want(0, "has ended")
	if n := strings.Count(fmt.Sprint(b.Get("/me").Status, c.Get("/me").Status), "200"); n != 1 {
		t.Errorf("%d sessions go on, want 1", n)
	}
	d.run("", "sessions", "revoke", ann, "nosuchsession").want(3, "has no session")
	d.run("", "sessions", "revoke", ann).want(2, "-all")
	d.run("", "sessions", "revoke", ann, "x", "-all").want(2)
	d.run("", "sessions", "revoke", ann, "-all").want(1, "say -yes")
	d.run("", "sessions", "revoke", ann, "-all", "-yes").want(0)
	b.Get("/me").WantLogin(d.m, "/me")
	c.Get("/me").WantLogin(d.m, "/me")
	d.run("", "sessions", "list", ann).want(0, "no sessions")
}

// What cannot be undone asks, and without anybody to ask it is not done.
func TestAsksBefore(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	for _, args := range [][]string{{"users", "delete", ann}, {"users", "mark-compromised", ann},
		{"sessions", "revoke", ann, "-all"}, {"credentials", "purge", ann, "-all"}} {
		before := *d.user(ann)
		d.run("y\n", args...).want(1, "say -yes") // a pipe is nobody
		d.answer([]string{}, "\n", args...).want(1, "[y/N]", "nothing was changed")
		d.answer([]string{}, "no\n", args...).want(1, "nothing was changed")
		d.answer([]string{}, "", args...).want(1, "nothing was changed")
		if after := d.user(ann); *after != before {
			t.Errorf("%v: changed %+v", args, after)
		}
	}
	d.answer([]string{}, "Y\n", "users", "delete", ann).want(0, "for good?", "is deleted")
	d.run("", "users", "show", ann).want(3)
}

func TestPasswordIsTypedTwice(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	s := d.answer([]string{password, password + "!"}, "", "users", "set-password", ann).want(1, "New password: ", "Again: ", "not the same")
	if !d.enters(authtest.Password) {
		t.Error("the password was replaced")
	}
	s2 := d.answer([]string{password, password}, "", "users", "set-password", ann).want(0)
	if strings.Contains(s.out+s.err+s2.out+s2.err, password) {
		t.Error("a password was shown")
	}
	if !d.enters(password) {
		t.Error("the password was not replaced")
	}
	d.answer([]string{}, "the third horse battery\n", "users", "set-password", ann, "-stdin").want(0)
	if !d.enters("the third horse battery") {
		t.Error("-stdin did not read")
	}
}

// A question that nobody answers ends with the program's context.
func TestInterrupted(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	var out, errs bytes.Buffer
	app := *d.app
	app.Stdin, app.Stdout, app.Stderr = strings.NewReader(""), &out, &errs
	o := newOperator(&app)
	asked, never := make(chan bool), make(chan bool)
	defer close(never)
	o.secret = func() (string, error) { close(asked); <-never; return "", nil }
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	code := o.exit(o.do(ctx, []string{"users", "set-password", ann}))
	if code != ExitFailure || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

// marked is a Hasher that leaves its mark.
type marked struct{ auth.Hasher }

func (h marked) Hash(password string) (string, error) {
	hash, err := h.Hasher.Hash(password)
	return "$mark" + hash, err
}

func (h marked) Verify(hash, password string) (ok, stale bool, err error) {
	rest, ok := strings.CutPrefix(hash, "$mark")
	if !ok {
		return false, false, errors.New("not mine")
	}
	return h.Hasher.Verify(rest, password)
}

// A hash that is made here is one that the application reads, of a password that it would accept.
func TestHasherAndPolicyAreTheApplications(t *testing.T) {
	d := newDesk(t, &auth.Config{Hasher: marked{authtest.Hasher{}}, Passwords: auth.Policy{MinLength: 20}})
	d.run("a horse of 18 ch.s\n", "users", "create", ann).want(1, "at least 20 characters")
	d.run(password+"\n", "users", "create", ann).want(0)
	if u := d.user(ann); !strings.HasPrefix(u.PasswordHash, "$mark") || !d.enters(password) {
		t.Error("the hash is not of the application's Hasher")
	}
	d.run("", "users", "show", ann).want(0, "unknown scheme")
}

// The application's hooks take part.
func TestHooks(t *testing.T) {
	broken := errors.New("orders are locked")
	var asked []string
	d := newDesk(t, &auth.Config{Hooks: []auth.Hooks{{Delete: func(_ context.Context, u *auth.User) error {
		asked = append(asked, u.Email)
		return broken
	}}}})
	authtest.User(t, d.m, ann)
	d.run("", "users", "delete", ann, "-yes").want(1, "orders are locked")
	d.user(ann)
	broken = nil
	d.run("", "users", "delete", ann, "-yes").want(0)
	if !slices.Equal(asked, []string{ann, ann}) {
		t.Errorf("asked about %q", asked)
	}
}

func TestUnlock(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	for range 40 {
		d.enters("wrong")
	}
	if d.enters(authtest.Password) {
		t.Fatal("nobody had to wait")
	}
	d.run("", "users", "unlock", ann).want(0)
	if !d.enters(authtest.Password) {
		t.Error("still locked")
	}
}

func TestCredentials(t *testing.T) {
	d := newDesk(t, nil)
	u := authtest.User(t, d.m, ann)
	put := func(kind, id string, in time.Duration) {
		must(t, d.store.PutCredential(t.Context(), &auth.Credential{Kind: kind, ID: id, UserID: u.ID, Created: now(), Expires: now().Add(in)}))
	}
	put("reset", "1", time.Hour)
	put("code", "2", time.Hour)
	put("code", "3", time.Hour)
	put("old", "4", -time.Hour)
	d.run("", "users", "show", ann).want(0, "credentials  code: 2, reset: 1")
	d.run("", "credentials", "purge", ann).want(2)
	d.run("", "credentials", "purge").want(2)
	d.run("", "credentials", "purge", ann, "-expired").want(2)
	d.run("", "credentials", "purge", ann, "-kind", "reset", "-all").want(2)
	d.run("", "credentials", "purge", ann, "-kind", "reset", "-yes").want(0)
	d.run("", "users", "show", ann).want(0, "credentials  code: 2\n")
	d.run("", "credentials", "purge", "-expired").want(0, "1 row removed")
	put("audit.2026-03", "5", time.Hour)
	d.run("", "credentials", "purge", ann, "-all", "-yes").want(0)
	d.run("", "users", "show", ann).want(0, "credentials  audit.2026-03: 1\n")
	d.run("", "credentials", "purge", ann, "-kind", "audit.2026-03", "-yes").want(0)
	d.run("", "users", "show", ann).want(0, "credentials  none")
}

// outbox sends nothing, or fails.
type outbox struct {
	mails []email.Message
	err   error
}

func (o *outbox) Send(_ context.Context, m *email.Message) error {
	o.mails = append(o.mails, *m)
	return o.err
}

func TestMail(t *testing.T) {
	box := &outbox{}
	d := newDesk(t, nil)
	d.app.Mail = &email.Config{Mailer: box}
	d.run("", "users", "create", ann, "-mail").want(0, "gets a mail")
	u := d.user(ann)
	if len(box.mails) != 1 || box.mails[0].To != ann {
		t.Fatalf("got %d mails", len(box.mails))
	}
	links, err := email.New(d.m, d.store, &email.Config{Mailer: box})
	must(t, err)
	defer links.Close(t.Context())
	_, link, _ := strings.Cut(box.mails[0].Text, d.m.BaseURL()+"/password/reset?token=")
	token, err := url.QueryUnescape(strings.Fields(link)[0])
	must(t, err)
	form := &auth.PasswordForm{Password: password, Confirm: password}
	if err := links.Reset(t.Context(), token, form); err != nil {
		t.Fatal(err)
	}
	if !d.enters(password) || d.user(ann).PasswordHash == u.PasswordHash {
		t.Error("the link set no password")
	}
	d.run("", "users", "set-password", ann, "-mail").want(0)
	box.err = errors.New("550 no such mailbox")
	d.run("", "users", "set-password", ann, "-mail").want(1, "550")
	box.err = nil
	for range 10 {
		d.run("", "users", "set-password", ann, "-mail")
	}
	d.run("", "users", "set-password", ann, "-mail").want(1, "too many")
	d.run("", "users", "disable", ann).want(0)
	d.run("", "users", "set-password", ann, "-mail").want(1, "disabled")
}

// Nothing that others have chosen reaches the terminal as it is.
func TestTerminalIsSafe(t *testing.T) {
	d := newDesk(t, nil)
	const evil = "\x1b]0;owned\x07\u009b31m\u202ebad\x7f\u2028\U000e0041"
	u := &auth.User{ID: "1" + evil, Email: evil + "@example.com", Stamp: "s", Created: now(), Updated: now()}
	must(t, d.store.CreateUser(t.Context(), u))
	authtest.User(t, d.m, ann)
	d.browser()
	_, err := d.db.ExecContext(t.Context(), "UPDATE auth_sessions SET agent = ?, address = ?", evil, evil)
	must(t, err)
	must(t, d.store.PutCredential(t.Context(), &auth.Credential{Kind: evil, ID: "1", UserID: u.ID}))
	for _, args := range [][]string{
		{"users", "list"}, {"users", "show", u.ID}, {"sessions", "list", ann}, {"users", "show", evil}, {"doctor"},
		{"users", evil}, {"users", "disable", u.ID}, {"-" + evil}, {"sessions", "revoke", ann, evil},
	} {
		for _, args := range [][]string{args, append(args, "-json")} {
			s := d.run("", args...)
			for _, r := range strings.ReplaceAll(s.out+s.err, "\n", "") {
				if !unicode.IsPrint(r) {
					t.Errorf("%q: %q is written raw", args, r)
				}
			}
		}
	}
	var got row
	must(t, json.Unmarshal([]byte(strings.SplitN(d.run("", "users", "list", "-json", "-match", "owned").out, "\n", 2)[0]), &got))
	if got.Email != u.Email {
		t.Errorf("as JSON the address is %q, want %q", got.Email, u.Email)
	}
}

func TestNotTheHash(t *testing.T) {
	d := newDesk(t, nil)
	u := authtest.User(t, d.m, ann)
	for _, args := range [][]string{{"users", "list"}, {"users", "show", ann}, {"doctor"}, {"users", "disable", ann}} {
		for _, args := range [][]string{args, append(args, "-json")} {
			if s := d.run("", args...); strings.Contains(s.out+s.err, u.PasswordHash[10:]) || strings.Contains(s.out+s.err, u.Stamp) {
				t.Errorf("%q: %s%s", args, s.out, s.err)
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	d := newDesk(t, nil)
	d.run("", "usres", "list").want(2, "did you mean users?")
	d.run("", "users", "delte", ann).want(2, "did you mean delete?")
	d.run("", "users", "list", "-jsno").want(2, "there is no flag -jsno; did you mean -json?")
	d.run("", "users", "list", "-disable").want(2, "did you mean -disabled?")
	d.run("", "users", "list", "-limit", "x").want(2, "invalid value")
	d.run("", "users", "list", "-limit", "-1").want(2)
	d.run("", "users", "show").want(2, "EMAIL is missing")
	d.run("", "users", "show", ann, "bob").want(2, "one argument too many")
	d.run("", "users").want(2, "which command?", "mark-compromised")
	d.run("", "help", "users", "nope").want(2)
	d.app.SQL, d.app.Store, d.app.Config = nil, nil, nil
	d.run("", "users", "list").want(1, "without a store")
	d.app.Open = func(context.Context, string, bool) (*Database, error) { return nil, errors.New("not reached") }
	t.Setenv("VESTIBULE_DB", "")
	d.run("", "users", "list").want(2, "VESTIBULE_DB")
	d.run("", "users", "list", "-db", "x").want(1, "not reached")
}

// Every command explains itself, with an example that names a command there is.
func TestHelp(t *testing.T) {
	d := newDesk(t, nil)
	d.app.Name = "shopctl"
	var walk func(path []string)
	root := newOperator(d.app).root()
	walk = func(path []string) {
		cmd := root
		for _, name := range path {
			cmd = cmd.Command(name)
		}
		args := append(slices.Clone(path), "-h")
		s := d.run("", args...).want(0, strings.Join(append([]string{"usage: shopctl"}, path...), " "))
		if s.err != "" || len(path) > 0 && s.out != d.run("", append([]string{"help"}, path...)...).out {
			t.Errorf("%v: help is not -h, or is an error: %s", path, s.err)
		}
		if len(cmd.Commands) == 0 && !strings.Contains(cmd.Description, "  vestibule ") {
			t.Errorf("%v: no example", path)
		}
		for _, sub := range cmd.Commands {
			walk(append(slices.Clone(path), sub.Name))
		}
	}
	walk(nil)
	if long := d.run("", "users", "--help").want(0); long.out != d.run("", "users", "-h").out {
		t.Errorf("--help is not -h: %s", long.out)
	}
	d.run("", "completion", "bash").want(0, "complete")
	d.run("", "completion", "fish").want(0, "complete -c shopctl")
	d.run("", "users", "--generate-shell-completion").want(0, "mark-compromised")
}

func TestSchemaIsLookedAt(t *testing.T) {
	d := newDesk(t, nil)
	_, err := d.db.ExecContext(t.Context(), "DELETE FROM auth_migrations")
	must(t, err)
	d.run("", "users", "list").want(1, "migrate up")
	d.run("", "migrate", "status").want(0, "pending")
	_, err = d.db.ExecContext(t.Context(), "INSERT INTO auth_migrations SELECT '0001_users_credentials_sessions.sql', 1 UNION SELECT '9999_next.sql', 1")
	must(t, err)
	d.run("", "users", "list").want(1, "newer than this program", "9999_next.sql")
	d.run("", "migrate", "up").want(1, "newer than this program")
	d.run("", "migrate", "status", "-json").want(0, `"unknown":true`)
	d.run("", "doctor").want(1, "newer than this program")
	_, err = d.db.ExecContext(t.Context(), "DROP TABLE auth_migrations")
	must(t, err)
	d.run("", "users", "list").want(0)
	d.run("", "migrate", "up").want(1, "another tool")
	for _, table := range []string{"users", "sessions", "credentials"} {
		_, err := d.db.ExecContext(t.Context(), "DROP TABLE auth_"+table)
		must(t, err)
	}
	d.run("", "users", "list").want(1, "no tables of ours")
	d.run("", "migrate", "up").want(0, "applied 0001")
	d.run("", "migrate", "up").want(0, "up to date")
	d.run("", "users", "list").want(0)
}

// A store of an application's own does as well, but for what only sqlstore can do.
func TestOwnStore(t *testing.T) {
	d := newDesk(t, nil)
	mem := memstore.New()
	d.app.SQL, d.app.Store = nil, mem
	d.run(password+"\n", "users", "create", ann).want(0)
	d.run("", "users", "show", ann).want(0, ann, "bcrypt")
	d.run("", "users", "list").want(1, "App.Users is nil")
	d.run("", "migrate", "status").want(1, "nothing to migrate")
	d.run("", "credentials", "purge", "-expired").want(1, "App.SQL is nil")
	d.app.Users = func(ctx context.Context, after string, n int) ([]*auth.User, error) {
		u, err := mem.UserByLogin(ctx, ann)
		return []*auth.User{u}, err
	}
	d.run("", "users", "list").want(0, ann)
	d.run("", "doctor", "-json").want(0, `"users":1`)
	d.run("", "users", "delete", ann, "-yes").want(0)
	d.run("", "users", "show", ann).want(3)
}

// Whoever has chosen another's address as an ID is not taken for them, nor they for him.
func TestAmbiguous(t *testing.T) {
	d := newDesk(t, nil)
	u := authtest.User(t, d.m, ann)
	must(t, d.store.CreateUser(t.Context(), &auth.User{ID: ann, Email: "eve@example.com", Stamp: "x", Created: now(), Updated: now()}))
	d.run("", "users", "disable", ann).want(2, u.ID, "eve@example.com")
	d.run("", "users", "disable", "eve@example.com").want(0)
	d.run("", "users", "show", u.ID).want(0, ann, "disabled     -")
}

func TestLines(t *testing.T) {
	d := newDesk(t, nil)
	authtest.User(t, d.m, ann)
	s := d.run("# a comment\n\nusers list -json\nusers create 'bob@example.com' -stdin\n"+password+"\nusers show \"bob@example.com\"\nquit\nusers nope\n", "shell")
	s.want(0, ann, "bob@example.com was made", "email        bob@example.com")
	d.run("users show nobody\nusers delete "+ann+" -yes\n", "shell").want(3, "there is no user")
	d.user(ann)
	d.run("users 'x\n", "shell").want(2, "quote")
	d.run("shell\n", "shell").want(2, "no command")
	d.run("users delete "+ann+"\n", "shell").want(1, "say -yes")
	d.run("help users\nhelp\n", "shell").want(0, "users list")
	for line, want := range map[string][]string{
		"": nil, "  a  b\t": {"a", "b"}, "a 'b c' d": {"a", "b c", "d"}, `a "" 'x'"y"z`: {"a", "", "xyz"}, "# a": nil, "a #b": {"a", "#b"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, error %v, want %q", line, got, err, want)
		}
	}
	o := newOperator(d.app)
	for line, want := range map[string]string{"us": "users ", "users mark": "users mark-compromised ", "users s": "users s", "users set": "users set-password ", "": ""} {
		if got, _, ok := o.complete(line, len(line), '\t'); got != want || !ok {
			t.Errorf("%q is completed to %q, want %q", line, got, want)
		}
	}
	if _, _, ok := o.complete("nope x", 6, '\t'); ok {
		t.Error("what is no command is completed")
	}
}
