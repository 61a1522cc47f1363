package leak

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is how much of a request is looked at, in bytes.
const maxBody = 1 << 20

// fields are those of forms that hold secrets.
var fields = []string{"password", "confirm", "current", "token", "csrf_token"}

// Handler watches what goes through next. Secrets are the values of cookies, but for plain words of less than
// 20 characters; in a form or a JSON object the fields "password", "confirm", "current", "token" and
// "csrf_token"; and "token" in a query. Texts are the headers Location, and the URLs of requests that
// are not redirected: those stay in the browser, and in its history.
func (w *Watch) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked := r.URL.String() // next may change it
		for _, c := range r.Cookies() {
			w.cookie(c)
		}
		w.Secret(r.URL.Query().Get("token"))
		w.body(r)
		answer := &answer{ResponseWriter: rw, watch: w}
		next.ServeHTTP(answer, r)
		if answer.begin(http.StatusOK); !answer.redirects {
			w.text("a URL that stays", asked)
		}
	})
}

func (w *Watch) cookie(c *http.Cookie) {
	if len(c.Value) >= 20 || strings.Trim(c.Value, letters) != "" {
		w.Secret(c.Value)
	}
}

const letters = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// body looks at the body of r, and puts it back.
func (w *Watch) body(r *http.Request) {
	if r.Body == nil {
		return
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	rest := io.MultiReader(bytes.NewReader(head), r.Body)
	if err != nil {
		rest = io.MultiReader(bytes.NewReader(head), failed{err})
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{rest, r.Body}
	var object map[string]any
	if json.Unmarshal(head, &object) == nil {
		for _, name := range fields {
			if s, ok := object[name].(string); ok {
				w.Secret(s)
			}
		}
		return
	}
	form, _ := url.ParseQuery(string(head)) // what can be read of it
	for _, name := range fields {
		for _, s := range form[name] {
			w.Secret(s)
		}
	}
}

// failed is a body that could not be read further.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// answer looks at the header of an answer when it is sent.
type answer struct {
	http.ResponseWriter
	watch            *Watch
	begun, redirects bool
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	a.begin(status)
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

func (a *answer) begin(status int) {
	if a.begun || status < 200 { // what comes before the answer
		return
	}
	a.begun = true
	a.redirects = status >= 300 && status < 400 && a.Header().Get("Location") != ""
	for _, location := range a.Header().Values("Location") {
		a.watch.text("a header Location", location)
	}
	for _, c := range (&http.Response{Header: a.Header()}).Cookies() {
		a.watch.cookie(c)
	}
}
