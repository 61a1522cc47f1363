package weak

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
)

// maxForm is how long a form may be, in bytes.
const maxForm = 64 << 10

var errRepeated = errors.New("a field came more than once")

// read returns the fields of a form, or answers the request and returns nil.
func (a *app) read(w http.ResponseWriter, r *http.Request) url.Values {
	limit := int64(maxForm)
	if a.is("body-limit") {
		limit = 64 << 20
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		a.fail(w, http.StatusRequestEntityTooLarge, err)
		return nil
	}
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if t != "application/x-www-form-urlencoded" && !(a.is("csrf-token/plain") && t == "text/plain") {
		a.fail(w, a.garbage(http.StatusUnsupportedMediaType), fmt.Errorf("no form but %q", t))
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		a.fail(w, a.garbage(http.StatusBadRequest), err)
		return nil
	}
	return a.single(w, r, form)
}

// pick is the value of a field that counts.
func (v *visit) pick(name string) string {
	values := v.form[name]
	if len(values) > 1 && v.is("body-duplicate/last") {
		return values[len(values)-1]
	}
	return v.form.Get(name)
}

// single refuses what came more than once.
func (a *app) single(w http.ResponseWriter, r *http.Request, form url.Values) url.Values {
	for name, values := range form {
		if len(values) > 1 && !a.is("body-duplicate") && !a.is("body-duplicate/last") {
			a.fail(w, http.StatusBadRequest, fmt.Errorf("%w: %q", errRepeated, name))
			return nil
		}
	}
	if a.is("body-query") {
		for name, values := range r.URL.Query() {
			if !form.Has(name) {
				form[name] = values
			}
		}
	}
	return form
}

// garbage is the status of an answer to what is no form.
func (a *app) garbage(status int) int {
	if a.is("body-garbage") {
		return http.StatusInternalServerError
	}
	return status
}

// fail answers with a status and, if that is a weakness, with what only the developer should see.
func (a *app) fail(w http.ResponseWriter, status int, err error) {
	text := http.StatusText(status)
	if a.is("error-detail") {
		text += ": " + err.Error() + "\n\n" + string(debug.Stack())
	}
	http.Error(w, text, status)
}

// token of a form is made of the session's, so that no other session's counts.
func (a *app) csrf(session string) string {
	if a.is("csrf-bound") {
		session = "all"
	}
	return mac(a.key, "csrf "+session)
}

func mac(key []byte, s string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return hex.EncodeToString(m.Sum(nil))
}

// seal signs a word together with a number, and open returns it, or "".
func seal(key []byte, s, number string) string {
	return hex.EncodeToString([]byte(s)) + "." + number + "." + mac(key, s+" "+number)
}

func open(key []byte, sealed string) string {
	word, rest, _ := strings.Cut(sealed, ".")
	number, _, _ := strings.Cut(rest, ".")
	s, err := hex.DecodeString(word)
	if err != nil || seal(key, string(s), number) != sealed {
		return ""
	}
	return string(s)
}
