package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vestibule-go/auth/authtest"
)

// life is the life of an account, in a browser before a shop of its own.
type life struct {
	*keyboard
	mails *mailbox
}

// TestAccountByKeyboard walks through everything that can become of an account, by keyboard alone, with
// the shop as a process, and the mails that it writes.
func TestAccountByKeyboard(t *testing.T) {
	findChromium(t)
	program, forms := buildShop(t), map[string]string{}
	for _, test := range []struct {
		name  string
		walk  func(*life)
		flags []string
	}{
		{"signup", (*life).signUp, []string{"-confirm-within", "0"}},
		{"forgotten", (*life).forget, nil},
		{"password", (*life).changePassword, nil},
		{"email", (*life).changeEmail, []string{"-fresh", "5s"}},
		{"devices", (*life).useDevices, nil},
		{"end", (*life).end, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, dir := startChromium(t), t.TempDir()
			flags := []string{"-addr", "127.0.0.1:0", "-db", filepath.Join(dir, "shop.db"), "-mail", "dir:" + filepath.Join(dir, "mails")}
			b.base = startServer(t, program, append(flags, test.flags...)...).url
			l := &life{&keyboard{b, forms}, &mailbox{t: t, dir: filepath.Join(dir, "mails")}}
			test.walk(l)
		})
	}
	t.Run("forms", func(t *testing.T) { wantForms(t, forms) })
	wantAxe(t)
}

const ann2 = "ann@example.org"

// join signs up, and is let in at once.
func (l *life) join() {
	l.t.Helper()
	l.open("/signup", "/signup", http.StatusOK)
	l.write("email", ann, "password", authtest.Password, "confirm", authtest.Password)
	l.enter("/dashboard", http.StatusOK)
	l.mails.next(ann, "Please confirm your address")
}

// refused fills in a form and sends it, and comes back to it, with the cursor in the field to mend.
func (l *life) refused(focus string, fields ...string) {
	l.t.Helper()
	path := l.path()
	l.write(fields...)
	l.enter(path, http.StatusUnprocessableEntity)
	l.wantFocus(focus)
}

// logIn tries an old password or address, and then the one that counts.
func (l *life) logIn(oldEmail, oldPassword, email, password string) {
	l.t.Helper()
	l.refused("password", "email", oldEmail, "password", oldPassword)
	l.wantText("The email or the password is wrong.")
	l.write("email", email, "password", password)
	l.enter("/dashboard", http.StatusOK)
}

func (l *life) signUp() {
	l.open("/", "/", http.StatusOK)
	l.follow("Sign up", "/signup", http.StatusOK)
	l.look("signup")
	l.refused("email", "email", "ann", "password", "short", "confirm", "other")
	l.look("signup-refused", "Please look at this again", "such as ann@example.com", "at least 15", "not the same")
	l.write("email", ann, "password", authtest.Password, "confirm", authtest.Password)
	l.enter("/signup", http.StatusOK)
	l.look("signup-sent", "Look into your mail")
	first := l.mails.link(l.base, l.mails.next(ann, "Please confirm your address for Yumroad"))

	l.follow("Log in", "/login", http.StatusOK)
	l.look("login")
	l.refused("password", "email", ann, "password", authtest.Password)
	l.look("login-refused", "The email or the password is wrong.")
	l.follow("No mail to confirm", "/confirm/resend", http.StatusOK)
	l.look("resend")
	l.refused("email", "email", "nonsense")
	l.look("resend-refused", "such as ann@example.com")
	l.write("email", ann)
	l.enter("/confirm/resend", http.StatusOK)
	l.look("resend-sent", "Look into your mail")

	second := l.mails.link(l.base, l.mails.next(ann, "Please confirm your address for Yumroad"))
	l.open(second, "/confirm", http.StatusOK)
	l.look("confirm", "Confirm your address")
	l.refused("password", "password", "wrong")
	l.look("confirm-refused")
	l.write("password", authtest.Password)
	l.enter("/confirm", http.StatusOK)
	l.look("confirmed", "Your address is confirmed")
	for _, link := range []string{first, second} {
		l.open(link, "/confirm", http.StatusNotFound)
	}
	l.look("confirm-bad-link", "This link is no good")
	l.open("/login", "/login", http.StatusOK)
	l.write("email", ann, "password", authtest.Password)
	l.enter("/dashboard", http.StatusOK)
	l.look("dashboard-confirmed", ann)
	if strings.Contains(l.text(), "Please confirm") {
		l.t.Error("the address is to be confirmed still")
	}
	l.wantQuiet(http.StatusNotFound) // of the links that are no good
}

func (l *life) forget() {
	l.join()
	l.look("dashboard-unconfirmed", "Please confirm that "+ann+" is yours")
	l.follow("Send it again", "/confirm/resend", http.StatusOK)
	l.follow("Log out", "/", http.StatusOK)
	l.follow("Log in", "/login", http.StatusOK)
	l.follow("Forgot your password?", "/password/forgot", http.StatusOK)
	l.look("forgot")
	l.refused("email", "email", "ann")
	l.look("forgot-refused", "such as ann@example.com")
	l.write("email", ann)
	l.enter("/password/forgot", http.StatusOK)
	l.look("forgot-sent", "Look into your mail")

	link := l.mails.link(l.base, l.mails.next(ann, "A new password for Yumroad"))
	l.open(link, "/password/reset", http.StatusOK)
	l.look("reset", "Choose a new password")
	l.refused("password", "password", "short", "confirm", "other")
	l.look("reset-refused", "at least 15", "not the same")
	l.write("password", newPassword, "confirm", newPassword)
	l.enter("/password/reset", http.StatusOK)
	l.look("reset-done", "Your password is set")
	l.follow("Log in", "/login", http.StatusOK)
	l.logIn(ann, authtest.Password, ann, newPassword)
	if strings.Contains(l.text(), "Please confirm") {
		l.t.Error("who has read the mail is to confirm the address still")
	}
	l.open(link, "/password/reset", http.StatusNotFound)
	l.look("reset-bad-link", "This link is no good")
	l.wantQuiet(http.StatusNotFound)
}

func (l *life) changePassword() {
	l.join()
	l.follow("Password", "/account/password", http.StatusOK)
	l.look("password", "Change your password")
	l.refused("current", "current", "wrong", "password", newPassword, "confirm", newPassword)
	l.look("password-refused", "This is not your current password.")
	l.write("current", authtest.Password, "password", newPassword, "confirm", newPassword)
	l.enter("/account/password", http.StatusOK)
	l.look("password-changed", "Your password is changed")
	l.mails.next(ann, "Your password for Yumroad was changed")
	l.follow("Continue", "/dashboard", http.StatusOK)
	l.follow("Log out", "/", http.StatusOK)
	l.follow("Log in", "/login", http.StatusOK)
	l.logIn(ann, authtest.Password, ann, newPassword)
	l.wantQuiet()
}

// insist fills in the form at path until there is that text, and proves who it is whenever it is asked.
func (l *life) insist(path, text string, fields ...string) {
	l.t.Helper()
	for !strings.Contains(l.text(), text) {
		switch l.path() {
		case "/reauth":
			l.write("password", authtest.Password)
		case path:
			l.write(fields...)
		default:
			l.load(chromedp.Navigate(l.base + path))
			continue
		}
		l.load(chromedp.KeyEvent(kb.Enter))
	}
}

func (l *life) changeEmail() {
	l.join()
	for l.path() != "/reauth" { // until the login is no longer fresh
		l.load(chromedp.Navigate(l.base + "/account/email"))
	}
	l.look("reauth", "Is it still you?")
	l.refused("password", "password", "wrong")
	l.look("reauth-refused", "This is not your current password.")
	l.write("password", authtest.Password)
	l.enter("/account/email", http.StatusOK)
	l.look("email", "Change your email")
	l.insist("/account/email", "This is the email of your account already.", "email", ann)
	l.wantFocus("email")
	l.look("email-refused")
	l.insist("/account/email", "Look into the mail of your new address", "email", ann2)
	l.look("email-sent")

	l.open(l.mails.link(l.base, l.mails.next(ann2, "Please confirm your new address for Yumroad")), "/confirm", http.StatusOK)
	l.look("confirm-change", "Your account will be known by "+ann2)
	l.write("password", authtest.Password)
	l.enter("/confirm", http.StatusOK)
	l.look("confirmed-change", "Your address is confirmed")
	l.mails.next(ann, "Your address for Yumroad was changed")
	l.open("/", "/", http.StatusOK)
	if strings.Contains(l.text(), "Log out") {
		l.follow("Log out", "/", http.StatusOK)
	}
	l.follow("Log in", "/login", http.StatusOK)
	l.logIn(ann, authtest.Password, ann2, authtest.Password)
	l.wantQuiet()
}

// elsewhere logs in on another device, and returns what asks from there whether one is still logged in.
func (l *life) elsewhere() (loggedIn func() bool) {
	l.t.Helper()
	c := authtest.NewClient(l.t, nil)
	c.BaseURL = l.base
	want(l.t, c.Login(ann, authtest.Password), http.StatusSeeOther)
	return func() bool { return c.Get("/dashboard").Status == http.StatusOK }
}

func (l *life) useDevices() {
	l.join()
	phone, tablet := l.elsewhere(), l.elsewhere()
	l.follow("Account", "/account/sessions", http.StatusOK)
	l.look("devices", "This device", "Chrome on Linux", "Unknown device")
	l.follow("Log out: Unknown device", "/account/sessions", http.StatusOK)
	l.look("devices-one-less", "It is logged out.")
	if phone() == tablet() {
		l.t.Error("not one of the two is logged out")
	}
	l.follow("Log out all other devices", "/account/sessions", http.StatusOK)
	l.look("devices-alone", "Wherever else you were logged in, you have been logged out.")
	if phone() || tablet() {
		l.t.Error("another device is still logged in")
	}
	phone = l.elsewhere()
	l.follow("Log out everywhere, here too", "/login", http.StatusOK)
	if phone() {
		l.t.Error("another device is still logged in")
	}
	l.open("/dashboard", "/login", http.StatusOK)
	l.wantQuiet()
}

func (l *life) end() {
	l.join()
	other := authtest.NewClient(l.t, nil)
	other.BaseURL, other.TokenPath = l.base, "/dashboard"
	want(l.t, other.Signup(bob, authtest.Password), http.StatusSeeOther)
	theirs := shelved(l.t, other, "Another zine")
	l.mails.next(bob, "Please confirm your address")
	l.write("name", "A zine", "price", "3")
	l.enter("/dashboard", http.StatusOK)
	l.export()

	l.follow("Delete account", "/account/delete", http.StatusOK)
	l.look("delete", "Nobody can bring it back")
	l.follow("Delete my account for good", "/account/delete", http.StatusOK)
	l.look("deleted", "Your account is deleted")
	l.mails.next(ann, "Your account at Yumroad was deleted")
	l.follow("To the start page", "/", http.StatusOK)
	if text := l.text(); strings.Contains(text, "A zine") || !strings.Contains(text, "Another zine") {
		l.t.Errorf("on the shelf is\n%s", text)
	}
	want(l.t, other.Get(theirs), http.StatusOK, "This is yours")
	l.follow("Log in", "/login", http.StatusOK)
	l.refused("password", "email", ann, "password", authtest.Password)
	l.open("/account/nowhere", "/account/nowhere", http.StatusNotFound)
	l.look("not-found", "There is no such page")
	l.open("/nowhere", "/nowhere", http.StatusNotFound)
	l.look("not-found-shop", "There is nothing here")
	l.wantQuiet(http.StatusNotFound)
}

// export takes the data along, as a file.
func (l *life) export() {
	l.t.Helper()
	dir := l.t.TempDir()
	if _, err := chromedp.Call(l.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}); err != nil {
		l.t.Fatalf("browser: %v", err)
	}
	l.tabTo("the export", func(f focused) bool { return f.Text == "Download my data" })
	l.press(kb.Enter)
	var data []byte
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); len(data) == 0 && time.Now().Before(end); <-tick.C {
		data, _ = os.ReadFile(filepath.Join(dir, "account.json"))
	}
	var all struct {
		Account  struct{ Email string }
		Products []struct{ Name string }
	}
	if err := json.Unmarshal(data, &all); err != nil || all.Account.Email != ann || len(all.Products) != 1 || all.Products[0].Name != "A zine" {
		l.t.Errorf("exported is %s, %v", data, err)
	}
}
