package auth_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/throttle"
)

// What docs/ says about tests, mutations, defaults and rows of standards is there.

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// allDocs returns the names of all documents.
func allDocs(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("docs", "*.md"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("documents: %v, %v", paths, err)
	}
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// section returns what is between a heading and the next one of its level.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("no heading %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	text, _, _ := strings.Cut(after, "\n"+level+" ")
	return text
}

// tableRows returns the cells of all rows of the tables in text.
func tableRows(text string) (rows [][]string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| ") {
			rows = append(rows, regexp.MustCompile(` +\| +`).Split(strings.Trim(line, "| "), -1))
		}
	}
	return rows
}

// testNames returns the names of all tests: in the root as they are, elsewhere
// after that of their folder.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w*)\(`)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(source), -1) {
			if dir := filepath.Base(filepath.Dir(path)); dir != "." {
				m[1] = dir + "." + m[1]
			}
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDocumentedTests(t *testing.T) {
	names := testNames(t)
	test := regexp.MustCompile("`((?:[a-z]+\\.)?(?:Test|Fuzz|Example|Benchmark)\\w*)`")
	patch := regexp.MustCompile("`([a-z0-9-]+\\.patch)`")
	for _, name := range allDocs(t) {
		doc := readDoc(t, name)
		for _, m := range test.FindAllStringSubmatch(doc, -1) {
			if !names[m[1]] {
				t.Errorf("%s: there is no %s", name, m[1])
			}
		}
		for _, m := range patch.FindAllStringSubmatch(doc, -1) {
			if _, err := os.Stat(filepath.Join("testdata", "mutations", m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDocumentedLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([\w/-]+[./][\w./-]*|\.\.[\w./-]*|)(?:#([\w-]+))?\)`)
	for _, name := range allDocs(t) {
		for _, m := range link.FindAllStringSubmatch(readDoc(t, name), -1) {
			target := m[1]
			if target == "" {
				target = name
			}
			text, err := os.ReadFile(filepath.Join("docs", target))
			switch {
			case err == nil && m[2] != "" && !slices.Contains(anchors(string(text)), m[2]):
				t.Errorf("%s: there is no #%s in %s", name, m[2], target)
			case err == nil:
			default:
				if info, err := os.Stat(filepath.Join("docs", target)); err != nil || !info.IsDir() {
					t.Errorf("%s: there is no %s", name, target)
				}
			}
		}
	}
}

// anchors returns by which names one can link to the headings of a document.
func anchors(doc string) (names []string) {
	for line := range strings.Lines(doc) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			name := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			names = append(names, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return names
}

// wantIDs checks that each ID is there, once, and no other of that form.
func wantIDs(t *testing.T, doc, form string, ids []string) {
	t.Helper()
	seen := map[string]int{}
	for _, row := range tableRows(doc) {
		if regexp.MustCompile("^(?:" + form + ")$").MatchString(row[0]) {
			seen[row[0]]++
		}
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("row %s is there %d times", id, seen[id])
		}
		delete(seen, id)
	}
	for id := range seen {
		t.Errorf("row %s is one too many", id)
	}
}

func TestDocumentedRows(t *testing.T) {
	var asvs, parity []string
	for _, s := range []struct {
		section string
		rows    int
	}{
		{"6.1", 3}, {"6.2", 12}, {"6.3", 8}, {"6.4", 6}, {"6.5", 8}, {"6.6", 4}, {"6.7", 2}, {"6.8", 4},
		{"7.1", 3}, {"7.2", 4}, {"7.3", 2}, {"7.4", 5}, {"7.5", 3}, {"7.6", 2},
	} {
		for n := range s.rows {
			asvs = append(asvs, fmt.Sprintf("%s.%d", s.section, n+1))
		}
	}
	for _, s := range []struct {
		letter string
		rows   int
	}{{"A", 8}, {"B", 7}, {"C", 11}, {"D", 10}, {"E", 13}, {"F", 13}, {"G", 8}, {"H", 11}, {"I", 7}, {"J", 3}} {
		for n := range s.rows {
			parity = append(parity, fmt.Sprintf("%s%d", s.letter, n+1))
		}
	}
	doc := section(t, readDoc(t, "security.md"), "## OWASP ASVS 5.0, V6 and V7")
	wantIDs(t, doc, `\d+\.\d+\.\d+`, asvs)
	wantIDs(t, readDoc(t, "parity-flask-login.md"), `[A-Z]\d+`, parity)
	for _, row := range tableRows(doc) {
		if !strings.Contains(row[0], ".") {
			continue
		}
		state, _, _ := strings.Cut(row[3], ":")
		state, _, _ = strings.Cut(state, ";")
		state = regexp.MustCompile("^met (?:in|with) `[\\w.]+`$").ReplaceAllString(state, "met")
		if !slices.Contains([]string{"met", "partly", "application", "not yet", "not applicable"}, state) {
			t.Errorf("row %s is %q", row[0], state)
		}
	}
}

// settings are the structs whose fields are documented, by the folders they are in.
var settings = map[string][]string{
	".": {"Config", "Proof"}, "pages": {"Config"}, "email": {"Config"}, "email/smtpmail": {"Config"},
	"throttle": {"Rules", "Rule"}, "password": {"Argon2id", "Pepper", "Migrating", "Devise", "Firebase", "Range"},
	"authtest": {"Login", "Client"}, "otelauth": {"Config"}, "audit": {"Config"},
}

// defaults.md has every field of those structs and no others, and says what happens without them.
func TestDocumentedDefaults(t *testing.T) {
	doc, documented := readDoc(t, "defaults.md"), map[string]string{}
	for dir, types := range settings {
		for _, name := range types {
			want := structFields(t, dir, name)
			heading := filepath.Base(dir) + "." + name
			if dir == "." {
				heading = "auth." + name
			}
			if heading == "auth.Config" {
				want = slices.DeleteFunc(want, func(f string) bool { return f == "Passwords" })
				for _, f := range structFields(t, ".", "Policy") {
					want = append(want, "Passwords."+f)
				}
			}
			for _, row := range tableRows(section(t, doc, "## "+heading)) {
				field, ok := strings.CutPrefix(row[0], "`")
				if field = strings.TrimSuffix(field, "`"); !ok {
					continue
				}
				if !slices.Contains(want, field) {
					t.Errorf("%s has no field %s", heading, field)
				}
				documented[heading+"."+field] = strings.Trim(row[1], "`")
			}
			for _, field := range want {
				if documented[heading+"."+field] == "" {
					t.Errorf("no default of %s.%s", heading, field)
				}
			}
		}
	}
	measured := measuredElsewhere(t)
	for field, want := range measuredDefaults(t) {
		measured["auth.Config."+field] = want
	}
	for field, want := range measured {
		if documented[field] != want {
			t.Errorf("%s is %q by default, docs/defaults.md says %q", field, want, documented[field])
		}
	}
}

// Who adds a Config somewhere documents it, too.
func TestEveryConfigIsDocumented(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || strings.Contains(path, "internal") || strings.HasPrefix(path, "examples") || strings.HasPrefix(path, ".git") {
			return err
		}
		if len(structFields(t, path, "Config")) > 0 && !slices.Contains(settings[filepath.ToSlash(path)], "Config") {
			t.Errorf("the Config of %s is not documented", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// structFields returns the exported fields of a struct of the package in dir, or none if there is no such struct.
func structFields(t *testing.T, dir, name string) (fields []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != name {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, name := range f.Names {
						if name.IsExported() {
							fields = append(fields, name.Name)
						}
					}
				}
			}
			return false
		})
	}
	return fields
}

// measuredElsewhere returns defaults of other packages as they show themselves.
func measuredElsewhere(t *testing.T) map[string]string {
	m, links, out := authtest.NewWithMails(t, nil, nil)
	var letters []email.Letter
	again, err := email.New(m, memstore.New(), &email.Config{Mailer: out, Write: func(_ context.Context, l email.Letter) email.Message {
		letters = append(letters, l)
		return email.Message{Subject: l.Kind}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close(t.Context())
	defer links.Close(t.Context())
	for _, ask := range []func(context.Context, *auth.LoginForm) error{again.SendConfirmation, again.Forgot} {
		if err := ask(t.Context(), &auth.LoginForm{Email: ann}); err != nil {
			t.Fatal(err)
		}
	}
	path := func(link string) string {
		path, _, _ := strings.Cut(strings.TrimPrefix(link, m.BaseURL()), "?")
		return path
	}
	confirm, reset := letters[0], letters[1]
	return map[string]string{
		"email.Config.ConfirmFor": spell(confirm.For, time.Hour, "hour"), "email.Config.ConfirmURL": path(confirm.Link),
		"email.Config.ResetFor": spell(reset.For, time.Hour, "hour"), "email.Config.ResetURL": path(reset.Link),
		"email.Config.ForgotURL": path(reset.ForgotURL),
	}
}

// The table of limits says what a Limiter does that nobody has adjusted.
func TestDocumentedLimits(t *testing.T) {
	documented := map[string]string{}
	for _, row := range tableRows(section(t, readDoc(t, "security.md"), "### Guesses")) {
		if len(row) == 4 && strings.HasPrefix(row[0], "`") {
			documented[strings.Trim(row[0], "`")] = row[2] + "; " + row[3]
		}
	}
	for _, action := range []string{throttle.Account, throttle.Browser, throttle.Network, throttle.WideNetwork, throttle.Signup, throttle.Mail, throttle.MailNetwork} {
		synctest.Test(t, func(t *testing.T) {
			if got := measuredLimit(t, action); documented[action] != got {
				t.Errorf("%s: %q, docs/security.md says %q", action, got, documented[action])
			}
		})
	}
	if len(documented) != 7 {
		t.Errorf("%d limits are documented, want 7", len(documented))
	}
}

func measuredLimit(t *testing.T, action string) string {
	l, err := throttle.New(auth.ThrottleStore(memstore.New()), throttle.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	take := func() time.Duration {
		wait, err := l.Take(t.Context(), action, "key")
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	free, wait := 0, time.Duration(0)
	for ; wait == 0; wait = take() {
		free++
	}
	free--
	if wait > time.Second {
		name, n := "hour", int(wait.Round(time.Minute)/time.Hour)
		if n == 0 {
			name, n = "minute", int(wait.Round(time.Minute)/time.Minute)
		}
		verb := "is"
		if n > 1 {
			name, verb = name+"s", "are"
		}
		return fmt.Sprintf("%d; none before %d %s %s over", free, n, name, verb)
	}
	all, longest := free, wait
	for ; all < 1000; all++ {
		time.Sleep(wait)
		if take() > 0 {
			break
		}
		wait = take()
		longest = max(longest, wait)
	}
	return fmt.Sprintf("%d in a row; 1 second, 2, 4 and so on to %d minutes; none after %d in a row", free, longest/time.Minute, all)
}

func measuredDefaults(t *testing.T) map[string]string {
	s := newSite(t, nil)
	s.mux.Handle("/never", s.m.RequireFresh(0)(s.mux))
	b := s.browser()
	target := func(r *response) string {
		path, _, _ := strings.Cut(r.Header().Get("Location"), "?")
		return path
	}
	m := map[string]string{"LoginURL": target(b.get("/me")), "HomeURL": target(b.signup(ann)), "ReauthURL": target(b.get("/never"))}
	for name := range b.cookies {
		if base, ok := strings.CutSuffix(name, "_browser"); ok {
			m["CookieName"] = base
		}
	}
	idle := onlySession(t, s)
	m["IdleTimeout"] = spell(idle.Expires.Sub(idle.LastSeen), time.Hour, "hour")

	s = newSite(t, func(c *auth.Config) { c.IdleTimeout = 1000 * time.Hour })
	s.browser().signup(ann)
	whole := onlySession(t, s)
	m["Lifetime"] = spell(whole.Expires.Sub(whole.Created), time.Hour, "hour")
	c := s.browser().login(ann, password, "remember", "on").cookie("session")
	m["RememberFor"] = spell(time.Duration(c.MaxAge)*time.Second, 24*time.Hour, "day")

	f := &auth.SignupForm{Email: ann, Password: "x", Confirm: "x"}
	s.m.Signup(t.Context(), f)
	m["Passwords.MinLength"] = fmt.Sprint(f.Errors[0].Limit)
	m["MaxForm"] = fmt.Sprint(largestForm(s)>>10, " KiB")
	m["Hasher"] = fmt.Sprintf("bcrypt, cost %s", defaultCost(t))
	m["HashSeats"], m["HashWait"] = defaultSeats(t)
	return m
}

func spell(d, unit time.Duration, name string) string {
	n := int(d.Round(unit) / unit)
	if n != 1 {
		name += "s"
	}
	return fmt.Sprint(n, " ", name)
}

func onlySession(t *testing.T, s *site) *auth.Session {
	t.Helper()
	u, err := s.store.UserByLogin(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	live, err := s.m.Sessions(t.Context(), u)
	if err != nil || len(live) != 1 {
		t.Fatalf("%d sessions, %v", len(live), err)
	}
	return live[0]
}

// largestForm returns the size of the largest form that is not too large.
func largestForm(s *site) int {
	small, large := 0, 1<<24
	for large-small > 1 {
		size := (small + large) / 2
		r := s.browser().request("POST", "/login", strings.NewReader(strings.Repeat("x", size)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if s.browser().do(r).Code == 413 {
			large = size
		} else {
			small = size
		}
	}
	return small
}

// defaultCost returns the cost in a hash that the default Hasher made.
func defaultCost(t *testing.T) string {
	t.Helper()
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: base, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	u, err := m.Signup(t.Context(), &auth.SignupForm{Email: ann, Password: password, Confirm: password})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(u.PasswordHash, "$")[2]
}

// stuck is a hasher that verifies when it is told to.
type stuck struct {
	auth.Bcrypt
	begun *atomic.Int64
	leave chan bool
}

func (s stuck) Verify(string, string) (bool, bool, error) {
	s.begun.Add(1)
	<-s.leave
	return false, false, nil
}

// defaultSeats fills all seats, and waits in vain for one.
func defaultSeats(t *testing.T) (seats, wait string) {
	synctest.Test(t, func(t *testing.T) {
		h := stuck{4, new(atomic.Int64), make(chan bool)}
		s := newSite(t, func(c *auth.Config) { c.Hasher = h })
		begin := time.Now()
		var waited atomic.Int64
		var wg sync.WaitGroup
		for range runtime.NumCPU() + 1 {
			wg.Go(func() {
				if _, err := s.m.Authenticate(t.Context(), &auth.LoginForm{Email: ann, Password: password}); auth.Status(err) == 503 {
					waited.Store(int64(time.Since(begin)))
				}
			})
		}
		synctest.Wait()
		if n := int(h.begun.Load()); n == min(runtime.NumCPU(), runtime.GOMAXPROCS(0)) {
			seats = "one for each processor"
		} else {
			seats = fmt.Sprint(n)
		}
		time.Sleep(time.Hour)
		close(h.leave)
		wg.Wait()
		wait = spell(time.Duration(waited.Load()), time.Second, "second")
	})
	return seats, wait
}

// The program in parity-flask-login.md can be built.
func TestDocumentedProgram(t *testing.T) {
	_, program, ok := strings.Cut(readDoc(t, "parity-flask-login.md"), "\n```go\n")
	program, _, _ = strings.Cut(program, "```")
	if !ok || !strings.HasPrefix(program, "package main\n") {
		t.Fatal("no program")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	goCommand(t, ".", []string{"GOWORK=off"}, "build", "-o", os.DevNull, file)
}

// unsourced are the documents whose listings say how to begin with one thing, and are no programs.
var unsourced = []string{"architecture.md", "blocklist.md", "parity-flask-login.md", "passwords.md"}

// What guides show is compiled and run: every listing in Go and in JavaScript stands in the file that is named before
// it, in a comment which readers do not see, such as
//
//	<!-- from authtest/guide_test.go -->
//
// word by word, but for how far it is indented. Other listings do if they have such a comment.
func TestDocumentedListings(t *testing.T) {
	seen := 0
	for _, name := range allDocs(t) {
		all := listings(readDoc(t, name))
		seen += len(all)
		for _, l := range all {
			if slices.Contains(unsourced, name) {
				break
			}
			if l.from == "" {
				t.Errorf("docs/%s:%d: no comment says where this listing is from", name, l.line)
				continue
			}
			source, err := os.ReadFile(filepath.FromSlash(l.from))
			if err != nil {
				t.Errorf("docs/%s:%d: %v", name, l.line, err)
			} else if !contains(strings.Split(string(source), "\n"), l.text) {
				t.Errorf("docs/%s:%d: this listing is not in %s:\n%s", name, l.line, l.from, strings.Join(l.text, "\n"))
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d listings: does this test still see them?", seen)
	}
}

// listing is a block of code in a document.
type listing struct {
	from string // the file which holds it
	line int
	text []string // without what indents the whole of it
}

var listingSource = regexp.MustCompile(`^<!-- from ([\w./-]+\.(?:go|js|py|sql|html|conf)) -->$`)

// listings returns the blocks of Go and JavaScript in doc, and others that say where they are from.
func listings(doc string) (all []listing) {
	from, open, language := "", (*listing)(nil), ""
	for n, line := range strings.Split(doc, "\n") {
		trimmed := strings.TrimSpace(line)
		fence, isFence := strings.CutPrefix(trimmed, "```")
		switch m := listingSource.FindStringSubmatch(trimmed); {
		case open != nil && trimmed == "```":
			open.text = outdent(open.text)
			if language == "go" || language == "js" || open.from != "" {
				all = append(all, *open)
			}
			open, from = nil, ""
		case open != nil:
			open.text = append(open.text, line)
		case isFence:
			open, language = &listing{from: from, line: n + 1}, fence
		case m != nil:
			from = m[1]
		case trimmed != "":
			from = ""
		}
	}
	return all
}

// outdent takes away what all lines begin with, as far as it is white space.
func outdent(lines []string) []string {
	indent, begun := "", false
	for _, line := range lines {
		switch white := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; {
		case white == line:
		case !begun:
			indent, begun = white, true
		default:
			for !strings.HasPrefix(white, indent) {
				indent = indent[:len(indent)-1]
			}
		}
	}
	text := make([]string, len(lines))
	for i, line := range lines {
		text[i] = strings.TrimRight(strings.TrimPrefix(line, indent), " \t")
	}
	return text
}

// contains reports whether text, which is outdented, stands in lines.
func contains(lines, text []string) bool {
	for i := range len(lines) - len(text) + 1 {
		if slices.Equal(outdent(lines[i:i+len(text)]), text) {
			return len(text) > 0
		}
	}
	return false
}

// The test above notices what it is to notice.
func TestListings(t *testing.T) {
	source := strings.Split("func f() {\n\tif x {\n\t\ty()\n\n\t\tz()\n\t}\n}", "\n")
	for doc, want := range map[string]bool{
		"<!-- from a/b_test.go -->\n```go\nif x {\n\ty()\n```":          true,
		"<!-- from b.go -->\n\n  ```go\n  y()\n\n  z()\n  ```":          true,
		"<!-- from b.go -->\n```go\nif x {\ny()\n```":                   false,
		"<!-- from b.go -->\n```go\ny()\nz()\n```":                      false,
		"<!-- from b.go -->\n```go\ny(\n```":                            false,
		"<!-- from b.go -->\n```go\n```":                                false,
		"<!-- from b.go -->\n```go\nq()\n```":                           false,
		"<!-- from b.go -->\n```go\nfunc f() {\n\tif x {\n\t\ty()\n```": true,
	} {
		all := listings(doc)
		if len(all) != 1 || all[0].from == "" || contains(source, all[0].text) != want {
			t.Errorf("%q: %+v, want %v", doc, all, want)
		}
	}
	for _, doc := range []string{"```go\ny()\n```", "<!-- from b.go -->\nAnd so:\n```go\ny()\n```", "<!-- from b.txt -->\n```go\ny()\n```"} {
		if all := listings(doc); len(all) != 1 || all[0].from != "" {
			t.Errorf("%q: %+v, want one from nowhere", doc, all)
		}
	}
}
