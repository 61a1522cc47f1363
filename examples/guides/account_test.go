package guides

import (
	"context"
	_ "embed"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
)

//go:embed account.js
var accountJS string

const accountPage = `<!doctype html><title>shop</title><script type="module">
import * as account from "/account.js"
window.account = account
</script>`

// What a visitor does in the script of the guide, in a real browser. It returns the first thing that is not as it should be.
const visit = `(async () => {
	while (!window.account) await new Promise(resume => setTimeout(resume, 10))
	const {session, send, faults} = account, email = "ann@example.com", password = "window tractor ocean violin"
	let s = await session(), a
	if (s.user !== null) return "a guest is " + JSON.stringify(s)
	a = await send("/signup", {email, password: "short", confirm: "other"})
	if (a.status !== 422 || !faults(a).password || !faults(a).confirm) return "bad signup: " + JSON.stringify(a)
	a = await send("/signup", {email, password, confirm: password})
	if (a.status !== 200 || a.body.user.email !== email) return "signup: " + JSON.stringify(a)
	a = await send("/login", {email, password})
	if (a.body.code !== "already_logged_in") return "login of a user: " + JSON.stringify(a)
	a = await send("/logout")
	if (a.body.user !== null) return "logout: " + JSON.stringify(a)
	a = await send("/login", {email, password: "wrong"})
	if (a.status !== 422 || !faults(a)[""]) return "bad login: " + JSON.stringify(a)
	a = await send("/login", {email, password, remember: true, next: "/orders"})
	if (a.status !== 200 || a.body.next !== "/orders") return "login: " + JSON.stringify(a)

	const other = await import("/account.js?another-tab")
	await other.send("/logout")
	a = await send("/account/password", {current: password, password, confirm: password})
	if (a.body.code !== "csrf_refused") return "sent for somebody who is not logged in any more: " + JSON.stringify(a)
	await other.session()
	await send("/login", {email, password})
	await send("/logout")
	a = await other.send("/login", {email, password})
	if (a.status !== 200) return "the other tab, with a token from before: " + JSON.stringify(a)

	a = await other.send("/logout")
	a = await other.send("/login", {email: "bob@example.com", password})
	if (a.body.code !== "new_password_required" || (await other.session()).pending !== "new_password") return "pending: " + JSON.stringify(a)
	return "fine"
})()`

func TestAccountScript(t *testing.T) {
	browser := startChromium(t)
	srv := httptest.NewUnstartedServer(nil) // listens already
	m := authtest.New(t, &auth.Config{BaseURL: "http://" + srv.Listener.Addr().String()})
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.HandleFunc("GET /app", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(accountPage)) })
	mux.HandleFunc("GET /account.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write([]byte(accountJS))
	})
	srv.Config.Handler = m.Handler(mux)
	srv.Start()
	defer srv.Close()
	if err := m.MarkCompromised(t.Context(), authtest.User(t, m, "bob@example.com")); err != nil {
		t.Fatal(err)
	}

	if _, err := chromedp.RunResponse(browser, chromedp.Navigate(srv.URL+"/app")); err != nil {
		t.Fatal(err)
	}
	said, err := chromedp.Run(browser, chromedp.Evaluate[string](visit, chromedp.EvalAwaitPromise))
	if err != nil || said != "fine" {
		t.Errorf("%s, %v", said, err)
	}
}

// startChromium returns the context of a browser with one tab, or skips the test where there is none.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("no browser in short tests")
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(profile) })
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(findChromium(t)), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true))
	t.Cleanup(stop)
	tab, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() { chromedp.Cancel(tab) })
	if err := chromedp.Do(tab); err != nil { // the browser lives as long as this context, which has no timeout
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute) // should it hang
	t.Cleanup(cancel)
	return ctx
}

func findChromium(t *testing.T) string {
	t.Helper()
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
