package authtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

// A form is posted over the network, with the CSRF token.
func ExampleSignIn() {
	m := authtest.New(t, nil)
	srv := httptest.NewServer(newApp(m))
	defer srv.Close()

	c := authtest.SignIn(t, m, authtest.User(t, m, "ann@example.com"))
	resp, err := c.PostForm(srv.URL+"/orders", url.Values{"product": {"a lamp"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)

	// Output: 201 Created
}

// A handler is tested with a request of someone who is logged in.
func ExampleRequest() {
	m := authtest.New(t, nil)
	ann := authtest.User(t, m, "ann@example.com")

	rec := httptest.NewRecorder()
	m.RequireLogin(http.HandlerFunc(order)).ServeHTTP(rec, authtest.Request(t, m, ann, "POST", "/orders", url.Values{"product": {"a lamp"}}))
	fmt.Println(rec.Code, rec.Body)

	// Output: 201 a lamp is on its way
}

// A page that asks for the password once more, and one whose visitors lack a second factor.
func ExampleLogin() {
	m := authtest.New(t, &auth.Config{SecondFactorURL: "/code"})
	app, ann := newApp(m), authtest.User(t, m, "ann@example.com")

	stale := authtest.Login{App: app, Stale: true}.Client(t, m, ann)
	stale.Get("/dashboard").Want(http.StatusOK)
	fmt.Println(stale.Get("/card").WantRedirect(m.ReauthURL("/card")).Location)

	pending := authtest.Login{App: app, Pending: true}.Client(t, m, ann)
	fmt.Println(pending.Get("/dashboard").WantRedirect(m.SecondFactorURL("/dashboard")).Location)

	// Output:
	// /reauth?next=%2Fcard
	// /code?next=%2Fdashboard
}

// A client for the application without a network, here also for a request that is no form.
func ExampleLogin_SignIn() {
	m := authtest.New(t, nil)
	c := authtest.Login{App: newApp(m)}.SignIn(t, m, authtest.User(t, m, "ann@example.com"))
	resp, err := c.Post("/orders", "application/json", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status)

	// Output: 201 Created
}

// An application is tested as a visitor sees it, from signup to logout.
func ExampleClient() {
	m := authtest.New(t, nil)
	c := authtest.NewClient(t, newApp(m))

	c.Signup("ann@example.com", authtest.Password)
	fmt.Println(c.Get("/dashboard").Status)
	c.Logout()
	fmt.Println(c.Get("/dashboard").Status)

	// Output:
	// 200
	// 303
}

// What the Manager records of a login that fails.
func ExampleEvents() {
	var events authtest.Events
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}})
	authtest.User(t, m, "ann@example.com")

	authtest.NewClient(t, newApp(m)).Login("ann@example.com", "wrong")
	fmt.Println(events.Want(t, auth.EventLoginFailed).Reason)
	events.WantNone(t, auth.EventLoggedIn)

	// Output: wrong password
}

// A mail is waited for, and its link followed.
func ExampleOutbox() {
	m, links, out := authtest.NewWithMails(t, nil, nil)
	c := authtest.NewClient(t, newAppWithMails(m, links))

	c.Signup("ann@example.com", authtest.Password)
	mail := out.Wait(t, "ann@example.com", email.KindConfirm)
	fmt.Println(mail.To, c.Get(out.Link(mail)).Follow().Status)

	// Output: ann@example.com 200
}

// The response that a handler left in a recorder.
func ExampleWantLogin() {
	m := authtest.New(t, nil)
	rec := httptest.NewRecorder()
	m.RequireLogin(http.HandlerFunc(dashboard)).ServeHTTP(rec, authtest.Request(t, m, nil, "GET", "/dashboard?tab=2", nil))
	authtest.WantLogin(t, m, rec.Result(), "/dashboard?tab=2")
	authtest.WantLogin(t, m, rec.Result(), "/elsewhere")

	// Output: authtest: redirected to "/login?next=%2Fdashboard%3Ftab%3D2", want "/login?next=%2Felsewhere"
}
