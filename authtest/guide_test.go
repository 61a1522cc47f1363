package authtest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/storetest"
)

// The listings of docs/testing.md; TestDocumentedListings compares.

func TestDashboard(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: newApp(m)}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	c.Get("/dashboard").Want(http.StatusOK, "Hello, ann@example.com")
}

func TestDashboardForGuests(t *testing.T) {
	m := authtest.New(t, nil)
	authtest.NewClient(t, newApp(m)).Get("/dashboard").WantLogin(m, "/dashboard")
}

func TestDashboardHandler(t *testing.T) {
	m := authtest.New(t, nil)
	ann := authtest.User(t, m, "ann@example.com")
	rec := httptest.NewRecorder()
	m.RequireLogin(http.HandlerFunc(dashboard)).ServeHTTP(rec, authtest.Request(t, m, ann, "GET", "/dashboard", nil))
	if rec.Code != http.StatusOK {
		t.Errorf("status %d", rec.Code)
	}
}

func TestOrder(t *testing.T) {
	m := authtest.New(t, nil)
	srv := newServer(t, m) // an httptest.Server

	c := authtest.SignIn(t, m, authtest.User(t, m, "ann@example.com"))
	resp, err := c.PostForm(srv.URL+"/orders", url.Values{"product": {"a lamp"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestOrderFromAnotherSite(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: newApp(m)}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	c.Header.Set("Sec-Fetch-Site", "cross-site")
	c.Post("/orders", url.Values{"product": {"a lamp"}}).Want(http.StatusForbidden)
}

func TestEvening(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.NewClient(t, newApp(m))
	c.Signup("ann@example.com", authtest.Password).WantRedirect("/")
	c.Get("/dashboard").Want(http.StatusOK, "Hello, ann")
	c.Logout().WantRedirect("/")
	c.Get("/dashboard").WantLogin(m, "/dashboard")
	c.Login("ann@example.com", "wrong").Want(http.StatusUnprocessableEntity, "is wrong")
}

func TestCardNeedsAFreshLogin(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: newApp(m), Stale: true}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	c.Get("/card").WantRedirect(m.ReauthURL("/card"))

	c.Post("/reauth?next=/card", url.Values{"password": {authtest.Password}}).WantRedirect("/card")
	c.Get("/card").Want(http.StatusOK)
}

func TestCode(t *testing.T) {
	m := authtest.New(t, &auth.Config{SecondFactorURL: "/code"})
	c := authtest.Login{App: newApp(m), Pending: true}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	c.Get("/dashboard").WantRedirect(m.SecondFactorURL("/dashboard"))

	c.Post("/code?next=/dashboard", url.Values{"code": {"123456"}}).WantRedirect("/dashboard")
	c.Get("/dashboard").Want(http.StatusOK)
}

func TestWithSecondFactor(t *testing.T) {
	m := authtest.New(t, &auth.Config{SecondFactorURL: "/code", Hooks: []auth.Hooks{{Login: wantsCode}}})
	ann := authtest.User(t, m, "ann@example.com")
	c := authtest.Login{App: newApp(m), Factors: []string{auth.FactorPassword, "otp"}}.Client(t, m, ann)
	c.Get("/dashboard").Want(http.StatusOK)
}

// wantsCode is a Hooks.Login of the application.
func wantsCode(_ http.ResponseWriter, _ *http.Request, _ *auth.User, s *auth.Session) error {
	if !s.Has("otp") {
		return auth.ErrSecondFactor
	}
	return nil
}

func TestForgotten(t *testing.T) {
	m, links, out := authtest.NewWithMails(t, nil, nil)
	authtest.User(t, m, "ann@example.com")
	c := authtest.NewClient(t, newAppWithMails(m, links))

	c.Post("/password/forgot", url.Values{"email": {"ann@example.com"}}).WantRedirect("/password/forgot")
	mail := out.Wait(t, "ann@example.com", email.KindReset)
	c.Get(out.Link(mail)).Follow().Want(http.StatusOK, "new password")
}

func TestUnconfirmed(t *testing.T) {
	m, links, _ := authtest.NewWithMails(t, &auth.Config{Hooks: []auth.Hooks{email.Hooks(0)}}, nil)
	authtest.UnconfirmedUser(t, m, "ann@example.com")
	c := authtest.NewClient(t, newAppWithMails(m, links))
	c.Login("ann@example.com", authtest.Password).Want(http.StatusUnprocessableEntity)
}

func TestWrongPasswordIsRecorded(t *testing.T) {
	var events authtest.Events
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}})
	ann := authtest.User(t, m, "ann@example.com")

	c := authtest.NewClient(t, newApp(m))
	c.Login("ann@example.com", "wrong")
	if e := events.Want(t, auth.EventLoginFailed); e.UserID != ann.ID || e.Address != c.Address {
		t.Errorf("of %s from %s", e.UserID, e.Address)
	}
	events.WantNone(t, auth.EventLoggedIn)
}

func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := authtest.New(t, &auth.Config{IdleTimeout: time.Hour})
		app, ann := newApp(m), authtest.User(t, m, "ann@example.com")
		c := authtest.Login{App: app}.Client(t, m, ann)
		remembered := authtest.Login{App: app, Remembered: true}.Client(t, m, ann)

		time.Sleep(time.Hour)
		c.Get("/dashboard").WantLogin(m, "/dashboard")
		remembered.Get("/dashboard").Want(http.StatusOK)
	})
}

func TestOwnStore(t *testing.T) {
	m, err := auth.New(newStore(t), authtest.Config(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	c := authtest.Login{App: newApp(m)}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	c.Get("/dashboard").Want(http.StatusOK)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) auth.Store { return newStore(t) })
}
