package main

import (
	"context"
	"errors"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
)

const (
	ann     = "ann@example.com"
	bob     = "bob@example.com"
	another = "harbour candle lemon gravel"
)

// house is the application on a store that outlives it.
type house struct {
	t     testing.TB
	store *watched
	out   authtest.Outbox
	*app
}

func newHouse(t testing.TB) *house {
	h := &house{t: t, store: &watched{Store: memstore.New(), calls: map[string]int{}}}
	h.restart()
	return h
}

// restart ends the application, and begins it anew on its store.
func (h *house) restart() {
	h.t.Helper()
	if h.app != nil {
		h.app.close()
	}
	a, err := newApp(h.store, &h.out, authtest.BaseURL, authtest.Hasher{}, slog.New(slog.NewTextHandler(h.t.Output(), nil)))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(a.close)
	h.app = a
}

// client is a visitor, who goes on where they were when the application begins anew.
func (h *house) client() *authtest.Client {
	return authtest.NewClient(h.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }))
}

// member returns a visitor who is logged in, and whose address is confirmed.
func (h *house) member(address string) *authtest.Client {
	h.t.Helper()
	c := h.client()
	want(h.t, c.Signup(address, authtest.Password), 303, "/")
	u := h.user(address)
	u.Confirmed = time.Now()
	if err := h.store.UpdateUser(h.t.Context(), u); err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *house) user(address string) *auth.User {
	h.t.Helper()
	u, err := h.store.UserByLogin(h.t.Context(), address)
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// enrol makes a sheet that counts, and returns the codes that are left on it.
func (h *house) enrol(c *authtest.Client) []string {
	h.t.Helper()
	codes := draw(h.t, c)
	want(h.t, c.Post(accountPath+"/on", url.Values{"code": {codes[0]}}), 303, accountPath)
	return codes[1:]
}

// enrolled returns a guest in a browser of their own, and the codes of the user with that address.
func (h *house) enrolled(address string) (*authtest.Client, []string) {
	h.t.Helper()
	return h.client(), h.enrol(h.member(address))
}

// pending returns a visitor who has given the password, and owes a code.
func (h *house) pending(c *authtest.Client, address string) *authtest.Client {
	h.t.Helper()
	want(h.t, c.Login(address, authtest.Password), 303, codePath)
	return c
}

// left returns how many codes the user has, or -1 without a sheet.
func (h *house) left(address string) int {
	h.t.Helper()
	left, on, err := h.codes.Left(h.t.Context(), h.user(address).ID)
	if err != nil {
		h.t.Fatal(err)
	}
	if !on {
		return -1
	}
	return left
}

var printed = regexp.MustCompile(`<li><code>([^<]*)</code></li>`)

// draw makes a sheet, which does not count yet.
func draw(t testing.TB, c *authtest.Client) (codes []string) {
	t.Helper()
	r := c.Post(accountPath, nil)
	want(t, r, 200, "")
	for _, m := range printed.FindAllStringSubmatch(r.Body, -1) {
		codes = append(codes, html.UnescapeString(m[1]))
	}
	if len(codes) != 10 {
		t.Fatalf("%d codes in\n%s", len(codes), r.Body)
	}
	return codes
}

func give(c *authtest.Client, code string) *authtest.Response {
	return c.Post(codePath, url.Values{"code": {code}})
}

// in reports whether the visitor is logged in.
func in(c *authtest.Client) bool { return c.Get("/").Status == http.StatusOK }

func want(t testing.TB, r *authtest.Response, status int, location string) {
	t.Helper()
	if r.Status != status || r.Location != location {
		t.Errorf("%s %s: status %d to %q, want %d to %q\n%s", r.Method, r.URL, r.Status, r.Location, status, location, r.Body)
	}
}

func contains(t testing.TB, r *authtest.Response, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Body, text) {
			t.Errorf("%s %s: no %q in\n%s", r.Method, r.URL, text, r.Body)
		}
	}
}

// watched is a store that counts calls for credentials and users, and fails where it is told to.
type watched struct {
	auth.Store

	mu    sync.Mutex
	calls map[string]int
	fail  string // the call that fails
}

var errStore = errors.New("secret of the store")

func (s *watched) call(name, kind string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name += " " + kind
	s.calls[name]++
	if s.fail != "" && strings.HasPrefix(name, s.fail) {
		return errStore
	}
	return nil
}

// work returns what f has the store do.
func (s *watched) work(f func()) map[string]int {
	s.mu.Lock()
	clear(s.calls)
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

func (s *watched) failing(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = call
}

func (s *watched) PutCredential(ctx context.Context, c *auth.Credential) error {
	if err := s.call("put", c.Kind); err != nil {
		return err
	}
	return s.Store.PutCredential(ctx, c)
}

func (s *watched) Credential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	if err := s.call("get", kind); err != nil {
		return nil, err
	}
	return s.Store.Credential(ctx, kind, id)
}

func (s *watched) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	if err := s.call("list", kind); err != nil {
		return nil, err
	}
	return s.Store.Credentials(ctx, userID, kind)
}

func (s *watched) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	if err := s.call("update", c.Kind); err != nil {
		return err
	}
	return s.Store.UpdateCredential(ctx, c)
}

func (s *watched) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	if err := s.call("take", kind); err != nil {
		return nil, err
	}
	return s.Store.TakeCredential(ctx, kind, id)
}

func (s *watched) DeleteCredentials(ctx context.Context, userID, kind string) error {
	if err := s.call("delete", kind); err != nil {
		return err
	}
	return s.Store.DeleteCredentials(ctx, userID, kind)
}
