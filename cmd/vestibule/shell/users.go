package shell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth"
)

func (o *operator) users() *cli.Command {
	return &cli.Command{
		Name: "users", Usage: "list, make, change and delete users",
		Commands: []*cli.Command{
			o.command("list", "list users, oldest first", "", `
  vestibule users list
  vestibule users list -match @example.com -limit 20
  vestibule users list -disabled -json | jq -r .email

With -json there is a line for each user: id, email, created, updated, confirmed and disabled (null: not), scheme and
cost of the password's hash (empty: no password), compromised.`,
				o.listUsers,
				&cli.BoolFlag{Name: "disabled", Usage: "only those who are disabled"},
				&cli.BoolFlag{Name: "unconfirmed", Usage: "only those who have not confirmed their address"},
				&cli.StringFlag{Name: "match", Usage: "only those with `TEXT` in their address"},
				&cli.IntFlag{Name: "limit", Usage: "no more than `NUMBER`; 0 means all"}),
			o.command("show", "show what is known of a user", "EMAIL", `
Instead of an address every command takes a user's ID, too.

  vestibule users show ann@example.com

With -json it is a line of "users list" with sessions (their number, null where the store cannot tell) and credentials
(their number by kind).`, o.onUser(o.showUser)),
			o.history(),
			o.create(),
			o.setPassword(),
			o.command("disable", "switch an account off, and end its sessions", "EMAIL", `
Who is disabled cannot log in or set a password. Nothing is lost: "users enable" undoes it, though not the end of the
sessions.

  vestibule users disable ann@example.com`, o.onUser(o.disable)),
			o.command("enable", "switch an account on again", "EMAIL", `
  vestibule users enable ann@example.com`, o.onUser(o.enable)),
			o.command("unlock", "forget the wrong passwords that were tried", "EMAIL", `
After many wrong passwords for an address the next attempt has to wait, whoever makes it. This ends the wait.

  vestibule users unlock ann@example.com`, o.onUser(o.unlock)),
			o.command("mark-compromised", "ask for a new password at the next login", "EMAIL", `
All sessions end, and whoever logs in next has to choose another password before anything else. That may be whoever has
learned this one: if you would rather trust the mailbox, use "users set-password -mail" after a random password.

  vestibule users mark-compromised ann@example.com`, o.onUser(o.markCompromised), yesFlag()),
			o.command("delete", "delete a user for good", "EMAIL", `
The user goes with all sessions and credentials. What an application keeps of its users in tables of its own is removed by its
Hooks.Delete, which only a program that the application has built from package shell knows.

  vestibule users delete ann@example.com`, o.onUser(o.deleteUser), yesFlag()),
		},
	}
}

// subject is the user whom a command is about.
type subject struct {
	*auth.User
	m    *auth.Manager
	args []string // what follows
}

// row is a user as JSON.
type row struct {
	ID          string     `json:"id"`
	Email       string     `json:"email"`
	Created     time.Time  `json:"created"`
	Updated     time.Time  `json:"updated"`
	Confirmed   *time.Time `json:"confirmed"`
	Disabled    *time.Time `json:"disabled"`
	Scheme      string     `json:"scheme"`
	Cost        string     `json:"cost"`
	Compromised bool       `json:"compromised"`
}

func rowOf(u *auth.User) row {
	r := row{ID: u.ID, Email: u.Email, Created: u.Created, Updated: u.Updated,
		Confirmed: orNull(u.Confirmed), Disabled: orNull(u.Disabled), Compromised: u.Compromised()}
	if u.PasswordHash != "" {
		s := schemeOf(u.PasswordHash)
		if r.Scheme, r.Cost = s.name, s.cost; s.name == "" {
			r.Scheme = "unknown"
		}
	}
	return r
}

// state is what is out of the ordinary about a user.
func state(u *auth.User) string {
	var all []string
	add := func(is bool, what string) {
		if is {
			all = append(all, what)
		}
	}
	add(!u.Disabled.IsZero(), "disabled")
	add(u.Confirmed.IsZero(), "unconfirmed")
	add(u.Compromised(), "compromised")
	add(u.PasswordHash == "", "no password")
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ", ")
}

const pageSize = 500

// everybody calls each with every user, until that returns an error.
func (o *operator) everybody(ctx context.Context, each func(*auth.User) error) error {
	list := o.app.Users
	if list == nil && o.sql() != nil {
		list = o.sql().Users
	}
	if list == nil {
		return errors.New("this program cannot list users: App.Users is nil")
	}
	for after := ""; ; {
		page, err := list(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, u := range page {
			if err := each(u); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

var errEnough = errors.New("enough")

func (o *operator) listUsers(ctx context.Context, cmd *cli.Command, _ []string) error {
	limit, match := cmd.Int("limit"), strings.ToLower(cmd.String("match"))
	if limit < 0 {
		return usage("-limit is less than 0")
	}
	if err := o.ready(ctx, cmd); err != nil {
		return err
	}
	shown := 0
	err := o.everybody(ctx, func(u *auth.User) error {
		if cmd.Bool("disabled") && u.Disabled.IsZero() || cmd.Bool("unconfirmed") && !u.Confirmed.IsZero() ||
			!strings.Contains(strings.ToLower(u.Email), match) {
			return nil
		}
		shown++
		if err := o.listUser(u, shown == 1); err != nil {
			return err
		}
		if shown == limit {
			return errEnough
		}
		return ctx.Err()
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	if err == nil && shown == 0 && !o.asJSON {
		fmt.Fprintln(o.stderr, "no users")
	}
	return err
}

// listUser writes one line. The address, which may be long, comes last: so a table needs not be read to its end before it
// is written, and a narrow terminal breaks it at its end.
func (o *operator) listUser(u *auth.User, first bool) error {
	if o.asJSON {
		return writeJSON(o.stdout, rowOf(u))
	}
	const form = "%-26s  %-16s  %-12s  %s\n"
	if first {
		fmt.Fprintf(o.stdout, form, "ID", "CREATED (UTC)", "STATE", "EMAIL")
	}
	_, err := fmt.Fprintf(o.stdout, form, clean(u.ID), day(u.Created), state(u), clean(u.Email))
	return err
}

func (o *operator) showUser(ctx context.Context, _ *cli.Command, s *subject) error {
	var sessions *int
	switch live, err := s.m.Sessions(ctx, s.User); {
	case err == nil:
		n := len(live)
		sessions = &n
	case !errors.Is(err, errors.ErrUnsupported):
		return err
	}
	kinds := map[string]int{}
	if o.sql() != nil {
		var err error
		if kinds, err = o.sql().CredentialKinds(ctx, s.ID); err != nil {
			return err
		}
	}
	if o.asJSON {
		return writeJSON(o.stdout, struct {
			row
			Sessions    *int           `json:"sessions"`
			Credentials map[string]int `json:"credentials"`
		}{rowOf(s.User), sessions, kinds})
	}
	return o.describe(s.User, sessions, kinds)
}

func (o *operator) describe(u *auth.User, sessions *int, kinds map[string]int) error {
	password := "none: nobody can log in with one"
	if u.PasswordHash != "" {
		s := schemeOf(u.PasswordHash)
		if password = s.String(); s.weak != "" {
			password += " (weak: " + s.weak + ")"
		}
	}
	if u.Compromised() {
		password += ", compromised: it must be replaced at the next login"
	}
	live, credentials := "unknown: this store cannot tell", "none"
	if sessions != nil {
		live = fmt.Sprint(*sessions)
	}
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, fmt.Sprintf("%s: %d", kind, kinds[kind]))
	}
	if len(list) > 0 {
		credentials = strings.Join(list, ", ")
	}
	return fields(o.stdout, "email", u.Email, "id", u.ID, "created", day(u.Created), "updated", day(u.Updated),
		"confirmed", day(u.Confirmed), "disabled", day(u.Disabled), "password", password,
		"sessions", live, "credentials", credentials)
}

// done is a change as JSON.
type done struct {
	Did   string `json:"did"`
	ID    string `json:"id"`
	Email string `json:"email"`
}

// report says what was done.
func (o *operator) report(did string, u *auth.User, format string, args ...any) error {
	if o.asJSON {
		return writeJSON(o.stdout, done{Did: did, ID: u.ID, Email: u.Email})
	}
	_, err := fmt.Fprintln(o.stdout, clean(fmt.Sprintf(format, args...)))
	return err
}

func (o *operator) disable(ctx context.Context, _ *cli.Command, s *subject) error {
	if err := s.m.Disable(ctx, s.User); err != nil {
		return err
	}
	return o.report("disable", s.User, "%s is disabled, and all sessions have ended.", s.Email)
}

func (o *operator) enable(ctx context.Context, _ *cli.Command, s *subject) error {
	if s.Disabled.IsZero() {
		return o.report("enable", s.User, "%s was not disabled.", s.Email)
	}
	if err := s.m.Enable(ctx, s.User); err != nil {
		return err
	}
	return o.report("enable", s.User, "%s can log in again.", s.Email)
}

// update changes what has nothing to do with credentials. Where another has changed the user at the same time it does
// so to what the other has made of it.
func (o *operator) update(ctx context.Context, s *subject, event string, change func(*auth.User)) error {
	for range 10 {
		next := *s.User
		change(&next)
		next.Updated = now()
		err := o.store().UpdateUser(ctx, &next)
		if err == nil {
			*s.User = next
			s.m.Record(ctx, auth.Event{Name: event, UserID: next.ID, Reason: reason})
			return nil
		}
		if !errors.Is(err, auth.ErrConflict) {
			return err
		}
		fresh, err := o.store().UserByID(ctx, s.ID)
		if err != nil {
			return err
		}
		*s.User = *fresh
	}
	return auth.ErrConflict
}

// now returns the time in the precision of the stores.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (o *operator) unlock(ctx context.Context, _ *cli.Command, s *subject) error {
	if err := s.m.Unlock(ctx, s.Email); err != nil {
		return err
	}
	return o.report("unlock", s.User, "The wrong passwords for %s are forgotten.", s.Email)
}

func (o *operator) markCompromised(ctx context.Context, cmd *cli.Command, s *subject) error {
	if s.PasswordHash == "" {
		return fmt.Errorf("%s has no password", s.Email)
	}
	if err := o.confirm(ctx, cmd.Bool("yes"), "End all sessions of %s, and ask for a new password?", s.Email); err != nil {
		return err
	}
	if err := s.m.MarkCompromised(ctx, s.User); err != nil {
		return err
	}
	return o.report("mark-compromised", s.User, "%s has to choose a new password at the next login. All sessions have ended.", s.Email)
}

func (o *operator) deleteUser(ctx context.Context, cmd *cli.Command, s *subject) error {
	if err := o.confirm(ctx, cmd.Bool("yes"), "Delete %s (%s) for good?", s.Email, s.ID); err != nil {
		return err
	}
	if err := s.m.DeleteAccount(ctx, s.User); err != nil {
		return err
	}
	return o.report("delete", s.User, "%s is deleted.", s.Email)
}
