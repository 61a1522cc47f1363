package guides

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"net/http"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/sqlstore"
)

//go:embed leaked.sql
var markAllSQL string

// What the guide offers, in Go and in SQL, does the same: sessions end, nobody gets on without a new password.
func TestMarkAll(t *testing.T) {
	for name, mark := range map[string]func(*testing.T, *auth.Manager, *shop){
		"Go": func(t *testing.T, m *auth.Manager, s *shop) {
			for range 2 {
				if err := markAll(t.Context(), m, s.store, s.db); err != nil {
					t.Fatal(err)
				}
			}
		},
		"SQL": func(t *testing.T, _ *auth.Manager, s *shop) { execute(t, s.db, markAllSQL, markAllSQL) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			ann := authtest.User(t, s.m, "ann@example.com")
			authtest.User(t, s.m, "bob@example.com")
			nobody := &auth.User{ID: "zz", Email: "no-password@example.com"}
			if err := s.store.CreateUser(t.Context(), nobody); err != nil {
				t.Fatal(err)
			}
			c := authtest.Login{App: s.app}.Client(t, s.m, ann)
			c.Get("/me").Want(http.StatusOK)

			mark(t, s.m, s)
			c.Get("/me").WantLogin(s.m, "/me")
			for _, who := range []string{"ann@example.com", "bob@example.com"} {
				u, err := s.store.UserByLogin(t.Context(), who)
				if err != nil || !u.Compromised() || u.Stamp == ann.Stamp {
					t.Errorf("%s: compromised %v, %v", who, u.Compromised(), err)
				}
			}
			if u, err := s.store.UserByID(t.Context(), "zz"); err != nil || u.PasswordHash != "" {
				t.Errorf("without a password: %q, %v", u.PasswordHash, err)
			}

			c.Get("/login")
			c.Login("ann@example.com", authtest.Password).WantRedirect(s.m.PasswordURL(""))
			c.Get("/me").WantRedirect(s.m.PasswordURL("/me"))
			c.Get("/account/password")
			change := map[string][]string{"current": {authtest.Password}, "password": {authtest.Password}, "confirm": {authtest.Password}}
			c.Post("/account/password", change).Want(http.StatusUnprocessableEntity)
			change["password"], change["confirm"] = []string{"candle meadow rocket puzzle"}, []string{"candle meadow rocket puzzle"}
			c.Post("/account/password", change)
			c.Get("/me").Want(http.StatusOK)
		})
	}
}

// Who has no password any more gets one by mail.
func TestNoPasswordButMail(t *testing.T) {
	s := newShop(t)
	var out authtest.Outbox
	links, err := email.New(s.m, s.store, &email.Config{Mailer: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close(t.Context())
	authtest.User(t, s.m, "ann@example.com")
	execute(t, s.db, `UPDATE auth_users SET password_hash = '', stamp = lower(hex(randomblob(16))), version = version + 1`, `DELETE FROM auth_sessions`)
	if err := links.Forgot(t.Context(), &auth.LoginForm{Email: "ann@example.com"}); err != nil {
		t.Fatal(err)
	}
	out.Wait(t, "ann@example.com", email.KindReset)
}

// failingMailer fails at the second mail, once.
type failingMailer struct {
	authtest.Outbox
	calls int
}

func (f *failingMailer) Send(ctx context.Context, m *email.Message) error {
	if f.calls++; f.calls == 2 {
		return errDown
	}
	return f.Outbox.Send(ctx, m)
}

func TestTellAll(t *testing.T) {
	s, out := newShop(t), &failingMailer{}
	for _, who := range []string{"ann@example.com", "bob@example.com", "eve@example.com"} {
		authtest.User(t, s.m, who)
	}
	execute(t, s.db, `UPDATE auth_users SET disabled = 1 WHERE email = 'eve@example.com'`)
	done, err := tellAll(t.Context(), s.db, s.store, out, "")
	if !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	if _, err := tellAll(t.Context(), s.db, s.store, out, done); err != nil {
		t.Fatal(err)
	}
	all := out.Messages()
	if len(all) != 2 || all[0].To == all[1].To {
		t.Errorf("%d mails: %v", len(all), all)
	}
}

// shop is an application with the pages, one page of its own, and a database.
type shop struct {
	db    *sql.DB
	store *sqlstore.Store
	m     *auth.Manager
	app   http.Handler
}

func newShop(t *testing.T) *shop {
	t.Helper()
	store, db := newStore(t)
	s := &shop{db: db, store: store}
	var err error
	if s.m, err = auth.New(s.store, authtest.Config(t, nil)); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(s.m))
	mux.Handle("GET /me", s.m.RequireLogin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	s.app = s.m.Handler(mux)
	return s
}
