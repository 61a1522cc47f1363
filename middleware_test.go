package auth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
)

func TestNegotiation(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	for accept, want := range map[string]int{
		"":                 303,
		"*/*":              303,
		"text/html":        303,
		"application/json": 401,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": 303,
		"application/problem+json":                                        401,
		"application/json, text/html;q=0.5":                               401,
		"application/json;q=0.5, text/html":                               303,
		"application/json, text/plain, */*":                               401,
		";;;, application/json;q=x":                                       401,
		"text/html;q=0.1, application/ld+json;q=0.2":                      401,
		strings.Repeat("a/b,", 100) + "text/html;q=0,":                    303,
	} {
		r := b.request("GET", "/me", nil)
		r.Header.Set("Accept", accept)
		if resp := b.do(r); resp.Code != want {
			t.Errorf("Accept %q: %d, want %d", accept, resp.Code, want)
		}
	}
	r := b.request("GET", "/me", nil)
	r.Header.Set("Accept", "application/json")
	resp := b.do(r)
	var p struct {
		Status int
		Code   string
	}
	if err := json.Unmarshal(resp.Body.Bytes(), &p); err != nil || p.Status != 401 || p.Code != "login_required" ||
		resp.Header().Get("Content-Type") != "application/problem+json" || resp.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v %v %v", err, p, resp.Header())
	}
	r = b.request("GET", "/me", nil)
	r.Header.Set("X-Requested-With", "XMLHttpRequest")
	wantStatus(t, "a script of old", b.do(r), 401)
	for _, test := range []struct {
		accept, sent string
		want         int
	}{
		{"*/*", "application/json", 401}, // what fetch says of itself
		{"", "application/json; charset=utf-8", 401},
		{"text/html", "application/json", 303},
		{"text/html;q=0, */*", "application/json", 401},
		{"application/json;q=0.5, text/html;q=0.9", "application/json", 303},
		{"*/*", "application/jsonp", 303},
		{"*/*", "text/plain", 303},
		{"*/*", "application/x-www-form-urlencoded", 303}, // htmx
	} {
		r := b.request("GET", "/me", nil)
		r.Header.Set("Accept", test.accept)
		r.Header.Set("Content-Type", test.sent)
		wantStatus(t, test.accept+" for "+test.sent, b.do(r), test.want)
	}
}

func TestRequireLoginOnEveryMethod(t *testing.T) {
	s := newSite(t, nil)
	ran := false
	s.mux.Handle("/guarded", s.m.RequireLogin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran = true })))
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "QUERY"} {
		b := s.browser()
		token := b.get("/form").body()
		r := b.request(method, "/guarded", nil)
		r.Header.Set("X-CSRF-Token", token)
		if resp := b.do(r); resp.Code != 303 || ran {
			t.Errorf("%s: %d, ran %v", method, resp.Code, ran)
		}
	}
}

// Where to come back to: never to what only a form can reach.
func TestWanted(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	token := b.get("/form").body()
	for _, try := range []struct{ method, path, referer, want string }{
		{"GET", "/me", "", "/login?next=%2Fme"},
		{"HEAD", "/me?a=1&b=%20", "", "/login?next=%2Fme%3Fa%3D1%26b%3D%2520"},
		{"POST", "/me", "", "/login"},
		{"POST", "/me", base + "/form?x", "/login?next=%2Fform%3Fx"},
		{"POST", "/me", "https://evil.example/x", "/login"},
		{"POST", "/me", base + "//evil.example", "/login"},
	} {
		r := b.request(try.method, try.path, nil)
		r.Header.Set("X-CSRF-Token", token)
		if try.referer != "" {
			r.Header.Set("Referer", try.referer)
		}
		if got := b.do(r).Header().Get("Location"); got != try.want {
			t.Errorf("%s %s from %q: sent to %q, want %q", try.method, try.path, try.referer, got, try.want)
		}
	}
	r := b.request("GET", "/me", nil)
	r.RequestURI = "//evil.example/"
	if got := b.do(r).Header().Get("Location"); got != "/login" {
		t.Errorf("path of two slashes: sent to %q", got)
	}
}

func TestRequireWithoutHandler(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	for name, h := range map[string]http.Handler{
		"RequireLogin":       s.m.RequireLogin(http.HandlerFunc(whoami)),
		"RequireFresh":       s.m.RequireFresh(time.Hour)(http.HandlerFunc(whoami)),
		"RequireLoginExcept": s.m.RequireLoginExcept(http.HandlerFunc(whoami)),
		"Handler twice":      s.m.Handler(s.m.Handler(http.HandlerFunc(whoami))),
	} {
		b.h = h
		if got := b.get("/").body(); got != ann {
			t.Errorf("%s by itself: %q", name, got)
		}
		if name == "Handler twice" {
			continue
		}
		guest := s.browser()
		guest.h = h
		wantStatus(t, name+" by itself, guest", guest.get("/"), 303)
	}
}

func TestRequireGuest(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	if got := b.get("/guest").body(); got != "nobody" {
		t.Errorf("guest: %q", got)
	}
	b.signup(ann)
	for path, want := range map[string]string{"/guest": "/", "/guest?next=/me": "/me", "/guest?next=//evil.example": "/"} {
		if r := b.get(path); r.Code != 303 || r.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", path, r.Code, r.Header().Get("Location"), want)
		}
	}
}

// A login that is pending can be finished in an application that is closed but for a list.
func TestRequireLoginExceptWhilePending(t *testing.T) {
	toy := toyFactor{"123456"}
	s := newSite(t, func(c *auth.Config) { c.Hooks, c.SecondFactorURL = append(c.Hooks, toy.hooks()), "/otp" })
	s.passwordPage()
	toy.routes(s)
	s.mux.HandleFunc("GET /otp", whoami)
	s.browser().signup(ann)
	s.compromise()
	closed := s.m.RequireLoginExcept(s.mux, "GET /form")
	b := s.browser()
	b.h = closed
	wantStatus(t, "the page for a factor, as a guest", b.get("/otp"), 303)
	wantStatus(t, "the page for a password, as a guest", change(b, password, another), 303)
	wantStatus(t, "login", b.login(ann, password), 401)
	wantStatus(t, "the page for a password, too early", change(b, password, another), 303)
	wantStatus(t, "the page for a factor", b.get("/otp"), 200)
	wantStatus(t, "the factor", b.post("/otp", "code", "123456"), 401)
	wantStatus(t, "the page for a factor, too late", b.get("/otp"), 303)
	wantStatus(t, "the change", change(b, password, another), 303)
	wantWho(t, "after it", b, ann)
}

func TestRequireLoginExcept(t *testing.T) {
	s := newSite(t, nil)
	h := s.m.RequireLoginExcept(http.HandlerFunc(whoami), "GET /{$}", "/static/", "GET /products/{id}", "POST /signup")
	try := func(method, path string) int {
		b := s.browser()
		token := b.get("/form").body()
		b.h = h
		r := b.request(method, "/", nil)
		r.URL.Path, r.URL.RawPath = path, ""
		if strings.Contains(path, "%") {
			r.URL.Path, r.URL.RawPath = strings.NewReplacer("%2f", "/", "%2F", "/", "%2e", ".").Replace(path), path
		}
		r.RequestURI = path
		r.Header.Set("X-CSRF-Token", token)
		return b.do(r).Code
	}
	for _, open := range []string{"GET /", "GET /static/a.css", "GET /static/", "GET /products/7", "POST /signup", "GET /login", "POST /login", "HEAD /"} {
		method, path, _ := strings.Cut(open, " ")
		if got := try(method, path); got != 200 {
			t.Errorf("%s: %d, want 200", open, got)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a pattern with a host is taken")
			}
		}()
		s.m.RequireLoginExcept(http.NotFoundHandler(), "GET static.example/")
	}()
	for _, closed := range []string{
		"POST /", "GET /me", "GET /products", "DELETE /products/7", "GET /signup", "GET /static", "GET /products/7/edit",
		"GET /static/../me", "GET /me/../static/x", "GET //me", "GET /static//../me", "GET /x/../login", "GET /./me", "GET /static/%2e%2e/me",
		"GET /products/a%2Fb", "GET /static/..%2fme", `GET /static/..\me`, "GET /login/", "GET /static/./a",
	} {
		method, path, _ := strings.Cut(closed, " ")
		if got := try(method, path); got == 200 {
			t.Errorf("%s is open", closed)
		}
	}
}

func TestNoStoreBehindRequireLogin(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.signup(ann)
	if got := b.get("/me").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if got := b.get("/").Header().Get("Vary"); got != "Cookie" {
		t.Errorf("Vary %q", got)
	}
}

func TestCustomAnswers(t *testing.T) {
	say := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, s) })
	}
	s := newSite(t, func(c *auth.Config) {
		c.Unauthorized, c.NeedsRefresh = say("who are you?"), say("still there?")
	})
	s.mux.Handle("/never", s.m.RequireFresh(0)(http.HandlerFunc(whoami)))
	b := s.browser()
	if got := b.get("/me").body(); got != "who are you?" {
		t.Errorf("guest: %q", got)
	}
	b.signup(ann)
	if got := b.get("/never").body(); got != "still there?" {
		t.Errorf("not fresh: %q", got)
	}
}

func TestClientAddress(t *testing.T) {
	for _, try := range []struct {
		name, peer, forwarded, want string
		trusted                     []string
	}{
		{"no proxy", "203.0.113.9:1", "", "203.0.113.9", nil},
		{"nobody is trusted", "203.0.113.9:1", "198.51.100.1", "203.0.113.9", nil},
		{"a stranger claims to be a proxy", "203.0.113.9:1", "198.51.100.1", "203.0.113.9", []string{"10.0.0.0/8"}},
		{"proxy", "10.0.0.1:1", "198.51.100.1", "198.51.100.1", []string{"10.0.0.0/8"}},
		{"two proxies, and a lie before them", "10.0.0.1:1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1", []string{"10.0.0.0/8"}},
		{"nonsense before the proxy", "10.0.0.1:1", "nonsense", "10.0.0.1", []string{"10.0.0.0/8"}},
		{"proxies only", "10.0.0.1:1", "10.0.0.3", "10.0.0.3", []string{"10.0.0.0/8"}},
		{"a port, as some proxies write it", "10.0.0.1:1", "198.51.100.1:4711", "198.51.100.1", []string{"10.0.0.0/8"}},
		{"link-local proxy", "[fe80::1%eth0]:1", "198.51.100.1", "198.51.100.1", []string{"fe80::/10"}},
		{"IPv6 and a mapped address", "[::ffff:10.0.0.1]:1", "2001:db8::1", "2001:db8::1", []string{"10.0.0.0/8"}},
	} {
		t.Run(try.name, func(t *testing.T) {
			s := newSite(t, func(c *auth.Config) {
				for _, p := range try.trusted {
					c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
				}
			})
			b := s.browser()
			r := b.form("/login", "email", ann, "password", password)
			r.RemoteAddr = try.peer
			if try.forwarded != "" {
				r.Header.Set("X-Forwarded-For", try.forwarded)
			}
			b.do(r)
			if e := s.event(auth.EventLoginFailed); len(e) != 1 || e[0].Address != try.want {
				t.Errorf("events %+v, want address %s", e, try.want)
			}
		})
	}
}

// What carries a token or a cookie is for one visitor.
func TestNothingPrivateIsCached(t *testing.T) {
	s := newSite(t, nil)
	public := func(f http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			f(w, r)
		}
	}
	s.mux.HandleFunc("GET /public/form", public(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.CSRFToken(r.Context())) }))
	s.mux.HandleFunc("GET /public/put", public(func(w http.ResponseWriter, r *http.Request) { auth.SetSessionValue(r.Context(), "cart", "x") }))
	s.mux.HandleFunc("GET /public/page", public(whoami))
	b := s.browser()
	for range 2 {
		for path, want := range map[string]string{"/form": "no-store", "/public/form": "no-store", "/public/page": "public, max-age=60"} {
			if got := b.get(path).Header().Get("Cache-Control"); got != want {
				t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
			}
		}
	}
	if got := b.get("/public/put").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("with the session cookie: Cache-Control %q", got)
	}
}

// The writers of gin assert http.CloseNotifier, and panic without it.
func TestCloseNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		s := newSite(t, nil)
		s.mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
			gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
			select {
			case <-gone:
				t.Error("the client is gone before it is")
			default:
			}
			leave()
			<-gone
		})
		s.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/stream", nil))
	})
}

func TestStreaming(t *testing.T) {
	s := newSite(t, nil)
	s.mux.HandleFunc("GET /flush", func(w http.ResponseWriter, r *http.Request) {
		auth.SetSessionValue(r.Context(), "cart", "flushed")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "later")
	})
	s.mux.HandleFunc("GET /early", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		auth.SetSessionValue(r.Context(), "cart", "hinted")
		io.WriteString(w, "page")
	})
	s.mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) {
		auth.SetSessionValue(r.Context(), "cart", "copied")
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("no io.ReaderFrom")
		}
		io.Copy(w, strings.NewReader("file"))
	})
	s.mux.HandleFunc("GET /silent", func(w http.ResponseWriter, r *http.Request) { auth.SetSessionValue(r.Context(), "cart", "silent") })
	s.mux.HandleFunc("GET /hijack", func(w http.ResponseWriter, r *http.Request) {
		auth.SetSessionValue(r.Context(), "cart", "hijacked")
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nraw")
		rw.Flush()
		c.Close()
	})
	b := s.browser()
	b.signup(ann)
	srv := httptest.NewServer(s.handler)
	defer srv.Close()
	for path, want := range map[string]string{"/flush": "flushed", "/early": "hinted", "/file": "copied", "/silent": "silent", "/hijack": "hijacked"} {
		r, _ := http.NewRequest("GET", srv.URL+path, nil)
		r.AddCookie(b.cookies["session"])
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(path, err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if got := b.get("/cart").body(); got != want {
			t.Errorf("%s: cart is %q, want %q", path, got, want)
		}
		if path == "/hijack" {
			continue
		}
		resp, err = http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if len(resp.Cookies()) != 1 {
			t.Errorf("%s, guest: cookies %v, want that of a new session", path, resp.Cookies())
		}
	}
}

func TestPanicSavesNothing(t *testing.T) {
	s := newSite(t, nil)
	s.mux.HandleFunc("GET /panic", func(w http.ResponseWriter, r *http.Request) {
		auth.SetSessionValue(r.Context(), "cart", "half")
		panic(http.ErrAbortHandler)
	})
	b := s.browser()
	b.signup(ann)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		b.get("/panic")
	}()
	if got := b.get("/cart").body(); got != "" {
		t.Errorf("cart is %q", got)
	}
}
