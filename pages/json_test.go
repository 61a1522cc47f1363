package pages_test

import (
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
	"strconv"
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
)

// outbox is a Mailer that keeps what it gets.
type outbox struct {
	mu    sync.Mutex
	mails []email.Message
}

func (o *outbox) Send(_ context.Context, m *email.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, *m)
	return nil
}

var links = regexp.MustCompile(`[?]token=(\S+)`)

// token waits for the mails that are on their way, and returns the token in the last one with a link.
func (o *outbox) token(t testing.TB) string {
	t.Helper()
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, mail := range slices.Backward(o.mails) {
		if m := links.FindStringSubmatch(mail.Text); m != nil {
			return m[1]
		}
	}
	t.Fatalf("no link in %d mails", len(o.mails))
	return ""
}

// site is pages with mail, and what they are made of.
type site struct {
	http.Handler
	t     testing.TB
	m     *auth.Manager
	store *broken
	out   *outbox
}

func newMailSite(t testing.TB, cfg auth.Config, look *pages.Config) *site {
	t.Helper()
	s := &site{t: t, store: &broken{Store: memstore.New()}, out: new(outbox)}
	looks := newSite(t, look)
	cfg.BaseURL, cfg.Logger, cfg.CSRFRefused = authtest.BaseURL, slog.New(slog.DiscardHandler), http.HandlerFunc(looks.CSRFRefused)
	if cfg.Hasher == nil {
		cfg.Hasher = authtest.Hasher{}
	}
	var err error
	if s.m, err = auth.New(s.store, &cfg); err != nil {
		t.Fatal(err)
	}
	mail, err := email.New(s.m, s.store, &email.Config{Mailer: s.out})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mail.Close(context.Background()) })
	s.Handler = looks.Handler(s.m, mail)
	return s
}

// program is a client that speaks JSON.
type program struct {
	*authtest.Client
	t testing.TB
}

func newProgram(t testing.TB, app http.Handler) program {
	c := authtest.NewClient(t, app)
	c.Header = http.Header{"Accept": {"application/json"}}
	return program{c, t}
}

// state is what programs are told of the session.
type state struct {
	User *struct {
		ID, Email string
		Confirmed bool
	}
	CSRFToken       string     `json:"csrf_token"`
	AuthenticatedAt *time.Time `json:"authenticated_at"`
	Pending, Next   string
}

// session asks who is logged in.
func (p program) session() state {
	p.t.Helper()
	return p.state(p.Get("/session"))
}

// state reads the session that r tells.
func (p program) state(r *authtest.Response) (s state) {
	p.t.Helper()
	wantJSON(p.t, r, 200, "")
	d := json.NewDecoder(strings.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || s.CSRFToken == "" || !strings.HasPrefix(r.Body, `{"user":`) {
		p.t.Errorf("%s %s: %v in %s", r.Method, r.URL, err, r.Body)
	}
	return s
}

// raw sends a body as it is, with the token, and with further pairs of headers; an empty value removes one.
func (p program) raw(method, path, body string, header ...string) *authtest.Response {
	p.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-CSRF-Token", p.session().CSRFToken)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			delete(r.Header, header[i])
		}
	}
	return p.Do(r)
}

// fields is a JSON object.
type fields map[string]any

func (p program) post(path string, f fields) *authtest.Response {
	p.t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		p.t.Fatal(err)
	}
	if f == nil {
		body = nil
	}
	return p.raw("POST", path, string(body))
}

func (p program) signup() {
	p.t.Helper()
	wantJSON(p.t, p.post("/signup", fields{"email": ann, "password": authtest.Password, "confirm": authtest.Password}), 200, "")
}

func (p program) login() *authtest.Response {
	p.t.Helper()
	return p.post("/login", fields{"email": ann, "password": authtest.Password})
}

// problem is what programs are told of an error.
type problem struct {
	Type, Title, Detail, Code string
	Status                    int
	Errors                    []struct {
		Field, Code, Message string
		Limit                int
	}
}

// wantJSON checks an answer to a program: its status and, if it is a problem, its code and the fields that
// are wrong, each as "field code".
func wantJSON(t testing.TB, r *authtest.Response, status int, code string, faults ...string) (p problem) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %s: %s; status %d, %s\n%s", r.Method, r.URL, fmt.Sprintf(format, args...), r.Status, r.Header.Get("Content-Type"), r.Body)
	}
	checkHeader(t, r)
	typ := "application/json"
	if code != "" {
		typ = "application/problem+json"
	}
	if _, led := r.Header["Location"]; r.Status != status || r.Header.Get("Content-Type") != typ || led {
		bad("want %d %s", status, typ)
	}
	if code == "" {
		return p
	}
	d := json.NewDecoder(strings.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		bad("%v", err)
	}
	if p.Type != "about:blank" || p.Title != http.StatusText(status) || p.Status != status || p.Code != code || p.Detail == "" || strings.HasPrefix(p.Detail, "problem.") {
		bad("want code %q", code)
	}
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Field+" "+e.Code)
		if e.Message == "" || e.Message == "This cannot be accepted." {
			bad("no message for %q", e.Code)
		}
	}
	if !slices.Equal(got, faults) {
		bad("errors %q, want %q", got, faults)
	}
	if after := r.Header.Get("Retry-After"); (after != "") != (status == 429 || status == 503) {
		bad("Retry-After is %q", after)
	}
	return p
}

func TestJSONSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgram(t, newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true}))
		s := p.session()
		if s.User != nil || s.AuthenticatedAt != nil || s.Pending != "" {
			t.Errorf("guest: %+v", s)
		}
		if s = p.session(); len(p.Get("/session").Cookies()) > 0 {
			t.Error("a second cookie for the token")
		}
		p.signup()
		s = p.session()
		if s.User == nil || s.User.Email != ann || s.User.ID == "" || s.User.Confirmed || s.AuthenticatedAt == nil || !s.AuthenticatedAt.Equal(time.Now()) {
			t.Errorf("user: %+v", s)
		}
		p.Header.Set("Accept", "text/html") // there is no page of it
		if p.session().User == nil {
			t.Error("a browser gets another answer")
		}
		p.Header.Set("Accept", "application/json")
		began := *s.AuthenticatedAt
		time.Sleep(20 * time.Minute)
		if s = p.session(); !s.AuthenticatedAt.Equal(began) {
			t.Errorf("the proof is at %v, want %v", s.AuthenticatedAt, began)
		}
		s = p.state(p.post("/reauth", fields{"password": authtest.Password, "next": "/a"}))
		if !s.AuthenticatedAt.Equal(began.Add(20*time.Minute)) || s.Next != "/a" {
			t.Errorf("after reauth: %+v", s)
		}
		if r := p.Do(httptest.NewRequest("HEAD", "/session", nil)); r.Status != 200 || r.Body != "" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("HEAD: %d %v", r.Status, r.Header)
		}
	})
}

// Every answer that changes the session brings the token for the next request.
func TestJSONTokens(t *testing.T) {
	p := newProgram(t, pages.Handler(authtest.New(t, nil)))
	token := p.session().CSRFToken
	send := func(path string, f fields) {
		t.Helper()
		body, _ := json.Marshal(f)
		r := httptest.NewRequest("POST", path, strings.NewReader(strings.TrimPrefix(string(body), "null")))
		r.Header.Set("X-CSRF-Token", token)
		r.Header.Set("Content-Type", "application/json")
		s := p.state(p.Do(r))
		token = s.CSRFToken
	}
	send("/signup", fields{"email": ann, "password": authtest.Password, "confirm": authtest.Password})
	send("/reauth", fields{"password": authtest.Password})
	send("/account/password", fields{"current": authtest.Password, "password": another, "confirm": another})
	send("/account/sessions/revoke-others", nil)
	send("/logout", nil)
	send("/login", fields{"email": ann, "password": another, "remember": true})
	if c := p.Cookie("session"); c == nil {
		t.Error("nobody is logged in")
	}
	send("/account/sessions/revoke-all", nil)
	send("/login", fields{"email": ann, "password": another})
	send("/account/delete", nil)
}

func TestJSONLogin(t *testing.T) {
	p := newProgram(t, pages.Handler(authtest.New(t, nil)))
	p.signup()
	wantJSON(t, p.login(), 409, "already_logged_in")
	wantJSON(t, p.Get("/login"), 409, "already_logged_in")
	if s := p.state(p.post("/logout", fields{"next": "/bye"})); s.User != nil || s.AuthenticatedAt != nil || s.Next != "/bye" {
		t.Errorf("after logout: %+v", s)
	}
	p.state(p.raw("POST", "/logout", "", "Content-Type", "")) // guests may, too
	wantJSON(t, p.post("/login", fields{"email": ann, "password": another}), 422, "form_refused", " bad_login")
	wantJSON(t, p.post("/login", fields{"email": "bob@example.com", "password": another}), 422, "form_refused", " bad_login")
	wantJSON(t, p.post("/login", nil), 422, "form_refused", "email required", "password required")
	wantJSON(t, p.post("/login", fields{}), 422, "form_refused", "email required", "password required")
	if p.session().User != nil {
		t.Fatal("logged in")
	}
	for _, remember := range []bool{false, true} {
		r := p.post("/login", fields{"email": " Ann@Example.com ", "password": authtest.Password, "remember": remember, "next": "/dashboard?a=1"})
		if s := p.state(r); s.User == nil || s.User.Email != ann || s.Next != "/dashboard?a=1" {
			t.Errorf("after login: %+v", s)
		}
		if c := r.Cookie("session"); c == nil || c.MaxAge > 0 != remember {
			t.Errorf("remember %v: cookie %v", remember, c)
		}
		p.post("/logout", nil)
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "dashboard"} {
		if s := p.state(p.post("/login", fields{"email": ann, "password": authtest.Password, "next": next})); s.Next != "" {
			t.Errorf("next %q comes back as %q", next, s.Next)
		}
		p.post("/logout", nil)
	}
	if s := p.state(p.post("/login?next=/a", fields{"email": ann, "password": authtest.Password})); s.Next != "/a" {
		t.Errorf("next of the query comes back as %q", s.Next)
	}
}

func TestJSONSignup(t *testing.T) {
	p := newProgram(t, pages.Handler(authtest.New(t, nil)))
	e := wantJSON(t, p.post("/signup", fields{"email": "ann", "password": "short", "confirm": "x"}), 422, "form_refused",
		"email invalid", "password too_short", "confirm mismatch")
	if e.Errors[1].Limit != 15 || e.Errors[0].Limit != 0 {
		t.Errorf("limits of %+v", e.Errors)
	}
	wantJSON(t, p.post("/signup", nil), 422, "form_refused", "email required", "password required", "confirm required")
	p.signup()
	p.post("/logout", nil)
	wantJSON(t, p.post("/signup", fields{"email": ann, "password": another, "confirm": another}), 422, "form_refused", "email taken")
}

func TestJSONPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgram(t, newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true}))
		change := fields{"current": authtest.Password, "password": another, "confirm": another, "next": "/a"}
		wantJSON(t, p.post("/account/password", change), 401, "login_required")
		p.signup()
		wantJSON(t, p.post("/reauth", nil), 422, "form_refused", "password required")
		wantJSON(t, p.post("/reauth", fields{"password": another}), 422, "form_refused", "password wrong")
		time.Sleep(16 * time.Minute)
		wantJSON(t, p.post("/account/password", change), 401, "reauthentication_required")
		p.state(p.post("/reauth", fields{"password": authtest.Password}))
		wantJSON(t, p.post("/account/password", fields{"current": another, "password": another, "confirm": another}), 422, "form_refused", "current wrong")
		if s := p.state(p.post("/account/password", change)); s.User == nil || s.Next != "/a" {
			t.Errorf("after the change: %+v", s)
		}
		p.post("/logout", nil)
		wantJSON(t, p.login(), 422, "form_refused", " bad_login")
		p.state(p.post("/login", fields{"email": ann, "password": another}))
	})
}

// An account from the first mail to the last, without a page.
func TestJSONMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMailSite(t, auth.Config{Hooks: []auth.Hooks{email.Hooks(0)}}, nil)
		p := newProgram(t, s)
		sent := func(r *authtest.Response, code string) string {
			t.Helper()
			wantJSON(t, r, 202, "")
			synctest.Wait() // mails may overtake each other
			var got struct{ Code, Detail string }
			if err := json.Unmarshal([]byte(r.Body), &got); err != nil || got.Code != code || got.Detail == "" {
				t.Errorf("%s: %v in %s", r.URL, err, r.Body)
			}
			return r.Body
		}
		f := fields{"email": ann, "password": authtest.Password, "confirm": authtest.Password}
		sent(p.post("/signup", f), "signup_sent")
		first := s.out.token(t)
		wantJSON(t, p.login(), 422, "form_refused", " bad_login")
		known := sent(p.post("/confirm/resend", fields{"email": ann}), "resend_sent")
		if unknown := sent(p.post("/confirm/resend", fields{"email": "bob@example.com"}), "resend_sent"); unknown != known {
			t.Errorf("an unknown user gets %s, a known one %s", unknown, known)
		}
		wantJSON(t, p.Get("/confirm?token="+first), 406, "no_json")
		wantJSON(t, p.Get("/confirm"), 406, "no_json")
		wantJSON(t, p.post("/confirm", nil), 404, "bad_link")
		wantJSON(t, p.post("/confirm", fields{"token": first + "x", "password": authtest.Password}), 404, "bad_link")
		wantJSON(t, p.post("/confirm", fields{"token": first}), 422, "form_refused", "password required")
		wantJSON(t, p.post("/confirm", fields{"token": first, "password": another}), 422, "form_refused", "password wrong")
		if got := p.state(p.post("/confirm", fields{"token": first, "password": authtest.Password})); got.User != nil {
			t.Errorf("confirming logs in: %+v", got)
		}
		wantJSON(t, p.post("/confirm", fields{"token": first, "password": authtest.Password}), 404, "bad_link")
		if got := p.state(p.login()); !got.User.Confirmed {
			t.Errorf("after login: %+v", got)
		}

		wantJSON(t, p.post("/account/email", fields{"email": ann}), 422, "form_refused", "email same")
		wantJSON(t, p.post("/account/email", fields{"email": "x"}), 422, "form_refused", "email invalid")
		sent(p.post("/account/email", fields{"email": "anna@example.com"}), "email_sent")
		if got := p.state(p.post("/confirm", fields{"token": s.out.token(t), "password": authtest.Password})); got.User == nil || got.User.Email != "anna@example.com" {
			t.Errorf("after the change: %+v", got)
		}
		p.post("/logout", nil)

		known = sent(p.post("/password/forgot", fields{"email": "anna@example.com"}), "forgot_sent")
		if unknown := sent(p.post("/password/forgot", fields{"email": ann}), "forgot_sent"); unknown != known {
			t.Errorf("an unknown user gets %s, a known one %s", unknown, known)
		}
		wantJSON(t, p.post("/password/forgot", fields{"email": ""}), 422, "form_refused", "email required")
		token := s.out.token(t)
		wantJSON(t, p.Get("/password/reset?token="+token), 406, "no_json")
		wantJSON(t, p.post("/password/reset", fields{"password": another, "confirm": another}), 404, "bad_link")
		wantJSON(t, p.post("/password/reset", fields{"token": token, "password": "x", "confirm": "y"}), 422, "form_refused", "password too_short", "confirm mismatch")
		if got := p.state(p.post("/password/reset", fields{"token": token, "password": another, "confirm": another})); got.User != nil {
			t.Errorf("a reset logs in: %+v", got)
		}
		wantJSON(t, p.post("/password/reset", fields{"token": token, "password": another, "confirm": another}), 404, "bad_link")
		if got := p.state(p.post("/login", fields{"email": "anna@example.com", "password": another})); got.User == nil {
			t.Errorf("after the reset: %+v", got)
		}
	})
}

// Without email.Links there are no pages for mail.
func TestJSONWithoutMail(t *testing.T) {
	p := newProgram(t, pages.Handler(authtest.New(t, nil)))
	for _, path := range []string{"/confirm", "/confirm/resend", "/password/forgot", "/password/reset", "/account/email", "/", "/nowhere", "/login/", "/account//sessions"} {
		wantJSON(t, p.Get(path), 404, "not_found")
		wantJSON(t, p.post(path, fields{"email": ann}), 404, "not_found")
	}
}

func TestJSONSessions(t *testing.T) {
	app := pages.Handler(authtest.New(t, nil))
	p, phone, tablet := newProgram(t, app), newProgram(t, app), newProgram(t, app)
	wantJSON(t, p.Get("/account/sessions"), 401, "login_required")
	p.signup()
	phone.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1")
	phone.state(phone.login())
	tablet.state(tablet.login())
	list := func() (all []pages.Device) {
		t.Helper()
		r := p.Get("/account/sessions")
		wantJSON(t, r, 200, "")
		var got struct{ Sessions []pages.Device }
		if err := json.Unmarshal([]byte(r.Body), &got); err != nil || got.Sessions == nil {
			t.Errorf("%v in %s", err, r.Body)
		}
		for _, c := range []program{p, phone, tablet} {
			if cookie := c.Cookie("session"); cookie != nil && strings.Contains(r.Body, cookie.Value) {
				t.Errorf("a session's token is in %s", r.Body)
			}
		}
		for _, secret := range []string{"stamp", "hash", "csrf", "token"} {
			if strings.Contains(strings.ToLower(r.Body), secret) {
				t.Errorf("%q in %s", secret, r.Body)
			}
		}
		return got.Sessions
	}
	all := list()
	current, other := 0, ""
	for _, d := range all {
		if d.Current {
			current++
		}
		if d.Device == "Safari on iPhone" {
			other = d.ID
		}
	}
	if len(all) != 3 || current != 1 || other == "" {
		t.Errorf("sessions %+v", all)
	}
	wantJSON(t, p.post("/account/sessions/none/revoke", nil), 404, "not_found")
	wantJSON(t, p.post("/account/sessions/"+other+"/revoke", fields{"all": true}), 422, "form_refused", "all unknown_field")
	p.state(p.post("/account/sessions/"+other+"/revoke", nil))
	if phone.session().User != nil || tablet.session().User == nil {
		t.Error("the wrong session has ended")
	}
	phone.state(phone.login())
	p.state(p.post("/account/sessions/revoke-others", fields{}))
	if len(list()) != 1 || phone.session().User != nil || tablet.session().User != nil {
		t.Errorf("after revoke-others: %+v", list())
	}
	phone.state(phone.login())
	if s := p.state(p.raw("POST", "/account/sessions/revoke-all", "", "Content-Type", "")); s.User != nil || phone.session().User != nil {
		t.Error("after revoke-all there is a session")
	}
	p.state(p.login())
	own := list()[0].ID
	if s := p.state(p.post("/account/sessions/"+own+"/revoke", nil)); s.User != nil {
		t.Errorf("after the end of its own session: %+v", s)
	}

	eve := newProgram(t, app) // whose session is it?
	eve.post("/signup", fields{"email": "eve@example.com", "password": authtest.Password, "confirm": authtest.Password})
	p.state(p.login())
	wantJSON(t, eve.post("/account/sessions/"+list()[0].ID+"/revoke", nil), 404, "not_found")
	if p.session().User == nil {
		t.Error("a stranger has ended a session")
	}
}

func TestJSONExportAndDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgram(t, newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true}))
		wantJSON(t, p.Get("/account/export"), 401, "login_required")
		p.signup()
		time.Sleep(16 * time.Minute)
		wantJSON(t, p.Get("/account/export"), 401, "reauthentication_required")
		wantJSON(t, p.post("/account/delete", nil), 401, "reauthentication_required")
		p.post("/reauth", fields{"password": authtest.Password})
		r := p.Get("/account/export")
		wantJSON(t, r, 200, "")
		var all struct {
			Account  struct{ ID, Email string }
			Sessions []auth.Session
		}
		if err := json.Unmarshal([]byte(r.Body), &all); err != nil || all.Account.Email != ann || len(all.Sessions) != 1 || strings.Contains(r.Body, p.Cookie("session").Value) {
			t.Errorf("%v in %s", err, r.Body)
		}
		if got := r.Header.Get("Content-Disposition"); got != `attachment; filename="account.json"` {
			t.Errorf("Content-Disposition is %q", got)
		}
		wantJSON(t, p.post("/account/delete", fields{"sure": "yes"}), 422, "form_refused", "sure unknown_field")
		if p.session().User == nil {
			t.Fatal("deleted by a request that was refused")
		}
		if s := p.state(p.post("/account/delete", nil)); s.User != nil {
			t.Errorf("after the end: %+v", s)
		}
		wantJSON(t, p.login(), 422, "form_refused", " bad_login")
	})
}

// What is not quite right is refused, with the field named, changes nothing and echoes no secret.
func TestJSONStrict(t *testing.T) {
	const secret = "Sesame tractor ocean violin"
	many := `{"email":"` + ann + `"`
	for i := range 5000 {
		many += fmt.Sprintf(`,"%x":0`, i)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true})
		p := newProgram(t, s)
		good := func(more string) string {
			return `{"email":"` + ann + `","password":"` + secret + `","confirm":"` + secret + `"` + more + `}`
		}
		for name, test := range map[string]struct {
			body   string
			status int
			faults []string
		}{
			"unknown field":       {good(`,"admin":true`), 422, []string{"admin unknown_field"}},
			"another case":        {good(`,"Email":"x"`), 422, []string{"Email unknown_field"}},
			"of another form":     {good(`,"remember":true`), 422, []string{"remember unknown_field"}},
			"no name":             {good(`,"":"x"`), 422, []string{" unknown_field"}},
			"twice":               {good(`,"password":"` + secret + `"`), 422, []string{"password repeated"}},
			"twice, escaped":      {good(`,"p\u0061ssword":"x"`), 422, []string{"password repeated"}},
			"three times":         {good(`,"email":"x","email":"y"`), 422, []string{"email repeated"}},
			"number":              {`{"email":1,"password":"` + secret + `"}`, 422, []string{"email type"}},
			"large number":        {`{"email":1e999,"password":"` + secret + `"}`, 422, []string{"email type"}},
			"null":                {`{"email":null,"password":"` + secret + `"}`, 422, []string{"email type"}},
			"array":               {`{"email":["` + ann + `"],"password":"` + secret + `"}`, 422, []string{"email type"}},
			"object":              {`{"email":{"$ne":""},"password":{"$ne":""}}`, 422, []string{"email type", "password type"}},
			"boolean":             {`{"email":true,"password":"` + secret + `"}`, 422, []string{"email type"}},
			"right after wrong":   {`{"email":1,"email":"` + ann + `","password":"` + secret + `","confirm":"` + secret + `"}`, 422, []string{"email type"}},
			"half a pair":         {strings.Replace(good(""), "violin", `\ud800`, 2), 422, []string{"password invalid", "confirm invalid"}},
			"empty":               {"", 422, []string{"email required", "password required", "confirm required"}},
			"garbage after it":    {good("") + "x", 400, nil},
			"brace after it":      {good("") + "}", 400, nil},
			"two values":          {good("") + good(""), 400, nil},
			"comma at the end":    {good(","), 400, nil},
			"no colon":            {`{"email" "` + ann + `"}`, 400, nil},
			"no end":              {`{"email":"` + ann + `"`, 400, nil},
			"no quotes":           {`{email:"` + ann + `"}`, 400, nil},
			"comment":             {good("/**/"), 400, nil},
			"byte order mark":     {"\ufeff" + good(""), 400, nil},
			"not UTF-8":           {strings.Replace(good(""), "violin", "\xff", 2), 400, nil},
			"not UTF-8 in a name": {good(",\"\xc0\xae\":1"), 400, nil},
			"UTF-16":              {"{\x00}\x00", 400, nil},
			"array around it":     {"[" + good("") + "]", 400, nil},
			"string":              {`"` + secret + `"`, 400, nil},
			"null alone":          {"null", 400, nil},
			"space":               {" ", 400, nil},
			"form":                {"email=" + ann + "&password=" + secret, 400, nil},
			"deep":                {strings.Repeat("[", 60_000), 400, nil},
			"deep inside":         {`{"email":` + strings.Repeat("[", 60_000), 400, nil},
			"deep and whole":      {`{"email":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, 400, nil},
			"too deep":            {strings.Repeat("[", 100_000), 413, nil},
			"too large":           {`{"email":"` + strings.Repeat("x", 64<<10) + `"}`, 413, nil},
			"spaces after it":     {good("") + strings.Repeat(" ", 64<<10), 413, nil},
		} {
			code := map[int]string{400: "malformed", 413: "too_large", 422: "form_refused"}[test.status]
			r := p.raw("POST", "/signup", test.body)
			wantJSON(t, r, test.status, code, test.faults...)
			if t.Failed() {
				t.Fatal(name)
			}
			if strings.Contains(r.Body, "Sesame") || strings.Contains(r.Body, ann) {
				t.Errorf("%s: echoes %s", name, r.Body)
			}
		}
		if e := wantJSONTooMany(t, p.raw("POST", "/signup", many+"}")); len(e.Errors) > 20 {
			t.Errorf("%d errors", len(e.Errors))
		}
		if p.session().User != nil {
			t.Error("logged in")
		}
		if _, err := s.store.UserByLogin(t.Context(), ann); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("signed up: %v", err)
		}
		p.state(p.raw("POST", "/signup", " \r\n\t"+good("")+"\n"))
	})
}

func wantJSONTooMany(t testing.TB, r *authtest.Response) (p problem) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), &p); err != nil || r.Status != 422 || len(p.Errors) == 0 || p.Errors[0].Code != "unknown_field" {
		t.Errorf("status %d, %v: %.200s", r.Status, err, r.Body)
	}
	return p
}

// "remember" is a boolean, and nothing that looks like one.
func TestJSONRemember(t *testing.T) {
	p := newProgram(t, pages.Handler(authtest.New(t, nil)))
	p.signup()
	p.post("/logout", nil)
	for _, value := range []any{"yes", "true", 1, nil, []bool{true}, ""} {
		wantJSON(t, p.post("/login", fields{"email": ann, "password": authtest.Password, "remember": value}), 422, "form_refused", "remember type")
	}
}

// TestJSONStrictEverywhere proves that every route reads JSON in this way.
func TestJSONStrictEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true})
		guest, user := newProgram(t, s), newProgram(t, s)
		user.signup()
		for _, rt := range routes {
			if !slices.Contains(rt.methods, "POST") {
				continue
			}
			p := user
			if rt.path == "/login" || rt.path == "/signup" {
				p = guest
			}
			wantJSON(t, p.raw("POST", rt.path, `{"oops":"x"}`), 422, "form_refused", "oops unknown_field")
			wantJSON(t, p.raw("POST", rt.path, `{"next":["x"]}`), 422, "form_refused", "next "+map[bool]string{true: "unknown_field", false: "type"}[rt.path == "/confirm" || rt.path == "/password/reset"])
			wantJSON(t, p.raw("POST", rt.path, `{`), 400, "malformed")
			wantJSON(t, p.raw("POST", rt.path, "{\"\xff\":1}"), 400, "malformed")
			wantJSON(t, p.raw("POST", rt.path, strings.Repeat(" ", 70_000)), 413, "too_large")
			wantJSON(t, p.raw("POST", rt.path, "{}", "Content-Type", "text/plain"), 415, "unsupported_media_type")
		}
		if user.session().User == nil || guest.session().User != nil {
			t.Error("something has changed")
		}
	})
}

// What the body is, is for Content-Type to say; what the answer is, for Accept.
func TestJSONTypes(t *testing.T) {
	const body = `{"email":"ann@example.com","password":"` + authtest.Password + `"}`
	form := url.Values{"email": {ann}, "password": {authtest.Password}}.Encode()
	for _, test := range []struct {
		name, body, typ, accept string
		status                  int
		answer                  string
	}{
		{"JSON", body, "application/json", "application/json", 200, "application/json"},
		{"JSON, with a parameter", body, "application/json; charset=utf-8", "application/json", 200, "application/json"},
		{"JSON, in capitals", body, "Application/JSON", "application/json", 200, "application/json"},
		{"JSON, by fetch", body, "application/json", "*/*", 200, "application/json"},
		{"JSON, without Accept", body, "application/json", "", 200, "application/json"},
		{"JSON, for a page", body, "application/json", "text/html", 303, ""},
		{"broken JSON, for a page", "{", "application/json", "text/html", 400, "text/html; charset=utf-8"},
		{"wrong JSON, for a page", `{"x":1}`, "application/json", "text/html", 422, "text/html; charset=utf-8"},
		{"form", form, "application/x-www-form-urlencoded", "application/json", 200, "application/json"},
		{"form, for a page", form, "application/x-www-form-urlencoded", "text/html", 303, ""},
		{"JSON as a form", body, "application/x-www-form-urlencoded", "application/json", 422, "application/problem+json"},
		{"form as JSON", form, "application/json", "application/json", 400, "application/problem+json"},
		{"no type", body, "", "application/json", 415, "application/problem+json"},
		{"no type, for anybody", body, "", "*/*", 415, "text/html; charset=utf-8"},
		{"XML", "<x/>", "application/xml", "application/json", 415, "application/problem+json"},
		{"text", body, "text/plain", "application/json", 415, "application/problem+json"},
		{"text that ends in json", body, "text/x+json", "application/json", 415, "application/problem+json"},
		{"problem", body, "application/problem+json", "application/json", 415, "application/problem+json"},
		{"multipart", body, "multipart/form-data; boundary=x", "application/json", 415, "application/problem+json"},
	} {
		m := authtest.New(t, nil)
		authtest.User(t, m, ann)
		p := newProgram(t, pages.Handler(m))
		header := []string{"Content-Type", test.typ, "Accept", test.accept}
		if test.accept == "" {
			delete(p.Header, "Accept")
		}
		r := p.raw("POST", "/login", test.body, header...)
		if r.Status != test.status || r.Header.Get("Content-Type") != test.answer {
			t.Errorf("%s: status %d, type %q, want %d, %q\n%s", test.name, r.Status, r.Header.Get("Content-Type"), test.status, test.answer, r.Body)
		}
		checkHeader(t, r)
		p.Header.Set("Accept", "application/json")
		if in := p.session().User != nil; in != (test.status < 400) {
			t.Errorf("%s: logged in: %v", test.name, in)
		}
	}
}

// A body of JSON saves nobody the token: other sites can send one as text/plain and, where CORS is set up
// badly, as JSON.
func TestJSONNeedsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true})
		p := newProgram(t, s)
		p.signup()
		for _, rt := range routes {
			for _, token := range []string{"", "stale"} {
				if !slices.Contains(rt.methods, "POST") {
					continue
				}
				wantJSON(t, p.raw("POST", rt.path, "{}", "X-Csrf-Token", token), 403, "csrf_refused")
				wantJSON(t, p.raw("POST", rt.path, `{"csrf_token":"`+p.session().CSRFToken+`"}`, "X-Csrf-Token", token), 403, "csrf_refused")
			}
			wantJSON(t, p.raw("POST", rt.path, "{}", "Sec-Fetch-Site", "cross-site"), 403, "csrf_refused")
		}
		if p.session().User == nil {
			t.Error("logged out")
		}
	})
}

// route is one of the pages.
type route struct {
	path    string
	methods []string
}

// routes are all of them.
var routes = []route{
	{"/signup", []string{"GET", "HEAD", "POST"}},
	{"/login", []string{"GET", "HEAD", "POST"}},
	{"/logout", []string{"POST"}},
	{"/reauth", []string{"GET", "HEAD", "POST"}},
	{"/session", []string{"GET", "HEAD"}},
	{"/confirm", []string{"GET", "HEAD", "POST"}},
	{"/confirm/resend", []string{"GET", "HEAD", "POST"}},
	{"/password/forgot", []string{"GET", "HEAD", "POST"}},
	{"/password/reset", []string{"GET", "HEAD", "POST"}},
	{"/account/password", []string{"GET", "HEAD", "POST"}},
	{"/account/email", []string{"GET", "HEAD", "POST"}},
	{"/account/sessions", []string{"GET", "HEAD"}},
	{"/account/sessions/none/revoke", []string{"POST"}},
	{"/account/sessions/revoke-others", []string{"POST"}},
	{"/account/sessions/revoke-all", []string{"POST"}},
	{"/account/export", []string{"GET", "HEAD"}},
	{"/account/delete", []string{"GET", "HEAD", "POST"}},
}

// visitors are programs in every state that a session can be in.
func visitors(t testing.TB, s *site, wantFactor *bool) map[string]func() program {
	n := 0
	enter := func() (program, *auth.User) {
		n++
		p := newProgram(t, s)
		p.post("/signup", fields{"email": fmt.Sprint("ann", n, "@example.com"), "password": authtest.Password, "confirm": authtest.Password})
		u, err := s.store.UserByLogin(t.Context(), fmt.Sprint("ann", n, "@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		return p, u
	}
	again := func(p program, u *auth.User, code, pending string) program {
		t.Helper()
		p.post("/logout", nil)
		wantJSON(t, p.post("/login", fields{"email": u.Email, "password": authtest.Password}), 401, code)
		if got := p.session(); got.Pending != pending || got.User != nil || got.AuthenticatedAt != nil {
			t.Errorf("%s: %+v", code, got)
		}
		return p
	}
	return map[string]func() program{
		"guest": func() program { return newProgram(t, s) },
		"user":  func() program { p, _ := enter(); return p },
		"not fresh": func() program {
			p, _ := enter()
			time.Sleep(16 * time.Minute)
			return p
		},
		"second factor": func() program {
			p, u := enter()
			*wantFactor = true
			defer func() { *wantFactor = false }()
			return again(p, u, "second_factor_required", "second_factor")
		},
		"new password": func() program {
			p, u := enter()
			if err := s.m.MarkCompromised(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			return again(p, u, "new_password_required", "new_password")
		},
	}
}

// No program is led to a page, on whatever route, by whatever method, in whatever state.
func TestJSONNeverRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		factor := false
		s := newMailSite(t, auth.Config{SecondFactorURL: "/code", Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error {
			if factor {
				return auth.ErrSecondFactor
			}
			return nil
		}}}}, &pages.Config{SignupLogsIn: true})
		all := append(slices.Clone(routes), route{"/nowhere", nil}, route{"/login/", nil}, route{"/account//sessions", nil}, route{"/account//sessions/", nil},
			route{"/confirm?token=x", []string{"GET", "HEAD", "POST"}}, route{"/login?next=/a", []string{"GET", "HEAD", "POST"}}, route{"/vestibule.css", []string{"GET", "HEAD"}})
		for state, visitor := range visitors(t, s, &factor) {
			for _, rt := range all {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
					neverRedirects(t, state, visitor(), rt, method)
				}
			}
		}
	})
}

func neverRedirects(t testing.TB, state string, p program, rt route, method string) {
	t.Helper()
	for _, header := range [][]string{{"Accept", "application/json"}, {"Accept", "*/*"}, {"Accept", "*/*", "Content-Type", "", "X-Requested-With", "XMLHttpRequest"}} {
		r := p.raw(method, rt.path, "", header...)
		_, led := r.Header["Location"]
		typ := strings.HasPrefix(r.Header.Get("Content-Type"), "application/") || rt.path == "/vestibule.css"
		if led || r.Status >= 500 || r.Status >= 300 && r.Status < 400 || !typ && (method != "HEAD" || r.Status != 200) {
			t.Errorf("%s: %s %s with %q: %d %v\n%s", state, method, rt.path, header, r.Status, r.Header, r.Body)
		}
		if known := slices.Contains(rt.methods, method); known == (r.Status == 405) && rt.methods != nil {
			t.Errorf("%s: %s %s: status %d", state, method, rt.path, r.Status)
		}
		if r.Status == 405 && r.Header.Get("Allow") != strings.Join(rt.methods, ", ") {
			t.Errorf("%s %s: Allow is %q", method, rt.path, r.Header.Get("Allow"))
		}
	}
}

// What each state is answered where it may not go.
func TestJSONStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		factor := false
		s := newMailSite(t, auth.Config{SecondFactorURL: "/code", Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error {
			if factor {
				return auth.ErrSecondFactor
			}
			return nil
		}}}}, &pages.Config{SignupLogsIn: true})
		for state, visitor := range visitors(t, s, &factor) {
			p := visitor()
			code := map[string]string{"guest": "login_required", "second factor": "second_factor_required", "new password": "new_password_required", "not fresh": "reauthentication_required"}[state]
			r := p.Get("/account/sessions")
			if code == "" {
				wantJSON(t, r, 200, "")
				continue
			}
			wantJSON(t, r, 401, code)
			wantJSON(t, p.post("/account/delete", nil), 401, code)
			if state == "new password" {
				wantJSON(t, p.post("/account/password", fields{"current": authtest.Password, "password": "x", "confirm": "x"}), 422, "form_refused", "password too_short")
				if got := p.state(p.post("/account/password", fields{"current": authtest.Password, "password": another, "confirm": another})); got.User == nil || got.Pending != "" {
					t.Errorf("after the new password: %+v", got)
				}
			}
		}
	})
}

// The other errors, each by the code that programs go by.
func TestJSONProblems(t *testing.T) {
	t.Run("throttled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newProgram(t, newMailSite(t, auth.Config{}, nil))
			for range 5 {
				p.login()
			}
			r := p.login()
			e := wantJSON(t, r, 429, "throttled", " throttled")
			if r.Header.Get("Retry-After") != strconv.Itoa(e.Errors[0].Limit) || e.Detail != e.Errors[0].Message {
				t.Errorf("%v %+v", r.Header, e)
			}
		})
	})
	t.Run("unchecked", func(t *testing.T) {
		p := newProgram(t, pages.Handler(authtest.New(t, &auth.Config{Passwords: auth.Policy{Breaches: down{}, BreachesRequired: true}})))
		wantJSON(t, p.post("/signup", fields{"email": ann, "password": another, "confirm": another}), 503, "unchecked")
	})
	t.Run("failed", func(t *testing.T) {
		s := newMailSite(t, auth.Config{}, &pages.Config{SignupLogsIn: true})
		guest, user := newProgram(t, s), newProgram(t, s)
		user.signup()
		s.store.fails = true
		for _, r := range []*authtest.Response{
			guest.login(), guest.post("/password/forgot", fields{"email": ann}), user.post("/logout", nil),
			user.post("/account/password", fields{"current": authtest.Password, "password": another, "confirm": another}),
		} {
			if wantJSON(t, r, 500, "failed"); strings.Contains(r.Body, "database") {
				t.Errorf("%s tells too much: %s", r.URL, r.Body)
			}
		}
	})
	t.Run("hooks", func(t *testing.T) {
		refuse := error(nil)
		m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{{Login: func(http.ResponseWriter, *http.Request, *auth.User, *auth.Session) error { return refuse }}}})
		authtest.User(t, m, ann)
		p := newProgram(t, pages.Handler(m))
		for _, test := range []struct {
			err    error
			status int
			code   string
			faults []string
		}{
			{auth.ErrSecondFactor, 401, "second_factor_required", nil},
			{auth.ErrDisabled, 403, "disabled", nil},
			{auth.ErrConflict, 409, "conflict", nil},
			{auth.ErrBusy, 503, "busy", nil},
			{auth.ErrBadLogin, 422, "form_refused", []string{" bad_login"}},
			{auth.FormErrors{{Field: "email", Code: "closed", Message: "Come back tomorrow."}}, 422, "form_refused", []string{"email closed"}},
			{errors.New("secret of the house"), 500, "failed", nil},
		} {
			refuse = test.err
			wantJSON(t, p.login(), test.status, test.code, test.faults...)
		}
	})
	t.Run("unsupported", func(t *testing.T) {
		p := newProgram(t, pages.Handler(unlisted(t)))
		p.signup()
		wantJSON(t, p.Get("/account/sessions"), 501, "unsupported")
	})
}

// unlisted returns a Manager whose store cannot tell which sessions there are.
func unlisted(t testing.TB) *auth.Manager {
	t.Helper()
	m, err := auth.New(noList{memstore.New()}, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type noList struct{ *memstore.Store }

func (noList) Sessions(context.Context, string) ([]*auth.SessionRecord, error) {
	return nil, errors.ErrUnsupported
}

// TestJSONCutOff sends a body that ends before it should.
func TestJSONCutOff(t *testing.T) {
	p := newProgram(t, pages.Handler(authtest.New(t, nil)))
	r := httptest.NewRequest("POST", "/login", io.MultiReader(strings.NewReader(`{"email":"`), cut{}))
	r.Header.Set("X-CSRF-Token", p.session().CSRFToken)
	r.Header.Set("Content-Type", "application/json")
	wantJSON(t, p.Do(r), 400, "malformed")
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Words are in the visitor's language, codes are for programs.
func TestJSONGerman(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMailSite(t, auth.Config{}, nil)
		p := newProgram(t, s)
		p.Header.Set("Accept-Language", "de-AT, en;q=0.5")
		e := wantJSON(t, p.post("/signup", fields{"email": "ann", "password": "x", "confirm": "x", "next": "/"}), 422, "form_refused", "email invalid", "password too_short")
		if !strings.HasPrefix(e.Errors[1].Message, "Bitte nehmen Sie mindestens 15 Zeichen.") {
			t.Errorf("messages %+v", e.Errors)
		}
		wants := func(e problem, english string) {
			t.Helper()
			if e.Detail == english || !strings.ContainsAny(e.Detail, "äöüßÄÖÜ") && !strings.Contains(e.Detail, "ist ") && !strings.Contains(e.Detail, "gibt ") && !strings.Contains(e.Detail, "gilt ") {
				t.Errorf("%s is %q", e.Code, e.Detail)
			}
		}
		wants(wantJSON(t, p.raw("POST", "/login", "{"), 400, "malformed"), "")
		wants(wantJSON(t, p.raw("POST", "/login", "{}", "X-Csrf-Token", ""), 403, "csrf_refused"), "")
		wants(wantJSON(t, p.Get("/nowhere"), 404, "not_found"), "")
		wants(wantJSON(t, p.Get("/logout"), 405, "method_not_allowed"), "")
		wants(wantJSON(t, p.Get("/login"), 406, "no_json"), "")
		wants(wantJSON(t, p.post("/confirm", nil), 404, "bad_link"), "")
		wants(wantJSON(t, p.raw("POST", "/login", "{}", "Content-Type", "text/plain"), 415, "unsupported_media_type"), "")
		r := p.post("/password/forgot", fields{"email": ann})
		if !strings.Contains(r.Body, `"code":"forgot_sent"`) || !strings.Contains(r.Body, "Adresse") {
			t.Errorf("sent: %s", r.Body)
		}
	})
}

// htmx sends forms, and swaps in pages: it is no program in this sense.
func TestHTMX(t *testing.T) {
	c := newClient(t, nil, nil)
	c.Header = http.Header{"Accept": {"*/*"}, "Hx-Request": {"true"}}
	want(t, c.Signup(ann, "short"), 422, "")
	want(t, c.Signup(ann, authtest.Password), 303, "/")
	want(t, c.Logout(), 303, "/")
	r := c.Login(ann, another)
	want(t, r, 422, "")
	mustContain(t, r, "The email or the password is wrong.")
	want(t, c.Login(ann, authtest.Password), 303, "/")
}

// A form that a program sends is read as one, its token and all.
func TestFormForJSON(t *testing.T) {
	c := newClient(t, nil, nil)
	form := url.Values{"email": {ann}, "password": {"short"}, "confirm": {"short"}}
	c.Get("/login")
	form.Set("csrf_token", c.Token())
	c.Header.Set("Accept", "application/json")
	wantJSON(t, c.Post("/signup", form), 422, "form_refused", "password too_short")
	form["password"] = append(form["password"], "short")
	wantJSON(t, c.Post("/signup", form), 422, "form_refused", "password repeated", "confirm mismatch")
	form["password"], form["confirm"], form["next"] = []string{another}, []string{another}, []string{"/dashboard"}
	r := c.Post("/signup", form)
	if wantJSON(t, r, 200, ""); !strings.Contains(r.Body, `"next":"/dashboard"`) {
		t.Errorf("body %s", r.Body)
	}
}
