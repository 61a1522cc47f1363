package weak_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/weak"
)

// follows are the checks which cannot pass where another one fails.
var follows = map[string][]string{
	"cookie-secure":  {"cookie-prefix"}, // a browser takes a cookie of that name only if it is Secure
	"cookie-scope":   {"cookie-prefix"}, // and if it is for one host
	"csrf-token":     {"csrf-bound"},    // where any token is taken, another's is
	"csrf-token/any": {"csrf-bound"},
	// To be remembered is to have a session that lasts.
	"logout-replay":          {"remember-replay"},
	"password-ends-sessions": {"remember-replay"},
}

// only over https are these looked at.
var tlsOnly = []string{"cookie-secure", "cookie-prefix", "header-hsts"}

// run checks an application with these weaknesses.
func run(t *testing.T, weaknesses, only []string, tls bool) map[string]check.Result {
	t.Helper()
	c := weak.Setup{Weak: weaknesses, Mails: t.TempDir(), TLS: tls, Rounds: cost(weaknesses, tls)}
	s, err := weak.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cfg, err := profile.Load(fmt.Appendf(nil, settings, s.URL, c.Mails), "vestibule")
	if err != nil {
		t.Fatal(err)
	}
	report, err := check.Run(context.Background(), cfg, &check.Options{Only: only})
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]check.Result{}
	for _, r := range report.Results {
		results[r.Check.ID] = r
	}
	return results
}

// cost is little, but for a weakness that shows in the time which hashing takes: there it is enough for a machine that is busy. With
// no weakness it is what nobody should see.
func cost(weaknesses []string, tls bool) int {
	switch {
	case len(weaknesses) == 0 && !tls:
		return weak.Rounds / 2
	case len(weaknesses) == 1 && strings.HasSuffix(weaknesses[0], "-time"):
		return 2 * weak.Rounds
	}
	return 0
}

const settings = `base_url: %s
mail: {dir: %q, wait: 3s}
signup: {confirm: ""}
password: {confirm: ""}
reset: {confirm: ""}
private: {path: /dashboard}
logout: {page: ""}
limits: {per_second: 1000}
`

// TestNothingWrong holds the checks to an application that does everything right.
func TestNothingWrong(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprint("tls=", tls), func(t *testing.T) {
			t.Parallel()
			results := run(t, nil, []string{everything}, tls)
			for _, c := range check.All() {
				r := results[c.ID]
				switch skipped := !tls && slices.Contains(tlsOnly, c.ID); {
				case skipped && r.Status != "skipped", !skipped && r.Status != "passed":
					t.Errorf("%s: %s: %s %q", c.ID, r.Status, r.Reason, r.Evidence)
				case r.Status == "skipped" && r.Reason == "":
					t.Errorf("%s: skipped for no reason", c.ID)
				}
			}
		})
	}
}

// TestEveryWeaknessIsFound holds the checks to applications that do one thing wrong. The check concerned must say so, and no
// other. With the race detector only the checks of the same subject are asked, to save time.
func TestEveryWeaknessIsFound(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(weak.Weaknesses)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, _, _ := strings.Cut(name, "/")
			want := append([]string{id}, follows[name]...)
			results := run(t, []string{name}, asked(want), slices.Contains(append(tlsOnly, "cookie-scope"), id))
			for id, r := range results {
				if failed := slices.Contains(want, id); (r.Status == "failed") != failed {
					t.Errorf("%s: %s: %s %q", id, r.Status, r.Reason, r.Evidence)
				}
			}
			if results[id].Status == "" {
				t.Errorf("%s was not asked", id)
			}
		})
	}
}

// everything is a glob for all checks, the optional ones as well.
const everything = "*"

// asked are the checks for which an application is tried: those of the same subject.
func asked(want []string) []string {
	subject, _, _ := strings.Cut(want[0], "-")
	return append(slices.Clone(want), subject+"-*")
}

// TestEveryCheckIsProved wants a weakness for each check.
func TestEveryCheckIsProved(t *testing.T) {
	for _, c := range check.All() {
		if _, ok := weak.Weaknesses[c.ID]; !ok {
			t.Errorf("%s: no application shows that it notices anything", c.ID)
		}
	}
}
