package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

func signupForm(v url.Values) *auth.SignupForm {
	r := httptest.NewRequest("POST", "/signup?email=query@example.com&password=query", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return auth.ParseSignup(r)
}

func TestSignupForm(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(bob)
	for _, try := range []struct{ name, email, password, confirm, codes string }{
		{"nothing", "", "", "", "email:required password:required confirm:required"},
		{"all wrong", "ann", "short", "other", "email:invalid password:too_short confirm:mismatch"},
		{"taken", "BOB@example.com", password, password, "email:taken"},
		{"14 characters", ann, "window tractor", "window tractor", "password:too_short"},
		{"14 astral characters", ann, strings.Repeat("😀", 13) + "x", strings.Repeat("😀", 13) + "x", "password:too_short"},
		{"14 after composition", ann, "e\u0301window tracto", "e\u0301window tracto", "password:too_short"},
		{"1025 bytes", ann, strings.Repeat("window ", 147), strings.Repeat("window ", 147), "password:too_long"},
		{"a passphrase for fools", ann, "passwordpassword", "passwordpassword", "password:common"},
		{"not UTF-8", ann, "window\xff tractor ocean", "window\xff tractor ocean", "password:invalid confirm:invalid"},
	} {
		f := signupForm(url.Values{"email": {try.email}, "password": {try.password}, "confirm": {try.confirm}})
		u, err := s.m.Signup(t.Context(), f)
		if u != nil || err == nil || auth.Status(err) != 422 {
			t.Errorf("%s: %v, %v", try.name, u, err)
		}
		var codes []string
		for _, e := range f.Errors {
			codes = append(codes, e.Field+":"+e.Code)
			if e.Message == "" || f.Errors.Get(e.Field) != e.Message {
				t.Errorf("%s: no message for %s", try.name, e.Field)
			}
		}
		got := strings.Join(codes, " ")
		if try.name == "not UTF-8" {
			got, try.codes = codes[0], "password:invalid"
		}
		if got != try.codes {
			t.Errorf("%s: %s, want %s", try.name, got, try.codes)
		}
		if f.Email != try.email {
			t.Errorf("%s: the form comes back with email %q", try.name, f.Email)
		}
	}
	f := signupForm(url.Values{"email": {ann, bob}, "password": {password}, "confirm": {password}})
	if _, err := s.m.Signup(t.Context(), f); err == nil || f.Errors[0].Code != auth.CodeRepeated {
		t.Errorf("two emails: %v", err)
	}
	for i, good := range []string{password, strings.Repeat("😀🎻", 32), strings.Repeat("😀", 64), "   window tractor  ", "57392058163940275816", `'";--<>%00 window`, "nur kleine buchstaben hier"} {
		f := signupForm(url.Values{"email": {fmt.Sprintf("u%d@example.com", i)}, "password": {good}, "confirm": {good}})
		u, err := s.m.Signup(t.Context(), f)
		if err != nil {
			t.Errorf("%q: %v", good, err)
			continue
		}
		if got, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: u.Email, Password: good}); err != nil || got.ID != u.ID {
			t.Errorf("%q: login: %v", good, err)
		}
	}
}

func TestLoginForm(t *testing.T) {
	parse := func(v url.Values) *auth.LoginForm {
		r := httptest.NewRequest("POST", "/login?remember=on&next=/query", strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return auth.ParseLogin(r)
	}
	f := parse(url.Values{"email": {" Ann@Example.com\t"}, "password": {" p "}, "next": {"/me"}, "admin": {"1"}})
	if f.Email != "Ann@Example.com" || f.Password != " p " || f.Remember || f.Next != "/me" {
		t.Errorf("%q %q %v %q", f.Email, f.Password, f.Remember, f.Next)
	}
	for value, want := range map[string]bool{"on": true, "1": true, "true": true, "yes": true, "": false, "0": false, "false": false, "off": false} {
		if got := parse(url.Values{"remember": {value}}).Remember; got != want {
			t.Errorf("remember=%q: %v", value, got)
		}
	}
	s := newSite(t, nil)
	if _, err := s.m.Authenticate(t.Context(), parse(url.Values{})); auth.Status(err) != 422 || s.hasher.verified.Load() != 0 {
		t.Errorf("empty form: %v after %d times Verify", err, s.hasher.verified.Load())
	}
}

// Promise: what must never be printed is never printed.
func TestNothingPrintsSecrets(t *testing.T) {
	u := auth.User{ID: "id", Email: ann, PasswordHash: "SECRET", Stamp: "SECRET"}
	values := []any{
		u, &u, []auth.User{u}, map[string]auth.User{"x": u}, struct{ U auth.User }{u}, struct{ U *auth.User }{&u},
		auth.SignupForm{Password: "SECRET", Confirm: "SECRET"}, &auth.LoginForm{Password: "SECRET"},
		auth.PasswordForm{Current: "SECRET", Password: "SECRET"}, struct{ F auth.LoginForm }{auth.LoginForm{Password: "SECRET"}},
	}
	for _, v := range values {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Error(err)
		}
		if strings.Contains(out.String(), "SECRET") || strings.Contains(out.String(), "534543524554") {
			t.Errorf("%T: %s", v, out.String())
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "user", &u)
	if got := log.String(); !strings.Contains(got, "user.id=id") || strings.Contains(got, ann) {
		t.Errorf("log has %s", got)
	}
}

// No secret and no email in anything that is logged, whatever people do.
func TestEventsHoldNoSecrets(t *testing.T) {
	s := newSite(t, nil)
	s.unwatched()
	b := s.browser()
	b.signup(ann)
	tokens := []string{b.token(), b.get("/form").body()}
	b.login(ann, another)
	b.login("my password is "+another, password)
	b.post("/reauth", "password", another)
	b.post("/password", "current", another, "password", password, "confirm", password)
	b.post("/password", "current", password, "password", another, "confirm", another)
	tokens = append(tokens, b.token())
	b.post("/elsewhere")
	tokens = append(tokens, b.token())
	b.get("/me?token=" + url.QueryEscape(another))
	b.post("/logout")
	s.browser().get("/me?token=" + url.QueryEscape(another))
	u, _ := s.store.UserByLogin(t.Context(), ann)
	all := s.logged.String() + fmt.Sprintf("%+v", s.events)
	for _, secret := range append(tokens, password, another, ann, u.PasswordHash, u.Stamp, url.QueryEscape(another)) {
		if secret == "" || strings.Contains(all, secret) {
			t.Errorf("logged %q", secret)
		}
	}
	if !strings.Contains(all, u.ID) || !strings.Contains(s.logged.String(), "auth: logged_in") {
		t.Errorf("the log lacks what an operator needs:\n%s", all)
	}
}

func TestCanonicalEmail(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.com":                         "ann@example.com",
		" Ann@EXAMPLE.com\t\n":                    "ann@example.com",
		"a+b.c-d_e@example.co":                    "a+b.c-d_e@example.co",
		"jörg@example.com":                        "jörg@example.com",
		"JÖRG@example.com":                        "jÖrg@example.com", // beyond ASCII nothing is folded
		"ann@münchen.example":                     "ann@münchen.example",
		"ann@localhost":                           "ann@localhost",
		strings.Repeat("a", 242) + "@example.com": strings.Repeat("a", 242) + "@example.com",
	} {
		if got, err := auth.CanonicalEmail(in); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "ann", "@example.com", "ann@", "a b@example.com", "Ann <ann@example.com>", "<ann@example.com>", `"a b"@example.com`,
		"ann@example.com, bob@example.com", "ann@example.com\r\nBcc: bob@example.com", "ann@@example.com", "ann@example..com", ".ann@example.com",
		"an\u212a@example.com", "jo\u0308rg@example.com", "ann\x00@example.com", "ann\xff@example.com", "ann@[127.0.0.1]", "ann(x)@example.com",
		strings.Repeat("a", 243) + "@example.com", "ann\u200b @example.com", "ann@exa mple.com",
		"an\u202en@example.com", "an\u00a0n@example.com", "an\ufeffn@example.com", "ann@example.com#", "ann@example.com/x", "ann@*.com", "ann@ex_ample.com",
	} {
		if got, err := auth.CanonicalEmail(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
}

// Look-alikes are somebody else.
func TestLookAlikesReachNobody(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup("kim@example.com")
	for _, alike := range []string{"\u212aim@example.com", "kım@example.com", "KİM@example.com", "ｋim@example.com", "kim@example.com\u200b", "kim@ex\u00adample.com", "k\u0131m@example.com"} {
		if r := s.browser().login(alike, password); r.Code != 422 {
			t.Errorf("%q logs in: %d", alike, r.Code)
		}
	}
}

func TestEventsNameTheRightUser(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	b.login("nobody@example.com", password)
	if e := s.event(auth.EventLoginFailed)[0]; e.UserID != "" || e.SessionID != "" {
		t.Errorf("a failed login of nobody: %+v", e)
	}
	u, _ := s.store.UserByLogin(t.Context(), ann)
	live, _ := s.m.Sessions(t.Context(), u)
	b.post("/logout")
	if e := s.event(auth.EventLoggedOut)[0]; e.UserID != u.ID || e.SessionID != live[0].ID {
		t.Errorf("a logout: %+v", e)
	}
}

// Everything that happens to an account is told once.
func TestEveryStepIsAnEvent(t *testing.T) {
	toy := toyFactor{"123456"}
	s := newSite(t, func(c *auth.Config) { c.Hooks = append(c.Hooks, toy.hooks()) })
	toy.routes(s)
	b := s.browser()
	b.get("/me")
	b.signup(ann)
	b.post("/otp", "code", "123456")
	b.post("/reauth", "password", password)
	b.post("/password", "current", password, "password", another, "confirm", another)
	b.post("/elsewhere")
	b.post("/everywhere")
	u, _ := s.store.UserByLogin(t.Context(), ann)
	for _, name := range []string{
		auth.EventSignedUp, auth.EventSecondFactor, auth.EventLoggedIn, auth.EventReauthenticated, auth.EventPasswordChanged,
	} {
		if e := s.event(name); len(e) != 1 || e[0].UserID != u.ID {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := s.event(auth.EventSessionsRevoked); len(e) != 2 || e[0].UserID != u.ID {
		t.Errorf("%s: %+v", auth.EventSessionsRevoked, e)
	}
	if e := s.event(auth.EventDenied); len(e) != 1 || e[0].UserID != "" || e[0].Path != "/me" || e[0].Method != "GET" || e[0].Time.IsZero() {
		t.Errorf("%s: %+v", auth.EventDenied, e)
	}
}

// seeing is a store that looks at what a context brings along to CreateUser.
type seeing struct {
	auth.Store
	seen []any
}

type seeingKey struct{}

func (s *seeing) CreateUser(ctx context.Context, u *auth.User) error {
	s.seen = append(s.seen, ctx.Value(seeingKey{}))
	return s.Store.CreateUser(ctx, u)
}

// A form may have fields of the application's own: what is wrong with them keeps the user out, and
// what they say reaches the store.
func TestSignupWithOwnFields(t *testing.T) {
	store := &seeing{Store: memstore.New()}
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost", Hasher: &countingHasher{Bcrypt: 4}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), seeingKey{}, "Ann")
	f := signupForm(url.Values{"email": {ann}, "password": {"short"}, "confirm": {"short"}})
	f.Errors.Add("name", auth.CodeRequired, 0)
	if _, err := m.Signup(ctx, f); auth.Status(err) != 422 || len(f.Errors) != 2 {
		t.Errorf("got %v, %v", f.Errors, err)
	}
	f = signupForm(url.Values{"email": {ann}, "password": {password}, "confirm": {password}})
	f.Errors.Add("name", auth.CodeRequired, 0)
	if _, err := m.Signup(ctx, f); auth.Status(err) != 422 || len(store.seen) > 0 {
		t.Errorf("with a fault of the application's: %v, and the store saw %v", err, store.seen)
	}
	f = signupForm(url.Values{"email": {ann}, "password": {password}, "confirm": {password}})
	if _, err := m.Signup(ctx, f); err != nil || len(store.seen) != 1 || store.seen[0] != "Ann" {
		t.Errorf("got error %v, and the store saw %v", err, store.seen)
	}
}
