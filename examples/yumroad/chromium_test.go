package main

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// chromium is a real browser with one tab.
type chromium struct {
	t    *testing.T
	ctx  context.Context
	base string // the address of the shop
	dir  string // for screenshots
	axe  string // the source of axe-core, or ""

	console chan chromedp.ConsoleMessage
}

// startChromium starts a browser, or skips the test where there is none.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, profile := findChromium(t), profileDir(t)
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(stop)
	tab, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() { chromedp.Cancel(tab) })
	if err := chromedp.Do(tab); err != nil { // the browser lives as long as this context, which has no timeout
		t.Fatalf("start %s: %v", path, err)
	}
	ctx, cancel := context.WithTimeout(tab, 5*time.Minute) // should it hang
	t.Cleanup(cancel)
	b := &chromium{t: t, ctx: ctx, dir: os.Getenv("AUTH_TEST_SCREENSHOTS"), axe: readAxe(t), console: make(chan chromedp.ConsoleMessage, 1000)}
	if b.dir == "" {
		b.dir = t.TempDir()
	}
	go listen(chromedp.Console(ctx), b.console)
	b.resize(1200, 820, 1)
	// Where there are no windows none is in front, and nobody would see what is focused.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatalf("browser: %v", err)
	}
	return b
}

// profileDir returns an empty directory, which the browser's last processes may
// still write to when the test is over.
func profileDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func findChromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("no browser in short tests")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
		t.Fatal("there is no Chromium on this machine, and AUTH_TEST_REQUIRE_ALL is set")
	}
	t.Skip("there is no Chromium on this machine")
	return ""
}

// listen puts what the browser's console shows into a channel, until the browser ends.
func listen(messages iter.Seq2[chromedp.ConsoleMessage, error], console chan<- chromedp.ConsoleMessage) {
	for m, err := range messages {
		if err != nil {
			break
		}
		console <- m
	}
	close(console)
}

// wantQuiet fails the test if the console said anything so far: errors, or what
// the content security policy forbids. Pages with a form to correct are no error, though Chromium logs
// their status, and neither are those with the given ones. It writes to the console itself, to know when it has
// read everything.
func (b *chromium) wantQuiet(statuses ...int) {
	b.t.Helper()
	statuses = append(statuses, http.StatusUnprocessableEntity)
	eval[any](b, "console.info('the end')")
	for m := range b.console {
		if m.Text == "the end" {
			return
		}
		if m.Source != "network" || !slices.ContainsFunc(statuses, func(status int) bool {
			return strings.Contains(m.Text, fmt.Sprintf("status of %d", status))
		}) {
			b.t.Errorf("console of the browser: %s %s (%s)", m, m.Source, m.URL)
		}
	}
	b.t.Error("console of the browser: gone")
}

func doing[T any](b *chromium, action chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	return v
}

func eval[T any](b *chromium, script string) T {
	b.t.Helper()
	return doing(b, chromedp.Evaluate[T](script))
}

func (b *chromium) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	doing(b, chromedp.Steps(actions...))
}

// load does what brings up another page, and returns that page's status.
func (b *chromium) load(actions ...chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	resp, err := chromedp.RunResponse(b.ctx, actions...)
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	return int(resp.Status)
}

// open opens a page of the shop. It must lead to the page at want, with that status.
func (b *chromium) open(path, want string, status int) {
	b.t.Helper()
	got := b.load(chromedp.Navigate(b.base + path))
	b.wantPage(want, status, got)
}

func press(action string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(fmt.Sprintf("form[action=%q] button", action)))
}

// submit presses the button of the form with that action.
func (b *chromium) submit(action, want string, status int) {
	b.t.Helper()
	got := b.load(press(action))
	b.wantPage(want, status, got)
}

func (b *chromium) wantPage(path string, status, got int) {
	b.t.Helper()
	if b.path() != path || got != status {
		b.t.Fatalf("browser is at %s with status %d, want %s with %d:\n%s", b.path(), got, path, status, b.text())
	}
}

// fill types into fields: pairs of an ID and a text.
func (b *chromium) fill(fields ...string) {
	b.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		eval[any](b, fmt.Sprintf("document.getElementById(%q).value = ''", fields[i]))
		b.do(chromedp.SendKeys(chromedp.ID(fields[i]), fields[i+1]))
	}
}

func (b *chromium) path() string {
	b.t.Helper()
	return eval[string](b, "location.pathname")
}

func (b *chromium) text() string {
	b.t.Helper()
	return eval[string](b, "document.body.innerText")
}

// wantText checks that the page shows all these.
func (b *chromium) wantText(texts ...string) {
	b.t.Helper()
	page := b.text()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Errorf("page %s does not show %q:\n%s", b.path(), text, page)
		}
	}
}

// cookie returns the cookie of that name, or nil.
func (b *chromium) cookie(name string) *network.Cookie {
	b.t.Helper()
	all, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.base}})
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	for _, c := range all.Cookies {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (b *chromium) resize(width, height int64, scale float64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// shoot leaves pictures of the page, light and dark, wide and narrow, and checks
// that nothing sticks out of a narrow one, nor out of one at twice the size, and that everyone can use it.
func (b *chromium) shoot(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.wantAccessible(name + ", " + scheme)
		b.save(name + "-" + scheme)
		b.resize(320, 640, 1)
		b.wantFits(name)
		b.save(name + "-" + scheme + "-320")
		b.resize(600, 410, 2) // 1200 by 820, enlarged to 200 %
		b.wantFits(name)
		b.resize(1200, 820, 1)
	}
}

func (b *chromium) wantFits(name string) {
	b.t.Helper()
	if eval[bool](b, "document.documentElement.scrollWidth > innerWidth") {
		b.t.Errorf("page %s has to be scrolled sideways", name)
	}
}

func (b *chromium) save(name string) {
	b.t.Helper()
	picture := doing(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(b.dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
