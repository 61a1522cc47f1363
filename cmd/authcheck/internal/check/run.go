package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
)

// Options choose among the checks. The zero value runs all that are not optional.
type Options struct {
	Only, Except []string  // globs of IDs
	Log          io.Writer // gets a line for each request, without secrets; nil: nowhere
}

// Report is what was found.
type Report struct {
	BaseURL  string
	Requests int
	Accounts int // that were made
	Results  []Result
	Notes    []string // what the caller should know besides
}

// ErrNotRun reports that the application cannot be checked, for what every check needs does not work.
var ErrNotRun = errors.New("cannot check")

// Select returns the checks that o chooses. A glob that fits none is an error.
func Select(o *Options) ([]*Check, error) {
	for _, glob := range slices.Concat(o.Only, o.Except) {
		if !slices.ContainsFunc(All(), func(c *Check) bool { return matches(glob, c.ID) }) {
			return nil, fmt.Errorf("no check is called %q; authcheck list shows them", glob)
		}
	}
	chosen := slices.DeleteFunc(All(), func(c *Check) bool {
		any := func(globs []string) bool {
			return slices.ContainsFunc(globs, func(glob string) bool { return matches(glob, c.ID) })
		}
		return len(o.Only) == 0 && c.Optional || len(o.Only) > 0 && !any(o.Only) || any(o.Except)
	})
	if len(chosen) == 0 {
		return nil, errors.New("no check is left")
	}
	return chosen, nil
}

func matches(glob, id string) bool {
	ok, err := path.Match(glob, id)
	return ok && err == nil
}

// Run checks an application. It is safe for concurrent use. The error is [ErrNotRun] if what every check needs does not work, and
// something else if cfg or o are wrong.
func Run(ctx context.Context, cfg *profile.Config, o *Options) (*Report, error) {
	chosen, err := Select(o)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimSuffix(cfg.BaseURL, "/"))
	if err != nil {
		return nil, err
	}
	t := newTarget(ctx, cfg, base, o.Log)
	defer t.client.Close()
	if err := t.begin(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	results := map[string]Result{}
	for _, c := range slices.Concat(without(chosen, lastOnes), only(chosen, lastOnes)) {
		results[c.ID] = t.check(c)
	}
	report := &Report{BaseURL: base.String(), Accounts: t.made, Notes: t.tidy()}
	for _, c := range chosen {
		report.Results = append(report.Results, results[c.ID])
	}
	report.Requests = t.client.Sent()
	return report, ctx.Err()
}

// lastOnes may leave the application unwilling to let anyone in for a while.
var lastOnes = []string{"enum-login-time", "guess-limit", "guess-spray"}

func without(checks []*Check, ids []string) []*Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c *Check) bool { return slices.Contains(ids, c.ID) })
}

func only(checks []*Check, ids []string) []*Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c *Check) bool { return !slices.Contains(ids, c.ID) })
}

func (t *target) check(c *Check) Result {
	fmt.Fprintln(t.log, "#", c.ID)
	t.move()
	evidence, err := c.run(t)
	if err == nil && len(evidence) == 0 {
		err = t.stillWorks(c)
	}
	return c.result(evidence, err)
}

// stillWorks logs in once more after checks that pass because nobody got in: that must not be because nobody gets in any more.
func (t *target) stillWorks(c *Check) error {
	family, _, _ := strings.Cut(c.ID, "-")
	if !slices.Contains([]string{"session", "csrf", "login", "method", "body", "password"}, family) {
		return nil
	}
	if _, err := t.mainVisitor(); err != nil {
		return fmt.Errorf("afterwards nobody gets in any more, so that it proves nothing: %w", err)
	}
	return nil
}
