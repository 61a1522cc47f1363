package authtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
)

var (
	t *testing.T // of the test function around the examples

	dashboard http.Handler // of the application
)

func newApp(m *auth.Manager) http.Handler { return m.Handler(dashboard) }

// A handler is tested with a request of someone who is logged in.
func ExampleRequest() {
	m := authtest.New(t, nil)
	ann := authtest.User(t, m, "ann@example.com")

	rec := httptest.NewRecorder()
	m.RequireLogin(dashboard).ServeHTTP(rec, authtest.Request(t, m, ann, "GET", "/dashboard", nil))
	if rec.Code != http.StatusOK {
		t.Errorf("status %d", rec.Code)
	}
}

// An application is tested as a visitor sees it, from signup to logout.
func ExampleClient() {
	m := authtest.New(t, nil)
	c := authtest.NewClient(t, newApp(m))

	c.Signup("ann@example.com", authtest.Password)
	if r := c.Get("/dashboard"); r.Status != http.StatusOK {
		t.Errorf("status %d", r.Status)
	}
	c.Logout()
	if r := c.Get("/dashboard"); r.Location != m.LoginURL("/dashboard") {
		t.Errorf("redirected to %q", r.Location)
	}
}
