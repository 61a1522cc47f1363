package authtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

const httpsBase = "https://shop.example"

// echo answers everyone who is logged in, and tells who they are.
func echo(m *auth.Manager) http.Handler {
	return m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", auth.CurrentUser(r.Context()).Email, " ", r.FormValue("name"))
	}))
}

// outcome sends a request and returns status and body.
func outcome(t *testing.T, c *http.Client, method, target, kind, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

const urlencoded = "application/x-www-form-urlencoded"

// A client works on every kind of server, and on none.
func TestSignIn(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *auth.Manager) (l authtest.Login, base string){
		"direct": func(_ *testing.T, m *auth.Manager) (authtest.Login, string) { return authtest.Login{App: echo(m)}, "" },
		"whole address": func(_ *testing.T, m *auth.Manager) (authtest.Login, string) {
			return authtest.Login{App: echo(m)}, m.BaseURL()
		},
		"server": func(t *testing.T, m *auth.Manager) (authtest.Login, string) {
			srv := httptest.NewServer(echo(m))
			t.Cleanup(srv.Close)
			return authtest.Login{}, srv.URL
		},
		"TLS": func(t *testing.T, m *auth.Manager) (authtest.Login, string) {
			srv := httptest.NewTLSServer(echo(m))
			t.Cleanup(srv.Close)
			return authtest.Login{Transport: srv.Client().Transport}, srv.URL
		},
	} {
		for _, base := range []string{authtest.BaseURL, httpsBase} {
			t.Run(name+" "+base[:5], func(t *testing.T) {
				m := authtest.New(t, &auth.Config{BaseURL: base})
				l, url := start(t, m)
				c := l.SignIn(t, m, authtest.User(t, m, ann))
				for _, test := range [][3]string{
					{"GET", "", ""}, {"HEAD", "", ""}, {"POST", urlencoded, "name=A+%26+B"}, {"PUT", "application/json", "{}"}, {"DELETE", "", ""},
				} {
					status, body := outcome(t, c, test[0], url+"/x?y=1", test[1], test[2])
					want := test[0] + " " + ann + " "
					switch test[0] {
					case "POST":
						want += "A & B"
					case "HEAD":
						want = ""
					}
					if status != 200 || body != want {
						t.Errorf("%s: %d, %q", test[0], status, body)
					}
				}
			})
		}
	}
}

// A client adds what is missing, and replaces nothing: what a test does wrong on purpose is refused.
func TestSignInIsChecked(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: echo(m)}.SignIn(t, m, authtest.User(t, m, ann))
	for name, test := range map[string]struct {
		body   string
		header []string
		status int
	}{
		"right":              {"", nil, 200},
		"no token":           {"", []string{"X-CSRF-Token", ""}, 403},
		"wrong token":        {"", []string{"X-CSRF-Token", "x"}, 403},
		"wrong token inside": {"csrf_token=x", nil, 403},
		"another site":       {"", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		"another origin":     {"", []string{"Origin", "https://evil.example"}, 403},
		"another's cookie":   {"", []string{"Cookie", "session=" + strings.Repeat("A", 43)}, 403},
	} {
		if status, body := outcome(t, c, "POST", "/", urlencoded, test.body, test.header...); status != test.status {
			t.Errorf("%s: status %d, want %d: %s", name, status, test.status, body)
		}
	}
}

// Nobody in particular is a guest, who also passes the CSRF check.
func TestSignInGuest(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: echo(m)}.SignIn(t, m, nil)
	for _, method := range []string{"GET", "POST"} {
		if status, body := outcome(t, c, method, "/", "", ""); status != 303 {
			t.Errorf("%s: status %d: %s", method, status, body)
		}
	}
	if c := (authtest.Login{App: newApp(m)}).Client(t, m, nil); c.Login("nobody@example.com", "x").Status != 422 {
		t.Error("a guest's Client is refused")
	}
}

// A new session has a new token.
func TestTokenFollowsTheSession(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	c := authtest.Login{App: app(m)}.SignIn(t, m, u)
	for _, step := range []struct {
		path, form string
		status     int
	}{
		{"/dashboard", "", 200},
		{"/logout", "", 303},
		{"/dashboard", "", 303},
		{"/login", "email=" + ann + "&password=wrong", 422},
		{"/login", "email=" + ann + "&password=" + url.QueryEscape(authtest.Password), 303},
		{"/dashboard", "", 200},
	} {
		if status, body := outcome(t, c, "POST", step.path, urlencoded, step.form); status != step.status {
			t.Fatalf("%s: status %d, want %d: %s", step.path, status, step.status, body)
		}
	}
}

// A client follows redirects only when told to, and goes nowhere else.
func TestSignInStays(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: app(m)}.SignIn(t, m, authtest.User(t, m, ann))
	if status, _ := outcome(t, c, "GET", "/old", "", ""); status != 302 {
		t.Errorf("status %d, want that of the redirect", status)
	}
	c.CheckRedirect = nil
	if status, body := outcome(t, c, "GET", "/old", "", ""); status != 200 || body != "home" {
		t.Errorf("at the end: %d, %q", status, body)
	}
	if _, err := c.Post("https://evil.example/", "", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), "is not the application") {
		t.Errorf("another site: %v", err)
	}
	if _, err := authtest.SignIn(t, m, nil).Get("/"); err == nil || !strings.Contains(err.Error(), "Login.App") {
		t.Errorf("no server: %v", err)
	}
}

// many calls f for the three ways to be logged in. ask returns the status of a page.
func many(t *testing.T, l authtest.Login, m *auth.Manager, u *auth.User, app http.Handler, f func(t *testing.T, ask func(path string) *http.Response)) {
	t.Helper()
	t.Run("Client", func(t *testing.T) {
		l.App = app
		c := l.Client(t, m, u)
		f(t, func(path string) *http.Response {
			r := c.Get(path)
			return &http.Response{StatusCode: r.Status, Header: r.Header}
		})
	})
	t.Run("SignIn", func(t *testing.T) {
		l.App = app
		c := l.SignIn(t, m, u)
		f(t, func(path string) *http.Response {
			resp, err := c.Get(path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp
		})
	})
	t.Run("Request", func(t *testing.T) {
		f(t, func(path string) *http.Response {
			rec := httptest.NewRecorder()
			app.ServeHTTP(rec, l.Request(t, m, u, "GET", path, nil))
			return rec.Result()
		})
	})
}

func TestStale(t *testing.T) {
	var seen []bool
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{{Login: func(_ http.ResponseWriter, _ *http.Request, _ *auth.User, s *auth.Session) error {
		seen = append(seen, s.Fresh(time.Minute))
		return nil
	}}}})
	u := authtest.User(t, m, ann)
	mux := http.NewServeMux()
	mux.Handle("/page", m.RequireLogin(http.HandlerFunc(whoami)))
	mux.Handle("/fresh", m.RequireFresh(50*365*24*time.Hour)(http.HandlerFunc(whoami)))
	many(t, authtest.Login{}, m, u, m.Handler(mux), func(t *testing.T, ask func(string) *http.Response) {
		if a, b := ask("/page").StatusCode, ask("/fresh").StatusCode; a != 200 || b != 200 {
			t.Errorf("not stale: %d, %d", a, b)
		}
	})
	many(t, authtest.Login{Stale: true}, m, u, m.Handler(mux), func(t *testing.T, ask func(string) *http.Response) {
		if status := ask("/page").StatusCode; status != 200 {
			t.Errorf("stale: %d", status)
		}
		authtest.WantRedirect(t, ask("/fresh"), m.ReauthURL("/fresh"))
	})
	for _, fresh := range seen {
		if !fresh {
			t.Error("the application's hooks are shown the old proof, though it was new when the user logged in")
		}
	}
}

// In a bubble it is the year 2000; a stale session is stale there, too, lasts as long as any, and becomes
// fresh by a proof.
func TestStaleInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := authtest.New(t, nil)
		c := authtest.Login{App: newApp(m), Stale: true}.Client(t, m, authtest.User(t, m, ann))
		c.Get("/card").WantRedirect(m.ReauthURL("/card"))
		c.Post("/reauth", url.Values{"password": {authtest.Password}}).WantRedirect("/")
		c.Get("/card").Want(200)
		time.Sleep(10 * time.Minute)
		c.Get("/card").WantRedirect(m.ReauthURL("/card"))
		c.Get("/dashboard").Want(200)
	})
}

func TestRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := authtest.New(t, &auth.Config{IdleTimeout: time.Hour, Lifetime: 24 * time.Hour, RememberFor: 30 * 24 * time.Hour})
		u := authtest.User(t, m, ann)
		c := authtest.Login{App: newApp(m)}.Client(t, m, u)
		active := authtest.Login{App: newApp(m)}.Client(t, m, u)
		remembered := authtest.Login{App: newApp(m), Remembered: true}.SignIn(t, m, u)
		if cookies := (authtest.Login{Remembered: true}).Cookies(t, m, u); cookies[0].MaxAge < 29*24*3600 {
			t.Errorf("the cookie does not outlast the browser: %v", cookies[0])
		}
		for range 24 {
			active.Get("/dashboard").Want(200)
			time.Sleep(59 * time.Minute)
		}
		c.Get("/dashboard").WantLogin(m, "/dashboard")
		time.Sleep(24 * time.Minute) // 24 hours in all, all of them active
		active.Get("/dashboard").WantLogin(m, "/dashboard")
		if status, _ := outcome(t, remembered, "POST", "/orders", urlencoded, ""); status != 201 {
			t.Errorf("after a day: status %d", status)
		}
		time.Sleep(29*24*time.Hour - time.Second)
		if status, _ := outcome(t, remembered, "POST", "/orders", urlencoded, ""); status != 201 {
			t.Errorf("after 30 days, almost: status %d", status)
		}
		time.Sleep(time.Second)
		if status, _ := outcome(t, remembered, "GET", "/dashboard", "", ""); status != 303 {
			t.Errorf("after 30 days: status %d", status)
		}
	})
}

// Who sends a form from a page whose session has expired gets what a browser gets.
func TestFormAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := authtest.New(t, nil)
		c := authtest.Login{App: newApp(m)}.SignIn(t, m, authtest.User(t, m, ann))
		time.Sleep(2 * time.Hour)
		if status, _ := outcome(t, c, "POST", "/orders", urlencoded, ""); status != 403 {
			t.Errorf("status %d, want 403: the token was the session's", status)
		}
	})
}

func TestPending(t *testing.T) {
	for name, hooks := range map[string][]auth.Hooks{"of its own": {{Login: wantsCode}}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			m := authtest.New(t, &auth.Config{SecondFactorURL: "/code", Hooks: hooks})
			u := authtest.User(t, m, ann)
			many(t, authtest.Login{Pending: true}, m, u, newApp(m), func(t *testing.T, ask func(string) *http.Response) {
				authtest.WantRedirect(t, ask("/dashboard"), m.SecondFactorURL("/dashboard"))
			})
			c := authtest.Login{App: newApp(m), Pending: true, Stale: true}.Client(t, m, u)
			c.Post("/code", url.Values{"code": {"1"}}).Want(403)
			c.Post("/code", url.Values{"code": {"123456"}}).WantRedirect("/")
			c.Get("/card").Want(200)
		})
	}
}

func TestPendingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := authtest.New(t, &auth.Config{SecondFactorURL: "/code"})
		c := authtest.Login{App: newApp(m), Pending: true}.Client(t, m, authtest.User(t, m, ann))
		time.Sleep(10 * time.Minute)
		c.Get("/dashboard").WantLogin(m, "/dashboard")
	})
}

// A user whose password others may know is kept waiting for a new one.
func TestPendingPassword(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	if err := m.MarkCompromised(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	many(t, authtest.Login{Pending: true}, m, u, newApp(m), func(t *testing.T, ask func(string) *http.Response) {
		authtest.WantRedirect(t, ask("/dashboard"), m.PasswordURL("/dashboard"))
	})
}

func TestFactors(t *testing.T) {
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{{Login: wantsCode}}})
	u := authtest.User(t, m, ann)
	many(t, authtest.Login{Factors: []string{auth.FactorPassword, "otp"}, Stale: true}, m, u, newApp(m), func(t *testing.T, ask func(string) *http.Response) {
		if status := ask("/dashboard").StatusCode; status != 200 {
			t.Errorf("status %d", status)
		}
		authtest.WantRedirect(t, ask("/card"), m.ReauthURL("/card"))
	})
	live, err := m.Sessions(t.Context(), u)
	if err != nil || len(live) == 0 || len(live[0].Factors) != 2 {
		t.Errorf("sessions %v, %v", live, err)
	}
}

// Logins that are not this package's own are as ever, though its hooks are there.
func TestHooksTouchNoOtherLogin(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	for name, c := range map[string]*authtest.Client{
		"guest": authtest.NewClient(t, newApp(m)),
		"stale": authtest.Login{App: newApp(m), Stale: true}.Client(t, m, u),
	} {
		c.Logout()
		c.Login(ann, authtest.Password).WantRedirect("/")
		if r := c.Get("/card"); r.Status != 200 {
			t.Errorf("%s: status %d", name, r.Status)
		}
	}
}

func TestUsers(t *testing.T) {
	var events authtest.Events
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks(), email.Hooks(0)}})
	u, other := authtest.User(t, m, "Ann@Example.com"), authtest.UnconfirmedUser(t, m, "bob@example.com")
	if u.Email != ann || u.Confirmed.IsZero() || !other.Confirmed.IsZero() {
		t.Errorf("%v confirmed %v, %v confirmed %v", u, u.Confirmed, other, other.Confirmed)
	}
	c := authtest.NewClient(t, newApp(m))
	c.Login("bob@example.com", authtest.Password).Want(422)
	c.Login(ann, authtest.Password).WantRedirect("/")
	if said, fatal := failure(t, func(t testing.TB) { authtest.SignIn(t, m, other) }); !fatal || !strings.Contains(said, "by authtest.User") {
		t.Errorf("sign in unconfirmed: %q", said)
	}
	events.WantNone(t, auth.EventSignedUp)
	events.WantNone(t, auth.EventEmailChanged)
}

// A session that is bound to an address, say, is the client's.
func TestFromTheAddressOfTheLogin(t *testing.T) {
	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{{Check: func(r *http.Request, _ *auth.User, s *auth.Session) error {
		if !strings.Contains(r.RemoteAddr, s.Address) {
			return errors.New("another address")
		}
		return nil
	}}}})
	u := authtest.User(t, m, ann)
	many(t, authtest.Login{}, m, u, newApp(m), func(t *testing.T, ask func(string) *http.Response) {
		if status := ask("/dashboard").StatusCode; status != 200 {
			t.Errorf("status %d", status)
		}
	})
	srv := newServer(t, m)
	if status, _ := outcome(t, authtest.SignIn(t, m, u), "GET", srv.URL+"/dashboard", "", ""); status != 200 {
		t.Errorf("over the network: status %d", status)
	}
}

func TestLoginClientOverTheNetwork(t *testing.T) {
	var h http.Handler
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	defer srv.Close()
	m := authtest.New(t, &auth.Config{BaseURL: srv.URL})
	h = newApp(m)
	c := authtest.Login{Transport: srv.Client().Transport}.Client(t, m, authtest.User(t, m, ann))
	c.Get("/dashboard").Want(200, ann)
	c.Post("/orders", url.Values{"product": {"a lamp"}}).Want(201, "a lamp")
}

// The application is called as by a network: what the client's context knows, such as the request during which it is
// called, stays behind; but when it ends so does the application's.
func TestDirectContext(t *testing.T) {
	m := authtest.New(t, nil)
	app := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
		}
		fmt.Fprint(w, auth.CurrentUser(r.Context()))
	}))
	c := authtest.Login{App: app}.SignIn(t, m, authtest.User(t, m, ann))
	send := func(ctx context.Context, method, path string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		return string(body)
	}
	bob := authtest.User(t, m, "bob@example.com")
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, method := range []string{"GET", "POST"} {
			if got := send(r.Context(), method, "/"); !strings.Contains(got, ann) {
				t.Errorf("%s during a request of bob's: %s", method, got)
			}
		}
	})).ServeHTTP(httptest.NewRecorder(), authtest.Request(t, m, bob, "GET", "/", nil))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := http.NewRequestWithContext(ctx, "GET", "/wait", nil); err != nil {
		t.Error(err)
	} else if _, err := c.Do(r); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSignInIsSafeForConcurrentUse(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.Login{App: app(m)}.SignIn(t, m, authtest.User(t, m, ann))
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			path, form := "/dashboard", ""
			if n%4 == 0 {
				path, form = "/login", "email="+ann+"&password="+url.QueryEscape(authtest.Password)
			}
			r, err := http.NewRequest("POST", path, strings.NewReader(form))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", urlencoded)
			resp, err := c.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close() // whose login came first decides which tokens count
		})
	}
	wg.Wait()
	if status, body := outcome(t, c, "POST", "/dashboard", urlencoded, ""); status != 200 {
		t.Errorf("in the end: %d: %s", status, body)
	}
}

// Logins of tests count as nobody's attempts.
func TestSignInHasNoLimit(t *testing.T) {
	m := authtest.New(t, nil)
	u := authtest.User(t, m, ann)
	for n := range 50 {
		authtest.User(t, m, fmt.Sprintf("user%d@example.com", n))
		authtest.Request(t, m, u, "GET", "/", nil)
	}
}

// A bubble fails if a goroutine is left in it.
func TestNoGoroutineIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, links, out := authtest.NewWithMails(t, nil, nil)
		app, u := newAppWithMails(m, links), authtest.User(t, m, ann)
		authtest.Login{App: app}.Client(t, m, u).Get("/dashboard").Want(200)
		if resp, err := (authtest.Login{App: app}).SignIn(t, m, u).Get("/dashboard"); err != nil || resp.StatusCode != 200 { // and Body is left open
			t.Errorf("%v, %v", resp, err)
		}
		authtest.Request(t, m, u, "POST", "/orders", nil)
		if err := links.Forgot(t.Context(), &auth.LoginForm{Email: ann}); err != nil {
			t.Fatal(err)
		}
		out.Wait(t, ann, email.KindReset)
	})
}

// Over the network none is left either, though the server goes on. That they end is
// waited for; should they not, the test hangs.
func TestNoGoroutineIsLeftByTheNetwork(t *testing.T) {
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	defer srv.Close()
	m := authtest.New(t, &auth.Config{BaseURL: srv.URL})
	h = newApp(m)
	u := authtest.User(t, m, ann)
	before := runtime.NumGoroutine()
	outcome(t, authtest.SignIn(t, m, u), "POST", srv.URL+"/orders", urlencoded, "")
	authtest.Login{}.Client(t, m, u).Get("/dashboard").Want(200)
	guest := authtest.NewClient(t, nil)
	guest.BaseURL = srv.URL
	guest.Get("/login").Want(200)
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

// The Links end with the test that they were made for.
func TestLinksAreClosed(t *testing.T) {
	var events authtest.Events
	var links *email.Links
	var u *auth.User
	t.Run("test", func(t *testing.T) {
		var m *auth.Manager
		m, links, _ = authtest.NewWithMails(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}, Logger: slog.New(slog.DiscardHandler)}, nil)
		u = authtest.User(t, m, ann)
	})
	links.Notify(t.Context(), u, email.KindPasswordChanged)
	if e := events.Want(t, auth.EventFailure); !strings.Contains(e.Reason, "send mail") {
		t.Errorf("%+v", e)
	}
}

func TestConfig(t *testing.T) {
	order := ""
	own := auth.Hooks{Login: func(_ http.ResponseWriter, _ *http.Request, _ *auth.User, s *auth.Session) error {
		order += fmt.Sprint(s.Fresh(time.Hour))
		return nil
	}}
	hooks := make([]auth.Hooks, 1, 8)
	hooks[0] = own
	given := auth.Config{BaseURL: httpsBase, Hooks: hooks}
	c := authtest.Config(t, &given)
	if len(c.Hooks) != 2 || len(given.Hooks) != 1 || hooks[:2][1].Login != nil || given.Hasher != nil || c.BaseURL != httpsBase {
		t.Errorf("given %+v, completed %+v", given, c)
	}
	m, err := auth.New(newStore(t), c)
	if err != nil {
		t.Fatal(err)
	}
	authtest.Login{Stale: true}.Request(t, m, authtest.User(t, m, ann), "GET", "/", nil)
	if order != "true" {
		t.Errorf("the application's hook was asked: %q", order)
	}
}

// What cannot be is said, and what to do about it.
func TestMisuse(t *testing.T) {
	m := authtest.New(t, &auth.Config{SecondFactorURL: "/code"})
	u := authtest.User(t, m, ann)
	plain, err := auth.New(newStore(t), &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	other := authtest.User(t, plain, ann)
	strict := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{{Login: wantsCode}}})
	enrolled := authtest.User(t, strict, ann)
	closed := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error {
		return errors.New("closed on Sundays")
	}}}})
	disabled, renewed, marked := authtest.User(t, m, "bob@example.com"), *authtest.User(t, m, "eve@example.com"), authtest.User(t, m, "dan@example.com")
	disabled.Disabled = time.Now()
	old := renewed
	if err := errors.Join(m.SetPassword(t.Context(), &renewed, authtest.Password+"!"), m.MarkCompromised(t.Context(), marked)); err != nil {
		t.Fatal(err)
	}
	app := newApp(m)
	for name, test := range map[string]struct {
		f    func(testing.TB)
		says string
	}{
		"app and transport": {func(t testing.TB) { authtest.Login{App: app, Transport: http.DefaultTransport}.SignIn(t, m, u) }, "set one of them"},
		"client of both":    {func(t testing.TB) { authtest.Login{App: app, Transport: http.DefaultTransport}.Client(t, m, u) }, "set one of them"},
		"stale guest":       {func(t testing.TB) { authtest.Login{Stale: true}.SignIn(t, m, nil) }, "a guest cannot be Stale; give a user"},
		"pending guest":     {func(t testing.TB) { authtest.Login{Pending: true}.Client(t, m, nil) }, "a guest cannot be Pending"},
		"remembered guest":  {func(t testing.TB) { authtest.Login{Remembered: true}.Request(t, m, nil, "GET", "/", nil) }, "a guest cannot be Remembered"},
		"factors of nobody": {func(t testing.TB) { authtest.Login{Factors: []string{"otp"}}.Cookies(t, m, nil) }, "a guest cannot be asked for Factors"},
		"no factor":         {func(t testing.TB) { authtest.Login{Factors: []string{}}.SignIn(t, m, u) }, "leave it nil for the password"},
		"empty factor":      {func(t testing.TB) { authtest.Login{Factors: []string{""}}.SignIn(t, m, u) }, "a factor"},
		"stale, no hooks":   {func(t testing.TB) { authtest.Login{Stale: true}.SignIn(t, plain, other) }, "authtest.Hooks at the end of Config.Hooks"},
		"pending, no hooks": {func(t testing.TB) { authtest.Login{Pending: true}.SignIn(t, plain, other) }, "authtest.Hooks at the end of Config.Hooks"},
		"second factor":     {func(t testing.TB) { authtest.SignIn(t, strict, enrolled) }, "Login.Factors, or set Login.Pending"},
		"compromised":       {func(t testing.TB) { authtest.SignIn(t, m, marked) }, "set Login.Pending"},
		"disabled":          {func(t testing.TB) { authtest.SignIn(t, m, disabled) }, "account is disabled"},
		"refused by a hook": {func(t testing.TB) { authtest.SignIn(t, closed, authtest.User(t, closed, ann)) }, "closed on Sundays"},
		"outdated":          {func(t testing.TB) { authtest.SignIn(t, m, &old) }, "has the user been changed since it was read"},
		"another Manager's": {func(t testing.TB) { authtest.SignIn(t, m, other) }, "is it another Manager's"},
		"mailer": {func(t testing.TB) {
			authtest.NewWithMails(t, nil, &email.Config{Mailer: new(authtest.Outbox)})
		}, "leave it nil"},
		"links":  {func(t testing.TB) { authtest.NewWithMails(t, nil, &email.Config{ResetFor: -1}) }, "ResetFor"},
		"config": {func(t testing.TB) { authtest.New(t, &auth.Config{BaseURL: "shop"}) }, "BaseURL"},
	} {
		if said, fatal := failure(t, test.f); !fatal || !strings.Contains(said, test.says) || !strings.HasPrefix(said, "authtest: ") {
			t.Errorf("%s: %q, fatal: %v", name, said, fatal)
		}
	}
}
