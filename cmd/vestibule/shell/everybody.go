package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth"
)

// linkKinds are the credentials that package email mails as links.
var linkKinds = []string{"confirm", "change", "reset"}

// revokeEverybody ends all sessions of all users. To do so twice does no harm, and so it is how to go on after a failure.
func (o *operator) revokeEverybody(ctx context.Context, cmd *cli.Command) error {
	links := cmd.Bool("links")
	what := "End all sessions of all users?"
	if links {
		what = "End all sessions of all users, and delete the links in mails that were sent?"
	}
	if err := o.ready(ctx, cmd); err != nil {
		return err
	}
	m, err := o.managed(cmd)
	if err != nil {
		return err
	}
	if err := o.confirm(ctx, cmd.Bool("yes"), "%s", what); err != nil {
		return err
	}
	n, err := o.endAll(ctx, m, links)
	if err != nil {
		return fmt.Errorf("%s done, not all; run the same again: %w", count(n, "user"), interrupted(err))
	}
	if o.asJSON {
		return writeJSON(o.stdout, map[string]any{"did": "revoke-everybody", "users": n, "links": links})
	}
	text := "All sessions of %s have ended.\n"
	if links {
		text = "All sessions of %s have ended, and the links in their mails are deleted.\n"
	}
	_, err = fmt.Fprintf(o.stdout, text, count(n, "user"))
	return err
}

// interrupted says so in a word, since sentence would leave out what was done.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// endAll returns with how many users it is done.
func (o *operator) endAll(ctx context.Context, m *auth.Manager, links bool) (n int, err error) {
	shows := isTerminal(o.stderr) && !o.asJSON
	err = o.everybody(ctx, func(u *auth.User) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.endOne(ctx, m, u, links); err != nil && !errors.Is(err, auth.ErrNotFound) { // who is gone needs nothing
			return fmt.Errorf("user %s: %w", clean(u.ID), err)
		}
		n++
		if shows && n%100 == 0 {
			fmt.Fprintf(o.stderr, "\rending sessions: %s", count(n, "user"))
		}
		return nil
	})
	if shows {
		fmt.Fprint(o.stderr, "\r\x1b[K")
	}
	return n, err
}

// endOne ends the sessions of u.
func (o *operator) endOne(ctx context.Context, m *auth.Manager, u *auth.User, links bool) error {
	err := m.EndSessions(ctx, u)
	o.tellFailures() // now, since what was told of a million users would be kept
	if err != nil || !links {
		return err
	}
	for _, kind := range linkKinds {
		if err := o.store().DeleteCredentials(ctx, u.ID, kind); err != nil {
			return err
		}
	}
	m.Record(ctx, auth.Event{Name: EventPurged, UserID: u.ID, Reason: reason})
	return nil
}

func everybodyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "everybody", Usage: "end all sessions of all users"},
		&cli.BoolFlag{Name: "links", Usage: "with -everybody: delete the links in mails, too, to confirm or change an address or to choose a password"},
	}
}
