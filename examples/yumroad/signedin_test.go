package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/vestibule-go/auth/authtest"
)

// A browser that is given the cookies of a login begins where others have filled in a form.
func TestSignedInBrowser(t *testing.T) {
	b := startChromium(t)
	srv := httptest.NewUnstartedServer(nil) // listens already
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(o *options) { o.baseURL = "http://" + srv.Listener.Addr().String() })
	srv.Config.Handler = s.handler()
	srv.Start()
	defer srv.Close()
	b.base = srv.URL

	for _, c := range (authtest.Login{}).Cookies(t, s.auth, authtest.User(t, s.auth, ann)) {
		b.setCookie(c)
	}
	b.open("/dashboard", "/dashboard", 200)
	b.wantText(ann)
	b.submit("/logout", "/", 200)
	b.open("/dashboard", "/login", 200)
	b.wantQuiet()
}

func (b *chromium) setCookie(c *http.Cookie) {
	b.t.Helper()
	params := network.SetCookieParams{Name: c.Name, Value: c.Value, URL: b.base, Path: c.Path, Secure: &c.Secure, HTTPOnly: &c.HttpOnly}
	if _, err := chromedp.Call(b.ctx, network.SetCookie, params); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}
