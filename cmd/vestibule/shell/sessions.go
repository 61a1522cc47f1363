package shell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth"
)

func (o *operator) sessions() *cli.Command {
	return &cli.Command{
		Name: "sessions", Usage: "list and end sessions",
		Commands: []*cli.Command{
			o.command("list", "list the sessions in which a user is logged in", "EMAIL", `
  vestibule sessions list ann@example.com

With -json there is a line for each session: id, user_id, created, last_seen, expires, address, agent, remembered, and
factors, when each was proved.`, o.onUser(o.listSessions)),
			o.command("revoke", "end one session of a user, or all, or those of everybody", "[EMAIL] [ID]", `
An ID may be shortened, as "sessions list" does. -everybody is for the day after a leak, or after a backup was restored: see
docs/deploy.md. It may be run again at any time, and that is how to go on if it was interrupted.

  vestibule sessions revoke ann@example.com 4f1c09a7b2de
  vestibule sessions revoke ann@example.com -all
  vestibule sessions revoke -everybody -links`, o.revokeSessions,
				append(everybodyFlags(), &cli.BoolFlag{Name: "all", Usage: "end all sessions of the user"}, yesFlag())...),
		},
	}
}

const shortID = 12

func short(id string) string {
	if len(id) > shortID {
		return id[:shortID]
	}
	return id
}

// live returns the sessions of a user.
func (s *subject) live(ctx context.Context) ([]*auth.Session, error) {
	live, err := s.m.Sessions(ctx, s.User)
	if errors.Is(err, errors.ErrUnsupported) {
		err = errors.New("the session store of this application cannot list sessions; sessions revoke -all ends them all the same")
	}
	return live, err
}

func (o *operator) listSessions(ctx context.Context, _ *cli.Command, s *subject) error {
	live, err := s.live(ctx)
	if err != nil {
		return err
	}
	if len(live) == 0 && !o.asJSON {
		fmt.Fprintln(o.stderr, "no sessions")
	}
	const form = "%-12s  %-16s  %-16s  %-16s  %-15s  %-10s  %s\n"
	for i, x := range live {
		if o.asJSON {
			if err := writeJSON(o.stdout, x); err != nil {
				return err
			}
			continue
		}
		if i == 0 {
			fmt.Fprintf(o.stdout, form, "ID", "BEGUN (UTC)", "LAST SEEN", "EXPIRES", "ADDRESS", "FACTORS", "AGENT")
		}
		factors := strings.Join(slices.Sorted(maps.Keys(x.Factors)), "+")
		fmt.Fprintf(o.stdout, form, clean(short(x.ID)), day(x.Created), day(x.LastSeen), day(x.Expires),
			clean(x.Address), clean(factors), clean(x.Agent))
	}
	return nil
}

func (o *operator) revokeSessions(ctx context.Context, cmd *cli.Command, args []string) error {
	switch everybody := cmd.Bool("everybody"); {
	case everybody && (len(args) > 0 || cmd.Bool("all")):
		return usage("-everybody is about all users and all sessions")
	case everybody:
		return o.revokeEverybody(ctx, cmd)
	case cmd.Bool("links"):
		return usage("-links goes with -everybody; credentials purge removes those of one user")
	case len(args) == 0:
		return usage("whose sessions? Give an email address, or -everybody")
	}
	return o.onUser(o.revoke)(ctx, cmd, args)
}

func (o *operator) revoke(ctx context.Context, cmd *cli.Command, s *subject) error {
	switch all := cmd.Bool("all"); {
	case all == (len(s.args) > 0):
		return usage("say which session, by its ID, or -all")
	case all:
		if err := o.confirm(ctx, cmd.Bool("yes"), "End all sessions of %s?", s.Email); err != nil {
			return err
		}
		if err := s.m.EndSessions(ctx, s.User); err != nil {
			return err
		}
		return o.report("revoke", s.User, "All sessions of %s have ended.", s.Email)
	}
	id, err := s.session(ctx, s.args[0])
	if err == nil {
		err = s.m.EndSession(ctx, s.User, id)
	}
	if err != nil {
		return err
	}
	return o.report("revoke", s.User, "The session %s of %s has ended.", short(id), s.Email)
}

// session returns the ID of the one session that begins with id.
func (s *subject) session(ctx context.Context, id string) (string, error) {
	live, err := s.live(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, x := range live {
		if id != "" && strings.HasPrefix(x.ID, id) {
			found = append(found, x.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s has no session %q%w", s.Email, id, silent{})
	case 1:
		return found[0], nil
	}
	return "", usage("%q begins the IDs of %d sessions: give more of it", id, len(found))
}

// silent is auth.ErrNotFound, without a word.
type silent struct{}

func (silent) Error() string        { return "" }
func (silent) Is(target error) bool { return target == auth.ErrNotFound }
