package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth/audit"
)

func (o *operator) history() *cli.Command {
	return o.command("history", "show what happened to an account", "EMAIL", `
It shows the audit trail, the last first, if the application keeps one by package audit. What says that there is more also
says how to go on.

  vestibule users history ann@example.com
  vestibule users history ann@example.com -n 20 -before 20260302.17

With -json there is a line for each entry: time, event, reason, address, agent, session, more and until (of what was counted
only), and if there is more a last line with nothing but before.`, o.onUser(o.showHistory),
		&cli.IntFlag{Name: "n", Value: 50, Usage: "show `NUMBER` entries, 1,000 at most"},
		&cli.StringFlag{Name: "before", Usage: "go on from `PLACE`, which the page before has named"})
}

// trail returns that of the application, or what reads one with the settings that package audit has by default.
func (o *operator) trail() (*audit.Trail, error) {
	if o.app.Trail != nil {
		return o.app.Trail, nil
	}
	return audit.New(o.store(), nil)
}

func (o *operator) showHistory(ctx context.Context, cmd *cli.Command, s *subject) error {
	n, before := cmd.Int("n"), cmd.String("before")
	if n < 1 || n > 1000 {
		return usage("-n is not between 1 and 1000")
	}
	trail, err := o.trail()
	if err != nil {
		return err
	}
	entries, next, err := trail.Page(ctx, s.ID, before, n)
	switch {
	case errors.Is(err, audit.ErrCursor):
		return usage("-before %q is not what a page has named", before)
	case err != nil:
		return err
	case len(entries) == 0 && !o.asJSON:
		fmt.Fprintln(o.stderr, nothingKept(s.Email, before))
		return nil
	}
	for i, e := range entries {
		if err := o.listEntry(e, i == 0); err != nil {
			return err
		}
	}
	return o.moreHistory(s, next, n)
}

// nothingKept says what an empty page may mean, since nobody can see whether there is a trail to which nothing was added.
func nothingKept(email, before string) string {
	if before != "" {
		return "nothing before that"
	}
	return fmt.Sprintf("nothing is kept about %s: either the application keeps no audit trail (package audit, docs/audit.md), or nothing happened for as long as it keeps one", email)
}

// listEntry writes one line. What visitors choose, which may be long, comes last.
func (o *operator) listEntry(e audit.Entry, first bool) error {
	if o.asJSON {
		return writeJSON(o.stdout, e)
	}
	const form = "%-19s  %-20s  %-15s  %-12s  %s\n"
	if first {
		fmt.Fprintf(o.stdout, form, "TIME (UTC)", "EVENT", "ADDRESS", "SESSION", "REASON, AGENT")
	}
	var about []string
	for _, text := range []string{e.Reason, e.Agent, others(e)} {
		if text != "" {
			about = append(about, clean(text))
		}
	}
	_, err := fmt.Fprintf(o.stdout, form, e.Time.UTC().Format(time.DateTime), clean(e.Name), clean(e.Address), clean(e.Session),
		strings.Join(about, "; "))
	return err
}

// others says how many like e were only counted.
func others(e audit.Entry) string {
	if e.More == 0 {
		return ""
	}
	return fmt.Sprintf("%d more on this day, the last at %s", e.More, e.Until.UTC().Format(time.TimeOnly))
}

// moreHistory says how to go on.
func (o *operator) moreHistory(s *subject, next string, n int) error {
	switch {
	case next == "":
		return nil
	case o.asJSON:
		return writeJSON(o.stdout, map[string]string{"before": next})
	}
	// Who copies this into a shell has it obeyed, and an address may have ` in it.
	_, err := fmt.Fprintf(o.stderr, "There is more: users history %s -n %d -before %s\n", clean(s.ID), n, next)
	return err
}
