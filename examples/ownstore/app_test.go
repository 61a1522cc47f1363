package main

import (
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/storetest"
)

// world is the application, its database and its mails.
type world struct {
	app     http.Handler
	db      *sql.DB
	members *members
	faulty  *storetest.Faulty
	out     authtest.Outbox
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{db: testDatabase(t)}
	must(t, bringAlong(t.Context(), w.db))
	own, store := testStores(t, w.db)
	w.members, w.faulty = own, &storetest.Faulty{Store: store}
	a, err := newApp(own, w.faulty, &w.out, authtest.BaseURL, authtest.Hasher{})
	must(t, err)
	t.Cleanup(func() { a.links.Close(t.Context()) })
	w.app = a.handler()
	return w
}

// signup signs somebody up, and returns them logged in.
func (w *world) signup(t *testing.T, name, address string) *authtest.Client {
	t.Helper()
	c := authtest.NewClient(t, w.app)
	r := c.Post("/signup", url.Values{"display_name": {name}, "email": {address}, "password": {authtest.Password}, "confirm": {authtest.Password}})
	wantPage(t, r, 200, "Please look into your mail")
	r = c.Get(w.out.Link(w.out.Wait(t, address, email.KindConfirm))).Follow()
	r = c.Post("/confirm", url.Values{"token": {r.Field("token")}, "password": {authtest.Password}})
	wantPage(t, r.Follow(), 200, "confirmed")
	wantPage(t, c.Login(address, authtest.Password), 303)
	return c
}

func wantPage(t *testing.T, r *authtest.Response, status int, parts ...string) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("%s %s: status %d, want %d:\n%s", r.Method, r.URL, r.Status, status, r.Body)
	}
	for _, part := range parts {
		if !strings.Contains(r.Body, part) {
			t.Errorf("%s %s: no %q:\n%s", r.Method, r.URL, part, r.Body)
		}
	}
}

func TestSignup(t *testing.T) {
	w := newWorld(t)
	c := authtest.NewClient(t, w.app)
	r := c.Post("/signup", url.Values{"email": {"carol@example.com"}, "password": {"short"}, "confirm": {"short"}})
	wantPage(t, r, 422, "Please fill in this field.", "Please use at least", `value="carol@example.com"`)
	r = c.Post("/signup", url.Values{"display_name": {"Carol <3"}, "email": {"nobody"}, "password": {authtest.Password}, "confirm": {authtest.Password}})
	wantPage(t, r, 422, `value="Carol &lt;3"`)

	c = w.signup(t, "Carol <3", "carol@example.com")
	wantPage(t, c.Get("/"), 200, "Hello, Carol &lt;3")
	u, err := w.members.UserByLogin(t.Context(), "carol@example.com")
	must(t, err)
	if u.ID != "10" || *u.Value.(*Member) != (Member{"Carol <3", "free", "signup"}) {
		t.Errorf("signed up as %s, %+v", u.ID, u.Value)
	}
}

// Who signs up with the address of another learns nothing, and changes nothing.
func TestSignupOfAnother(t *testing.T) {
	w := newWorld(t)
	r := authtest.NewClient(t, w.app).Post("/signup", url.Values{
		"display_name": {"Eve"}, "email": {"ann@example.com"}, "password": {authtest.Password}, "confirm": {authtest.Password},
	})
	wantPage(t, r, 200, "Please look into your mail")
	w.out.Wait(t, "ann@example.com", email.KindTaken)
	wantMember(t, w.members, "7", Member{"Ann", "pro", "earlier"})
}

func TestProfile(t *testing.T) {
	w := newWorld(t)
	c := authtest.NewClient(t, w.app)
	c.Login("ann@example.com", annPassword)
	seen := c.Get("/").Field("version")
	r := c.Post("/", url.Values{"display_name": {" Ann Lee "}, "plan": {"free"}, "version": {seen}, "created_by": {"admin"}})
	wantPage(t, r.Follow(), 200, "Hello, Ann Lee")
	wantMember(t, w.members, "7", Member{"Ann Lee", "free", "earlier"})

	r = c.Post("/", url.Values{"display_name": {"Annie"}, "plan": {"pro"}, "version": {seen}})
	wantPage(t, r, 409, "This was changed meanwhile", "Hello, Ann Lee", `value="Annie"`)
	wantMember(t, w.members, "7", Member{"Ann Lee", "free", "earlier"})
	r = c.Post("/", url.Values{"display_name": {"Annie"}, "plan": {"pro"}, "version": {r.Field("version")}})
	wantPage(t, r.Follow(), 200, "Hello, Annie")

	for _, form := range []url.Values{{"plan": {"pro"}}, {"display_name": {"A"}, "plan": {"admin"}}, {"display_name": {strings.Repeat("a", 101)}, "plan": {"pro"}}, {"display_name": {"\xff"}, "plan": {"pro"}}} {
		wantPage(t, c.Post("/", form), 422)
	}
	wantMember(t, w.members, "7", Member{"Annie", "pro", "earlier"})
}

// Ann logs in with the password that an earlier application has hashed; it is hashed again, and she stays who she is.
func TestForeignHash(t *testing.T) {
	w := newWorld(t)
	c := authtest.NewClient(t, w.app)
	wantPage(t, c.Login("ann@example.com", "wrong"), 422)
	wantPage(t, c.Login("ANN@example.com", annPassword).Follow(), 200, "Hello, Ann")
	u, err := w.members.UserByID(t.Context(), "7")
	must(t, err)
	if !strings.HasPrefix(u.PasswordHash, "$2a$") {
		t.Errorf("the hash is %.10q", u.PasswordHash)
	}
	wantMember(t, w.members, "7", Member{"Ann", "pro", "earlier"})
}

// Bob never had a password: none fits, and by a link he chooses one.
func TestNoPassword(t *testing.T) {
	w := newWorld(t)
	c := authtest.NewClient(t, w.app)
	for _, password := range []string{"", " ", authtest.Password} {
		wantPage(t, c.Login("bob@example.com", password), 422)
	}
	c.Post("/password/forgot", url.Values{"email": {"bob@example.com"}})
	r := c.Get(w.out.Link(w.out.Wait(t, "bob@example.com", email.KindReset))).Follow()
	c.Post("/password/reset", url.Values{"token": {r.Field("token")}, "password": {authtest.Password}, "confirm": {authtest.Password}})
	wantPage(t, authtest.NewClient(t, w.app).Login("bob@example.com", authtest.Password).Follow(), 200, "Hello, Bob")
}

func TestPasswordExportDelete(t *testing.T) {
	w := newWorld(t)
	c := w.signup(t, "Carol", "carol@example.com")
	const other = "harvest pencil lantern copper"
	c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {other}, "confirm": {other}})
	wantPage(t, c.Get("/"), 200, "Hello, Carol")
	wantPage(t, authtest.NewClient(t, w.app).Login("carol@example.com", other).Follow(), 200, "Hello, Carol")
	wantPage(t, c.Get("/account/export"), 200, `"display_name": "Carol"`, `"id": "10"`)
	c.Post("/account/delete", nil)
	for table, want := range map[string]int{"users": 2, "auth_sessions": 0, "auth_users": 0} {
		var n int
		must(t, w.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
		if n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	wantPage(t, w.signup(t, "Dan", "carol@example.com").Get("/"), 200, "Hello, Dan")
	if _, err := w.members.UserByID(t.Context(), "10"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the ID of a deleted member is used again: %v", err)
	}
}

// A database that fails logs nobody in, and nobody out.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	c := authtest.NewClient(t, w.app)
	c.Login("ann@example.com", annPassword)
	for _, method := range []string{"Session", "UserByID"} {
		w.faulty.Before = func(m string) error {
			if m == method {
				return errors.New("no database")
			}
			return nil
		}
		wantPage(t, c.Get("/"), 503)
	}
	w.faulty.Before = nil
	wantPage(t, c.Get("/"), 200, "Hello, Ann")
	w.faulty.After = func(m string) error {
		if m == "CreateUser" {
			return errors.New("connection lost")
		}
		return nil
	}
	r := authtest.NewClient(t, w.app).Post("/signup", url.Values{
		"display_name": {"Carol"}, "email": {"carol@example.com"}, "password": {authtest.Password}, "confirm": {authtest.Password},
	})
	wantPage(t, r, 500)
	wantMember(t, w.members, "10", Member{"Carol", "free", "signup"}) // whole, though nobody was told
}
