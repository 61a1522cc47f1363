package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vestibule-go/auth"
)

// known returns a browser elsewhere with nothing but the cookie by which b is known.
func (s *site) known(addr string, b *browser) *browser {
	other := s.at(addr)
	if c := b.cookies["session_browser"]; c != nil {
		other.cookies[c.Name] = c
	}
	return other
}

// lock tries so many passwords for ann, from everywhere, that nobody gets in.
func (s *site) lock() {
	for i := range 20 {
		s.somewhere(i).login(ann, "not "+password)
	}
	wantStatus(s.t, "from elsewhere", s.at("203.0.113.200").login(ann, password), 429)
}

// Whoever guesses cannot lock the owner out of a browser in which they have logged in.
func TestOwnBrowserIsNotLockedOut(t *testing.T) { synctest.Test(t, testOwnBrowserIsNotLockedOut) }

func testOwnBrowserIsNotLockedOut(t *testing.T) {
	s := newSite(t, nil)
	owner := s.at("192.0.2.1")
	owner.signup(ann)
	owner.post("/logout")
	s.lock()
	for i := range 40 { // and somebody else in the house
		s.at("192.0.2.1").login(strings.Repeat("x", i)+"@example.com", another)
	}
	wantStatus(t, "the owner", owner.login(ann, password), 303)
	wantStatus(t, "still from elsewhere", s.at("203.0.113.201").login(ann, password), 429)
	for range 5 {
		wantStatus(t, "a wrong password in the own browser", s.known("192.0.2.1", owner).login(ann, another), 422)
	}
	wantStatus(t, "too many in the own browser", s.known("192.0.2.1", owner).login(ann, password), 429)
}

// A login in a browser that is new to its user is told, once.
func TestNewBrowser(t *testing.T) {
	s := newSite(t, nil)
	known := false
	s.mux.HandleFunc("GET /known", func(w http.ResponseWriter, r *http.Request) { known = s.m.KnownBrowser(r.Context(), s.user(ann)) })
	owner := s.browser()
	for i, test := range []struct {
		b      *browser
		known  bool
		events int
	}{{owner, true, 1}, {owner, true, 1}, {s.browser(), true, 2}, {owner, true, 2}} {
		if i == 0 {
			test.b.signup(ann)
		} else {
			test.b.post("/logout")
			wantStatus(t, "login", test.b.login(ann, password), 303)
		}
		test.b.get("/known")
		if n := len(s.event(auth.EventNewBrowser)); known != test.known || n != test.events {
			t.Errorf("%d: known %v, %d events; want %v, %d", i, known, n, test.known, test.events)
		}
	}
	s.browser().get("/known")
	if known || s.m.KnownBrowser(t.Context(), s.user(ann)) {
		t.Error("any browser is known")
	}
}

// The mark is that of one user, in one browser, with the credentials of its time.
func TestBrowserMarks(t *testing.T) { synctest.Test(t, testBrowserMarks) }

func testBrowserMarks(t *testing.T) {
	s := newSite(t, nil)
	owner := s.browser()
	owner.signup(ann)
	s.lock()
	stranger := s.browser()
	stranger.signup(bob)
	wantStatus(t, "another user's mark", s.known("203.0.113.1", stranger).login(ann, password), 429)

	shared := s.known("192.0.2.1", owner) // with the marks of two users
	wantStatus(t, "bob in ann's browser", shared.login(bob, password), 303)
	wantStatus(t, "ann in their browser", s.known("192.0.2.1", shared).login(ann, password), 303)

	for _, bad := range []string{"", "x", strings.Repeat("A", 22), strings.Repeat("A", 43), strings.Repeat("A", 107), strings.Repeat("A", 8000)} {
		b := s.at("203.0.113.2")
		b.cookies["session_browser"] = &http.Cookie{Name: "session_browser", Value: bad}
		wantStatus(t, "made-up mark "+bad[:min(len(bad), 9)], b.login(ann, password), 429)
	}
	b := s.known("203.0.113.3", owner)
	r := b.form("/login", "email", ann, "password", password)
	r.AddCookie(&http.Cookie{Name: "session_browser", Value: "planted"})
	wantStatus(t, "two cookies", b.do(r), 429)

	other, _ := auth.New(s.store, &auth.Config{BaseURL: base, Hasher: s.hasher, CookieName: "other"})
	elsewhere := &site{t: t, m: other, store: s.store, hasher: s.hasher, mux: http.NewServeMux()}
	elsewhere.routes()
	elsewhere.handler = other.Handler(elsewhere.mux)
	b = elsewhere.at("203.0.113.4")
	b.cookies["other_browser"] = &http.Cookie{Name: "other_browser", Value: owner.cookies["session_browser"].Value}
	wantStatus(t, "the mark of another Manager", b.login(ann, password), 429)

	u, _ := s.store.UserByLogin(t.Context(), ann)
	if err := s.m.EndSessions(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "a mark of before", s.known("203.0.113.5", owner).login(ann, password), 429)
}

// A user that another program made without a Stamp has no secret to make marks of.
func TestNoMarkWithoutStamp(t *testing.T) { synctest.Test(t, testNoMarkWithoutStamp) }

func testNoMarkWithoutStamp(t *testing.T) {
	s := newSite(t, nil)
	hash, _ := s.hasher.Hash(password)
	if err := s.store.CreateUser(t.Context(), &auth.User{ID: "1", Email: ann, PasswordHash: hash}); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	wantStatus(t, "login", b.login(ann, password), 303)
	if c := b.cookies["session_browser"]; c != nil {
		t.Errorf("cookie %v", c)
	}
}

func TestBrowserCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(c *auth.Config) { c.BaseURL = "https://shop.example" })
		b := s.browser()
		b.base = "https://shop.example"
		c := b.signup(ann).cookie("__Host-session_browser")
		if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 400*24*3600 || len(c.Value) > 200 {
			t.Fatalf("cookie %v", c)
		}
		if again := b.login(ann, password).cookie(c.Name); again != nil {
			t.Errorf("a known browser gets another cookie: %v", again)
		}
		if again := b.post("/elsewhere").cookie(c.Name); again != nil {
			t.Errorf("a browser is known without a proof: %v", again)
		}
		for _, prove := range []func() *response{
			func() *response { return b.post("/reauth", "password", password) },
			func() *response {
				return b.post("/password", "current", password, "password", another, "confirm", another)
			},
		} {
			before := b.cookies[c.Name].Value
			if renewed := prove().cookie(c.Name); renewed == nil || renewed.Value == before || renewed.Value[:20] != c.Value[:20] {
				t.Errorf("after a proof under a new stamp: cookie %v, was %v", renewed, before)
			}
		}
		for i := range 10 { // users come and go
			b.signup(strings.Repeat("x", i+1) + "@example.com")
		}
		if v := b.cookies[c.Name].Value; len(v) > 107 {
			t.Errorf("the cookie grows: %q", v)
		}
	})
	s := newSite(t, func(c *auth.Config) { c.Hooks = append(c.Hooks, toyFactor{"1"}.hooks()) })
	b := s.browser()
	wantStatus(t, "signup, with a factor missing", b.signup(ann), 401)
	if c := b.cookies["session_browser"]; c != nil {
		t.Errorf("a pending login makes the browser known: %v", c)
	}
}

// A session without the password gives no guesses at it: not even if it makes a new stamp for each.
func TestStolenSessionGivesNoGuesses(t *testing.T) { synctest.Test(t, testStolenSessionGivesNoGuesses) }

func testStolenSessionGivesNoGuesses(t *testing.T) {
	s := newSite(t, nil)
	owner := s.browser()
	owner.signup(ann)
	thief := owner.with(owner.token())
	s.hasher.verified.Store(0)
	for range 20 {
		thief.post("/elsewhere")
		for _, path := range []string{"/reauth", "/password"} {
			thief.post(path, "password", another, "current", another, "confirm", another)
		}
	}
	if n := s.hasher.verified.Load(); n != 5 {
		t.Errorf("%d guesses were looked at, want 5", n)
	}
}
