package shell_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/cmd/vestibule/internal/database"
	"github.com/vestibule-go/auth/cmd/vestibule/shell"
	"github.com/vestibule-go/auth/email"
)

// What docs/shell.md shows of a terminal is what the commands write, but for times, IDs and costs.
func TestDocumentedTranscripts(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/shell.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("VESTIBULE_DB", "yumroad.db")
	t.Setenv("VESTIBULE_BASE_URL", "")
	runs := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		for i, part := range strings.Split("\n"+block[1], "\n$ ") {
			if i == 0 {
				continue // before the first command
			}
			command, want, _ := strings.Cut(part, "\n")
			if got := run(t, command); plain(got) != plain(want) {
				t.Errorf("$ %s\n%s\nthe document has\n%s", command, got, want)
			}
			runs++
			if strings.Contains(command, "migrate up -create") {
				visit(t)
			}
		}
	}
	if runs < 8 {
		t.Errorf("%d commands: does this test still see them?", runs)
	}
}

// run runs vestibule ARGUMENTS or echo 'INPUT' | vestibule ARGUMENTS, and then echo $? if that is asked for.
func run(t *testing.T, command string) string {
	t.Helper()
	command, code := strings.CutSuffix(command, "; echo $?")
	input := ""
	if rest, ok := strings.CutPrefix(command, "echo '"); ok {
		input, command, _ = strings.Cut(rest, "' | ")
	}
	words := strings.Fields(strings.ReplaceAll(command, "'", ""))
	if words[0] != "vestibule" {
		t.Fatalf("%s: this test cannot run it", command)
	}
	var out bytes.Buffer
	// Hashes that take no time differ in nothing that is shown.
	cfg := &auth.Config{BaseURL: "http://localhost:8080", Hasher: authtest.Hasher{}, Passwords: auth.Policy{Breaches: safe{}}}
	app := &shell.App{Open: database.Open, Config: cfg, Stdin: strings.NewReader(input + "\n"), Stdout: &out, Stderr: &out}
	got := shell.Run(t.Context(), words[1:], app)
	if code {
		out.WriteString(string(rune('0'+got)) + "\n")
	}
	return out.String()
}

// safe knows no leaked password.
type safe struct{}

func (safe) Breached(context.Context, string) (bool, error) { return false, nil }

// visit is what happens in the shop meanwhile: three users sign up, and one of them logs in in a second browser.
func visit(t *testing.T) {
	t.Helper()
	db, err := database.Open(t.Context(), "yumroad.db", false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	trail, err := audit.New(db.Store, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer trail.Close(t.Context())
	m, err := auth.New(db.Store, authtest.Config(t, &auth.Config{BaseURL: "http://localhost:8080", Hasher: auth.Bcrypt(10), Hooks: []auth.Hooks{trail.Hooks()}}))
	if err != nil {
		t.Fatal(err)
	}
	enter := func(u *auth.User, agent string) {
		r := httptest.NewRequest("GET", "http://localhost:8080/", nil)
		r.Header.Set("User-Agent", agent)
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword}); err != nil {
				t.Error(err)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, name := range []string{"ann", "bob", "cy"} {
		u := authtest.UnconfirmedUser(t, m, name+"@example.com")
		confirm := &auth.Credential{Kind: "confirm", ID: name, UserID: u.ID, Created: u.Created, Expires: u.Created.Add(time.Hour)}
		if err := db.Store.PutCredential(t.Context(), confirm); err != nil {
			t.Fatal(err)
		}
		asked := auth.Event{Time: u.Created, Name: email.EventAsked, UserID: u.ID, Reason: email.KindConfirm, Address: "127.0.0.1"}
		trail.Hooks().Event(t.Context(), asked)
		enter(u, "Firefox")
		if name == "ann" {
			enter(u, "Firefox on a phone")
		}
	}
}

var varies = regexp.MustCompile(`\b06[0-9a-v]{24}\b|\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:[\d.]+Z?)?|audit\.\d{4}-\d\d|\d{8}\.\d+|bcrypt \d\d|"cost":"\d\d"|\b[A-Za-z0-9_-]{12}  \*|192\.0\.2\.\d+|127\.0\.0\.1`)

// plain takes out what differs from one run to the next, and spaces at the ends of lines.
func plain(text string) string {
	text = varies.ReplaceAllString(text, "*")
	text = regexp.MustCompile(`(?m)^[A-Za-z0-9_-]{12}  \*`).ReplaceAllString(text, "*  *")
	text = regexp.MustCompile(`[A-Za-z0-9_-]{12}  (pwd|Firefox)`).ReplaceAllString(text, "*  $1")
	text = regexp.MustCompile(`(?m)  +`).ReplaceAllString(text, "  ")
	return strings.TrimSpace(regexp.MustCompile(`(?m)[ ]+$`).ReplaceAllString(text, ""))
}
