package auth

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// errUnsaved is what writes return after the session could not be saved, when
// the client has been told so in the place of the page.
var errUnsaved = errors.New("auth: session was not saved; the response is an error")

// writer saves the session before the first byte of the response, while cookies
// can still be set and the page can still be replaced by an error.
type writer struct {
	http.ResponseWriter
	st      *state
	before  http.Header // as it was when the request came to us; nil: empty
	started atomic.Bool // the header is out, or about to be
	err     error       // why the page must not go out
}

func newWriter(w http.ResponseWriter, st *state) *writer {
	out := &writer{ResponseWriter: w, st: st}
	if h := w.Header(); len(h) > 0 {
		out.before = h.Clone()
	}
	return out
}

// start is called before the first byte. It reports whether the page may go out.
func (w *writer) start() bool {
	if w.started.Load() {
		return w.err == nil
	}
	w.st.mu.Lock()
	defer w.st.mu.Unlock()
	if w.started.Load() {
		return w.err == nil
	}
	defer w.started.Store(true)
	if err := w.st.save(); err != nil {
		w.err = errUnsaved
		w.replace()
		return false
	}
	w.setCookies()
	return true
}

// setCookies sends what the browser is to know. No cache may keep it for others,
// whatever the handler says, nor a page with a token in it.
func (w *writer) setCookies() {
	h := w.Header()
	csrf, private := w.st.csrfCookie()
	for _, c := range []*http.Cookie{w.st.cookie, w.st.browserCookie} {
		if c != nil {
			h.Add("Set-Cookie", c.String())
			private = true
		}
	}
	if csrf != "" {
		h.Add("Set-Cookie", csrf)
		private = true
	}
	if c := h.Get("Cache-Control"); private && !strings.Contains(c, "private") && !strings.Contains(c, "no-store") {
		h.Set("Cache-Control", "no-store")
	}
}

// replace sends an error, and nothing of what the handler has prepared.
func (w *writer) replace() {
	h := w.Header()
	clear(h)
	for k, v := range w.before {
		h[k] = v
	}
	h.Add("Vary", "Cookie")
	problemUnsaved.answer(w.ResponseWriter, w.st.r)
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status) // not the response yet
		return
	}
	if w.start() {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	if !w.start() {
		return 0, w.err
	}
	return w.ResponseWriter.Write(b)
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	if !w.start() {
		return 0, w.err
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements io.ReaderFrom, so that files still go out by sendfile.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if !w.start() {
		return 0, w.err
	}
	return io.Copy(w.ResponseWriter, r)
}

// Flush implements http.Flusher.
func (w *writer) Flush() { w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w *writer) FlushError() error {
	if !w.start() {
		return w.err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker. The session is saved; a cookie cannot be set.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.start() {
		return nil, nil, w.err
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// CloseNotify implements http.CloseNotifier, which is deprecated. The writers of gin
// assert it all the same, and panic without it.
func (w *writer) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(w.st.r.Context(), func() { gone <- true })
	return gone
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
