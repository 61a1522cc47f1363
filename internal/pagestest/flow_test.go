package pagestest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/storetest"
)

const (
	base    = "https://shop.example"
	ann     = "ann@example.com"
	another = "candle meadow rocket puzzle"
)

// exchange is one request and its answer.
type exchange struct {
	request  *http.Request
	sent     []byte
	response *http.Response
	got      []byte
}

// site is the pages, with switches for what can go wrong. It keeps every exchange.
type site struct {
	t     testing.TB
	m     *auth.Manager
	store *storetest.Faulty
	pages http.Handler

	mu        sync.Mutex
	exchanges []exchange
	mails     []email.Message

	fault     func(method string) error // of the store
	refuse    error                     // of the hook that is asked at every login
	throttled bool
}

// newSite returns pages that log in at once who signs up, or wait until the address is confirmed.
func newSite(t testing.TB, atOnce bool) *site {
	t.Helper()
	s := &site{t: t}
	s.store = &storetest.Faulty{Store: memstore.New(), Before: func(method string) error {
		if s.fault != nil {
			return s.fault(method)
		}
		return nil
	}}
	look, err := pages.New(&pages.Config{Name: "The Shop", SignupLogsIn: atOnce})
	if err != nil {
		t.Fatal(err)
	}
	s.m, err = auth.New(s.store, &auth.Config{
		BaseURL: base, Hasher: authtest.Hasher{}, Logger: slog.New(slog.DiscardHandler), Limiter: s, CSRFRefused: http.HandlerFunc(look.CSRFRefused),
		Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error { return s.refuse }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	links, err := email.New(s.m, s.store, &email.Config{Mailer: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { links.Close(context.Background()) })
	s.pages = look.Handler(s.m, links)
	return s
}

// Take, Return and Reset make s its own auth.Limiter.
func (s *site) Take(context.Context, string, string) (time.Duration, error) {
	if s.throttled {
		return time.Minute, nil
	}
	return 0, nil
}

func (s *site) Return(context.Context, string, string) error { return nil }
func (s *site) Reset(context.Context, string, string) error  { return nil }

// Send makes s its own email.Mailer.
func (s *site) Send(_ context.Context, m *email.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, *m)
	return nil
}

var link = regexp.MustCompile(`[?]token=(\S+)`)

// token returns the one in the last mail with a link.
func (s *site) token() (token string) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.mails {
		if found := link.FindStringSubmatch(m.Text); found != nil {
			token = found[1]
		}
	}
	if token == "" {
		s.t.Fatal("no link in any mail")
	}
	return token
}

// ServeHTTP keeps what the pages answer.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	kept := r.Clone(context.Background())
	rec := httptest.NewRecorder()
	s.pages.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges = append(s.exchanges, exchange{kept, sent, rec.Result(), rec.Body.Bytes()})
}

// fields are what a request sends, as a form or as JSON.
type fields map[string]any

// visitor is a browser, or a program.
type visitor struct {
	*authtest.Client
	s    *site
	json bool
}

func (s *site) visitor(json bool) *visitor {
	c := authtest.NewClient(s.t, s)
	c.BaseURL = base
	if json {
		c.Header = http.Header{"Accept": {"application/json"}}
	}
	return &visitor{c, s, json}
}

// user returns a visitor with a new account, who is logged in.
func (s *site) user(json bool) *visitor {
	s.t.Helper()
	v := s.visitor(json)
	v.post("/signup", fields{"email": s.fresh(), "password": authtest.Password, "confirm": authtest.Password})
	if v.Cookie("__Host-session") == nil {
		s.t.Fatal("nobody is logged in")
	}
	return v
}

// fresh returns an address that nobody has.
func (s *site) fresh() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "ann" + time.Now().Add(time.Duration(len(s.exchanges))).Format("150405.000000000") + "@example.com"
}

// csrf returns the visitor's token.
func (v *visitor) csrf() string {
	v.s.t.Helper()
	var session struct {
		CSRFToken string `json:"csrf_token"`
	}
	if r := v.Get("/session"); json.Unmarshal([]byte(r.Body), &session) != nil || session.CSRFToken == "" {
		v.s.t.Fatalf("no token: %d %s", r.Status, r.Body)
	}
	return session.CSRFToken
}

// post sends f in the visitor's way.
func (v *visitor) post(path string, f fields) *authtest.Response {
	v.s.t.Helper()
	return v.postWith(path, f, v.csrf())
}

// postWith is post with a token that is known already.
func (v *visitor) postWith(path string, f fields, token string) *authtest.Response {
	v.s.t.Helper()
	if v.json {
		body := []byte{}
		if f != nil {
			body, _ = json.Marshal(f)
		}
		return v.raw(path, "application/json", string(body), token)
	}
	form := url.Values{"csrf_token": {token}}
	for k, value := range f {
		form.Set(k, fmt.Sprint(value))
	}
	return v.raw(path, "application/x-www-form-urlencoded", form.Encode(), "")
}

// raw sends a body as it is.
func (v *visitor) raw(path, typ, body, token string) *authtest.Response {
	v.s.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", typ)
	}
	if token != "" {
		r.Header.Set("X-CSRF-Token", token)
	}
	return v.Do(r)
}

// An action is a POST of the description that is to be tried in every way.
type action struct {
	path  string // as it is described
	guest bool   // for guests only; the opposite of fresh, which is for users only
	fresh bool
	bare  bool                           // it needs no fields
	prove bool                           // it needs a proof: see visitor.user
	good  func(v *visitor) fields        // what to send, for v
	at    func(v *visitor) (path string) // nil: the path as it is
}

func (a action) url(v *visitor) string {
	if a.at != nil {
		return a.at(v)
	}
	return a.path
}

var errStore = errors.New("the database is gone")

func proof(*visitor) fields { return fields{"password": authtest.Password, "next": "/dashboard"} }
func none(*visitor) fields  { return nil }

func choose(f fields) fields {
	f["password"], f["confirm"] = another, another
	return f
}

// linkFor lets ask send a mail to v, and returns the token in it.
func linkFor(v *visitor, ask func(address string)) string {
	address := v.s.fresh()
	if _, err := v.s.m.Signup(context.Background(), &auth.SignupForm{Email: address, Password: authtest.Password, Confirm: authtest.Password}); err != nil {
		v.s.t.Fatal(err)
	}
	ask(address)
	return v.s.token()
}

func confirmToken(v *visitor) string {
	return linkFor(v, func(address string) { v.post("/confirm/resend", fields{"email": address}) })
}

func resetToken(v *visitor) string {
	return linkFor(v, func(address string) { v.post("/password/forgot", fields{"email": address}) })
}

// revokable is the path to end the visitor's own session.
func revokable(v *visitor) string {
	v.s.t.Helper()
	c := &visitor{v.Client, v.s, true}
	r := httptest.NewRequest("GET", "/account/sessions", nil)
	r.Header.Set("Accept", "application/json")
	var list struct{ Sessions []pages.Device }
	if got := c.Do(r); json.Unmarshal([]byte(got.Body), &list) != nil || len(list.Sessions) == 0 {
		return "/account/sessions/none/revoke" // not for this visitor to know
	}
	return "/account/sessions/" + list.Sessions[0].ID + "/revoke"
}

var actions = []action{
	{path: "/signup", guest: true, good: func(v *visitor) fields {
		return fields{"email": v.s.fresh(), "password": authtest.Password, "confirm": authtest.Password, "next": "/dashboard"}
	}},
	{path: "/login", guest: true, good: func(v *visitor) fields {
		return fields{"email": ann, "password": authtest.Password, "remember": true, "next": "/dashboard"}
	}},
	{path: "/logout", bare: true, good: func(*visitor) fields { return fields{"next": "/bye"} }},
	{path: "/confirm", good: func(v *visitor) fields {
		return fields{"token": confirmToken(v), "password": authtest.Password}
	}},
	{path: "/confirm/resend", good: func(*visitor) fields { return fields{"email": ann} }},
	{path: "/password/forgot", good: func(*visitor) fields { return fields{"email": ann} }},
	{path: "/password/reset", good: func(v *visitor) fields { return choose(fields{"token": resetToken(v)}) }},
	{path: "/reauth", prove: true, good: proof},
	{path: "/account/password", fresh: true, good: func(*visitor) fields { return choose(fields{"current": authtest.Password}) }},
	{path: "/account/email", fresh: true, good: func(v *visitor) fields { return fields{"email": v.s.fresh()} }},
	{path: "/account/sessions/revoke-others", fresh: true, bare: true, good: none},
	{path: "/account/sessions/revoke-all", fresh: true, bare: true, good: none},
	{path: "/account/sessions/{id}/revoke", fresh: true, bare: true, good: none, at: revokable},
	{path: "/account/delete", fresh: true, bare: true, good: none},
}

// rightful returns a visitor who may do a.
func (s *site) rightful(a action, json bool) *visitor {
	if a.fresh || a.prove || a.path == "/logout" {
		return s.user(json)
	}
	return s.visitor(json)
}

// try does a in every way that its answer knows of.
func (s *site) try(a action, json bool) {
	do := func(v *visitor) {
		s.t.Helper()
		path, f := a.url(v), a.good(v)
		v.post(path, f)
	}
	do(s.rightful(a, json))
	if a.bare && json {
		v := s.rightful(a, json)
		v.post(a.url(v), fields{}) // no body and an empty object are the same
	}
	s.spoil(a, json)
	s.hinder(a, json)
	switch {
	case a.guest:
		do(s.user(json))
	case a.fresh:
		do(s.visitor(json))
		v := s.user(json)
		time.Sleep(16 * time.Minute)
		do(v)
	case a.prove:
		do(s.visitor(json))
	}
}

// spoil sends what is refused.
func (s *site) spoil(a action, json bool) {
	v := s.rightful(a, json)
	path := a.url(v)
	if json {
		v.post(path, fields{"oops": "x"})
		v.raw(path, "application/json", "{", v.csrf())
		v.raw(path, "application/json", strings.Repeat(" ", 70_000), v.csrf())
	} else {
		if !a.bare {
			v.post(path, fields{"password": "x", "token": "x"})
		}
		v.raw(path, "application/x-www-form-urlencoded", "email=%zz", v.csrf())
		v.raw(path, "application/x-www-form-urlencoded", strings.Repeat("x", 70_000), v.csrf())
	}
	v.raw(path, "application/json", "{}", "")
	v.raw(path, "text/plain", "x", v.csrf())
	switch a.path {
	case "/confirm", "/password/reset":
		f := a.good(v)
		token := f["token"]
		f["token"] = "x"
		v.post(path, f)
		f["token"] = token
		f["password"] = "x"
		v.post(path, f)
	case "/account/sessions/{id}/revoke":
		v.post("/account/sessions/none/revoke", nil)
	}
}

// hinder lets the parts fail that a needs.
func (s *site) hinder(a action, json bool) {
	with := func(begin, end func()) {
		v := s.rightful(a, json)
		path, f, token := a.url(v), a.good(v), v.csrf()
		defer end()
		begin()
		v.postWith(path, f, token)
	}
	mend := func() { s.fault, s.refuse, s.throttled = nil, nil, false }
	with(func() { s.throttled = true }, mend)
	with(func() { s.fault = except("Session", "UserByID") }, mend)
	with(func() {
		s.fault = func(method string) error { // somebody is faster
			if method == "UpdateUser" {
				return auth.ErrConflict
			}
			return nil
		}
	}, mend)
	for _, err := range []error{auth.ErrSecondFactor, auth.ErrNewPassword, auth.ErrDisabled, auth.ErrBusy, auth.ErrUnchecked} {
		with(func() { s.refuse = err }, mend)
	}
	v := s.user(json)
	path, f, token := a.url(v), a.good(v), v.csrf()
	defer mend()
	s.fault = except()
	v.postWith(path, f, token)
}

// except returns a fault of all methods of a store but some.
func except(methods ...string) func(string) error {
	return func(method string) error {
		if slices.Contains(methods, method) {
			return nil
		}
		return errStore
	}
}

// readable are the paths to be asked for by GET.
var readable = []string{
	"/signup", "/login", "/session", "/confirm", "/confirm/resend", "/password/forgot", "/password/reset", "/reauth",
	"/account/password", "/account/email", "/account/sessions", "/account/export", "/account/delete", "/vestibule.css",
}

// read asks for everything, in every state.
func (s *site) read(json bool) {
	for _, path := range readable {
		s.visitor(json).Get(path)
		s.user(json).Get(path)
		v := s.user(json)
		v.Get(path + "?next=/dashboard")
		s.fault = except("Session")
		v.Get(path)
		s.fault = except()
		v.Get(path)
		s.fault = func(method string) error {
			if method == "Sessions" {
				return errors.ErrUnsupported
			}
			return nil
		}
		v.Get(path)
		s.fault = nil
		v = s.user(json)
		time.Sleep(16 * time.Minute)
		v.Get(path)
	}
	v := s.visitor(json)
	for path, token := range map[string]string{"/confirm": confirmToken(v), "/password/reset": resetToken(v)} {
		v.Get(path + "?token=" + token)
		v.Get(path)
		s.fault = except()
		v.Get(path)
		s.fault = nil
	}
	send(v, "PUT", "/login")
	r := httptest.NewRequest("GET", "/vestibule.css", nil)
	r.Header.Set("If-None-Match", v.Get("/vestibule.css").Header.Get("ETag"))
	v.Do(r)
}

// walk does everything that the description is about.
func walk(t testing.TB) []exchange {
	s := newSite(t, true)
	if _, err := s.m.Signup(t.Context(), &auth.SignupForm{Email: ann, Password: authtest.Password, Confirm: authtest.Password}); err != nil {
		t.Fatal(err)
	}
	for _, json := range []bool{true, false} {
		for _, a := range actions {
			s.try(a, json)
		}
		s.read(json)
	}
	waits := newSite(t, false)
	waits.visitor(true).post("/signup", fields{"email": ann, "password": authtest.Password, "confirm": authtest.Password})
	return append(s.exchanges, waits.exchanges...)
}
