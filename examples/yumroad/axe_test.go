package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// What a browser can tell of accessibility by itself: the rules of axe-core, which come from WCAG 2.2 A and
// AA and what is good practice beside it. AUTH_TEST_AXE is the path of its axe.min.js.

// readAxe returns the source of axe-core, or "".
func readAxe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AUTH_TEST_AXE")
	if path == "" {
		return ""
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("AUTH_TEST_AXE: %v", err)
	}
	return string(source)
}

// wantAxe is the last part of tests which look at pages: it says so if they have not been looked at by axe-core.
func wantAxe(t *testing.T) {
	t.Run("accessible", func(t *testing.T) {
		switch {
		case os.Getenv("AUTH_TEST_AXE") != "": // and whatever it found has failed the test
		case os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1":
			t.Fatal("AUTH_TEST_AXE is not set, and AUTH_TEST_REQUIRE_ALL is")
		default:
			t.Skip("AUTH_TEST_AXE is not set: the pages were not looked at by axe-core")
		}
	})
}

// violation is a rule that a page breaks.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// wantAccessible fails the test if axe-core finds anything wrong with the page as it is.
func (b *chromium) wantAccessible(name string) {
	b.t.Helper()
	if b.axe == "" {
		return
	}
	for _, v := range b.violations() {
		var where strings.Builder
		for _, n := range v.Nodes {
			fmt.Fprintf(&where, "\n%s\n%s", n.HTML, n.FailureSummary)
		}
		b.t.Errorf("page %s: %s: %s%s", name, v.ID, v.Help, where.String())
	}
}

// violations lets axe-core look at the page. The policy of the pages is for scripts of their own; these come
// by the debugger. To preload style sheets would be a request, which the policy does forbid.
func (b *chromium) violations() (found []violation) {
	b.t.Helper()
	eval[any](b, "(() => { if (!window.axe) {"+b.axe+"\n} return null })()")
	const run = `axe.run(document, {preload: false, resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))`
	text := doing(b, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatal(err)
	}
	return found
}

// TestAxeSees makes sure that pages without violations have been looked at, in both schemes.
func TestAxeSees(t *testing.T) {
	b := startChromium(t)
	if b.axe == "" {
		wantAxe(t)
		return
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/style.css" {
			w.Header().Set("Content-Type", "text/css")
			io.WriteString(w, "body { background: #fff; color: #222 } @media (prefers-color-scheme: dark) { body { background: #333 } }")
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><html lang="en"><title>A page</title><link rel="stylesheet" href="/style.css"><main><h1>A page</h1><input name="x"></main>`)
	}))
	defer srv.Close()
	b.load(chromedp.Navigate(srv.URL))
	for scheme, want := range map[string][]string{"light": {"label"}, "dark": {"color-contrast", "label"}} {
		b.scheme(scheme)
		var got []string
		for _, v := range b.violations() {
			got = append(got, v.ID)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: axe-core finds %q, want %q", scheme, got, want)
		}
	}
}

// scheme sets the colours that the visitor prefers.
func (b *chromium) scheme(name string) {
	b.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // no picture of something on its way
	}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}
