package leak_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/internal/leak"
	"github.com/vestibule-go/auth/internal/leak/leakmail"
)

const secret = "s3cret \"ü\" <&> 1"

// found fails the test unless w has found one leak, there, and does not tell the secret.
func found(t *testing.T, name string, w *leak.Watch, where string) {
	t.Helper()
	leaks := w.Found()
	if len(leaks) != 1 || !strings.Contains(leaks[0], "is in "+where+":") || strings.Contains(leaks[0], secret) {
		t.Errorf("%s: found %q", name, leaks)
	}
}

// Every place where a secret can get to, however it is written there.
func TestTexts(t *testing.T) {
	send := func(w *leak.Watch, target string, answer http.HandlerFunc) {
		w.Handler(answer).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
	}
	for name, test := range map[string]struct {
		write func(w *leak.Watch)
		where string
	}{
		"log":       {func(w *leak.Watch) { slog.New(slog.NewTextHandler(w, nil)).Info("x", "y", secret) }, "a log"},
		"JSON log":  {func(w *leak.Watch) { fmt.Fprintf(w, "%q", secret) }, "a log"},
		"reason":    {func(w *leak.Watch) { w.Event(t.Context(), auth.Event{Reason: "for " + secret}) }, "an event"},
		"path":      {func(w *leak.Watch) { w.Event(t.Context(), auth.Event{Path: "/" + url.PathEscape(secret)}) }, "an event"},
		"event err": {func(w *leak.Watch) { w.Event(t.Context(), auth.Event{Err: errors.New(secret)}) }, "an event"},
		"error":     {func(w *leak.Watch) { w.Error(fmt.Errorf("x: %w", errors.New(secret))) }, "an error"},
		"mailer": {func(w *leak.Watch) {
			leakmail.Watch(w, down{}).Send(t.Context(), &email.Message{Text: "Hi"})
		}, "an error"},
		"location": {func(w *leak.Watch) {
			send(w, "/", func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "/?q="+url.QueryEscape(secret), http.StatusSeeOther)
			})
		}, "a header Location"},
		"location of what is made": {func(w *leak.Watch) {
			send(w, "/", func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Location", "/"+url.PathEscape(secret))
				rw.WriteHeader(201)
			})
		}, "a header Location"},
		"page": {func(w *leak.Watch) { send(w, "/?q="+url.QueryEscape(secret), write) }, "a URL that stays"},
		"page without a body": {func(w *leak.Watch) {
			send(w, "/?q="+url.QueryEscape(secret), func(http.ResponseWriter, *http.Request) {})
		}, "a URL that stays"},
		"refusal": {func(w *leak.Watch) {
			send(w, "/?q="+url.QueryEscape(secret), func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(404) })
		}, "a URL that stays"},
	} {
		var w leak.Watch
		test.write(&w) // the secret may become known later
		w.Secret(secret)
		found(t, name, &w, test.where)
	}
}

func write(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "hello") }

// down is a Mailer that says too much.
type down struct{}

func (down) Send(context.Context, *email.Message) error { return errors.New(secret) }

// Every way by which a secret becomes known.
func TestSecrets(t *testing.T) {
	form := func(name string) *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(url.Values{name: {secret}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	requests := map[string]*http.Request{
		"query":        httptest.NewRequest("GET", "/?token="+url.QueryEscape(secret), nil),
		"JSON":         httptest.NewRequest("POST", "/", strings.NewReader(fmt.Sprintf(`{"email": "a", "current": %q}`, secret))),
		"another JSON": httptest.NewRequest("POST", "/", strings.NewReader(fmt.Sprintf(`{"token": %q, "x": [1]}`, secret))),
		"cookie":       httptest.NewRequest("GET", "/", nil),
	}
	for _, name := range []string{"password", "confirm", "current", "token", "csrf_token"} {
		requests[name] = form(name)
	}
	value := url.PathEscape(secret)
	requests["cookie"].AddCookie(&http.Cookie{Name: "x", Value: value})
	for name, r := range requests {
		var w leak.Watch
		w.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/", http.StatusSeeOther) })).ServeHTTP(httptest.NewRecorder(), r)
		logged := secret
		if name == "cookie" {
			logged = value
		}
		fmt.Fprintf(&w, "it is %s.", logged)
		found(t, name, &w, "a log")
	}

	for name, answer := range map[string]http.HandlerFunc{
		"cookie set": func(rw http.ResponseWriter, _ *http.Request) {
			http.SetCookie(rw, &http.Cookie{Name: "x", Value: value})
			io.WriteString(rw, "hello")
		},
		"cookie set, and no body": func(rw http.ResponseWriter, _ *http.Request) {
			http.SetCookie(rw, &http.Cookie{Name: "x", Value: value})
		},
		"cookie set, after a hint": func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(http.StatusEarlyHints)
			http.SetCookie(rw, &http.Cookie{Name: "x", Value: value})
			rw.WriteHeader(200)
		},
	} {
		var w leak.Watch
		w.Handler(answer).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		fmt.Fprint(&w, value)
		found(t, name, &w, "a log")
	}

	for name, m := range map[string]*email.Message{
		"text": {Text: "Hi,\nhttps://shop.example/reset?token=0123456789-_\nBye"},
		"HTML": {HTML: `<a href="https://shop.example/reset?x=1&amp;token=0123456789-_">`},
	} {
		var w leak.Watch
		if err := leakmail.Watch(&w, sent{}).Send(t.Context(), m); err != nil {
			t.Error(err)
		}
		fmt.Fprint(&w, "it is 0123456789-_!")
		found(t, name, &w, "a log")
	}
}

type sent struct{}

func (sent) Send(context.Context, *email.Message) error { return nil }

// What is no leak.
func TestNothing(t *testing.T) {
	var w leak.Watch
	if leaks := w.Found(); len(leaks) != 0 {
		t.Errorf("the zero Watch found %q", leaks)
	}
	r := httptest.NewRequest("GET", "/reset?token=0123456789abcdef", nil)
	r.AddCookie(&http.Cookie{Name: "theme", Value: "darkandblue"})
	w.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/reset", http.StatusSeeOther) })).ServeHTTP(httptest.NewRecorder(), r)
	w.Secret("short")
	w.Error(nil)
	fmt.Fprint(&w, "a short text about darkandblue, 0123456789abcde and f")
	if leaks := w.Found(); len(leaks) != 0 {
		t.Errorf("found %q", leaks)
	}
}

// The handler sees the whole body, and its faults.
func TestBody(t *testing.T) {
	var w leak.Watch
	for _, size := range []int{0, 10, 1 << 20, 1<<20 + 1, 3 << 20} {
		body := strings.Repeat("x", size)
		w.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != body || r.Body.Close() != nil {
				t.Errorf("%d of %d bytes, %v", len(got), size, err)
			}
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(body)))
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("0123456789")), 5)
	w.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var large *http.MaxBytesError
		if got, err := io.ReadAll(r.Body); string(got) != "01234" || !errors.As(err, &large) {
			t.Errorf("%q, %v", got, err)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}

// A response can still be flushed.
func TestFlush(t *testing.T) {
	var w leak.Watch
	rec := httptest.NewRecorder()
	w.Handler(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(rw).Flush(); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if !rec.Flushed {
		t.Error("not flushed")
	}
}

// Many secrets and many texts are compared in one reading of the texts, and by many at a time.
func TestMany(t *testing.T) {
	var w leak.Watch
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 5000 {
				w.Secret(fmt.Sprintf("secret %d of %d at %d", i, n, time.Now().UnixNano()))
				fmt.Fprintf(&w, "text %d of %d at %d: secret", i, n, time.Now().UnixNano())
			}
		})
	}
	wg.Wait()
	if leaks := w.Found(); len(leaks) != 0 {
		t.Errorf("found %q", leaks[:1])
	}
}
