package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vestibule-go/auth/authtest"
)

// server is the shop as a process of its own.
type server struct {
	t   testing.TB
	cmd *exec.Cmd
	url string
}

func buildShop(t testing.TB) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "yumroad.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// startServer starts the program, with the cheapest hashes unless args say otherwise, and
// waits until it listens.
func startServer(t testing.TB, program string, args ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: exec.Command(program, append([]string{"-bcrypt-cost", "4"}, args...)...)}
	s.cmd.Stderr = t.Output()
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the shop did not start: %v", err)
	}
	s.url = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	go io.Copy(io.Discard, lines) // the mails that it prints, or else the pipe is full some day
	return s
}

// stop ends the process as an operator would.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("the shop did not end well: %v", err)
	}
}

// TestEvening walks through the shop in a browser as its first visitor does: sign
// up, put something on the shelf, come back after a restart, change the password, log out.
func TestEvening(t *testing.T) {
	b := startChromium(t)
	program, file := buildShop(t), filepath.Join(t.TempDir(), "shop.db")
	first := startServer(t, program, "-addr", "127.0.0.1:0", "-db", file)
	b.base = first.url

	signUp(b)
	sell(b)
	cookie := b.cookie("session")
	wantSessionCookie(t, cookie)

	first.stop()
	second := startServer(t, program, "-addr", strings.TrimPrefix(first.url, "http://"), "-db", file, "-fresh", "3s")
	b.open("/dashboard", "/dashboard", http.StatusOK)
	b.wantText(ann)
	changePassword(b)
	b.open("/account/activity", "/account/activity", http.StatusOK)
	b.wantText("What happened in your account", "The password was changed")
	b.shoot("activity")
	old := b.cookie("session")
	logOut(b, cookie.Value, old.Value)
	logInRemembered(b)
	b.wantQuiet()
	second.stop()
	wantAxe(t)
}

const newPassword = "lantern pebble quiet harvest"

func signUp(b *chromium) {
	b.t.Helper()
	b.open("/dashboard", "/login", http.StatusOK)
	b.open("/", "/", http.StatusOK)
	b.load(chromedp.Click(chromedp.CSS(`nav a[href="/signup"]`)))
	b.fill("email", ann, "password", "passwordpassword", "confirm", "password password")
	b.submit("/signup", "/signup", http.StatusUnprocessableEntity)
	b.wantText("Please look at this again:", "first that anyone would guess", "not the same")
	b.wantFocus("password")
	b.shoot("signup-errors")
	b.fill("password", authtest.Password, "confirm", authtest.Password)
	b.submit("/signup", "/dashboard", http.StatusOK)
	b.wantText(ann, "Nothing yet")
}

// shelf is what is sold. The names are such that each has another picture.
var shelf = []struct{ name, description, price string }{
	{"The bread book", "Forty pages on flour, water and patience.\nWith a timetable for people who have a job.", "12.50"},
	{"Windowsill jungle", "Grow a forest in old jam jars.", "15"},
	{"Rooftop recordings", "Nine songs, recorded in one take.", "8"},
	{"Brave little pictures", "A course in water colours, one small picture a day.", "24.90"},
	{"Midnight film presets", "Twenty presets for grainy city lights.", "19"},
	{"Good morning mug", "A glaze recipe, and how to fire it.", "6.50"},
}

func sell(b *chromium) {
	b.t.Helper()
	b.fill("name", "A thing", "price", "much")
	b.submit("/products", "/products", http.StatusUnprocessableEntity)
	b.wantText("such as 12.50")
	b.wantFocus("price")
	b.shoot("dashboard-refused")
	for _, p := range shelf {
		b.fill("name", p.name, "description", p.description, "price", p.price)
		b.submit("/products", "/dashboard", http.StatusOK)
		b.wantText("“"+p.name+"” is on the shelf.", p.name)
	}
	b.shoot("dashboard")
	b.load(chromedp.Click(chromedp.CSS(`.rows li:last-child a`)))
	b.wantText(shelf[0].name, "$12.50", "people who have a job", "This is yours")
	b.shoot("product")
	b.open("/", "/", http.StatusOK)
	b.wantText(shelf[0].name, shelf[5].name)
	b.shoot("home")
}

func wantSessionCookie(t *testing.T, c *network.Cookie) {
	t.Helper()
	if c == nil || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || !c.Session || c.Secure || c.Path != "/" || strings.HasPrefix(c.Domain, ".") {
		t.Fatalf("session cookie is %+v", c)
	}
}

// changePassword waits until the login is no longer fresh, and then does what the
// pages ask for, until the password is changed.
func changePassword(b *chromium) {
	b.t.Helper()
	for b.path() != "/reauth" {
		b.load(chromedp.Navigate(b.base + "/account/password"))
	}
	b.wantText("Is it still you?")
	b.shoot("reauth")
	b.fill("password", "wrong")
	b.submit("/reauth", "/reauth", http.StatusUnprocessableEntity)
	b.wantText("This is not your current password.")
	for !strings.Contains(b.text(), "Your password is changed") {
		if b.path() == "/reauth" {
			b.fill("password", authtest.Password)
			b.load(press("/reauth"))
			continue
		}
		b.fill("current", authtest.Password, "password", newPassword, "confirm", newPassword)
		b.load(press("/account/password"))
	}
	b.load(chromedp.Click(chromedp.CSS(`.onward a`)))
	b.wantPage("/dashboard", http.StatusOK, http.StatusOK)
}

// logOut also checks that the cookies of before are worth nothing.
func logOut(b *chromium, cookies ...string) {
	b.t.Helper()
	b.submit("/logout", "/", http.StatusOK)
	b.wantText("Log in")
	if c := b.cookie("session"); c != nil {
		b.t.Errorf("session cookie is still there: %+v", c)
	}
	b.open("/dashboard", "/login", http.StatusOK)
	b.shoot("login")
	for _, value := range cookies {
		if status := replay(b, value); status != http.StatusSeeOther {
			b.t.Errorf("an old cookie opens the dashboard: status %d", status)
		}
	}
}

// replay asks for the dashboard with a stolen cookie.
func replay(b *chromium, cookie string) (status int) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), "GET", b.base+"/dashboard", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// logInRemembered uses nothing but the keyboard.
func logInRemembered(b *chromium) {
	b.t.Helper()
	b.open("/login?next=/account/password", "/login", http.StatusOK)
	b.do(chromedp.KeyEvent(kb.Tab))
	b.wantFocus("skip")
	b.do(chromedp.KeyEvent(kb.Enter))
	// From the main part on: email, password, remember.
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(ann))
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(newPassword))
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(" "))
	b.wantFocus("remember")
	b.wantPage("/account/password", http.StatusOK, b.load(chromedp.KeyEvent(kb.Enter)))
	c := b.cookie("session")
	if c == nil || c.Session || time.Until(time.Unix(int64(c.Expires), 0)) < 29*24*time.Hour {
		b.t.Fatalf("session cookie of a remembered visitor is %+v", c)
	}
}

// wantFocus checks the ID, or else the class, of what has the focus. Browsers put it into a field with
// autofocus when they draw the page, which may be after it has been loaded.
func (b *chromium) wantFocus(name string) {
	b.t.Helper()
	const drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.activeElement.id || document.activeElement.className))))"
	if got := doing(b, chromedp.Evaluate[string](drawn, chromedp.EvalAwaitPromise)); got != name {
		b.t.Errorf("at %s the focus is on %q, not on %q", b.path(), got, name)
	}
}
