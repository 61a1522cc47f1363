package dbtest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/redisstore"
)

// everyStore runs a test with every store, and with sessions elsewhere.
func everyStore(t *testing.T, test func(*testing.T, auth.Store)) {
	t.Run("memstore", func(t *testing.T) { test(t, memstore.New()) })
	each(t, func(t *testing.T, src source) { test(t, src.store(t, src.open(t))) })
	t.Run("postgres-redis", func(t *testing.T) {
		src := pgx.source(t)
		users := src.store(t, src.open(t))
		test(t, auth.Stores{UserStore: users, CredentialStore: users, SessionStore: redisstore.New(redisClient(t), uniqueName()+":")})
	})
}

// unlimited is an auth.Limiter: all may guess at the same time.
type unlimited struct{}

func (unlimited) Take(context.Context, string, string) (time.Duration, error) { return 0, nil }
func (unlimited) Return(context.Context, string, string) error                { return nil }
func (unlimited) Reset(context.Context, string, string) error                 { return nil }

// linkTest is an application with one user, who gets mail.
type linkTest struct {
	links *email.Links
	out   authtest.Outbox
	u     *auth.User
}

func newLinkTest(t *testing.T, store auth.Store) *linkTest {
	t.Helper()
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}, Limiter: unlimited{}, HashWait: time.Minute, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	l := new(linkTest)
	l.links, err = email.New(m, store, &email.Config{Mailer: &l.out})
	must(t, err)
	t.Cleanup(func() { l.links.Close(context.Background()) })
	l.u = authtest.UnconfirmedUser(t, m, "ann@example.com")
	return l
}

// token returns that of the mail which the user has asked for.
func (l *linkTest) token(t *testing.T, to, kind string) string {
	t.Helper()
	link := l.out.Link(l.out.Wait(t, to, kind))
	return link[len(link)-43:]
}

// Of 50 uses of one link at the same time one counts, on every store.
func TestParallelLinks(t *testing.T) {
	const address, moved, another = "ann@example.com", "ann@new.example", "candle meadow rocket puzzle"
	confirm := func(t *testing.T, l *linkTest, token string) error {
		_, err := l.links.Confirm(t.Context(), token, &auth.LoginForm{Password: authtest.Password})
		return err
	}
	for name, test := range map[string]struct {
		to, kind string
		ask      func(t *testing.T, l *linkTest) error
		use      func(t *testing.T, l *linkTest, token string) error
		notices  int
	}{
		"reset": {address, email.KindReset, func(t *testing.T, l *linkTest) error {
			return l.links.Forgot(t.Context(), &auth.LoginForm{Email: address})
		}, func(t *testing.T, l *linkTest, token string) error {
			return l.links.Reset(t.Context(), token, &auth.PasswordForm{Password: another, Confirm: another})
		}, 0}, // they had not confirmed
		"confirm": {address, email.KindConfirm, func(t *testing.T, l *linkTest) error {
			return l.links.SendConfirmation(t.Context(), &auth.LoginForm{Email: address})
		}, confirm, 0},
		"change": {moved, email.KindChange, func(t *testing.T, l *linkTest) error {
			return l.links.SendChange(t.Context(), l.u, &auth.LoginForm{Email: moved})
		}, confirm, 1},
	} {
		t.Run(name, func(t *testing.T) {
			everyStore(t, func(t *testing.T, store auth.Store) {
				l := newLinkTest(t, store)
				must(t, test.ask(t, l))
				token := l.token(t, test.to, test.kind)
				var won atomic.Int32
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						switch err := test.use(t, l, token); {
						case err == nil:
							won.Add(1)
						case !errors.Is(err, email.ErrLink):
							t.Error(err)
						}
					})
				}
				wg.Wait()
				must(t, l.links.Close(t.Context()))
				u, err := store.UserByID(t.Context(), l.u.ID)
				must(t, err)
				if n := len(l.out.Messages()); won.Load() != 1 || u.Confirmed.IsZero() || (u.Email == moved) != (name == "change") || n != 1+test.notices {
					t.Errorf("%d of 50 won; %v, confirmed %v; %d mails", won.Load(), u, u.Confirmed, n)
				}
			})
		})
	}
}
