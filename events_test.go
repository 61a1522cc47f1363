package auth_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/storetest"
	"github.com/vestibule-go/auth/throttle"
)

// What docs/events.md says of events: their names, levels, attributes and reasons.

// recording are the packages that record events.
var recording = []string{".", "email", "audit"}

// eventNames returns the values of all constants called Event in the packages that record any.
func eventNames(t *testing.T) (names []string) {
	t.Helper()
	for _, f := range sources(t) {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				continue
			}
			for _, spec := range decl.Specs {
				if v := spec.(*ast.ValueSpec); strings.HasPrefix(v.Names[0].Name, "Event") {
					names = append(names, unquoted(t, v.Values[0]))
				}
			}
		}
	}
	return names
}

func unquoted(t *testing.T, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		t.Fatalf("%T is no literal", e)
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sources returns the files of the packages that record events.
func sources(t *testing.T) (files []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	for _, dir := range recording {
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(paths), err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	return files
}

// documentedEvent is a row of the first table of docs/events.md.
type documentedEvent struct {
	level      string
	attributes []string // with "?" where it is not always there
}

func documentedEvents(t *testing.T) map[string]documentedEvent {
	t.Helper()
	all := map[string]documentedEvent{}
	for _, row := range tableRows(section(t, readDoc(t, "events.md"), "## The events")) {
		name, ok := strings.CutPrefix(row[0], "`")
		if name = strings.TrimSuffix(name, "`"); !ok {
			continue
		}
		if _, twice := all[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		e := documentedEvent{level: strings.ToUpper(row[1])}
		for a := range strings.SplitSeq(row[2], ", ") {
			e.attributes = append(e.attributes, strings.Trim(a, "` "))
		}
		slices.Sort(e.attributes)
		all[name] = e
	}
	return all
}

// The names in the document are those in the source.
func TestDocumentedEvents(t *testing.T) {
	names, documented := eventNames(t), documentedEvents(t)
	if len(names) < 25 {
		t.Fatalf("found %q", names)
	}
	for _, name := range names {
		if _, ok := documented[name]; !ok {
			t.Errorf("%s is not there", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("%s is not in the source", name)
	}
}

// Nobody else records events of their own: but for those packages the source has no other constant or call.
func TestWhoRecordsEvents(t *testing.T) {
	record := regexp.MustCompile(`\.Record\([^,]+, (auth\.Event|e\))|auth\.Event\{Name`)
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		switch dir := filepath.ToSlash(filepath.Dir(path)); {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"examples", "testdata", "internal", "cmd"}, path):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.Contains(recording, dir):
			return nil
		}
		source, err := os.ReadFile(path)
		if record.Match(source) {
			t.Errorf("%s records events: add its folder to the list, and its events to docs/events.md", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reasonsInSource returns all words that are given as a Reason, and all texts in the source.
func reasonsInSource(t *testing.T) (reasons []string, texts map[string]bool) {
	t.Helper()
	texts = map[string]bool{}
	word := func(e ast.Expr) {
		if b, ok := e.(*ast.BinaryExpr); ok {
			e = b.X // a word, and what follows
		}
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			reasons = append(reasons, strings.TrimSpace(unquoted(t, lit)))
		}
	}
	for _, f := range sources(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					texts[strings.TrimSpace(unquoted(t, n))] = true
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Reason" {
					word(n.Value)
				}
			case *ast.ValueSpec:
				if name := n.Names[0].Name; (name == "reason" || strings.HasPrefix(name, "Kind")) && len(n.Values) == 1 { // of mails, too
					word(n.Values[0])
				}
			case *ast.AssignStmt:
				if name, ok := n.Lhs[0].(*ast.Ident); ok && name.Name == "reason" && len(n.Rhs) == 1 {
					word(n.Rhs[0])
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"failed", "reject", "badLogin", "proveCurrent"}, f.Sel.Name) {
					for _, arg := range n.Args {
						word(arg)
					}
				}
			case *ast.FuncDecl:
				if n.Name.Name == "csrfReason" || n.Name.Name == "verify" {
					ast.Inspect(n, func(r ast.Node) bool {
						if r, ok := r.(*ast.ReturnStmt); ok {
							word(r.Results[0])
						}
						return true
					})
				}
			}
			return true
		})
	}
	return slices.DeleteFunc(reasons, func(r string) bool { return r == "" }), texts
}

// Every reason has its row, and every row is in the source.
func TestDocumentedReasons(t *testing.T) {
	reasons, texts := reasonsInSource(t)
	if len(reasons) < 50 {
		t.Fatalf("found %q", reasons)
	}
	documented, names := map[string]bool{}, eventNames(t)
	for _, row := range tableRows(section(t, readDoc(t, "events.md"), "## Reasons")) {
		if !strings.HasPrefix(row[0], "`") {
			continue
		}
		if event := strings.Trim(row[0], "`"); !slices.Contains(names, event) {
			t.Errorf("%s is no event", event)
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[m[1]] = true
		}
	}
	for _, reason := range reasons {
		if !documented[reason] {
			t.Errorf("%q is not there", reason)
		}
	}
	others := []string{throttle.Account, throttle.Browser, throttle.Network, throttle.WideNetwork, throttle.Signup, throttle.Mail, throttle.MailNetwork}
	for reason := range documented {
		if !texts[reason] && !slices.Contains(others, reason) {
			t.Errorf("%q is not in the source", reason)
		}
	}
}

// fickle is a Hasher whose hashes are stale, and who takes as long as the test likes.
type fickle struct {
	authtest.Hasher
	stale atomic.Bool
	hold  atomic.Pointer[chan struct{}]
	held  atomic.Int64
}

func (h *fickle) Verify(hash, password string) (ok, stale bool, err error) {
	if c := h.hold.Load(); c != nil {
		h.held.Add(1)
		<-*c
		h.held.Add(-1)
	}
	ok, _, err = h.Hasher.Verify(hash, password)
	return ok, h.stale.Load(), err
}

// logLines are the lines of a log in JSON.
type logLines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	watch.Write(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns the lines so far.
func (l *logLines) take(t *testing.T) (lines []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.b.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fields)
	}
	return lines
}

// eventSite is an application in which everything happens that is recorded.
type eventSite struct {
	t      *testing.T
	m      *auth.Manager
	links  *email.Links
	store  *storetest.Faulty
	hasher fickle
	log    logLines
	out    authtest.Outbox
	app    http.Handler
	does   map[string]func(http.ResponseWriter, *http.Request) // at POST /do/ and the name

	factor, closed atomic.Bool
	broken         atomic.Pointer[string] // a method of the store
}

var errBroken = errors.New("the store fails")

func newEventSite(t *testing.T) *eventSite {
	t.Helper()
	s := &eventSite{t: t, store: &storetest.Faulty{Store: memstore.New()}, does: map[string]func(http.ResponseWriter, *http.Request){}}
	s.store.Before = func(method string) error {
		if broken := s.broken.Load(); broken != nil && *broken == method {
			return errBroken
		}
		return nil
	}
	rules := throttle.Rules{Network: throttle.InsecureUnlimited, MailNetwork: throttle.InsecureUnlimited}
	limiter, err := throttle.New(auth.ThrottleStore(s.store), rules)
	if err != nil {
		t.Fatal(err)
	}
	s.m, err = auth.New(s.store, authtest.Config(t, &auth.Config{
		Hasher: &s.hasher, HashSeats: 1, HashWait: 200 * time.Millisecond, Limiter: limiter, SecondFactorURL: "/factor",
		Logger: slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hooks: []auth.Hooks{email.Hooks(time.Hour), {
			Load: func(r *http.Request) (*auth.User, error) {
				if r.Header.Get("Authorization") == "" {
					return nil, nil
				}
				return nil, auth.ErrBadLogin
			},
			Login: func(_ http.ResponseWriter, _ *http.Request, _ *auth.User, session *auth.Session) error {
				if s.factor.Load() && !session.Has("otp") {
					return auth.ErrSecondFactor
				}
				return nil
			},
			Check: func(*http.Request, *auth.User, *auth.Session) error {
				if s.closed.Load() {
					return errors.New("closed")
				}
				return nil
			},
			Event: watch.Event,
		}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s.links, err = email.New(s.m, s.store, &email.Config{Mailer: &s.out}); err != nil {
		t.Fatal(err)
	}
	look, err := pages.New(&pages.Config{SignupLogsIn: true})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", look.Handler(s.m, s.links))
	mux.HandleFunc("POST /do/{what}", func(w http.ResponseWriter, r *http.Request) { s.does[r.PathValue("what")](w, r) })
	mux.HandleFunc("GET /form", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `<input name="csrf_token" value="`+auth.CSRFToken(r.Context())+`">`)
	})
	s.app = watch.Handler(s.m.Handler(mux))
	return s
}

// do returns what becomes of a function that is called in a request.
func (s *eventSite) do(c *authtest.Client, f func(http.ResponseWriter, *http.Request)) {
	name := strconv.Itoa(len(s.does))
	s.does[name] = f
	if r := c.Post("/do/"+name, nil); r.Status != http.StatusOK {
		s.t.Errorf("/do/%s: %d %s", name, r.Status, r.Body)
	}
}

func (s *eventSite) user(address string) *auth.User { return authtest.User(s.t, s.m, address) }

// in returns a visitor as which u has logged in by the form.
func (s *eventSite) in(address string) *authtest.Client {
	c := s.guest()
	c.Login(address, authtest.Password)
	return c
}

func (s *eventSite) guest() *authtest.Client {
	c := authtest.NewClient(s.t, s.app)
	c.TokenPath = "/form"
	return c
}

func (s *eventSite) fails(method string) { s.broken.Store(&method) }

// happen makes every event happen: in as many ways as its attributes differ.
func (s *eventSite) happen() {
	t, ctx, m := s.t, s.t.Context(), s.m
	another := &auth.PasswordForm{Current: authtest.Password, Password: another, Confirm: another}
	wrong := func() *auth.LoginForm { return &auth.LoginForm{Email: ann, Password: "a wrong password"} }

	// Coming and going.
	c := s.guest()
	c.Signup("new@example.com", authtest.Password)
	c.Post("/account/sessions/revoke-others", nil)
	c.Get("/account/export")
	s.do(c, func(_ http.ResponseWriter, r *http.Request) { // on another device
		u, own := auth.CurrentUser(r.Context()), auth.CurrentSession(r.Context())
		s.in(u.Email)
		list, _ := m.Sessions(r.Context(), u)
		for _, other := range list {
			if other.ID != own.ID {
				m.EndSession(r.Context(), u, other.ID)
			}
		}
	})
	c.Post("/reauth", url.Values{"password": {"a wrong password"}})
	s.hasher.stale.Store(true)
	c.Post("/reauth", url.Values{"password": {authtest.Password}})
	s.hasher.stale.Store(false)
	for range 7 {
		c.Post("/reauth", url.Values{"password": {"a wrong password"}})
	}
	c.Logout()
	s.guest().Login("nobody@example.com", authtest.Password)
	s.guest().Get("/account/sessions")

	// Changes by their user, and from outside of a request.
	u := s.user(ann)
	c = s.in(ann)
	c.Post("/account/email", url.Values{"email": {bob}})
	s.confirm(c, bob, email.KindChange)
	c = s.in(bob)
	s.do(c, func(w http.ResponseWriter, r *http.Request) {
		s.links.ChangePassword(r.Context(), auth.CurrentUser(r.Context()), another)
	})
	s.do(c, func(w http.ResponseWriter, r *http.Request) {
		m.MarkCompromised(r.Context(), auth.CurrentUser(r.Context()))
	})
	u = s.stored(u)
	m.MarkCompromised(ctx, u)
	m.EndSessions(ctx, u)
	s.hasher.stale.Store(true)
	m.Authenticate(ctx, &auth.LoginForm{Email: u.Email, Password: another.Password})
	s.hasher.stale.Store(false)
	u = s.stored(u)
	m.SetPassword(ctx, u, authtest.Password)
	m.Disable(ctx, u)
	m.Enable(ctx, u)
	s.do(s.guest(), func(w http.ResponseWriter, r *http.Request) {
		m.Disable(r.Context(), u)
		m.Enable(r.Context(), u)
	})
	m.Export(ctx, u)
	m.DeleteAccount(ctx, u)

	// Links in mails.
	u = s.user(ann)
	s.links.Forgot(ctx, &auth.LoginForm{Email: "nobody@example.com"})
	s.links.Forgot(ctx, &auth.LoginForm{Email: ann})
	link := s.link(ann, email.KindReset)
	c = s.in(ann)
	c.Get(link)
	c.Post("/password/reset", url.Values{"token": {tokenIn(link)}, "password": {another.Password}, "confirm": {another.Password}})
	c.Get(link)
	s.guest().Get(link).Follow()
	s.links.ResetUser(ctx, "no link")
	c = s.guest()
	c.Login(ann, another.Password)
	s.do(c, func(w http.ResponseWriter, r *http.Request) { s.links.ResetUser(r.Context(), "no link") })
	s.links.SendConfirmation(ctx, &auth.LoginForm{Email: authtest.UnconfirmedUser(t, m, bob).Email})
	s.confirm(s.guest(), bob, email.KindConfirm)
	s.links.Notify(ctx, u, "unheard_of")
	s.do(s.in(bob), func(w http.ResponseWriter, r *http.Request) {
		s.links.DeleteAccount(r.Context(), auth.CurrentUser(r.Context()))
	})

	// Too many, at once and one after the other.
	for range 4 {
		m.Limit(ctx, throttle.Mail, ann)
	}
	eve := s.user("eve@example.com")
	c = s.in(eve.Email)
	s.busy(func() { m.Authenticate(ctx, &auth.LoginForm{Email: "nobody@example.com", Password: authtest.Password}) })
	s.busy(func() {
		s.do(c, func(w http.ResponseWriter, r *http.Request) {
			m.VerifyPassword(r.Context(), auth.CurrentUser(r.Context()), wrong())
		})
	})

	// Logins that are pending.
	s.factor.Store(true)
	c = s.in(eve.Email)
	c.Get("/account/sessions")
	s.factor.Store(false)
	m.MarkCompromised(ctx, s.stored(eve))
	s.in(eve.Email)

	// Requests that are refused.
	s.guest().Post("/login", url.Values{"csrf_token": {"forged"}})
	eve = s.user("eve2@example.com")
	c = s.in(eve.Email)
	c.Post("/logout", url.Values{"csrf_token": {"forged"}})
	s.closed.Store(true)
	c.Get("/account/sessions")
	s.closed.Store(false)
	m.EndSessions(ctx, s.stored(eve))
	c.Get("/account/sessions")
	for _, c := range []*authtest.Client{s.in(eve.Email), s.guest()} {
		s.do(c, func(w http.ResponseWriter, r *http.Request) { auth.SetSessionValue(r.Context(), "colour", "green") })
		s.garble(c)
		c.Get("/account/sessions")
	}
	c = s.guest()
	c.Header.Set("Authorization", "Bearer guess")
	c.Get("/account/sessions")

	// Parts that fail.
	c = s.in(eve.Email)
	s.fails("DeleteSession")
	c.Logout()
	c = s.in(eve.Email)
	s.fails("Sessions")
	c.Get("/account/export")
	s.fails("UserByLogin")
	s.guest().Login(ann, authtest.Password)
}

// busy calls do while all seats for hashing are taken.
func (s *eventSite) busy(do func()) {
	hold := make(chan struct{})
	s.hasher.hold.Store(&hold)
	var other sync.WaitGroup
	other.Go(func() {
		s.m.Authenticate(s.t.Context(), &auth.LoginForm{Email: "nobody@example.com", Password: authtest.Password})
	})
	for s.hasher.held.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.hasher.hold.Store(nil)
	do()
	close(hold)
	other.Wait()
}

// garble makes what is in the session of c unreadable.
func (s *eventSite) garble(c *authtest.Client) {
	s.t.Helper()
	sum := sha256.Sum256([]byte(c.Cookie("session").Value))
	rec, _, err := s.store.Session(s.t.Context(), base64.RawURLEncoding.EncodeToString(sum[:]))
	if err == nil {
		rec.Data = append(rec.Data, "\xff\xff\xff"...)
		err = s.store.UpdateSession(s.t.Context(), rec)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *eventSite) link(to, kind string) string { return s.out.Link(s.out.Wait(s.t, to, kind)) }

func tokenIn(link string) string {
	_, token, _ := strings.Cut(link, "?token=")
	return token
}

func (s *eventSite) confirm(c *authtest.Client, to, kind string) {
	link := s.link(to, kind)
	c.Get(link)
	c.Post("/confirm", url.Values{"token": {tokenIn(link)}, "password": {authtest.Password}})
}

func (s *eventSite) stored(u *auth.User) *auth.User {
	s.t.Helper()
	fresh, err := s.store.UserByID(s.t.Context(), u.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return fresh
}

// seen is what the log has of one event: how often it has each attribute.
type seen struct {
	times  int
	keys   map[string]int
	levels map[string]bool
}

// seenEvents returns what the log has.
func seenEvents(t *testing.T, lines []map[string]any) map[string]*seen {
	t.Helper()
	all := map[string]*seen{}
	for _, line := range lines {
		name, ok := strings.CutPrefix(line["msg"].(string), "auth: ")
		if !ok {
			t.Errorf("a line that is no event: %v", line)
			continue
		}
		if all[name] == nil {
			all[name] = &seen{keys: map[string]int{}, levels: map[string]bool{}}
		}
		all[name].times++
		all[name].levels[line["level"].(string)] = true
		for key := range line {
			all[name].keys[key]++
		}
	}
	return all
}

// attributes returns the attributes of an event that are its own, with "?" where it is not always there.
func (e *seen) attributes() (list []string) {
	for key, n := range e.keys {
		switch {
		case slices.Contains([]string{"time", "level", "msg", "address", "method", "path"}, key):
		case n < e.times:
			list = append(list, key+"?")
		default:
			list = append(list, key)
		}
	}
	return slices.Sorted(slices.Values(list))
}

// Every event happens, and has the level and the attributes in the log that the document says.
func TestEventAttributes(t *testing.T) {
	s := newEventSite(t)
	s.happen()
	s.links.Close(t.Context())
	happened := seenEvents(t, s.log.take(t))
	for name, documented := range documentedEvents(t) {
		e := happened[name]
		if e == nil {
			t.Errorf("%s has not happened", name)
			continue
		}
		if got := slices.Collect(maps.Keys(e.levels)); !slices.Equal(got, []string{documented.level}) {
			t.Errorf("%s has the level %v, not %s", name, got, documented.level)
		}
		if got := e.attributes(); !slices.Equal(got, documented.attributes) {
			t.Errorf("%s has %q, not %q", name, got, documented.attributes)
		}
		for _, key := range []string{"address", "method", "path"} {
			if n := e.keys[key]; n == 0 || n != e.keys["path"] {
				t.Errorf("%s has %q %d times, and path %d times", name, key, n, e.keys["path"])
			}
		}
	}
	for name := range happened {
		if !slices.Contains(eventNames(t), name) {
			t.Errorf("%s has happened, and is no event", name)
		}
	}
}

// A part that fails because the client has gone is no alarm.
func TestCancelledIsNoAlarm(t *testing.T) {
	s := newEventSite(t)
	for err, level := range map[error]string{errBroken: "ERROR", fmt.Errorf("query: %w", context.Canceled): "DEBUG", context.DeadlineExceeded: "ERROR"} {
		s.m.Record(t.Context(), auth.Event{Name: auth.EventFailure, Err: err})
		if lines := s.log.take(t); lines[len(lines)-1]["level"] != level {
			t.Errorf("%v: %v", err, lines[len(lines)-1])
		}
	}
}

// The line in the document has the keys of one that was really written.
func TestDocumentedLine(t *testing.T) {
	s := newEventSite(t)
	u := s.user(ann)
	s.guest().Login(ann, another)
	lines := s.log.take(t)
	real := lines[len(lines)-1]
	_, text, _ := strings.Cut(readDoc(t, "events.md"), "```json\n")
	text, _, _ = strings.Cut(text, "```")
	var shown map[string]any
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(slices.Sorted(maps.Keys(real)), slices.Sorted(maps.Keys(shown))) || real["user"] != u.ID {
		t.Errorf("shown %v, really %v", shown, real)
	}
	for _, key := range []string{"msg", "level", "reason", "method", "path"} {
		if real[key] != shown[key] {
			t.Errorf("%s: shown %v, really %v", key, shown[key], real[key])
		}
	}
}
