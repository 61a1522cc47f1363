package report

import (
	"encoding/json"
	"io"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
)

type file struct {
	Tool     string   `json:"tool"`
	BaseURL  string   `json:"base_url"`
	Requests int      `json:"requests"`
	Accounts int      `json:"accounts"`
	Summary  Counts   `json:"summary"`
	Results  []result `json:"results"`
	Notes    []string `json:"notes,omitempty"`
}

type result struct {
	ID       string   `json:"id"`
	Status   string   `json:"status"`
	Blocked  bool     `json:"blocked,omitempty"`
	Title    string   `json:"title"`
	ASVS     string   `json:"asvs"`
	Reason   string   `json:"reason,omitempty"`
	Evidence []string `json:"evidence,omitempty"`
	Fix      string   `json:"fix,omitempty"`
}

// JSON writes a report for programs. Results are in the order of the checks.
func JSON(w io.Writer, r *check.Report) error {
	f := file{Tool: "authcheck", BaseURL: r.BaseURL, Requests: r.Requests, Accounts: r.Accounts, Summary: Count(r), Notes: r.Notes}
	for _, x := range r.Results {
		out := result{ID: x.Check.ID, Status: string(x.Status), Blocked: x.Blocked, Title: x.Check.Title, ASVS: x.Check.ASVS, Reason: x.Reason, Evidence: x.Evidence}
		if x.Status == check.Failed {
			out.Fix = x.Check.Fix
		}
		f.Results = append(f.Results, out)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(f)
}
