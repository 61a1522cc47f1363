// Package leak watches whether a secret gets to where it must not be: into a log, an event, an error, a
// header Location, or a URL that stays in the browser.
//
// A [Watch] stands around the application under test. It learns the secrets that go by, in cookies,
// forms and mails, and remembers what is written down. In the end, [Watch.Found] compares the two.
package leak

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vestibule-go/auth"
)

// Watch knows secrets and texts. The zero Watch is ready for use, and safe for concurrent use.
type Watch struct {
	mu      sync.Mutex
	secrets map[string]bool
	texts   map[text]bool
}

// A text was written down somewhere.
type text struct{ where, what string }

// shortest is the length of the shortest secret that is looked for, in bytes: a shorter one is found by chance.
const shortest = 8

// Secret remembers s, unless it is shorter than eight bytes.
func (w *Watch) Secret(s string) {
	if len(s) < shortest {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.secrets == nil {
		w.secrets = map[string]bool{}
	}
	w.secrets[s] = true
}

func (w *Watch) text(where, what string) {
	if len(what) < shortest {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.texts == nil {
		w.texts = map[text]bool{}
	}
	w.texts[text{where, what}] = true
}

// Write takes a log. What is written in one call is one text.
func (w *Watch) Write(p []byte) (int, error) {
	w.text("a log", string(p))
	return len(p), nil
}

// Event takes an event. It is for auth.Hooks.Event.
func (w *Watch) Event(_ context.Context, e auth.Event) {
	for _, s := range []string{e.Name, e.UserID, e.SessionID, e.Address, e.Method, e.Path, e.Reason} {
		w.text("an event", s)
	}
	if e.Err != nil {
		w.text("an event", e.Err.Error())
	}
}

// Error takes an error, which may be nil.
func (w *Watch) Error(err error) {
	if err != nil {
		w.text("an error", err.Error())
	}
}

// Found describes every secret in every text, without showing it.
func (w *Watch) Found() (leaks []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	index := w.index()
	for t := range w.texts {
		for i := 0; i+shortest <= len(t.what); i++ {
			for _, form := range index[t.what[i:i+shortest]] {
				if strings.HasPrefix(t.what[i:], form) {
					leaks = append(leaks, describe(t, form))
				}
			}
		}
	}
	slices.Sort(leaks)
	return slices.Compact(leaks)
}

// index returns the forms in which secrets may be written down, by their first bytes. So the time that Found takes
// is that of reading the texts, however many secrets there are.
func (w *Watch) index() map[string][]string {
	index := map[string][]string{}
	for s := range w.secrets {
		quoted := strconv.Quote(s)
		forms := []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), quoted[1 : len(quoted)-1]}
		slices.Sort(forms)
		for _, form := range slices.Compact(forms) {
			index[form[:shortest]] = append(index[form[:shortest]], form)
		}
	}
	return index
}

// describe says what leaked where, with the beginning of the secret.
func describe(t text, form string) string {
	const around = 200
	i := strings.Index(t.what, form)
	from, to := max(0, i-around), min(len(t.what), i+len(form)+around)
	return fmt.Sprintf("a secret of %d bytes, %.3q…, is in %s: %q", len(form), form, t.where, strings.ReplaceAll(t.what[from:to], form, "[secret]"))
}

// Run runs the tests of m, a testing.M, and returns the exit code for TestMain: that of the tests or, if a secret got
// out, 1. It prints each that did.
func (w *Watch) Run(m interface{ Run() int }) int {
	code := m.Run()
	for _, found := range w.Found() {
		fmt.Fprintln(os.Stderr, found)
		code = 1
	}
	return code
}
