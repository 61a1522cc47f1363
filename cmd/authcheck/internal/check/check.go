// Package check looks at the authentication of an application from outside, as attackers and users do.
package check

import (
	"errors"
	"fmt"
	"slices"
)

// Check is one thing that is looked at.
type Check struct {
	ID       string
	Title    string // what should be
	Why      string
	Fix      string
	ASVS     string // rows of OWASP ASVS 5.0, or another source where it has none
	Optional bool   // runs only if it is asked for
	run      func(*target) ([]string, error)
}

// Status is how a check ended.
type Status string

// The ways to end.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is how one check ended.
type Result struct {
	Check    *Check
	Status   Status
	Reason   string   // why it was skipped
	Blocked  bool     // it was skipped although it should have run
	Evidence []string // of a failure: what was asked and what was seen, without secrets
}

// All returns the checks, in the order of the report.
func All() []*Check {
	var all []*Check
	for _, family := range [][]Check{
		cookieChecks, sessionChecks, nextChecks, csrfChecks, enumChecks, headerChecks, methodChecks, bodyChecks,
		guessChecks, passwordChecks, resetChecks, errorChecks,
	} {
		for i := range family {
			all = append(all, &family[i])
		}
	}
	return all
}

// notHere is the reason why a check has nothing to look at.
type notHere string

func (n notHere) Error() string { return string(n) }

// errLimited reports that the application lets nobody try any more, so that an answer says nothing.
var errLimited = errors.New("refused by a limit of attempts (429), so that the answer says nothing")

// mostSeen is how much evidence is enough.
const mostSeen = 5

func shortened(evidence []string) []string {
	if more := len(evidence) - mostSeen; more > 0 {
		return append(slices.Clone(evidence[:mostSeen]), fmt.Sprintf("and %d more", more))
	}
	return evidence
}

func (c *Check) result(evidence []string, err error) Result {
	var n notHere
	switch {
	case errors.As(err, &n):
		return Result{Check: c, Status: Skipped, Reason: n.Error()}
	case err != nil:
		return Result{Check: c, Status: Skipped, Reason: err.Error(), Blocked: true}
	case len(evidence) > 0:
		return Result{Check: c, Status: Failed, Evidence: shortened(evidence)}
	}
	return Result{Check: c, Status: Passed}
}
