package dbtest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/storetest"
)

var errFault = errors.New("SECRET: the disk is full")

// flaw is one call of one method that fails.
type flaw struct {
	method string
	nth    int
	kind   string // "before" the call takes effect, "after" it, or by a "panic"
	calls  int
	over   bool // no more faults
}

func (f *flaw) at(kind string) func(method string) error {
	return func(method string) error {
		if f.over || method != f.method || f.kind != kind && (f.kind != "panic" || kind != "before") {
			return nil
		}
		if f.calls++; f.calls != f.nth {
			return nil
		}
		if f.kind == "panic" {
			panic(errFault)
		}
		return errFault
	}
}

// Any fault of any method at any step of the evening leaves the visitor not
// logged in by what was ended, the data whole, and the answer generic.
func TestFaults(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		store := src.store(t, src.open(t))
		n := 0
		for _, method := range []string{
			"CreateUser", "UpdateUser", "UserByID", "UserByLogin",
			"CreateSession", "Session", "UpdateSession", "DeleteSession", "DeleteSessions",
			"Credential", "PutCredential", "UpdateCredential",
		} {
			for _, kind := range []string{"before", "after", "panic"} {
				for nth := 1; ; nth++ {
					f := &flaw{method: method, nth: nth, kind: kind}
					n++
					evening(t, store, f, fmt.Sprintf("ann%d@example.com", n))
					if f.calls < nth {
						break // the evening has no more calls of it
					}
				}
			}
		}
		t.Logf("%d evenings", n)
	})
}

// evening signs up, changes the password, logs out and in again, with one fault.
func evening(t *testing.T, store auth.Store, f *flaw, email string) {
	t.Helper()
	faulty := &storetest.Faulty{Store: store, Before: f.at("before"), After: f.at("after")}
	m := withStore(t, faulty)
	c := authtest.NewClient(t, recovering(pages.Handler(m)))
	what := fmt.Sprintf("%s call %d (%s)", f.method, f.nth, f.kind)
	const changed = "candle meadow rocket puzzle"
	tokens := map[string]bool{} // ended sessions
	step := func(do func() *authtest.Response) bool {
		before := ""
		if cookie := c.Cookie("session"); cookie != nil {
			before = cookie.Value
		}
		r := do()
		if strings.Contains(r.Body, "SECRET") {
			t.Errorf("%s: the answer tells %q", what, r.Body)
		}
		ok := r.Status == http.StatusSeeOther
		if !ok && f.calls < f.nth {
			t.Errorf("%s: %s answers %d before any fault:\n%s", what, r.URL, r.Status, r.Body)
		}
		if after := c.Cookie("session"); ok && before != "" && (after == nil || after.Value != before) {
			tokens[before] = true
		}
		return ok
	}
	post := func(path string, form url.Values) func() *authtest.Response {
		return func() *authtest.Response {
			c.Get("/login")  // for a guest's token
			c.Get("/reauth") // for a user's
			return c.Do(formRequest(c, path, form))
		}
	}
	step(post("/signup", url.Values{"email": {email}, "password": {authtest.Password}, "confirm": {authtest.Password}}))
	step(post("/login", url.Values{"email": {email}, "password": {authtest.Password}}))
	step(post("/reauth", url.Values{"password": {authtest.Password}}))
	step(post("/account/password", url.Values{"current": {authtest.Password}, "password": {changed}, "confirm": {changed}}))
	step(post("/logout", nil))
	f.over = true
	for token := range tokens {
		thief := authtest.NewClient(t, m.RequireLogin(http.NotFoundHandler()))
		thief.Header = http.Header{"Cookie": {"session=" + token}}
		if r := thief.Get("/"); r.Status != http.StatusSeeOther {
			t.Errorf("%s: a token that was replaced or ended still opens: %d", what, r.Status)
		}
	}
	whole(t, m, what, email, authtest.Password, changed)
}

// whole checks that there is one account with one password, or none at all.
func whole(t *testing.T, m *auth.Manager, what, email string, passwords ...string) {
	t.Helper()
	opens := 0
	for _, p := range passwords {
		if _, err := m.Authenticate(t.Context(), &auth.LoginForm{Email: email, Password: p}); err == nil {
			opens++
		}
	}
	if opens == 0 {
		if _, err := m.Signup(t.Context(), &auth.SignupForm{Email: email, Password: passwords[0], Confirm: passwords[0]}); err == nil {
			opens++
		}
	}
	if opens != 1 {
		t.Errorf("%s: %d passwords open the account", what, opens)
	}
}

func withStore(t testing.TB, store auth.Store) *auth.Manager {
	t.Helper()
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// formRequest is a form as a browser sends it, with the token of the last page.
func formRequest(c *authtest.Client, path string, form url.Values) *http.Request {
	v := url.Values{"csrf_token": {c.Token()}}
	for name, values := range form {
		v[name] = values
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// recovering does with a panic what net/http does: there is no answer.
func recovering(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusBadGateway)
			}
		}()
		h.ServeHTTP(w, r)
	})
}
