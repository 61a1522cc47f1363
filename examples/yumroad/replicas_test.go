package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

// setting returns an environment variable that names a server for tests.
func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
			t.Fatalf("%s is not set, and AUTH_TEST_REQUIRE_ALL is", name)
		}
		t.Skipf("%s is not set: there is no server to test with", name)
	}
	return value
}

// newDatabase makes a database on that server, for this test alone.
func newDatabase(t *testing.T, driver, dsn string) (name string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	name = "yumroad_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	drop := "DROP DATABASE " + name
	if driver == "pgx" {
		drop += " WITH (FORCE)"
	}
	t.Cleanup(func() {
		if _, err := db.Exec(drop); err != nil {
			t.Error(err)
		}
	})
	return name
}

func postgresDatabase(t *testing.T) string {
	t.Helper()
	dsn := setting(t, "AUTH_TEST_POSTGRES_DSN")
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + newDatabase(t, "pgx", dsn)
	return u.String()
}

// mysqlDatabase turns the address of the driver, user:password@tcp(host:port)/,
// into one of the shop.
func mysqlDatabase(t *testing.T) string {
	t.Helper()
	dsn := setting(t, "AUTH_TEST_MYSQL_DSN")
	parts := regexp.MustCompile(`^(.*)@tcp\((.*)\)/`).FindStringSubmatch(dsn)
	if parts == nil {
		t.Fatalf("AUTH_TEST_MYSQL_DSN is %q, not user:password@tcp(host:port)/database", dsn)
	}
	return "mysql://" + parts[1] + "@" + parts[2] + "/" + newDatabase(t, "mysql", dsn)
}

// The evening on every database, with a restart.
func TestDatabases(t *testing.T) {
	for name, address := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "shop.db") },
		"postgres": postgresDatabase,
		"mysql":    mysqlDatabase,
	} {
		t.Run(name, func(t *testing.T) {
			db := address(t)
			c := visitor(t, newShop(t, db, nil))
			want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
			want(t, c.Post("/products", url.Values{"name": {"Brötchen 🥐"}, "description": {"warm"}, "price": {"2.50"}}), http.StatusSeeOther)
			token := c.Cookie("session").Value

			again := visitor(t, newShop(t, db, nil))
			again.Header = http.Header{"Cookie": {"session=" + token}}
			want(t, again.Get("/dashboard"), http.StatusOK, "Brötchen 🥐", "$2.50")
			want(t, visitor(t, newShop(t, db, nil)).Signup(ann, authtest.Password), http.StatusUnprocessableEntity)
			c.Get("/dashboard")
			want(t, c.Logout(), http.StatusSeeOther)
			wantRedirect(t, again.Get("/dashboard"), "/login?next=%2Fdashboard")
			want(t, c.Login("ANN@example.com", authtest.Password), http.StatusSeeOther)
		})
	}
}

// front is one address before several replicas. It asks them in turn, or the one
// that X-Replica names.
type front struct {
	*httptest.Server
	mu       sync.Mutex
	replicas []*url.URL
	turn     atomic.Int64
}

func newFront(t *testing.T) *front {
	f := &front{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(f.pick(r.In))
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // people have addresses of their own, see person
		},
		ModifyResponse: func(r *http.Response) error { // whole, or not at all
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			return err
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { w.WriteHeader(http.StatusBadGateway) },
	}
	f.Server = httptest.NewServer(proxy)
	t.Cleanup(f.Close)
	return f
}

func (f *front) pick(r *http.Request) *url.URL {
	f.mu.Lock()
	defer f.mu.Unlock()
	var n int
	if _, err := fmt.Sscan(r.Header.Get("X-Replica"), &n); err != nil {
		n = int(f.turn.Add(1))
	}
	return f.replicas[n%len(f.replicas)]
}

// set puts a replica into its place.
func (f *front) set(n int, s *server) {
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.replicas) <= n {
		f.replicas = append(f.replicas, u)
	}
	f.replicas[n] = u
}

// person is someone in front of the shop who takes no for an answer.
type person struct {
	t       *testing.T
	front   *front
	c       *http.Client
	address string // or else limits would take all of them for one
}

var people atomic.Int64

func newPerson(t *testing.T, f *front) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := people.Add(1)
	address := fmt.Sprintf("198.51.%d.%d", n/250, n%250+1)
	return &person{t, f, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, address}
}

// at asks one replica or, if n is negative, any.
func (p *person) at(n int, method, path string, form url.Values) (status int, body string) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.front.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", p.address)
	if n >= 0 {
		r.Header.Set("X-Replica", fmt.Sprint(n))
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.front.URL)
	}
	resp, err := p.c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

var tokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// send fills in the form of a page and sends it.
func (p *person) send(n int, page, action string, fields ...string) (status int) {
	p.t.Helper()
	status, body := p.at(n, "GET", page, nil)
	token := tokenField.FindStringSubmatch(body)
	if status != http.StatusOK || token == nil {
		return status
	}
	form := url.Values{"csrf_token": {html.UnescapeString(token[1])}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	status, _ = p.at(n, "POST", action, form)
	return status
}

func (p *person) login(email, password string) (status int) {
	return p.send(-1, "/login", "/login", "email", email, "password", password)
}

func TestReplicas(t *testing.T) {
	db, program, f := postgresDatabase(t), buildShop(t), newFront(t)
	start := func(n int) *server {
		s := startServer(t, program, "-addr", "127.0.0.1:0", "-db", db, "-base-url", f.URL, "-trusted-proxies", "127.0.0.1/32")
		f.set(n, s)
		return s
	}
	start(0)
	second := start(1)

	p := newPerson(t, f)
	if got := p.send(0, "/signup", "/signup", "email", ann, "password", authtest.Password, "confirm", authtest.Password); got != http.StatusSeeOther {
		t.Fatalf("signup: %d", got)
	}
	for n := range 2 {
		if got, _ := p.at(n, "GET", "/dashboard", nil); got != http.StatusOK {
			t.Errorf("replica %d does not know who logged in: %d", n, got)
		}
	}
	if got := p.send(1, "/dashboard", "/logout"); got != http.StatusSeeOther {
		t.Errorf("logout: %d", got)
	}
	for n := range 2 {
		if got, _ := p.at(n, "GET", "/dashboard", nil); got != http.StatusSeeOther {
			t.Errorf("replica %d does not know who logged out: %d", n, got)
		}
	}

	// One replica is killed while people sign up and change their passwords.
	const crowd, changed = 40, "candle meadow rocket puzzle"
	type history struct{ signup, change int } // statuses; 0: never tried
	lives := make([]history, crowd)
	email := func(i int) string { return fmt.Sprintf("p%d@example.com", i) }
	var wg sync.WaitGroup
	var begun atomic.Int64
	halfway := make(chan bool)
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				p := newPerson(t, f)
				lives[i].signup = p.send(-1, "/signup", "/signup", "email", email(i), "password", authtest.Password, "confirm", authtest.Password)
				if begun.Add(1) == crowd/4 {
					close(halfway)
				}
				if lives[i].signup == http.StatusSeeOther {
					lives[i].change = p.send(-1, "/account/password", "/account/password", "current", authtest.Password, "password", changed, "confirm", changed)
				}
			}
		})
	}
	wg.Go(func() {
		<-halfway
		if err := second.cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	})
	for i := range crowd {
		next <- i
	}
	close(next)
	wg.Wait()
	start(1)

	lost := 0
	for i, l := range lives {
		old, new := newPerson(t, f).login(email(i), authtest.Password) == http.StatusSeeOther, newPerson(t, f).login(email(i), changed) == http.StatusSeeOther
		if l.signup != http.StatusSeeOther || l.change != http.StatusSeeOther {
			lost++
		}
		switch {
		case old && new:
			t.Errorf("%s %+v: both passwords open", email(i), l)
		case l.change == http.StatusSeeOther && !new:
			t.Errorf("%s %+v: the new password was lost", email(i), l)
		case l.signup == http.StatusSeeOther && !old && !new:
			t.Errorf("%s %+v: the account was lost", email(i), l)
		case !old && !new:
			if got := newPerson(t, f).send(-1, "/signup", "/signup", "email", email(i), "password", authtest.Password, "confirm", authtest.Password); got != http.StatusSeeOther {
				t.Errorf("%s %+v: half an account is in the way: %d", email(i), l, got)
			}
		}
	}
	t.Logf("%d of %d were interrupted, and lost nothing that they had been promised", lost, crowd)
}
