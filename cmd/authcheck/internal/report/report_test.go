package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
)

var update = flag.Bool("update", false, "write the golden files")

func sample() *check.Report {
	c := func(id, asvs string) *check.Check {
		return &check.Check{ID: id, Title: "The cookie is <out> of reach", Why: "Because.", Fix: "Set HttpOnly on the session cookie & on others.", ASVS: asvs}
	}
	return &check.Report{
		BaseURL: "http://127.0.0.1:5000", Requests: 42, Accounts: 7,
		Notes: []string{"The password of ann@example.com was changed, and could not be changed back."},
		Results: []check.Result{
			{Check: c("cookie-scope", "3.3.3"), Status: check.Passed},
			{Check: c("cookie-httponly", "3.3.4"), Status: check.Failed, Evidence: []string{"cookie a has no HttpOnly", "cookie <b> has no HttpOnly, which is a sentence that does not fit into one line of a terminal"}},
			{Check: c("header-hsts", "3.4.1"), Status: check.Skipped, Reason: "the application is reached by plain http"},
			{Check: c("password-unicode", "NIST SP 800-63B-4 3.1.1.2"), Status: check.Skipped, Blocked: true, Reason: "signing up: no mail came within 10s"},
		},
	}
}

func TestFormats(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *check.Report) error{
		"report.json": JSON,
		"report.xml":  JUnit,
		"report.txt":  func(w io.Writer, r *check.Report) error { return Text(w, r, 80) },
		"narrow.txt":  func(w io.Writer, r *check.Report) error { return Text(w, r, 40) },
	} {
		var got bytes.Buffer
		if err := write(&got, sample()); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, &got, want)
		}
	}
}

func TestNarrow(t *testing.T) {
	var got bytes.Buffer
	if err := Text(&got, sample(), 40); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(got.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 40 {
			t.Errorf("%d characters: %q", n, line)
		}
	}
}
