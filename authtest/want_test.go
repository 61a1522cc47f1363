package authtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
)

func TestWantRedirect(t *testing.T) {
	m := authtest.New(t, nil)
	from, err := url.Parse("http://localhost/dashboard")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		status   int
		location string
		target   string
		want     string
	}{
		{303, "/login?next=%2Fdashboard", m.LoginURL("/dashboard"), ""},
		{302, "/login?next=/dashboard", m.LoginURL("/dashboard"), ""},
		{301, "http://localhost/login?next=/dashboard", m.LoginURL("/dashboard"), ""},
		{303, "login?b=2&a=1", "/login?a=1&b=2", ""},
		{303, "/login", m.LoginURL("/dashboard"), "redirected to"},
		{303, "/login?next=%2Fother", m.LoginURL("/dashboard"), "redirected to"},
		{303, "/login?next=%2Fdashboard&next=%2F", m.LoginURL("/dashboard"), "redirected to"},
		{303, "https://evil.example/login?next=%2Fdashboard", m.LoginURL("/dashboard"), "redirected to"},
		{303, "//evil.example/login?next=%2Fdashboard", m.LoginURL("/dashboard"), "redirected to"},
		{303, "/reauth?next=%2Fdashboard", m.LoginURL("/dashboard"), "redirected to"},
		{303, "%zz", m.LoginURL("/dashboard"), "redirected to"},
		{303, "", m.LoginURL("/dashboard"), "status 303, want a redirect"},
		{200, "/login?next=%2Fdashboard", m.LoginURL("/dashboard"), "status 200, want a redirect"},
		{401, "", m.LoginURL("/dashboard"), "status 401, want a redirect"},
	} {
		resp := &http.Response{StatusCode: test.status, Header: http.Header{"Location": {test.location}}, Request: &http.Request{URL: from}}
		said, fatal := failure(t, func(t testing.TB) { authtest.WantRedirect(t, resp, test.target) })
		if fatal || (said == "") != (test.want == "") || !strings.Contains(said, test.want) {
			t.Errorf("%d to %q: %q, want %q", test.status, test.location, said, test.want)
		}
	}
}

// It works for every kind of response.
func TestWantLogin(t *testing.T) {
	m := authtest.New(t, nil)
	srv := newServer(t, m)
	rec := httptest.NewRecorder()
	newApp(m).ServeHTTP(rec, authtest.Request(t, m, nil, "GET", "/dashboard?a=1&b=2", nil))
	resp, err := authtest.SignIn(t, m, nil).Get(srv.URL + "/dashboard?a=1&b=2")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r := authtest.NewClient(t, newApp(m)).Get("/dashboard?a=1&b=2")
	for name, f := range map[string]func(t testing.TB, next string){
		"recorder": func(t testing.TB, next string) { authtest.WantLogin(t, m, rec.Result(), next) },
		"server":   func(t testing.TB, next string) { authtest.WantLogin(t, m, resp, next) },
		"Response": func(t testing.TB, next string) {
			c := authtest.NewClient(t, newApp(m))
			c.Get(r.URL[len(authtest.BaseURL):]).WantLogin(m, next)
		},
	} {
		if said, _ := failure(t, func(t testing.TB) { f(t, "/dashboard?a=1&b=2") }); said != "" {
			t.Errorf("%s: %s", name, said)
		}
		for _, wrong := range []string{"/dashboard", "/", ""} {
			if said, fatal := failure(t, func(t testing.TB) { f(t, wrong) }); said == "" || fatal {
				t.Errorf("%s: back to %q: %q, fatal: %v", name, wrong, said, fatal)
			}
		}
		for _, nowhere := range []string{"https://evil.example", "dashboard", "/login?x"} {
			if said, fatal := failure(t, func(t testing.TB) { f(t, nowhere) }); !fatal || !strings.Contains(said, "give the path") {
				t.Errorf("%s: back to %q: %q, fatal: %v", name, nowhere, said, fatal)
			}
		}
	}
	authtest.Login{App: newApp(m)}.Client(t, m, nil).Post("/orders", nil).WantLogin(m, "")
}

func TestWant(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "short and stout")
	})
	get := func(t testing.TB) *authtest.Response { return authtest.NewClient(t, app).Get("/") }
	if r := get(t); r.Want(418) != r || r.Want(418, "short", "stout") != r {
		t.Error("Want returns another response")
	}
	for _, test := range []struct {
		status int
		texts  []string
		want   string
	}{{200, nil, "status 418, want 200"}, {418, []string{"short", "long"}, `"long" is not in the page`}, {200, []string{"long"}, "status 418"}} {
		said, fatal := failure(t, func(t testing.TB) { get(t).Want(test.status, test.texts...) })
		if fatal || !strings.Contains(said, test.want) || !strings.Contains(said, "short and stout") {
			t.Errorf("want %d, %q: %q", test.status, test.texts, said)
		}
	}
}

func TestEvents(t *testing.T) {
	var events authtest.Events
	said := func(f func(testing.TB)) string {
		t.Helper()
		s, _ := failure(t, f)
		return s
	}
	want := func(t testing.TB) { events.Want(t, auth.EventLoggedIn) }
	if s := said(want); !strings.Contains(s, "put Events.Hooks into auth.Config.Hooks") {
		t.Errorf("not connected: %q", s)
	}
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}})
	u := authtest.User(t, m, ann)
	c := authtest.Login{App: newApp(m), Stale: true}.Client(t, m, u)
	authtest.Login{Pending: true}.SignIn(t, m, u)
	authtest.Request(t, m, u, "POST", "/", nil)
	if s := said(want); len(events.All()) != 0 || !strings.Contains(s, "is nothing else") {
		t.Errorf("the setting up is recorded: %v; %q", events.All(), s)
	}
	c.Logout()
	c.Login(ann, authtest.Password)
	c.Get("/card").Want(200)
	if s := said(func(t testing.TB) { events.Want(t, auth.EventBusy) }); !strings.Contains(s, "there are logged_out, logged_in") {
		t.Errorf("missing: %q", s)
	}
	if s := said(func(t testing.TB) { events.WantNone(t, auth.EventLoggedOut) }); !strings.Contains(s, "POST /logout") {
		t.Errorf("one too many: %q", s)
	}
	first := events.Want(t, auth.EventLoggedIn)
	if first.UserID != u.ID || first.Path != "/login" || first.Address != c.Address {
		t.Errorf("%+v", first)
	}
	if s := said(want); s == "" {
		t.Error("one login is two events")
	}
	all := events.All()
	all[0].Name = "changed"
	if events.All()[0].Name == "changed" {
		t.Error("All shares its memory")
	}
}

func TestEventsAreSafeForConcurrentUse(t *testing.T) {
	var events authtest.Events
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			m.Record(t.Context(), auth.Event{Name: "shop_opened"})
			events.Want(t, "shop_opened")
			events.All()
			events.WantNone(t, "shop_closed")
		})
	}
	wg.Wait()
	events.WantNone(t, "shop_opened")
}
