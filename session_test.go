package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

// Promise 4: what was ended never comes back.

func TestReplayAfterLogout(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	thief := b.with(b.token())
	wantWho(t, "the thief, before", thief, ann)
	b.post("/logout")
	wantWho(t, "the thief, after", thief, "nobody")
}

// A request that loaded the session before it was ended, and writes to it after.
func TestInFlightRequestAcrossTheEnd(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func(*site, *browser)
	}{
		{"logout", func(s *site, b *browser) { b.post("/logout") }},
		{"logout everywhere", func(s *site, b *browser) { b.post("/everywhere") }},
		{"logout elsewhere", func(s *site, b *browser) {
			other := s.browser()
			other.login(ann, password)
			other.post("/elsewhere")
		}},
		{"password change elsewhere", func(s *site, b *browser) {
			other := s.browser()
			other.login(ann, password)
			wantStatus(s.t, "change", other.post("/password", "current", password, "password", another, "confirm", another), 303)
		}},
		{"another login", func(s *site, b *browser) { b.login(ann, password) }},
		{"disabling", func(s *site, b *browser) {
			u, _ := s.store.UserByLogin(s.t.Context(), ann)
			u.Disabled = time.Now()
			if err := s.store.UpdateUser(s.t.Context(), u); err != nil {
				s.t.Error(err)
			}
		}},
		{"deletion", func(s *site, b *browser) {
			u, _ := s.store.UserByLogin(s.t.Context(), ann)
			if err := s.store.DeleteUser(s.t.Context(), u.ID); err != nil {
				s.t.Error(err)
			}
		}},
		{"end of that session", func(s *site, b *browser) {
			u, _ := s.store.UserByLogin(s.t.Context(), ann)
			live, err := s.m.Sessions(s.t.Context(), u)
			if err != nil || len(live) != 1 {
				s.t.Errorf("%d sessions, %v", len(live), err)
			}
			if err := s.m.EndSession(s.t.Context(), u, live[0].ID); err != nil {
				s.t.Error(err)
			}
		}},
	} {
		for _, kind := range []struct {
			name  string
			store auth.Store
		}{{"memory", memstore.New()}, {"scs", onSCS()}} {
			if kind.name == "scs" && end.name == "end of that session" {
				continue // a store for scs cannot list sessions
			}
			t.Run(end.name+", "+kind.name, func(t *testing.T) {
				s := newSiteOn(t, kind.store, nil)
				loaded, ended := make(chan bool), make(chan bool)
				s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
					loaded <- true
					<-ended
					auth.SetSessionValue(r.Context(), "cart", "late")
				})
				b := s.browser()
				b.signup(ann)
				old := b.token()
				slow := b.request("GET", "/slow", nil)
				var wg sync.WaitGroup
				wg.Go(func() { b.with(old).do(slow) })
				<-loaded
				end.do(s, b)
				close(ended)
				wg.Wait()
				wantWho(t, "the old token", b.with(old), "nobody")
			})
		}
	}
}

// A renewal in flight must not outlive the end of the session that it renews.
func TestRenewalAcrossLogout(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	old := b.token()
	loaded, ended := make(chan bool), make(chan bool)
	s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		loaded <- true
		<-ended
		s.done(w, r, s.m.Reauthenticate(w, r, &auth.LoginForm{Password: password}))
	})
	slow := b.with(old)
	var resp *response
	var wg sync.WaitGroup
	wg.Go(func() { resp = slow.get("/slow") })
	<-loaded
	b.post("/logout")
	close(ended)
	wg.Wait()
	wantStatus(t, "reauthentication in an ended session", resp, 401)
	wantWho(t, "its browser", slow, "nobody")
}

// A login whose password was checked before it was changed.
func TestLoginAcrossPasswordChange(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	before, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := s.store.UserByLogin(t.Context(), ann)
	if err := s.m.SetPassword(t.Context(), u, another); err != nil {
		t.Fatal(err)
	}
	s.mux.HandleFunc("GET /enter", func(w http.ResponseWriter, r *http.Request) {
		s.m.Login(w, r, before, auth.Proof{Factor: auth.FactorPassword})
	})
	b := s.browser()
	b.get("/enter")
	wantWho(t, "a login by the old password", b, "nobody")
}

func TestFixation(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.post("/cart", "cart", "two apples")
	planted := b.token()
	if planted == "" {
		t.Fatal("a guest with a cart has no session")
	}
	b.signup(ann)
	if b.token() == planted {
		t.Error("signup keeps the token")
	}
	wantWho(t, "who planted the token", b.with(planted), "nobody")
	if got := b.get("/cart").body(); got != "two apples" {
		t.Errorf("the cart is %q: what a guest collected should stay", got)
	}
	before := b.token()
	wantStatus(t, "reauthentication", b.post("/reauth", "password", password), 303)
	if b.token() == before {
		t.Error("reauthentication keeps the token")
	}
	wantWho(t, "the token of before", b.with(before), "nobody")

	b = s.browser().with(strings.Repeat("A", 43)) // well made, but not ours
	b.post("/cart", "cart", "x")
	if b.token() == strings.Repeat("A", 43) {
		t.Error("a token that a visitor brought was taken")
	}
}

func TestSecondUserInTheSameBrowser(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(bob)
	b := s.browser()
	b.signup(ann)
	b.post("/cart", "cart", "ann's secret")
	anns := b.token()
	wantStatus(t, "bob logs in", b.login(bob, password), 303)
	wantWho(t, "browser", b, bob)
	if got := b.get("/cart").body(); got != "" {
		t.Errorf("bob sees %q", got)
	}
	wantWho(t, "ann's token", b.with(anns), "nobody")
}

func TestLogoutDropsEverythingAndRepeats(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	b.post("/cart", "cart", "apples")
	for range 2 {
		wantStatus(t, "logout", b.post("/logout"), 303)
	}
	if got := b.get("/cart").body(); got != "" {
		t.Errorf("after logout the cart is %q", got)
	}
	if b.token() != "" {
		t.Error("the browser still has the cookie")
	}
}

func TestLogoutEverywhereAndElsewhere(t *testing.T) {
	s := newSite(t, nil)
	here, there := s.browser(), s.browser()
	here.signup(ann)
	there.login(ann, password, "remember", "on")
	old := here.token()
	wantStatus(t, "elsewhere", here.post("/elsewhere"), 303)
	wantWho(t, "here", here, ann)
	wantWho(t, "there", there, "nobody")
	wantWho(t, "the token that was here", here.with(old), "nobody")
	there.login(ann, password)
	wantStatus(t, "everywhere", here.post("/everywhere"), 303)
	wantWho(t, "here", here, "nobody")
	wantWho(t, "there", there, "nobody")
	wantStatus(t, "everywhere, as nobody", here.post("/everywhere"), 401)
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	s := newSite(t, nil)
	here, there := s.browser(), s.browser()
	here.signup(ann)
	there.login(ann, password)
	old := here.token()
	wantStatus(t, "wrong current", here.post("/password", "current", another, "password", another, "confirm", another), 422)
	wantStatus(t, "no current", here.post("/password", "password", another, "confirm", another), 422)
	wantWho(t, "there, after refusals", there, ann)
	wantStatus(t, "change", here.post("/password", "current", password, "password", another, "confirm", another), 303)
	wantWho(t, "here", here, ann)
	wantWho(t, "there", there, "nobody")
	wantWho(t, "the token that was here", here.with(old), "nobody")
	wantStatus(t, "old password", s.browser().login(ann, password), 422)
	wantStatus(t, "new password", s.browser().login(ann, another), 303)
}

func TestListAndEndSessions(t *testing.T) {
	s := newSite(t, nil)
	here, there, bobs := s.browser(), s.browser(), s.browser()
	here.signup(ann)
	there.login(ann, password, "remember", "on")
	bobs.signup(bob)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	other, _ := s.store.UserByLogin(t.Context(), bob)
	live, err := s.m.Sessions(t.Context(), u)
	if err != nil || len(live) != 2 {
		t.Fatalf("%d sessions, %v; want 2", len(live), err)
	}
	for _, l := range live {
		if l.ID == here.token() || l.ID == there.token() || l.Address != "192.0.2.1" || l.UserID != u.ID {
			t.Errorf("session %+v", l)
		}
		if err := s.m.EndSession(t.Context(), other, l.ID); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("bob ends ann's session: %v", err)
		}
		if l.Remembered {
			if err := s.m.EndSession(t.Context(), u, l.ID); err != nil {
				t.Error(err)
			}
		}
	}
	wantWho(t, "here", here, ann)
	wantWho(t, "there", there, "nobody")
	if err := s.m.EndSessions(t.Context(), u); err != nil {
		t.Error(err)
	}
	wantWho(t, "here, after an administrator", here, "nobody")
	wantWho(t, "bob", bobs, bob)
}

func TestCookies(t *testing.T) {
	s := newSite(t, nil)
	c := s.browser().signup(ann).cookie("session")
	if c == nil || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("session cookie on http: %v", c)
	}
	c = s.browser().login(ann, password, "remember", "on").cookie("session")
	if c == nil || c.MaxAge < 30*24*3600-60 || c.MaxAge > 30*24*3600+1 {
		t.Errorf("cookie of one who wants to be remembered: %v", c)
	}
	if r := s.browser().get("/"); len(r.cookies) != 0 {
		t.Errorf("a page without a form sets %v", r.cookies)
	}
	https := newSite(t, func(c *auth.Config) { c.BaseURL = "https://shop.example" })
	b := https.browser()
	b.base = "https://shop.example"
	r := b.signup(ann)
	c = r.cookie("__Host-session")
	if c == nil || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
		t.Errorf("session cookie on https: %v", r.cookies)
	}
	b = https.browser()
	b.base = "https://shop.example"
	if c = b.get("/form").cookie("__Host-csrf_token"); c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("CSRF cookie on https: %v", c)
	}
}

// What a cookie can hold must never be more than a guest's.
func TestOddCookies(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	token := b.token()
	for _, odd := range []string{"", "x", strings.Repeat("A", 43), token[:42], token + "A", strings.Repeat("A", 8192), "' OR 1=1 --", "%00"} {
		r := b.request("GET", "/who", nil)
		r.Header.Set("Cookie", "session="+odd)
		if resp := (&browser{t: t, h: s.handler, cookies: map[string]*http.Cookie{}}).do(r); resp.Code != 200 || resp.body() != "nobody" {
			t.Errorf("cookie %.20q: %d %q", odd, resp.Code, resp.body())
		}
	}
	for _, two := range []string{"session=" + strings.Repeat("A", 43) + "; session=" + token, "session=" + token + "; session=x"} {
		r := b.request("GET", "/who", nil)
		r.Header.Set("Cookie", two)
		if got := b.do(r).body(); got != "nobody" {
			t.Errorf("two session cookies: %q", got)
		}
	}
}

// Sessions whose data cannot be read are nobody's, and are gone the next time.
func TestUnreadableSession(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	recs, _ := s.store.Sessions(t.Context(), u.ID)
	whole := recs[0].Data
	for n := range len(whole) {
		recs[0].Data = whole[:n:n]
		if n == 0 {
			recs[0].Data = []byte{}
		}
		if err := s.store.CreateSession(t.Context(), &auth.SessionRecord{ID: "spare", Expires: recs[0].Expires}, recs[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := s.store.CreateSession(t.Context(), recs[0], "spare"); err != nil {
			t.Fatal(err)
		}
		r := b.with(b.token()).get("/who")
		if r.Code != 200 || r.body() != "nobody" || r.cookie("session") == nil || r.cookie("session").MaxAge >= 0 {
			t.Errorf("%d bytes of session data: %d %q %v", n, r.Code, r.body(), r.cookies)
		}
		if _, _, err := s.store.Session(t.Context(), recs[0].ID); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%d bytes of session data: the session is still there: %v", n, err)
		}
		if err := s.store.CreateSession(t.Context(), recs[0], ""); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.event(auth.EventSessionRejected)) != len(whole) {
		t.Errorf("%d events, want %d", len(s.event(auth.EventSessionRejected)), len(whole))
	}
}

func TestLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		b := s.browser()
		b.signup(ann)
		for range 5 {
			time.Sleep(59 * time.Minute)
			wantWho(t, "used within the hour", b, ann)
		}
		time.Sleep(time.Hour)
		wantWho(t, "after an idle hour", b, "nobody")

		b.login(ann, password)
		for range 47 {
			time.Sleep(30 * time.Minute)
			wantWho(t, "used all day", b, ann)
		}
		time.Sleep(30 * time.Minute)
		wantWho(t, "after a day", b, "nobody")

		b.login(ann, password)
		time.Sleep(50 * time.Minute)
		wantStatus(t, "reauthentication", b.post("/reauth", "password", password), 303)
		for range 47 {
			time.Sleep(30 * time.Minute)
			wantWho(t, "the day after reauthentication", b, ann)
		}

		b.login(ann, password)
		for range 46 {
			time.Sleep(30 * time.Minute)
			b.get("/who")
		}
		wantStatus(t, "logout elsewhere", b.post("/elsewhere"), 303)
		time.Sleep(50 * time.Minute)
		wantWho(t, "just before the end of the day", b, ann)
		time.Sleep(10 * time.Minute)
		wantWho(t, "a renewal without proof lengthens nothing", b, "nobody")

		b.login(ann, password, "remember", "on")
		for range 29 {
			time.Sleep(24 * time.Hour)
			wantWho(t, "remembered", b, ann)
		}
		time.Sleep(24 * time.Hour)
		wantWho(t, "after thirty days, though used daily", b, "nobody")
	})
}

func TestFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		b := s.browser()
		wantStatus(t, "guest", b.get("/fresh"), 303)
		b.signup(ann)
		b.post("/logout")
		b.login(ann, password, "remember", "on")
		wantStatus(t, "just logged in", b.get("/fresh"), 200)
		time.Sleep(10 * time.Minute)
		r := b.get("/fresh?a=b")
		if r.Code != 303 || r.Header().Get("Location") != "/reauth?next=%2Ffresh%3Fa%3Db" {
			t.Errorf("not fresh: %d to %q", r.Code, r.Header().Get("Location"))
		}
		wantStatus(t, "wrong password", b.post("/reauth", "password", another), 422)
		wantStatus(t, "not fresh", b.get("/fresh"), 303)
		wantStatus(t, "right password", b.post("/reauth", "password", password, "next", "/fresh"), 303)
		wantStatus(t, "fresh", b.get("/fresh"), 200)
		if c := b.cookies["session"]; c.MaxAge < 29*24*3600 {
			t.Errorf("after reauthentication the user is not remembered any more: %v", c)
		}
	})
}

// One write a minute, however many requests.
func TestLastSeenIsWrittenSparingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memstore.New()}
		s := newSiteOn(t, store, nil)
		b := s.browser()
		b.signup(ann)
		for range 600 {
			time.Sleep(time.Second)
			b.get("/who")
		}
		if n := store.updates.Load(); n > 10 {
			t.Errorf("%d writes in ten minutes", n)
		}
		u, _ := s.store.UserByLogin(t.Context(), ann)
		live, _ := s.m.Sessions(t.Context(), u)
		if age := time.Since(live[0].LastSeen); age > time.Minute {
			t.Errorf("last seen %v ago", age)
		}
	})
}

// A session costs one question, a guest none.
func TestQueriesPerRequest(t *testing.T) {
	store := &counting{Store: memstore.New()}
	s := newSiteOn(t, store, nil)
	b := s.browser()
	b.signup(ann)
	store.all.Store(0)
	b.get("/me")
	if n := store.all.Load(); n != 1 {
		t.Errorf("%d store calls for a user's request, want 1", n)
	}
	store.all.Store(0)
	s.browser().get("/")
	if n := store.all.Load(); n != 0 {
		t.Errorf("%d store calls for a guest's request, want 0", n)
	}
}

// A toy second factor, as another package would add one.
type toyFactor struct{ code string }

func (f toyFactor) hooks() auth.Hooks {
	return auth.Hooks{Login: func(w http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
		if !s.Has("otp") {
			return auth.ErrSecondFactor
		}
		return nil
	}}
}

func (f toyFactor) routes(s *site) {
	s.mux.HandleFunc("POST /otp", func(w http.ResponseWriter, r *http.Request) {
		u := auth.Pending(r.Context())
		if u == nil || r.PostFormValue("code") != f.code {
			s.done(w, r, auth.ErrBadLogin)
			return
		}
		s.done(w, r, s.m.Login(w, r, u, auth.Proof{Factor: "otp"}))
	})
}

func TestSecondFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toy := toyFactor{"123456"}
		s := newSite(t, func(c *auth.Config) { c.Hooks, c.SecondFactorURL = append(c.Hooks, toy.hooks()), "/otp" })
		toy.routes(s)
		b := s.browser()
		wantStatus(t, "signup", b.signup(ann), 401)
		wantStatus(t, "password", b.login(ann, password, "remember", "on"), 401)
		wantWho(t, "pending", b, "nobody")
		if c := b.cookies["session"]; c == nil || c.MaxAge != 0 {
			t.Errorf("cookie of a pending login: %v", c)
		}
		for _, path := range []string{"/me", "/fresh"} {
			if r := b.get(path); r.Code != 303 || !strings.HasPrefix(r.Header().Get("Location"), "/otp?next=") {
				t.Errorf("pending, %s: %d to %q", path, r.Code, r.Header().Get("Location"))
			}
		}
		wantStatus(t, "change password while pending", b.post("/password", "current", password, "password", another, "confirm", another), 401)
		wantStatus(t, "reauthenticate while pending", b.post("/reauth", "password", password), 401)
		u, _ := s.store.UserByLogin(t.Context(), ann)
		if live, _ := s.m.Sessions(t.Context(), u); len(live) != 0 {
			t.Errorf("a pending login is listed: %v", live)
		}
		wantStatus(t, "wrong code", b.post("/otp", "code", "000000"), 422)
		pending := b.token()
		wantStatus(t, "code from another browser", s.browser().post("/otp", "code", "123456"), 422)
		wantStatus(t, "code", b.post("/otp", "code", "123456"), 303)
		wantWho(t, "after the code", b, ann)
		wantWho(t, "the pending token", b.with(pending), "nobody")
		if c := b.cookies["session"]; c.MaxAge < 29*24*3600 {
			t.Errorf("who asked with the password to be remembered is not: %v", c)
		}
		live, _ := s.m.Sessions(t.Context(), u)
		if len(live) != 1 || !live[0].Has(auth.FactorPassword) || !live[0].Has("otp") {
			t.Errorf("sessions %+v, want one with both factors", live)
		}

		b = s.browser()
		b.login(ann, password)
		time.Sleep(10 * time.Minute)
		wantStatus(t, "code, too late", b.post("/otp", "code", "123456"), 422)

		b.login(ann, password)
		if err := s.m.SetPassword(t.Context(), u, another); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, "code, after the password changed", b.post("/otp", "code", "123456"), 422)
	})
}

// Credentials in headers: never a session, never a CSRF token, never both.
func TestHeaderCredential(t *testing.T) {
	s := newSite(t, func(c *auth.Config) {
		c.Hooks = append(c.Hooks, auth.Hooks{Load: func(r *http.Request) (*auth.User, error) {
			switch r.Header.Get("Authorization") {
			case "":
				return nil, nil
			case "Bearer good":
				return &auth.User{ID: "robot", Email: "robot@example.com"}, nil
			case "Bearer disabled":
				return &auth.User{ID: "robot", Disabled: time.Now()}, nil
			case "Bearer fault":
				return nil, errors.New("SECRET-XYZ")
			}
			return nil, auth.ErrBadLogin
		}})
	})
	b := s.browser()
	b.signup(ann)
	ask := func(method, path, credential string) *response {
		r := b.request(method, path, nil)
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set("Authorization", "Bearer "+credential)
		return b.do(r)
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		r := ask(method, "/me", "good")
		if r.Code != 200 || r.body() != "robot@example.com" || len(r.cookies) != 0 {
			t.Errorf("%s by header: %d %q %v", method, r.Code, r.body(), r.cookies)
		}
	}
	for _, bad := range []string{"wrong", "disabled"} {
		if r := ask("GET", "/who", bad); r.body() != "nobody" {
			t.Errorf("%s credential beside a good cookie: %q", bad, r.body())
		}
	}
	if r := ask("POST", "/cart", "wrong"); r.Code != 403 {
		t.Errorf("a form with a wrong credential, and no token: %d", r.Code)
	}
	r := ask("GET", "/me", "fault")
	if r.Code != 503 || strings.Contains(r.body(), "SECRET") {
		t.Errorf("fault of the loader: %d %q", r.Code, r.body())
	}
	wantStatus(t, "a header is never fresh", ask("GET", "/fresh", "good"), 303)
	ask("POST", "/logout", "good")
	if r := ask("POST", "/cart", "good"); r.Code != 409 {
		t.Errorf("a value for a session that is not there: %d", r.Code)
	}
	wantWho(t, "the session beside it", b, ann)
	plain := s.browser()
	req := plain.request("POST", "/cart", nil)
	req.Header.Set("Authorization", "Bearer good")
	if r := plain.do(req); len(r.cookies) != 0 {
		t.Errorf("a request by header sets %v", r.cookies)
	}
}

func TestCheckHook(t *testing.T) {
	var closed bool
	s := newSite(t, func(c *auth.Config) {
		c.Hooks = append(c.Hooks, auth.Hooks{Check: func(r *http.Request, u *auth.User, s *auth.Session) error {
			if closed {
				return errors.New("closed for the night")
			}
			return nil
		}})
	})
	b := s.browser()
	b.signup(ann)
	b.post("/cart", "cart", "ann's")
	closed = true
	wantWho(t, "refused by a hook", b, "nobody")
	closed = false
	wantWho(t, "let in again", b, ann)
	s.browser().signup(bob)
	closed = true
	wantStatus(t, "bob logs in there", b.login(bob, password), 303)
	closed = false
	if got := b.get("/cart").body(); got != "" {
		t.Errorf("bob sees %q", got)
	}
}

func TestUserValue(t *testing.T) {
	type account struct{ plan string }
	s := newSiteOn(t, withValue{memstore.New(), &account{"gold"}}, nil)
	s.mux.HandleFunc("GET /plan", func(w http.ResponseWriter, r *http.Request) {
		if a, ok := auth.UserValue[*account](r.Context()); ok {
			io.WriteString(w, a.plan)
		}
		if _, ok := auth.UserValue[string](r.Context()); ok {
			t.Error("a value of another type")
		}
	})
	b := s.browser()
	if got := b.get("/plan").body(); got != "" {
		t.Errorf("guest's plan is %q", got)
	}
	b.signup(ann)
	if got := b.get("/plan").body(); got != "gold" {
		t.Errorf("plan is %q", got)
	}
}

// Values of the application survive, with their types, and unknown types fail
// cleanly.
func TestApplicationValues(t *testing.T) {
	type registered struct{ N int }
	gobRegister(registered{})
	values := map[string]any{
		"string": "s", "true": true, "false": false, "int": -7, "int64": int64(1) << 60, "float": 1.5,
		"bytes": []byte{0, 1}, "time": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "struct": registered{3}, "": "no name",
	}
	s := newSite(t, nil)
	s.mux.HandleFunc("GET /put", func(w http.ResponseWriter, r *http.Request) {
		for k, v := range values {
			auth.SetSessionValue(r.Context(), k, v)
		}
	})
	s.mux.HandleFunc("GET /check", func(w http.ResponseWriter, r *http.Request) {
		for k, v := range values {
			if got, ok := auth.SessionValue[any](r.Context(), k); !ok || !equalValue(got, v) {
				t.Errorf("%s: got %#v, want %#v", k, got, v)
			}
		}
	})
	s.mux.HandleFunc("GET /bad", func(w http.ResponseWriter, r *http.Request) {
		auth.SetSessionValue(r.Context(), "bad", struct{ c chan int }{})
		w.Header().Set("X-Page", "yes")
		io.WriteString(w, "SECRET BODY")
	})
	b := s.browser()
	b.get("/put")
	b.get("/check")
	r := b.get("/bad")
	if r.Code != 500 || strings.Contains(r.body(), "SECRET") || r.Header().Get("X-Page") != "" {
		t.Errorf("a value that cannot be stored: %d %v %q", r.Code, r.Header(), r.body())
	}
	b.get("/check")
}

func TestTakeSessionValue(t *testing.T) {
	s := newSite(t, nil)
	s.mux.HandleFunc("GET /take", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := auth.TakeSessionValue[int](r.Context(), "cart"); ok {
			t.Error("a value of another type")
		}
		cart, _ := auth.TakeSessionValue[string](r.Context(), "cart")
		io.WriteString(w, cart)
		if err := auth.SetSessionValue(r.Context(), "cart", "late"); !errors.Is(err, auth.ErrNoHandler) {
			t.Errorf("a value after the first byte: %v", err)
		}
	})
	b := s.browser()
	b.post("/cart", "cart", "apples")
	for _, want := range []string{"apples", ""} {
		if got := b.get("/take").body(); got != want {
			t.Errorf("took %q, want %q", got, want)
		}
	}
}

func TestOutsideHandler(t *testing.T) {
	s := newSite(t, nil)
	r := httptest.NewRequest("POST", base+"/", nil)
	w := httptest.NewRecorder()
	for name, err := range map[string]error{
		"Login":          s.m.Login(w, r, &auth.User{ID: "x"}, auth.Proof{Factor: "pwd"}),
		"Logout":         s.m.Logout(w, r),
		"Reauthenticate": s.m.Reauthenticate(w, r, &auth.LoginForm{Password: "x"}),
	} {
		if !errors.Is(err, auth.ErrNoHandler) {
			t.Errorf("%s: %v, want ErrNoHandler", name, err)
		}
	}
	ctx := t.Context()
	if _, ok := auth.SessionValue[string](ctx, "x"); ok || auth.SetSessionValue(ctx, "x", 1) == nil {
		t.Error("a session is there outside of any handler")
	}
	if auth.CurrentUser(ctx) != nil || auth.CurrentSession(ctx) != nil || auth.Pending(ctx) != nil || auth.CSRFToken(ctx) != "" || auth.StaleForm(ctx) {
		t.Error("something is there outside of any handler")
	}
}

func TestLoginAfterTheFirstByte(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	s.mux.HandleFunc("GET /late", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		if err := s.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword}); !errors.Is(err, auth.ErrNoHandler) {
			t.Errorf("login after the first byte: %v", err)
		}
	})
	b := s.browser()
	b.get("/late")
	wantWho(t, "after it", b, "nobody")
}

// Two Managers around one another keep to themselves.
func TestNestedManagers(t *testing.T) {
	outer, inner := newSite(t, nil), newSite(t, func(c *auth.Config) { c.CookieName = "inner" })
	inner.mux.HandleFunc("POST /both", func(w http.ResponseWriter, r *http.Request) {})
	b := &browser{t: t, h: outer.m.Handler(inner.handler), base: base, cookies: map[string]*http.Cookie{}}
	r := b.request("POST", "/signup", nil)
	r.Header.Set("Authorization", "none")
	if resp := b.do(r); resp.Code != 403 {
		t.Errorf("post without tokens: %d", resp.Code)
	}
	b.h = inner.handler
	b.signup(ann)
	b.post("/cart", "cart", "inner's")
	b.h = outer.handler
	wantWho(t, "outer", b, "nobody")
	b.signup(bob)
	b.post("/cart", "cart", "outer's")
	b.h = outer.m.Handler(inner.handler)
	wantWho(t, "inner in outer", b, ann)
	if got := b.get("/cart").body(); got != "inner's" {
		t.Errorf("inner's cart is %q", got)
	}
}

// sloppy is a store that forgets to look at the time.
type sloppy struct {
	auth.Store
	rec  *auth.SessionRecord
	user *auth.User
}

func (s *sloppy) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	if s.rec != nil {
		rec, user := *s.rec, *s.user
		return &rec, &user, nil
	}
	return s.Store.Session(ctx, id)
}

func TestExpiredRecord(t *testing.T) {
	store := &sloppy{Store: memstore.New()}
	s := newSiteOn(t, store, nil)
	b := s.browser()
	b.signup(ann)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	recs, _ := s.store.Sessions(t.Context(), u.ID)
	store.rec, store.user = recs[0], u
	wantWho(t, "in time", b, ann)
	recs[0].Expires = time.Now()
	wantWho(t, "too late", b, "nobody")
}

// A pending login that was ended stays so, though its second factor is under way.
func TestSecondFactorInFlight(t *testing.T) {
	toy := toyFactor{"123456"}
	for name, end := range map[string]func(s *site, b *browser, u *auth.User) error{
		"logout":   func(s *site, b *browser, u *auth.User) error { b.post("/logout"); return nil },
		"password": func(s *site, b *browser, u *auth.User) error { return s.m.SetPassword(s.t.Context(), u, another) },
		"another":  func(s *site, b *browser, u *auth.User) error { b.post("/otp", "code", "123456"); return nil },
	} {
		// Where sessions cannot be deleted by user the stamp alone must do.
		store := &interposed{Store: memstore.New(), unsupported: name == "password"}
		s := newSiteOn(t, store, func(c *auth.Config) { c.Hooks = append(c.Hooks, toy.hooks()) })
		toy.routes(s)
		b := s.browser()
		s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
			u, _ := s.store.UserByLogin(r.Context(), ann)
			if err := end(s, b, u); err != nil {
				t.Error(err)
			}
			u, _ = s.store.UserByLogin(r.Context(), ann)
			if err := s.m.Login(w, r, u, auth.Proof{Factor: "otp"}); !errors.Is(err, auth.ErrNotLoggedIn) {
				t.Errorf("%s: login by the second factor: %v", name, err)
			}
		})
		b.signup(ann)
		slow := b.with(b.token())
		slow.get("/slow")
		wantWho(t, name, slow, "nobody")
	}
}

// A user who is logged in proves another factor, and those before still count.
func TestAnotherFactorJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		s.mux.HandleFunc("POST /passkey", func(w http.ResponseWriter, r *http.Request) {
			s.done(w, r, s.m.Login(w, r, auth.CurrentUser(r.Context()), auth.Proof{Factor: "hwk"}))
		})
		b := s.browser()
		b.signup(ann)
		time.Sleep(20 * time.Minute)
		wantStatus(t, "not fresh", b.get("/fresh"), 303)
		wantStatus(t, "passkey", b.post("/passkey"), 303)
		wantStatus(t, "fresh", b.get("/fresh"), 200)
		u, _ := s.store.UserByLogin(t.Context(), ann)
		live, _ := s.m.Sessions(t.Context(), u)
		if len(live) != 1 || !live[0].Has("hwk") || !live[0].Has(auth.FactorPassword) || time.Since(live[0].Created) != 20*time.Minute {
			t.Errorf("sessions %+v", live)
		}
	})
}

// interposed calls a function in the middle of a revocation.
type interposed struct {
	auth.Store
	meanwhile   func()
	unsupported bool
}

func (s *interposed) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	if s.meanwhile != nil {
		s.meanwhile()
	}
	if s.unsupported {
		return 0, errors.ErrUnsupported
	}
	return s.Store.DeleteSessions(ctx, userID, except)
}

// Other requests of the browser, while it changes the password, do not log it out.
func TestPasswordChangeBesideOtherRequests(t *testing.T) {
	store := &interposed{Store: memstore.New()}
	s := newSiteOn(t, store, nil)
	b := s.browser()
	b.signup(ann)
	beside := b.with(b.token())
	r := b.form("/password", "current", password, "password", another, "confirm", another)
	store.meanwhile = func() {
		if resp := beside.get("/who"); resp.body() != "nobody" || len(resp.cookies) != 0 {
			t.Errorf("beside: %q, cookies %v", resp.body(), resp.cookies)
		}
	}
	b.do(r)
	wantWho(t, "after the change", b, ann)
}

// Where sessions cannot be deleted by user, as in a plain store of scs, the stamp
// alone ends them, and keeping one must not bring it back.
func TestRevocationByStampAlone(t *testing.T) {
	store := &interposed{Store: memstore.New(), unsupported: true}
	s := newSiteOn(t, store, nil)
	loaded, ended := make(chan bool), make(chan bool)
	s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		loaded <- true
		<-ended
		s.done(w, r, s.m.LogoutElsewhere(w, r))
	})
	b := s.browser()
	b.signup(ann)
	slow := b.with(b.token())
	var wg sync.WaitGroup
	wg.Go(func() { wantStatus(t, "logout elsewhere in a session that was ended", slow.get("/slow"), 409) })
	<-loaded
	u, _ := s.store.UserByLogin(t.Context(), ann)
	if err := s.m.SetPassword(t.Context(), u, another); err != nil {
		t.Fatal(err)
	}
	close(ended)
	wg.Wait()
	wantWho(t, "its browser", slow, "nobody")
	wantWho(t, "its token", b, "nobody")
}

// What was in a session that a logout ended is not there after a login that was
// under way.
func TestLoginAcrossLogoutDropsValues(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.post("/cart", "cart", "apples")
	b.signup(ann)
	b.post("/logout")
	b.post("/cart", "cart", "pears")
	guest := b.with(b.token())
	s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		b.post("/logout")
		u, _ := s.store.UserByLogin(r.Context(), ann)
		if err := s.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword}); err != nil {
			t.Error(err)
		}
	})
	guest.get("/slow")
	wantWho(t, "after the login", guest, ann)
	if got := guest.get("/cart").body(); got != "" {
		t.Errorf("the cart is %q again", got)
	}
}

// A session that a hook refuses shows nothing of what is in it.
func TestRefusedSessionHidesItsValues(t *testing.T) {
	var closed bool
	s := newSite(t, func(c *auth.Config) {
		c.Hooks = append(c.Hooks, auth.Hooks{Check: func(*http.Request, *auth.User, *auth.Session) error {
			if closed {
				return errors.New("closed")
			}
			return nil
		}})
	})
	b := s.browser()
	b.signup(ann)
	b.post("/cart", "cart", "ann's")
	old := b.token()
	closed = true
	if got := b.get("/cart").body(); got != "" {
		t.Errorf("the cart is %q", got)
	}
	wantStatus(t, "login", b.login(ann, password), 303)
	closed = false
	wantWho(t, "the new session", b, ann)
	wantWho(t, "the refused one, which it replaced", b.with(old), "nobody")
}

func TestHandlersInGoroutines(t *testing.T) {
	s := newSite(t, nil)
	s.mux.HandleFunc("POST /busy", func(w http.ResponseWriter, r *http.Request) {
		u := auth.CurrentUser(r.Context())
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_ = u.PasswordHash + u.Stamp
				auth.CSRFToken(r.Context())
				auth.SetSessionValue(r.Context(), "cart", "x")
				if v := auth.CurrentUser(r.Context()); v != nil {
					_ = v.Stamp
				}
			})
		}
		err := s.m.SetPassword(r.Context(), u, another)
		wg.Wait()
		s.done(w, r, err)
	})
	late := make(chan struct{})
	s.mux.Handle("/timeout", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(late)
		<-r.Context().Done()
		s.m.Logout(w, r)
		auth.SetSessionValue(r.Context(), "cart", "late")
	}), time.Millisecond, ""))
	b := s.browser()
	b.signup(ann)
	b.get("/timeout")
	<-late // a login across it may be refused
	wantStatus(t, "login", b.login(ann, password), 303)
	wantStatus(t, "busy", b.post("/busy"), 303)
	wantWho(t, "after it", b, ann)
}

// A hook may look at the values of a session that was ended before they were saved. Should it have to wait
// for those who save them, the test hangs.
func TestHookLooksAtSessionThatEnded(t *testing.T) {
	var saw string
	s := newSite(t, func(c *auth.Config) {
		c.Hooks = append(c.Hooks, auth.Hooks{Event: func(ctx context.Context, e auth.Event) {
			if e.Reason == "ended during the request" {
				saw, _ = auth.SessionValue[string](ctx, "cart")
			}
		}})
	})
	b := s.browser()
	b.signup(ann)
	s.mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		b.with(b.token()).post("/logout")
		auth.SetSessionValue(r.Context(), "cart", "apples")
	})
	wantStatus(t, "a request that outlived its session", b.get("/slow"), 200)
	if saw != "apples" {
		t.Errorf("the hook saw %q", saw)
	}
	wantWho(t, "after it", b, "nobody")
}

// Handlers may have goroutines that ask while the session changes hands, and both may go on while the response begins.
func TestSessionChangesInGoroutines(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	busy := func(w http.ResponseWriter, r *http.Request) *sync.WaitGroup {
		var wg sync.WaitGroup
		var done atomic.Bool
		wg.Go(func() {
			defer done.Store(true)
			for range 5 {
				s.m.Logout(w, r)
				s.m.Login(w, r, u, auth.Proof{Factor: "sso"})
			}
		})
		wg.Go(func() {
			for !done.Load() {
				auth.CSRFToken(r.Context())
			}
		})
		wg.Go(func() {
			for !done.Load() {
				auth.SetSessionValue(r.Context(), "cart", "x")
			}
		})
		return &wg
	}
	s.mux.HandleFunc("GET /before", func(w http.ResponseWriter, r *http.Request) { busy(w, r).Wait() })
	s.mux.HandleFunc("GET /during", func(w http.ResponseWriter, r *http.Request) {
		defer busy(w, r).Wait()
		io.WriteString(w, "begun")
	})
	for range 4 {
		b := s.browser()
		b.login(ann, password)
		delete(b.cookies, "session_browser")
		b.get("/during")
		b.get("/before")
		wantWho(t, "after it", b, ann)
	}
}

func TestNobody(t *testing.T) {
	s := newSite(t, nil)
	ctx := t.Context()
	_, errSessions := s.m.Sessions(ctx, nil)
	for name, err := range map[string]error{
		"SetPassword": s.m.SetPassword(ctx, nil, password), "ChangePassword": s.m.ChangePassword(ctx, nil, &auth.PasswordForm{}),
		"EndSessions": s.m.EndSessions(ctx, nil), "EndSession": s.m.EndSession(ctx, nil, "x"), "Sessions": errSessions,
	} {
		if !errors.Is(err, auth.ErrNotLoggedIn) {
			t.Errorf("%s of nobody: %v", name, err)
		}
	}
	if s := auth.CurrentSession(ctx); s.Fresh(time.Hour) || s.Has(auth.FactorPassword) {
		t.Error("no session is fresh")
	}
}

// Managers on one store keep their sessions apart by the names of their cookies.
func TestTwoManagersOnOneStore(t *testing.T) {
	store := memstore.New()
	shop := newSiteOn(t, store, nil)
	admin := newSiteOn(t, store, func(c *auth.Config) { c.CookieName = "admin" })
	b := shop.browser()
	b.signup(ann)
	r := b.request("GET", "/who", nil)
	r.Header.Set("Cookie", "admin="+b.token())
	a := admin.browser()
	if got := a.do(r).body(); got != "nobody" {
		t.Errorf("a session of the shop, among administrators: %q", got)
	}
	a.login(ann, password)
	wantWho(t, "administrator", a, ann)
	wantWho(t, "shop", b, ann)
	u, _ := store.UserByLogin(t.Context(), ann)
	if live, err := shop.m.Sessions(t.Context(), u); len(live) != 1 || err != nil {
		t.Errorf("the shop lists %d sessions, %v; want its own", len(live), err)
	}
}

func TestDisabledUserCannotEnter(t *testing.T) {
	s := newSite(t, nil)
	s.browser().signup(ann)
	u, _ := s.store.UserByLogin(t.Context(), ann)
	u.Disabled = time.Now()
	s.mux.HandleFunc("GET /enter", func(w http.ResponseWriter, r *http.Request) {
		s.done(w, r, s.m.Login(w, r, u, auth.Proof{Factor: "sso"}))
	})
	b := s.browser()
	wantStatus(t, "a disabled user, by another way", b.get("/enter"), 403)
	wantWho(t, "after it", b, "nobody")
}
