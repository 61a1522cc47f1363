package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
)

const ann = "ann@example.com"

type site struct {
	m     *auth.Manager
	store *memstore.Store
	c     *authtest.Client
	wire  pipes
}

// newSite starts the application without a network, so that it can be in a bubble, where time passes at once.
func newSite(t *testing.T) *site {
	store := memstore.New()
	m, err := auth.New(store, authtest.Config(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	handler := app(m, store, 30*time.Second)
	wire := pipes{make(chan net.Conn), make(chan struct{})}
	srv := &http.Server{Handler: handler}
	go srv.Serve(wire)
	t.Cleanup(func() { srv.Close() })
	c := authtest.NewClient(t, handler)
	c.TokenPath = "/account/sessions"
	return &site{m, store, c, wire}
}

// pipes is a network within the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// dial opens a socket as a page of origin would. The status is that of a refusal.
func (s *site) dial(t *testing.T, origin string) (*websocket.Conn, int) {
	t.Helper()
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	if c := s.c.Cookie("session"); c != nil {
		h.Set("Cookie", c.String())
	}
	tr := &http.Transport{DialContext: s.wire.dial}
	t.Cleanup(tr.CloseIdleConnections)
	hc := &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	conn, resp, err := websocket.Dial(t.Context(), s.c.BaseURL+"/socket", &websocket.DialOptions{HTTPHeader: h, HTTPClient: hc})
	if err != nil && resp == nil {
		t.Fatal(err)
	}
	return conn, resp.StatusCode
}

func TestUpgrade(t *testing.T) { synctest.Test(t, upgrade) }

func upgrade(t *testing.T) {
	s := newSite(t)
	if _, status := s.dial(t, s.c.BaseURL); status != 303 {
		t.Errorf("a guest: %d", status)
	}
	s.c.Signup(ann, authtest.Password)
	for _, origin := range []string{"", "null", "https://evil.example", s.c.BaseURL + ".evil.example"} {
		if _, status := s.dial(t, origin); status != 403 {
			t.Errorf("from %q: %d", origin, status)
		}
	}
	conn, status := s.dial(t, s.c.BaseURL)
	if status != 101 {
		t.Fatalf("from the application: %d", status)
	}
	defer conn.CloseNow()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, b, err := conn.Read(t.Context()); err != nil || string(b) != ann+": hi" {
		t.Errorf("the answer is %q, %v", b, err)
	}
}

// Whatever ends the session closes the socket.
func TestSessionEnds(t *testing.T) {
	for name, end := range map[string]func(context.Context, *site, *auth.User) error{
		"logout": func(_ context.Context, s *site, _ *auth.User) error {
			if r := s.c.Logout(); r.Status != 303 || s.c.Cookie("session") != nil {
				return fmt.Errorf("the logout: %d", r.Status)
			}
			return nil
		},
		"revoked": func(ctx context.Context, s *site, u *auth.User) error {
			live, err := s.m.Sessions(ctx, u)
			if err != nil {
				return err
			}
			return s.m.EndSession(ctx, u, live[0].ID)
		},
		"password": func(ctx context.Context, s *site, u *auth.User) error {
			return s.m.SetPassword(ctx, u, authtest.Password+"!")
		},
		"disabled": func(ctx context.Context, s *site, u *auth.User) error {
			u.Disabled = time.Now()
			return s.store.UpdateUser(ctx, u)
		},
		"new stamp": func(ctx context.Context, s *site, u *auth.User) error {
			u.Stamp = "another"
			return s.store.UpdateUser(ctx, u)
		},
		"deleted": func(ctx context.Context, s *site, u *auth.User) error { return s.m.DeleteAccount(ctx, u) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { ends(t, end) })
		})
	}
}

func ends(t *testing.T, end func(context.Context, *site, *auth.User) error) {
	s := newSite(t)
	s.c.Signup(ann, authtest.Password)
	conn, status := s.dial(t, s.c.BaseURL)
	if status != 101 {
		t.Fatalf("status %d", status)
	}
	defer conn.CloseNow()
	u, err := s.store.UserByLogin(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	if err := end(t.Context(), s, u); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // twice as long as between two looks
	defer cancel()
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("the socket: %v", err)
	}
}
