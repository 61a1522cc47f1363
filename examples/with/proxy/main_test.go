package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
)

const (
	ann     = "ann@example.com"
	base    = "https://notes.example"
	visitor = "127.0.0.2" // from where visitors come; nginx comes from 127.0.0.1
	second  = "127.0.0.3" // from where the second proxy comes
	patient = time.Minute // what takes longer never comes
)

// site is the application, with nginx in front of it.
type site struct {
	*nginx
	m     *auth.Manager
	store *memstore.Store
	ticks chan time.Time
	seen  atomic.Pointer[http.Request] // the last that the application got
}

// newSite starts both, and between them what the function returns for the application's address, if there is one.
func newSite(t *testing.T, between func(app string) http.Handler, trusted ...string) *site {
	t.Helper()
	s := &site{store: memstore.New(), ticks: make(chan time.Time)}
	cfg := authtest.Config(t, config())
	for _, p := range trusted {
		cfg.TrustedProxies = append(cfg.TrustedProxies, netip.MustParsePrefix(p))
	}
	var err error
	if s.m, err = auth.New(s.store, cfg); err != nil {
		t.Fatal(err)
	}
	inner := app(s.m, s.ticks)
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.seen.Store(r)
		inner.ServeHTTP(w, r)
	}))
	if between != nil {
		address = serve(t, between(address))
	}
	s.nginx = startNginx(t, address)
	return s
}

func serve(t *testing.T, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// transport connects from an address to nginx, whatever host is asked for.
func (s *site) transport(t *testing.T, from string) *http.Transport {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.roots},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":80") {
				return d.DialContext(ctx, "tcp", s.http)
			}
			return d.DialContext(ctx, "tcp", s.https)
		},
		ResponseHeaderTimeout: patient,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// client is a visitor who comes from an address, and over the network.
func (s *site) client(t *testing.T, from string) *authtest.Client {
	wire := &httputil.ReverseProxy{Transport: s.transport(t, from), Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.Header = r.In.Header.Clone() // forged ones, too
		r.Out.URL.Scheme, r.Out.URL.Host = "https", "notes.example"
	}}
	c := authtest.NewClient(t, wire)
	c.BaseURL = base
	return c
}

// open makes a request that stays open, with the cookies of c.
func (s *site) open(t *testing.T, c *authtest.Client, path string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	t.Cleanup(cancel)
	r, _ := http.NewRequestWithContext(ctx, "GET", base+path, nil)
	r.AddCookie(c.Cookie("__Host-session"))
	resp, err := s.transport(t, visitor).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// addresses are those from which Ann is logged in.
func (s *site) addresses(t *testing.T) (all []string) {
	t.Helper()
	u, err := s.store.UserByLogin(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	live, err := s.m.Sessions(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range live {
		all = append(all, one.Address)
	}
	return all
}

func TestAddress(t *testing.T) {
	s := newSite(t, nil)
	s.client(t, visitor).Signup(ann, authtest.Password)
	if got := s.addresses(t); !slices.Equal(got, []string{visitor}) {
		t.Errorf("logged in from %v, want %s", got, visitor)
	}
}

// What a visitor writes into the header is not believed; what a trusted proxy writes is, and no more.
func TestForgedAddress(t *testing.T) {
	for _, try := range []struct{ from, forged, want string }{
		{visitor, "203.0.113.9", visitor},
		{visitor, "203.0.113.9, 127.0.0.1", visitor},
		{visitor, "127.0.0.1", visitor},
		{visitor, "nonsense", visitor},
		{"127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"}, // as if there were a proxy before nginx on the same host
	} {
		s := newSite(t, nil)
		c := s.client(t, try.from)
		c.Header = http.Header{"X-Forwarded-For": {try.forged}, "X-Real-Ip": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}
		c.Signup(ann, authtest.Password)
		if got := s.addresses(t); !slices.Equal(got, []string{try.want}) {
			t.Errorf("from %s with %q: logged in from %v, want %s", try.from, try.forged, got, try.want)
		}
	}
}

func TestCookiesAndForms(t *testing.T) {
	s := newSite(t, nil)
	c := s.client(t, visitor)
	r := c.Signup(ann, authtest.Password)
	if r.Status != 303 || len(r.Cookies()) == 0 {
		t.Fatalf("the signup: %d, cookies %v", r.Status, r.Cookies())
	}
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, "__Host-") || !cookie.Secure || !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("a cookie: %v", cookie)
		}
	}
	c.Get("/").Want(200, "Hello, "+ann)
	if got := s.seen.Load(); got.Host != "notes.example" || got.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("the application is asked for host %q by %q", got.Host, got.Header.Get("X-Forwarded-Proto"))
	}
	if r := c.Post("/notes", url.Values{"text": {"milk"}}); r.Status != 303 {
		t.Errorf("a form: %d", r.Status)
	}
	if r := c.Post("/notes", url.Values{"text": {"milk"}, "csrf_token": {"made-up"}}); r.Status != 403 {
		t.Errorf("a form with a token made up: %d", r.Status)
	}
	for _, origin := range []string{"https://evil.example", "http://notes.example", "null"} {
		c.Header = http.Header{"Origin": {origin}}
		if r := c.Post("/notes", url.Values{"text": {"milk"}}); r.Status != 403 {
			t.Errorf("a form from %s: %d", origin, r.Status)
		}
	}
}

func TestPlainHTTP(t *testing.T) {
	s := newSite(t, nil)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://notes.example/login?next=%2F", nil)
	resp, err := s.transport(t, visitor).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Location"); resp.StatusCode != 301 || got != base+"/login?next=%2F" || s.seen.Load() != nil {
		t.Errorf("by http: %d to %q", resp.StatusCode, got)
	}
}

// An event arrives while the stream is open.
func TestEvents(t *testing.T) {
	s := newSite(t, nil)
	c := s.client(t, visitor)
	c.Signup(ann, authtest.Password)
	lines := bufio.NewScanner(s.open(t, c, "/events").Body)
	want := func(text string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == text {
				return
			}
		}
		t.Fatalf("the stream ends before %q: %v", text, lines.Err())
	}
	want("data: hello " + ann)
	s.ticks <- time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want("data: 03:04:05")
}

func TestSocket(t *testing.T) {
	s := newSite(t, nil)
	c := s.client(t, visitor)
	c.Signup(ann, authtest.Password)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for origin, want := range map[string]int{"https://evil.example": 403, base: 101} {
		h := http.Header{"Origin": {origin}, "Cookie": {c.Cookie("__Host-session").String()}}
		conn, resp, err := websocket.Dial(ctx, base+"/socket", &websocket.DialOptions{
			HTTPHeader: h, HTTPClient: &http.Client{Transport: s.transport(t, visitor)},
		})
		if resp == nil || resp.StatusCode != want {
			t.Fatalf("from %s: %v", origin, err)
		}
		if err != nil {
			continue
		}
		defer conn.CloseNow()
		if _, b, err := conn.Read(ctx); err != nil || string(b) != "hello "+ann {
			t.Errorf("the socket says %q, %v", b, err)
		}
	}
}

// What is larger than forms may be the application refuses, what is larger than all may be nginx.
func TestLargeBody(t *testing.T) {
	s := newSite(t, nil)
	c := s.client(t, visitor)
	c.Signup(ann, authtest.Password)
	for size, reaches := range map[int]bool{100 << 10: true, 2 << 20: false} {
		c.Get("/")
		s.seen.Store(nil)
		if r := c.Post("/notes", url.Values{"text": {strings.Repeat("x", size)}}); r.Status != 413 || (s.seen.Load() != nil) != reaches {
			t.Errorf("%d KiB: %d, the application was asked: %v", size>>10, r.Status, !reaches)
		}
	}
}

// passOn is a second proxy, between nginx and the application at that address.
func passOn(app string) http.Handler {
	own := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(second)}}
	return &httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: own.DialContext},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: app})
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // or it begins anew, with nginx
			r.SetXForwarded()
			r.Out.Header["X-Forwarded-Proto"] = r.In.Header["X-Forwarded-Proto"] // not that between the two
		},
	}
}

func TestTwoProxies(t *testing.T) {
	for _, try := range []struct {
		trusted []string // besides nginx
		want    string
	}{{[]string{second + "/32"}, visitor}, {nil, second}} {
		s := newSite(t, passOn, try.trusted...)
		c := s.client(t, visitor)
		c.Header = http.Header{"X-Forwarded-For": {"203.0.113.9"}}
		c.Signup(ann, authtest.Password)
		if got := s.addresses(t); !slices.Equal(got, []string{try.want}) {
			t.Errorf("with %v trusted, too: logged in from %v, want %s", try.trusted, got, try.want)
		}
		if r := c.Post("/notes", url.Values{"text": {"milk"}}); r.Status != 303 {
			t.Errorf("a form: %d", r.Status)
		}
		if got := s.seen.Load(); got.Host != "notes.example" || got.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("the application is asked for host %q by %q", got.Host, got.Header.Get("X-Forwarded-Proto"))
		}
	}
}
