package email_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/internal/leak/leakmail"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

const (
	ann      = "ann@example.com"
	password = authtest.Password
	another  = "candle meadow rocket puzzle"
	third    = "garden thunder pillow anchor"
)

// site is a small application that confirms addresses and resets passwords.
type site struct {
	t     testing.TB
	m     *auth.Manager
	links *email.Links
	store *storetest.Faulty
	out   *outbox
	http.Handler

	second bool // everyone needs a second factor

	mu       sync.Mutex
	calls    map[string]int // of the store and the hasher
	events   []auth.Event
	recorded strings.Builder // the log, and the events
}

// Write takes the log.
func (s *site) Write(b []byte) (int, error) {
	watch.Write(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorded.Write(b)
}

func (s *site) count(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[what]++
	return nil
}

// Hash and Verify make s its own hasher, which is quick and no good but for tests: they are many.
func (s *site) Hash(p string) (string, error) {
	s.count("Hash")
	return fmt.Sprintf("%x", sha256.Sum256([]byte(p))), nil
}

func (s *site) Verify(hash, p string) (ok, stale bool, err error) {
	s.count("Verify")
	return hash == fmt.Sprintf("%x", sha256.Sum256([]byte(p))), false, nil
}

// outbox is a Mailer that keeps what it gets, after it has failed so often.
type outbox struct {
	mu    sync.Mutex
	fails int
	calls int
	mails []email.Message
}

func (o *outbox) Send(_ context.Context, m *email.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.calls++; o.calls <= o.fails {
		return errors.New("the mail server is down")
	}
	o.mails = append(o.mails, *m)
	return nil
}

// tries returns how often Send was called.
func (o *outbox) tries() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.calls
}

// sent returns what it got, but for notices.
func (o *outbox) sent() []email.Message { return o.mailed(false) }

// notices returns the notices that it got.
func (o *outbox) notices() []email.Message { return o.mailed(true) }

func (o *outbox) mailed(notices bool) (list []email.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.mails {
		if isNotice(m.Kind) == notices {
			list = append(list, m)
		}
	}
	return list
}

func isNotice(kind string) bool {
	return kind == email.KindPasswordChanged || kind == email.KindEmailChanged || kind == email.KindDeleted
}

func newSite(t testing.TB, grace time.Duration, adjust func(*email.Config)) *site {
	t.Helper()
	s := &site{t: t, out: new(outbox), calls: map[string]int{}}
	s.store = &storetest.Faulty{Store: memstore.New(), Before: s.count}
	cfg := &auth.Config{BaseURL: authtest.BaseURL, Hasher: s, Logger: slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	cfg.Hooks = []auth.Hooks{email.Hooks(grace), {Login: func(_ http.ResponseWriter, _ *http.Request, _ *auth.User, session *auth.Session) error {
		if s.second && !session.Has("otp") {
			return auth.ErrSecondFactor
		}
		return nil
	}}, {Event: func(ctx context.Context, e auth.Event) {
		watch.Event(ctx, e)
		fmt.Fprintf(s, "%+v\n", e)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}}}
	var err error
	if s.m, err = auth.New(s.store, cfg); err != nil {
		t.Fatal(err)
	}
	c := email.Config{Mailer: s.out, SiteName: "The Shop"}
	if adjust != nil {
		adjust(&c)
	}
	c.Mailer = leakmail.Watch(&watch, c.Mailer)
	if s.links, err = email.New(s.m, s.store, &c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.links.Close(context.Background()) })
	s.Handler = watch.Handler(s.m.Handler(s.routes()))
	return s
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<input name="csrf_token" value="%s">`, auth.CSRFToken(r.Context()))
	})
	mux.HandleFunc("GET /who", func(w http.ResponseWriter, r *http.Request) {
		if u := auth.CurrentUser(r.Context()); u != nil {
			io.WriteString(w, u.Email)
		}
	})
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseSignup(r)
		err := s.links.Signup(r.Context(), f)
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		u, err := s.m.Authenticate(r.Context(), f)
		if err == nil {
			err = s.m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		if errors.Is(err, auth.ErrBadLogin) { // as package pages does for what a hook returns
			f.Errors.Add("", auth.CodeBadLogin, 0)
		}
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /forgot", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		err := s.links.Forgot(r.Context(), f)
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /resend", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		err := s.links.SendConfirmation(r.Context(), f)
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParsePassword(r)
		err := s.links.Reset(r.Context(), r.PostFormValue("token"), f)
		if u := auth.CurrentUser(r.Context()); u != nil && err == nil {
			s.t.Errorf("after a reset %v is logged in", u)
		}
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		_, err := s.links.Confirm(r.Context(), r.PostFormValue("token"), f)
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /change", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		err := s.links.SendChange(r.Context(), auth.CurrentUser(r.Context()), f)
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParsePassword(r)
		u := cmp.Or(auth.CurrentUser(r.Context()), auth.PendingPassword(r.Context()))
		err := s.links.ChangePassword(r.Context(), u, f)
		done(w, f.Errors, err)
	})
	mux.HandleFunc("POST /delete", func(w http.ResponseWriter, r *http.Request) {
		err := s.links.DeleteAccount(r.Context(), auth.CurrentUser(r.Context()))
		done(w, nil, err)
	})
	return mux
}

// done answers with everything that a visitor can learn.
func done(w http.ResponseWriter, faults auth.FormErrors, err error) {
	watch.Error(err)
	if after := auth.RetryAfter(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	w.WriteHeader(auth.Status(err))
	json.NewEncoder(w).Encode(faults)
}

func (s *site) visitor() *authtest.Client {
	c := authtest.NewClient(s.t, s.Handler)
	c.Get("/")
	return c
}

// who returns the email of whom c is logged in as, or "".
func who(c *authtest.Client) string { return c.Get("/who").Body }

func want(t testing.TB, what string, r *authtest.Response, status int) {
	t.Helper()
	if r.Status != status {
		t.Errorf("%s: status %d, want %d: %s", what, r.Status, status, r.Body)
	}
}

// user makes a user, changed by adjust.
func (s *site) user(adjust func(*auth.User)) *auth.User {
	s.t.Helper()
	u := authtest.UnconfirmedUser(s.t, s.m, ann)
	if adjust != nil {
		adjust(u)
		if err := s.store.UpdateUser(s.t.Context(), u); err != nil {
			s.t.Fatal(err)
		}
	}
	return u
}

func confirmed(u *auth.User) { u.Confirmed = time.Now().UTC().Truncate(time.Microsecond) }
func disabled(u *auth.User)  { u.Disabled = time.Now().UTC().Truncate(time.Microsecond) }

// stored returns ann as the store has her.
func (s *site) stored() *auth.User {
	s.t.Helper()
	u, err := s.store.UserByLogin(s.t.Context(), ann)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// opens reports whether ann's password is p, compromised or not.
func (s *site) opens(p string) bool {
	s.t.Helper()
	return strings.HasSuffix(s.stored().PasswordHash, fmt.Sprintf("%x", sha256.Sum256([]byte(p)))) // after a mark
}

// event returns how many events of that name there were.
func (s *site) event(name string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Name == name {
			n++
		}
	}
	return n
}

var link = regexp.MustCompile(`http\S*[?]token=(\S+)`)

// mail waits until there are n mails beside notices, and returns the last, and the token in it.
func (s *site) mail(n int) (email.Message, string) {
	s.t.Helper()
	m := s.wait(n, s.out.sent)
	if found := link.FindStringSubmatch(m.Text); found != nil {
		return m, found[1]
	}
	return m, ""
}

// notice waits until there are n notices, and returns the last.
func (s *site) notice(n int) email.Message {
	s.t.Helper()
	return s.wait(n, s.out.notices)
}

func (s *site) wait(n int, list func() []email.Message) email.Message {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		mails := list()
		if len(mails) == n {
			return mails[n-1]
		}
		if time.Now().After(deadline) || len(mails) > n {
			s.t.Fatalf("%d mails, want %d", len(mails), n)
		}
	}
}

// forgot asks for a new password, and returns the token in the nth mail.
func (s *site) forgot(n int) string {
	s.t.Helper()
	if err := s.links.Forgot(s.t.Context(), &auth.LoginForm{Email: ann}); err != nil {
		s.t.Fatal(err)
	}
	_, token := s.mail(n)
	return token
}

// resend is forgot for a link to confirm the address.
func (s *site) resend(n int) string {
	s.t.Helper()
	if err := s.links.SendConfirmation(s.t.Context(), &auth.LoginForm{Email: ann}); err != nil {
		s.t.Fatal(err)
	}
	_, token := s.mail(n)
	return token
}

func resetForm(token, p string) url.Values {
	return url.Values{"token": {token}, "password": {p}, "confirm": {p}}
}

func confirmForm(token, p string) url.Values {
	return url.Values{"token": {token}, "password": {p}}
}

func TestNewNamesEveryFault(t *testing.T) {
	m := authtest.New(t, nil)
	_, err := email.New(nil, nil, nil)
	for _, part := range []string{"Manager is nil", "store is nil", "Mailer is nil"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
	_, err = email.New(m, memstore.New(), &email.Config{
		Mailer: new(outbox), SiteName: "Shop\r\nBcc: all@example.com", ConfirmURL: "//evil.example", ResetURL: "/reset?x=1", ForgotURL: "forgot",
		Contact: "help\u2028Bcc: all@example.com", ConfirmFor: -1, ResetFor: 25 * time.Hour, QueueSize: -1, Tries: 11,
	})
	for _, part := range []string{"SiteName", "Contact", "ConfirmURL", "ResetURL", "ForgotURL", "ConfirmFor", "ResetFor", "QueueSize", "Tries"} {
		if err == nil || !strings.Contains(err.Error(), "\n"+part+" is ") {
			t.Errorf("%v does not name %s", err, part)
		}
	}
}

// What is in a mail, and that nothing of it is the visitor's.
func TestMails(t *testing.T) {
	for _, test := range []struct {
		kind   string
		user   func(*auth.User) // nil: there is none
		ask    func(*site) error
		within []string
		link   string
	}{
		{email.KindConfirm, nil, signup, []string{"24 hours", "enter your password"}, "http://localhost/confirm?token="},
		{email.KindTaken, confirmed, signup, []string{"http://localhost/login ", "http://localhost/password/forgot ", "Nothing has changed"}, ""},
		{email.KindPending, func(*auth.User) {}, signup, []string{"60 minutes", "choose its password"}, "http://localhost/password/reset?token="},
		{email.KindReset, confirmed, forgot, []string{"60 minutes", "your password has not changed"}, "http://localhost/password/reset?token="},
		{email.KindConfirm, func(*auth.User) {}, resend, []string{"24 hours"}, "http://localhost/confirm?token="},
	} {
		s := newSite(t, 0, nil)
		if test.user != nil {
			s.user(test.user)
		}
		if err := test.ask(s); err != nil {
			t.Fatal(err)
		}
		m, token := s.mail(1)
		if m.To != ann || m.Kind != test.kind || m.UserID != s.stored().ID || !strings.Contains(m.Subject, "The Shop") || strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("%s: to %q, kind %q, user %q, subject %q", test.kind, m.To, m.Kind, m.UserID, m.Subject)
		}
		for _, part := range append(test.within, test.link) {
			if !strings.Contains(flat(m.Text), part) || !strings.Contains(flat(html.UnescapeString(m.HTML)), strings.TrimSpace(part)) {
				t.Errorf("%s does not say %q:\n%s", test.kind, part, m.Text)
			}
		}
		if (token != "") != (test.link != "") || token != "" && len(token) != 43 {
			t.Errorf("%s: token %q", test.kind, token)
		}
		for line := range strings.Lines(m.Text) {
			if len(line) > 78 && !strings.Contains(line, "token=") {
				t.Errorf("%s: a line of %d characters: %s", test.kind, len(line), line)
			}
		}
	}
}

// flat returns s on one line.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") + " " }

func signup(s *site) error {
	return s.links.Signup(s.t.Context(), &auth.SignupForm{Email: " Ann@Example.com", Password: another, Confirm: another})
}
func forgot(s *site) error {
	return s.links.Forgot(s.t.Context(), &auth.LoginForm{Email: "ANN@example.com "})
}
func resend(s *site) error {
	return s.links.SendConfirmation(s.t.Context(), &auth.LoginForm{Email: ann})
}

// Links begin with BaseURL, whatever the request says about hosts.
func TestLinksComeFromBaseURL(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	c := s.visitor()
	for name, value := range map[string]string{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"} {
		c.Header.Set(name, value)
	}
	host := s.Handler
	evil := authtest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "evil.example"
		host.ServeHTTP(w, r)
	}))
	evil.Get("/")
	for n, c := range []*authtest.Client{c, evil} {
		want(t, "forgot", c.Post("/forgot", url.Values{"email": {ann}}), 200)
		m, _ := s.mail(n + 1)
		if strings.Contains(m.Text, "evil") || !strings.Contains(m.Text, "\nhttp://localhost/password/reset?token=") {
			t.Errorf("the mail is\n%s", m.Text)
		}
	}
}

// Whatever writes the mails, and whatever the users' table holds: no header can be begun.
func TestNoHeaderInjection(t *testing.T) {
	s := newSite(t, 0, func(c *email.Config) {
		c.Write = func(_ context.Context, l email.Letter) email.Message {
			return email.Message{To: "bcc@example.com", Subject: "Hi\r\nBcc: all@example.com\u2028\x00", Text: l.Link}
		}
	})
	s.user(confirmed)
	s.forgot(1)
	m, _ := s.mail(1)
	if m.To != ann || m.Subject != "Hi  Bcc: all@example.com  " {
		t.Errorf("to %q, subject %q", m.To, m.Subject)
	}
	u := s.stored()
	u.Email = ann + "\r\nBcc: all@example.com"
	s.store.Store = wrongUser{s.store.Store, u}
	if err := forgot(s); err != nil {
		t.Error(err)
	}
	s.links.Close(t.Context())
	if n := len(s.out.sent()); n != 1 {
		t.Errorf("%d mails, want the first only", n)
	}
}

// wrongUser is a store that finds a user by another address than theirs.
type wrongUser struct {
	auth.Store
	u *auth.User
}

func (w wrongUser) UserByLogin(context.Context, string) (*auth.User, error) { return w.u, nil }

// Nothing that is written down holds a token, an address or a password.
func TestRecordsHoldNoSecrets(t *testing.T) {
	s := newSite(t, 0, nil)
	c := s.visitor()
	var secrets []string
	post := func(path string, form url.Values, status int) {
		t.Helper()
		want(t, path, c.Post(path, form), status)
	}
	post("/signup", url.Values{"email": {ann}, "password": {password}, "confirm": {password}}, 200)
	m, token := s.mail(1)
	secrets = append(secrets, token)
	post("/confirm", confirmForm(token, password), 200)
	post("/confirm", confirmForm(token, password), 404)
	post("/forgot", url.Values{"email": {ann}}, 200)
	_, token = s.mail(2)
	secrets = append(secrets, token, ann, password, another)
	post("/reset", resetForm(token, another), 200)
	post("/reset", resetForm(token, another), 404)
	s.notice(1)
	s.out.mu.Lock()
	s.out.fails = 1000
	s.out.calls = 0
	s.out.mu.Unlock()
	post("/forgot", url.Values{"email": {ann}}, 200)
	s.links.Close(t.Context())
	if s.event(auth.EventFailure) != 1 || s.event(email.EventConfirmed) != 1 || s.event(email.EventReset) != 1 || s.event(email.EventLink) != 2 || s.event(email.EventAsked) != 3 {
		t.Errorf("events: %v", s.events)
	}
	slog.New(slog.NewTextHandler(s, nil)).Info("mail", "m", &m)
	fmt.Fprintf(s, "%v %+v %#v %s", m, m, &m, m)
	for _, secret := range secrets {
		if strings.Contains(s.recorded.String(), secret) {
			t.Errorf("%q is in\n%s", secret, s.recorded.String())
		}
	}
}
