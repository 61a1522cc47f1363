// Package report writes what was found: for people, as JSON, and as JUnit.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
)

// Text writes a report for people, in lines of that width as far as words allow it.
func Text(w io.Writer, r *check.Report, width int) error {
	t := &text{width: max(width, 20)}
	for _, result := range r.Results {
		t.result(&result)
	}
	t.line("", "")
	n := Count(r)
	t.line("", fmt.Sprintf("%d passed, %d failed, %d skipped; %d requests, %d accounts made.", n.Passed, n.Failed, n.Skipped, r.Requests, r.Accounts))
	for _, note := range r.Notes {
		t.line("", note)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// Counts are how many checks ended how.
type Counts struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	Blocked int `json:"blocked"` // of those skipped, how many should have run
}

// Count counts.
func Count(r *check.Report) (n Counts) {
	for _, result := range r.Results {
		switch result.Status {
		case check.Passed:
			n.Passed++
		case check.Failed:
			n.Failed++
		case check.Skipped:
			n.Skipped++
		}
		if result.Blocked {
			n.Blocked++
		}
	}
	return n
}

type text struct {
	strings.Builder
	width int
}

func (t *text) result(r *check.Result) {
	switch r.Status {
	case check.Passed:
		t.line("", "passed   "+r.Check.ID)
	case check.Skipped:
		word := "skipped  "
		if r.Blocked {
			word = "BLOCKED  "
		}
		t.line("", word+r.Check.ID)
		t.line("  ", r.Reason)
	case check.Failed:
		t.line("", "FAILED   "+r.Check.ID)
		t.line("  ", "Should be: "+r.Check.Title+". Seen:")
		for _, e := range r.Evidence {
			t.line("  - ", e)
		}
		t.line("  ", "Do: "+r.Check.Fix)
		t.line("  ", Source(r.Check.ASVS))
	}
}

// Source names what a check goes by.
func Source(asvs string) string {
	if strings.HasPrefix(asvs, "NIST") {
		return asvs
	}
	return "ASVS 5.0 " + asvs
}

// line writes words in as many lines as they need, all but the first without what comes before it.
func (t *text) line(before, words string) {
	indent := strings.Repeat(" ", len(before))
	line := before
	empty := true
	for word := range strings.FieldsSeq(browser.Plain(words)) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > t.width {
			t.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += strings.Repeat(" ", t.gap(line))
		}
		line, empty = line+word, false
	}
	t.WriteString(strings.TrimRight(line, " ") + "\n")
}

// gap puts the IDs below each other.
func (t *text) gap(line string) int {
	switch line {
	case "passed", "FAILED":
		return 3
	case "skipped", "BLOCKED":
		return 2
	}
	return 1
}

// Wrap writes a paragraph in lines of that width.
func Wrap(w io.Writer, width int, before, words string) {
	t := &text{width: max(width, 20)}
	t.line(before, words)
	io.WriteString(w, t.String())
}
