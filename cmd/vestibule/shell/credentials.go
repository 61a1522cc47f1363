package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth"
)

// EventPurged tells that credentials of a user were removed.
const EventPurged = "credentials_purged"

func (o *operator) credentials() *cli.Command {
	return &cli.Command{
		Name: "credentials", Usage: "remove links, codes and tokens",
		Commands: []*cli.Command{
			o.command("purge", "remove credentials of a user, or what has expired", "[EMAIL]", `
Credentials are what lets someone act as a user besides the password: links that were mailed, recovery codes, tokens.
"users show" tells of which kinds a user has some. A second factor that is removed is not asked for any more. -all leaves
the audit trail, of kinds such as audit.2026-03, by which nobody acts, and which tells what came before; a store that cannot
tell of which kinds there are some loses it, too.

  vestibule credentials purge ann@example.com -kind reset
  vestibule credentials purge ann@example.com -all
  vestibule credentials purge -expired

What has expired counts as gone in any case, and applications remove it now and then; -expired does it now, for sessions,
too.`, o.purge,
				&cli.StringFlag{Name: "kind", Usage: "those of this `KIND`, such as reset or confirm"},
				&cli.BoolFlag{Name: "all", Usage: "those of every kind"},
				&cli.BoolFlag{Name: "expired", Usage: "what has expired, of all users"}, yesFlag()),
		},
	}
}

func (o *operator) purge(ctx context.Context, cmd *cli.Command, args []string) error {
	kind, all := cmd.String("kind"), cmd.Bool("all")
	switch {
	case cmd.Bool("expired") && (len(args) > 0 || kind != "" || all):
		return usage("-expired is about all users and all kinds")
	case cmd.Bool("expired"):
		return o.purgeExpired(ctx, cmd)
	case len(args) == 0:
		return usage("whose credentials? Give an email address, or -expired")
	case all == (kind != ""):
		return usage("say which, by -kind, or -all")
	}
	return o.onUser(o.purgeUser)(ctx, cmd, args)
}

func (o *operator) purgeExpired(ctx context.Context, cmd *cli.Command) error {
	if err := o.ready(ctx, cmd); err != nil {
		return err
	}
	if o.sql() == nil {
		return errors.New("this program cannot remove what has expired: App.SQL is nil")
	}
	n, err := o.sql().DeleteExpired(ctx)
	if err != nil {
		return fmt.Errorf("%d rows were removed: %w", n, err)
	}
	if o.asJSON {
		return writeJSON(o.stdout, map[string]any{"did": "purge", "rows": n})
	}
	fmt.Fprintln(o.stdout, count(n, "row"), "removed.")
	return nil
}

func (o *operator) purgeUser(ctx context.Context, cmd *cli.Command, s *subject) error {
	kind := cmd.String("kind")
	what := "all credentials"
	if kind != "" {
		what = fmt.Sprintf("all credentials of the kind %q", kind)
	}
	if err := o.confirm(ctx, cmd.Bool("yes"), "Remove %s of %s?", what, s.Email); err != nil {
		return err
	}
	if err := o.deleteCredentials(ctx, s.ID, kind); err != nil {
		return err
	}
	s.m.Record(ctx, auth.Event{Name: EventPurged, UserID: s.ID, Reason: reason})
	return o.report("purge", s.User, "Removed %s of %s.", what, s.Email)
}

// deleteCredentials deletes those of a kind, or without one all but the audit trail.
func (o *operator) deleteCredentials(ctx context.Context, userID, kind string) error {
	if kind != "" || o.sql() == nil {
		return o.store().DeleteCredentials(ctx, userID, kind)
	}
	kinds, err := o.sql().CredentialKinds(ctx, userID)
	if err != nil {
		return err
	}
	for kind := range kinds {
		if strings.HasPrefix(kind, "audit.") {
			continue
		}
		if err := o.store().DeleteCredentials(ctx, userID, kind); err != nil {
			return err
		}
	}
	return nil
}
