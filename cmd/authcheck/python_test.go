package main_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
)

// Debian's Python, which has the frameworks as packages. The first one on the PATH may be another.
const python = "/usr/bin/python3"

// TestFlask holds the checks to an application as tutorials write it, and to what docs/authcheck-flask.md says of it.
func TestFlask(t *testing.T) {
	t.Parallel()
	wantPython(t, "flask_login", "flask_sqlalchemy", "flask_wtf")
	url := startPython(t, 130_000, "testdata/flask/app.py", filepath.Join(t.TempDir(), "app.db"))
	compare(t, "As tutorials write it", checked(t, "flask-login", "testdata/flask/app.yaml", "base_url: "+url))
}

// TestFlaskFixed does so with what the document recommends.
func TestFlaskFixed(t *testing.T) {
	t.Parallel()
	wantPython(t, "flask_login", "flask_sqlalchemy", "flask_wtf")
	url := startPython(t, 20_000, "testdata/flask/fixed.py", filepath.Join(t.TempDir(), "fixed.db"))
	compare(t, "Put right", checked(t, "flask-login", "testdata/flask/fixed.yaml", "base_url: "+url))
}

// TestDjango does so with the views that come with Django.
func TestDjango(t *testing.T) {
	t.Parallel()
	wantPython(t, "django")
	folder := t.TempDir()
	url := startPython(t, 20_000, "testdata/django/app.py", folder)
	mails := fmt.Sprintf("mail: {dir: %q, wait: 3s}", filepath.Join(folder, "mails"))
	compare(t, "Django", checked(t, "django", "testdata/django/app.yaml", "base_url: "+url, mails))
}

// cheap runs a program with another number of iterations for a hash than the 260,000 that both frameworks take.
const cheap = `import runpy, sys
try:
    import werkzeug.security as s; s.DEFAULT_PBKDF2_ITERATIONS = int(sys.argv[1])
except ImportError: pass
try:
    from django.contrib.auth.hashers import PBKDF2PasswordHasher as h; h.iterations = int(sys.argv[1])
except ImportError: pass
del sys.argv[:2]
runpy.run_path(sys.argv[0], run_name="__main__")`

// wantPython skips the test if a module is missing.
func wantPython(t *testing.T, modules ...string) {
	t.Helper()
	out, err := exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1":
		t.Fatalf("AUTH_TEST_REQUIRE_ALL is 1, but %v: %s", err, out)
	default:
		t.Skipf("%s has not all of %q: %v", python, modules, err)
	}
}

// startPython starts an application, which says at which address it is, and stops it in the end.
func startPython(t *testing.T, iterations int, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, python, append([]string{"-B", "-c", cheap, strconv.Itoa(iterations)}, args...)...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait() // killed, which is an error
		log.Close()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("…%s", text[max(0, len(text)-1000):])
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// checked returns what is said of each check.
func checked(t *testing.T, name, file string, more ...string) []check.Result {
	t.Helper()
	settings, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := profile.Load([]byte(string(settings)+"limits: {per_second: 1000}\n"+strings.Join(more, "\n")), name)
	if err != nil {
		t.Fatal(err)
	}
	report, err := check.Run(context.Background(), cfg, &check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report.Results
}

// compare wants the table under a heading of the document to say what came out of each check, and what was seen.
func compare(t *testing.T, heading string, results []check.Result) {
	t.Helper()
	text, err := os.ReadFile("../../docs/authcheck-flask.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var want, got []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			want = append(want, line)
		}
	}
	for _, r := range results {
		got = append(got, row(r))
	}
	if !slices.Equal(want, got) {
		t.Errorf("under %q the document says\n%s\nwhile these are the results:\n%s", heading, strings.Join(want, ""), strings.Join(got, ""))
	}
}

// row is a line of the table. What differs from run to run is in it as an ellipsis.
func row(r check.Result) string {
	seen := r.Reason
	if len(r.Evidence) > 0 {
		seen = r.Evidence[0]
	}
	seen = strings.ReplaceAll(changing.ReplaceAllString(seen, "…"), "|", "\\|")
	return fmt.Sprintf("| `%s` | %s | %s |\n", r.Check.ID, r.Status, seen)
}

// changing are times, probabilities and versions.
var changing = regexp.MustCompile(`\b\d+(\.\d+)?(ms|s|µs)\b|p = [0-9.e-]+|\b\d+(\.\d+)+\b`)
