package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A visitor who has a keyboard and nothing else. Nothing here clicks, or sets a value by script.

// keyboard is a browser used so, with what it has seen.
type keyboard struct {
	*chromium
	forms map[string]string // by their actions, what password managers see of them
}

func (k *keyboard) press(key string, mods ...chromedp.Modifier) {
	k.t.Helper()
	k.do(chromedp.KeyEvent(key, chromedp.KeyModifiers(mods...)))
}

// focused is where the keyboard is.
type focused struct {
	ID, Text string
	Visible  bool // one can see it
}

const focusScript = `(() => {
	const e = document.activeElement, s = getComputedStyle(e)
	return {ID: e.id, Text: (e.getAttribute('aria-label') || e.innerText || '').trim(), Visible: s.outlineStyle != 'none' && parseFloat(s.outlineWidth) >= 2}
})()`

// tabTo presses Tab until the focus is where it should be.
func (k *keyboard) tabTo(what string, there func(focused) bool) {
	k.t.Helper()
	var seen []string
	for range 60 {
		if f := eval[focused](k.chromium, focusScript); there(f) {
			if !f.Visible {
				k.t.Errorf("at %s nobody sees that the focus is on %s", k.path(), what)
			}
			return
		}
		k.press(kb.Tab)
		seen = append(seen, fmt.Sprint(eval[focused](k.chromium, focusScript)))
	}
	k.t.Fatalf("at %s Tab does not lead to %s, but to\n%s", k.path(), what, strings.Join(seen, "\n"))
}

// write types into fields: pairs of an ID and a text, which takes the place of what is there.
func (k *keyboard) write(fields ...string) {
	k.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		k.tabTo(fields[i], func(f focused) bool { return f.ID == fields[i] })
		k.press("a", chromedp.ModifierCtrl)
		k.press(kb.Backspace)
		k.press(fields[i+1])
	}
}

// enter presses Enter, which must lead to the page at that path.
func (k *keyboard) enter(path string, status int) {
	k.t.Helper()
	got := k.load(chromedp.KeyEvent(kb.Enter))
	k.wantPage(path, status, got)
}

// follow goes to the link or button whose text begins so, and presses Enter.
func (k *keyboard) follow(text, path string, status int) {
	k.t.Helper()
	k.tabTo(text, func(f focused) bool { return strings.HasPrefix(f.Text, text) })
	k.enter(path, status)
}

// look checks what every page has to be like, and leaves pictures of it.
func (k *keyboard) look(name string, texts ...string) {
	k.t.Helper()
	k.wantText(texts...)
	k.wantNoToken()
	k.readForms()
	k.shoot("account-" + name)
}

// wantNoToken checks that no token is in an address: not of this page, nor of one before, nor where a link leads to.
func (k *keyboard) wantNoToken() {
	k.t.Helper()
	urls := eval[[]string](k.chromium, `[location.href, document.referrer, ...navigation.entries().map(e => e.url),
		...performance.getEntries().map(e => e.name), ...[...document.links].map(a => a.href), ...[...document.forms].map(f => f.getAttribute('action'))]`)
	history, err := chromedp.Call(k.ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		k.t.Fatalf("browser: %v", err)
	}
	for _, e := range history.Entries {
		urls = append(urls, e.URL)
	}
	for _, u := range urls {
		if strings.Contains(u, "token") {
			k.t.Errorf("at %s there is a token in the address %s", k.path(), u)
		}
	}
}

// fields are what password managers go by: all forms of the pages, with what their fields say that they are for.
var fields = map[string]string{
	"/signup":           "email:username password:new-password confirm:new-password",
	"/login":            "email:username password:current-password",
	"/reauth":           "email:username password:current-password",
	"/confirm":          "email:username password:current-password",
	"/confirm/resend":   "email:username",
	"/password/forgot":  "email:username",
	"/password/reset":   "email:username password:new-password confirm:new-password",
	"/account/password": "email:username current:current-password password:new-password confirm:new-password",
	"/account/email":    "email:email",
	"/account/delete":   "email:username",
}

// readForms notes the forms of the page as password managers read them, in the order of the document.
func (k *keyboard) readForms() {
	k.t.Helper()
	script := `Object.fromEntries([...document.querySelectorAll('main form')].map(f => [f.getAttribute('action'),
		[...f.elements].filter(e => ['text', 'email', 'password'].includes(e.type)).map(e => e.name + ':' + e.autocomplete).join(' ')]))`
	maps.Copy(k.forms, eval[map[string]string](k.chromium, script))
}

// wantForms checks the forms that have been looked at, all of them.
func wantForms(t *testing.T, forms map[string]string) {
	t.Helper()
	for _, action := range slices.Sorted(maps.Keys(fields)) {
		if got, ok := forms[action]; !ok || got != fields[action] {
			t.Errorf("form %s has %q (%t), want %q", action, got, ok, fields[action])
		}
	}
}
