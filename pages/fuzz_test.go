package pages_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/pages"
)

// unlimited is an auth.Limiter that limits nothing, for what would soon be refused for its number alone.
type unlimited struct{}

func (unlimited) Take(context.Context, string, string) (time.Duration, error) { return 0, nil }
func (unlimited) Return(context.Context, string, string) error                { return nil }
func (unlimited) Reset(context.Context, string, string) error                 { return nil }

// FuzzJSON sends anything as JSON to whatever takes it from guests. Nothing of it logs in, is led to a page
// or breaks a part, and what is accepted is JSON.
func FuzzJSON(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "[", `{"email":"ann@example.com"}`, `{"email":"ann@example.com","password":"x","remember":true}`,
		`{"email":"bob@example.com","password":"candle meadow rocket puzzle","confirm":"candle meadow rocket puzzle"}`,
		`{"token":"x","password":"candle meadow rocket puzzle","confirm":"candle meadow rocket puzzle"}`,
		`{"email":"\ud800","email":1e999}`, "{\"\xff\":0}", `{"":{}}x`, `{"next":"/a","email":["x"]}`, "\ufeff{}",
	} {
		for path := range byte(6) {
			f.Add(path, body)
		}
	}
	s := newMailSite(f, auth.Config{Limiter: unlimited{}, Hooks: []auth.Hooks{email.Hooks(0)}}, new(pages.Config))
	authtest.User(f, s.m, ann)
	guest := newProgram(f, s)
	token := guest.session().CSRFToken
	cookie := guest.Cookie("csrf_token")
	paths := []string{"/login", "/signup", "/password/forgot", "/password/reset", "/confirm", "/confirm/resend"}
	f.Fuzz(func(t *testing.T, path byte, body string) {
		r := httptest.NewRequest("POST", paths[int(path)%len(paths)], strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {"application/json"}, "X-Csrf-Token": {token}, "Sec-Fetch-Site": {"same-origin"}}
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if _, led := rec.Header()["Location"]; led || rec.Code >= 500 || rec.Code == 403 || !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s %q: %d %v\n%s", r.URL.Path, body, rec.Code, rec.Header(), rec.Body)
		}
		if rec.Code < 400 && (rec.Code != 202 || !json.Valid([]byte(body)) || !utf8.ValidString(body)) {
			t.Errorf("%s %q is accepted: %d %s", r.URL.Path, body, rec.Code, rec.Body)
		}
		for _, c := range rec.Result().Cookies() {
			if c.Name == "session" {
				t.Errorf("%s %q gets a session", r.URL.Path, body)
			}
		}
	})
}
