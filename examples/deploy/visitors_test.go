//go:build linux

package deploy

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

// visitor is somebody in front of nginx, with a browser and an address of their own.
type visitor struct {
	t     *testing.T
	c     *http.Client
	base  string
	email string
}

var addresses atomic.Int64

func newVisitor(t *testing.T, n *nginx) *visitor {
	i := addresses.Add(1)
	return visitorBy(t, n.transport(fmt.Sprintf("127.1.%d.%d", i/250, i%250+1)), base, i)
}

func visitorBy(t *testing.T, transport http.RoundTripper, base string, i int64) *visitor {
	jar, _ := cookiejar.New(nil) // which never fails without options
	return &visitor{t: t, base: base, email: fmt.Sprintf("visitor%d@example.com", i), c: &http.Client{
		Jar: jar, Transport: transport, Timeout: patient,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what a request got. Its status is 0 if there was none, or not the whole.
type answer struct {
	method, path string
	status       int
	header       http.Header
	body         string
	err          error
}

func (a *answer) String() string {
	return fmt.Sprintf("%s %s: %d, %v, %.300s", a.method, a.path, a.status, a.err, a.body)
}

func (v *visitor) do(method, path string, form url.Values) *answer {
	a := &answer{method: method, path: path}
	r, err := http.NewRequest(method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.base)
	}
	resp, err := v.c.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if a.err = err; err == nil {
		a.status, a.header, a.body = resp.StatusCode, resp.Header, string(body)
	}
	for _, c := range resp.Cookies() {
		watch.Secret(c.Value)
	}
	return a
}

func (v *visitor) get(path string) *answer { return v.do("GET", path, nil) }

var tokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// linkField is the secret of a link in a mail, on the page that it leads to.
var linkField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// fill reads the form of a page, for a later send. It returns nil if there is none.
func (a *answer) fill(fields ...string) url.Values {
	token := tokenField.FindStringSubmatch(a.body)
	if token == nil {
		return nil
	}
	form := url.Values{"csrf_token": {html.UnescapeString(token[1])}}
	if link := linkField.FindStringSubmatch(a.body); link != nil {
		form.Set("token", html.UnescapeString(link[1]))
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

// send fills in the form of a page, and sends it to action. It returns the answer to the page if that has none.
func (v *visitor) send(page, action string, fields ...string) *answer {
	a := v.get(page)
	form := a.fill(fields...)
	if form == nil {
		return a
	}
	return v.do("POST", action, form)
}

func (v *visitor) signUp() *answer {
	return v.send("/signup", "/signup", "email", v.email, "password", authtest.Password, "confirm", authtest.Password)
}

func (v *visitor) logIn(password string) *answer {
	return v.send("/login", "/login", "email", v.email, "password", password)
}

// join signs up, and has to succeed.
func (v *visitor) join() *visitor {
	v.t.Helper()
	want(v.t, v.signUp(), http.StatusSeeOther)
	want(v.t, v.get("/dashboard"), http.StatusOK, v.email)
	return v
}

// session returns the value of the session's cookie, or "".
func (v *visitor) session() string {
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.c.Jar.Cookies(u) {
		if strings.TrimPrefix(c.Name, "__Host-") == "session" {
			return c.Value
		}
	}
	return ""
}

// want checks the status of an answer, and what the page says.
func want(t *testing.T, a *answer, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("want %d: %v", status, a)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s %s does not say %q: %.1000s", a.method, a.path, text, a.body)
		}
	}
}

// wantAway checks that a page says that it is for the moment, and leaves the browser's cookies alone.
func wantAway(t *testing.T, a *answer) {
	t.Helper()
	want(t, a, http.StatusServiceUnavailable, "try again")
	if a.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", a)
	}
	wantCookiesLeft(t, a)
}

// wantCookiesLeft checks that nobody is logged in or out by an answer.
func wantCookiesLeft(t *testing.T, a *answer) {
	t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.Contains(c.Name, "session") {
			t.Errorf("%s %s sets the cookie %s", a.method, a.path, c.Name)
		}
	}
}

// crowd are visitors who do not stop.
type crowd struct {
	t       *testing.T
	nginx   *nginx
	members []*visitor // are signed in, look around, and put things on the shelf
	guests  []*visitor // log in and out
	stop    chan struct{}
	wg      sync.WaitGroup
	done    atomic.Int64 // answers that are as they should be

	mu     sync.Mutex
	failed map[*visitor][]*answer // those that are not
}

func newCrowd(t *testing.T, n *nginx, members, guests int) *crowd {
	t.Helper()
	c := &crowd{t: t, nginx: n, stop: make(chan struct{}), failed: map[*visitor][]*answer{}}
	for range members {
		c.members = append(c.members, newVisitor(t, n).join())
	}
	for range guests {
		v := newVisitor(t, n).join()
		want(t, v.send("/dashboard", "/logout"), http.StatusSeeOther)
		c.guests = append(c.guests, v)
	}
	for _, v := range c.members {
		c.loop(func() { c.browse(v) })
	}
	for _, v := range c.guests {
		c.loop(func() { c.come(v) })
	}
	return c
}

func (c *crowd) loop(f func()) {
	c.wg.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			default:
				f()
			}
		}
	})
}

// see counts an answer, and reports whether it is as it should be.
func (c *crowd) see(v *visitor, a *answer, status int, text string) bool {
	if a.status == status && strings.Contains(a.body, text) {
		c.done.Add(1)
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed[v] = append(c.failed[v], a)
	return false
}

func (c *crowd) browse(v *visitor) {
	c.see(v, v.get("/"), http.StatusOK, "Log out")
	page := v.get("/dashboard")
	if !c.see(v, page, http.StatusOK, v.email) {
		return
	}
	form := page.fill("name", "Thing of "+v.email, "price", "1")
	c.see(v, v.do("POST", "/products", form), http.StatusSeeOther, "")
}

func (c *crowd) come(v *visitor) {
	if !c.see(v, v.logIn(authtest.Password), http.StatusSeeOther, "") {
		return
	}
	page := v.get("/dashboard")
	if c.see(v, page, http.StatusOK, v.email) {
		c.see(v, v.do("POST", "/logout", page.fill()), http.StatusSeeOther, "")
	}
}

// more waits for n more right answers.
func (c *crowd) more(n int64) {
	c.t.Helper()
	begin := c.done.Load()
	until(c.t, "more answers", func() bool { return c.done.Load() >= begin+n })
}

// end lets everybody finish, and checks that all who are signed in still are.
func (c *crowd) end() (failed map[*visitor][]*answer) {
	c.t.Helper()
	close(c.stop)
	c.wg.Wait()
	for _, v := range c.members {
		want(c.t, v.get("/dashboard"), http.StatusOK, v.email)
	}
	return c.failed
}
