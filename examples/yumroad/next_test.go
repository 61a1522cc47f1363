package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vestibule-go/auth"
)

// targets are what people write into "next" who want visitors to end up elsewhere, and
// some that are as good as they look.
var targets = []string{
	"/", "/dashboard", "/products/x?a=b&c=d", "/foo?x=//evil.example", "/foo?x=https://evil.example", "/foo#//evil.example", "/a//b", "/%20",
	"/ä", "/?next=/", "/@evil.example", "/evil.example", "/:80", "/:@evil.example", "/a:b@evil.example/", "/;//evil.example", "/%2e%2e//evil.example",

	"//evil.example", "///evil.example", "////evil.example", "/////evil.example/%2f..", "//evil.example@127.0.0.1", "//evil@host", "//%65vil.example",
	"/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "\\evil.example", "/\\\\evil.example", "//\\evil.example",
	"/%09/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\r\n/evil.example", "\t//evil.example", " //evil.example", "/ /evil.example",
	"/\x00/evil.example", "\x00//evil.example", "/\x0b/evil.example", "/\x0c/evil.example", "/\x1f/evil.example", "/\x7f/evil.example", "/\u0085/evil.example", "/\u00a0/evil.example",
	"https:evil.example", "https:/evil.example", "https://evil.example", "http:///evil.example", "http:evil.example", "HTTPS://evil.example", "ht\ntps://evil.example",
	"javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)", "/javascript:alert(1)", "data:text/html,x", "vbscript:x", "blob:https://evil.example/x", "mailto:x@evil.example",
	"/..//evil.example", "/.//evil.example", "/a/..//evil.example", "/../..//evil.example", "/./\\evil.example", "/.%2f/evil.example", "/%2e//evil.example", "/.\t//evil.example", "/..;//evil.example",
	"/%2f%2fevil.example", "/%2f/evil.example", "/%5cevil.example", "/%5c%5cevil.example", "%2f%2fevil.example", "/%0d%0aLocation:%20https://evil.example", "/%00/evil.example", "/%",
	"/\u2215/evil.example", "/\u2044/evil.example", "\u2215\u2215evil.example", "/\uff0fevil.example", "\uff0f\uff0fevil.example", "/\uff3cevil.example", "/\u3002evil.example", "/\u200b/evil.example", "/\ufeff/evil.example", "\ufeff//evil.example",
	"", ".", "..", "?", "#", "evil.example", "@evil.example", "?next=//evil.example", "./", "../", "/\xff/evil.example", "/\xc0\xaf/evil.example",
	"/" + strings.Repeat("a", 2999), "/" + strings.Repeat("../", 600) + "/evil.example", strings.Repeat("/", 3000),
	"//[::1]", "//127.0.0.1", "//localhost", "/[::1]", "//evil.example:80", "//\u2460.example",
}

// TestNextInBrowser checks that what SafeNext lets through stays on this site, in
// the eyes of what will follow it. Package auth reads addresses with package
// net/url, which is no browser.
func TestNextInBrowser(t *testing.T) {
	b := startChromium(t)
	app := http.NewServeMux()
	app.HandleFunc("GET /go", func(w http.ResponseWriter, r *http.Request) {
		target, _ := auth.SafeNext(r.URL.Query().Get("next"))
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusSeeOther)
	})
	app.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {})
	srv := httptest.NewServer(app)
	defer srv.Close()
	b.base = srv.URL

	accepted := 0
	for _, target := range targets {
		safe, ok := auth.SafeNext(target)
		if !ok {
			continue
		}
		accepted++
		for _, value := range []string{target, safe} {
			if origin := b.origin(value); origin != srv.URL {
				t.Errorf("SafeNext accepts %q, as %q; the browser goes to %s", target, safe, origin)
			}
		}
		// And really go there.
		b.load(chromedp.Navigate(srv.URL + "/go?next=" + url.QueryEscape(target)))
		if origin := eval[string](b, "location.origin"); origin != srv.URL {
			t.Errorf("after a redirect to %q the browser is at %s", safe, origin)
		}
	}
	if accepted < 15 || accepted > len(targets)/2 {
		t.Errorf("SafeNext accepts %d of %d targets", accepted, len(targets))
	}
	t.Logf("SafeNext accepts %d of %d targets", accepted, len(targets))
}

// origin returns where the browser would go from the shop.
func (b *chromium) origin(target string) string {
	b.t.Helper()
	args, err := json.Marshal([]string{target, b.base + "/login"})
	if err != nil {
		b.t.Fatal(err)
	}
	return eval[string](b, "new URL(..."+string(args)+").origin")
}
