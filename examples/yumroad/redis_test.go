package main

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth/authtest"
)

// redisURL returns the address of the Redis for tests.
func redisURL(t *testing.T) string {
	t.Helper()
	return "redis://" + setting(t, "AUTH_TEST_REDIS_ADDR") + "/0"
}

// The evening, with users in SQLite and sessions on Redis.
func TestSessionsOnRedis(t *testing.T) {
	address, file, email := redisURL(t), filepath.Join(t.TempDir(), "shop.db"), rand.Text()+"@example.com"
	onRedis := func(o *options) { o.sessions = address }
	c := visitor(t, newShop(t, file, onRedis))
	want(t, c.Signup(email, authtest.Password), http.StatusSeeOther)
	want(t, c.Get("/dashboard"), http.StatusOK)
	token := c.Cookie("session").Value

	second := newShop(t, file, onRedis) // another process, or the same one started again
	thief := visitor(t, second)
	thief.Header = http.Header{"Cookie": {"session=" + token}}
	want(t, thief.Get("/dashboard"), http.StatusOK)
	c.Get("/dashboard")
	want(t, c.Logout(), http.StatusSeeOther)
	wantRedirect(t, thief.Get("/dashboard"), "/login?next=%2Fdashboard")

	want(t, c.Login(email, authtest.Password), http.StatusSeeOther)
	other := visitor(t, second)
	want(t, other.Login(email, authtest.Password), http.StatusSeeOther)
	c.Get("/account/password")
	const changed = "candle meadow rocket puzzle"
	want(t, c.Post("/account/password", url.Values{"current": {authtest.Password}, "password": {changed}, "confirm": {changed}}), http.StatusSeeOther)
	want(t, c.Get("/dashboard"), http.StatusOK)
	wantRedirect(t, other.Get("/dashboard"), "/login?next=%2Fdashboard")

	third := visitor(t, second)
	want(t, third.Login(email, changed), http.StatusSeeOther)
	list := c.Get("/account/sessions")
	want(t, list, http.StatusOK, "This device")
	ends := regexp.MustCompile(`/account/sessions/[^/"]+/revoke"`).FindAllString(list.Body, -1)
	if len(ends) != 2 {
		t.Fatalf("%d sessions are listed, want 2:\n%s", len(ends), list.Body)
	}
	want(t, c.Post(strings.Trim(ends[0], `"`), nil), http.StatusSeeOther) // the last seen is the third's
	wantRedirect(t, third.Get("/dashboard"), "/login?next=%2Fdashboard")
	want(t, c.Get("/dashboard"), http.StatusOK)
}

func TestBadRedis(t *testing.T) {
	for _, address := range []string{"http://localhost", "redis://127.0.0.1:1/0"} {
		o := &options{database: filepath.Join(t.TempDir(), "shop.db"), sessions: address, timeout: time.Second}
		if k, err := open(t.Context(), o); err == nil {
			k.close()
			t.Errorf("%s is taken for a Redis", address)
		}
	}
}
