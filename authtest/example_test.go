package authtest_test

import (
	"fmt"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
)

// greet is a page of the application.
func greet(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "Hello,", auth.CurrentUser(r.Context()).Email)
}

// site makes the application, with a Manager for visitors or for a test.
func site(m *auth.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(greet)))
	return m.Handler(mux)
}

// A test of a page that needs a login, for users and for guests. In a test of your own t is that of the
// test function, and nothing is printed unless something is wrong.
func Example() {
	m := authtest.New(t, nil)
	c := authtest.Login{App: site(m)}.Client(t, m, authtest.User(t, m, "ann@example.com"))
	fmt.Print(c.Get("/").Want(http.StatusOK, "ann@example.com").Body)

	guest := authtest.NewClient(t, site(m))
	fmt.Println(guest.Get("/").WantLogin(m, "/").Location)
	guest.Get("/").Want(http.StatusOK) // this is how it would fail

	// Output:
	// Hello, ann@example.com
	// /login?next=%2F
	// authtest: GET http://localhost/: status 303, want 200; Location "/login?next=%2F", body:
}
