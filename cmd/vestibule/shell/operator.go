package shell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/sqlstore"
)

// operator is one run of the program: what it works on, and whom it talks to.
type operator struct {
	console
	app  *App
	name string

	outer   context.Context // that of Run, in which no command is noted, as the library of commands does
	inShell bool            // the command is a line of the command shell
	asJSON  bool
	db      *Database // what was opened, and is to be closed
	manager *auth.Manager
	events  []auth.Event // what the Manager has told of, and nobody has looked at
}

const (
	reason = "by operator"

	// placeholder is the BaseURL of a Manager that sends no mails and serves no request.
	placeholder = "http://localhost"
)

func (o *operator) close() {
	if o.db != nil {
		o.db.Close()
	}
}

// sql returns the store of package sqlstore, or nil if there is none.
func (o *operator) sql() *sqlstore.Store {
	if o.db != nil {
		return o.db.Store
	}
	return o.app.SQL
}

func (o *operator) store() auth.Store {
	if o.app.Store != nil {
		return o.app.Store
	}
	return o.sql()
}

// embedded reports whether the program was built for one application.
func (o *operator) embedded() bool { return o.app.SQL != nil || o.app.Store != nil }

// open opens the database, once.
func (o *operator) open(ctx context.Context, cmd *cli.Command, create bool) (err error) {
	if o.embedded() || o.db != nil {
		return nil
	}
	if o.app.Open == nil {
		return errors.New("this program was built without a store")
	}
	address := cmd.String("db")
	if address == "" {
		return usage("which database? Name it with -db, or in the environment as VESTIBULE_DB: a file of SQLite, or a postgres:// or mysql:// address")
	}
	o.db, err = o.app.Open(ctx, address, create)
	return err
}

// ready opens the database, and makes sure that its tables are those that this program knows.
func (o *operator) ready(ctx context.Context, cmd *cli.Command) error {
	if err := o.open(ctx, cmd, false); err != nil {
		return err
	}
	if o.sql() == nil {
		return nil
	}
	list, err := o.sql().MigrationStatus(ctx)
	if errors.Is(err, sqlstore.ErrUnrecorded) {
		return nil // another tool migrates; doctor looks at the tables
	}
	if err != nil {
		return fmt.Errorf("cannot read which migrations were applied: %w", err)
	}
	return o.upToDate(list)
}

func (o *operator) upToDate(list []sqlstore.Migration) error {
	pending, unknown := sorted(list)
	switch {
	case len(unknown) > 0:
		return fmt.Errorf("the database is newer than this program, which does not know %s: use the one of the application's version", unknown[0])
	case len(pending) == len(list):
		return fmt.Errorf("the database has no tables of ours: %s migrate up makes them", o.name)
	case len(pending) > 0:
		return fmt.Errorf("the database is older than this program: %s is missing; %s migrate up applies it", pending[0], o.name)
	}
	return nil
}

// sorted returns the names of migrations that are to be applied, and of those that only a newer version knows.
func sorted(list []sqlstore.Migration) (pending, unknown []string) {
	for _, m := range list {
		if m.Applied.IsZero() {
			pending = append(pending, m.Name)
		}
		if m.Unknown {
			unknown = append(unknown, m.Name)
		}
	}
	return pending, unknown
}

// managed returns the Manager by which everything is changed.
func (o *operator) managed(cmd *cli.Command) (*auth.Manager, error) {
	if o.manager != nil {
		return o.manager, nil
	}
	m, err := auth.New(o.store(), o.config(cmd))
	if err != nil && o.app.Config == nil {
		err = usage("%w", err)
	}
	o.manager = m
	return m, err
}

// config returns the application's Config, or the one that the flags describe, such that events reach us.
func (o *operator) config(cmd *cli.Command) *auth.Config {
	c := o.given(cmd)
	c.Hooks = slices.Clone(c.Hooks)
	for i, h := range c.Hooks {
		if h.Event != nil {
			c.Hooks[i].Event = func(ctx context.Context, e auth.Event) { h.Event(ctx, byOperator(e)) }
		}
	}
	c.Hooks = append(c.Hooks, auth.Hooks{Event: func(_ context.Context, e auth.Event) { o.events = append(o.events, e) }})
	switch {
	case c.Logger != nil:
		c.Logger = c.Logger.With("by", "operator")
	case cmd.Bool("v"):
		c.Logger = slog.New(slog.NewTextHandler(o.stderr, nil)).With("by", "operator")
	default:
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func byOperator(e auth.Event) auth.Event {
	if e.Reason == "" {
		e.Reason = reason
	}
	return e
}

// given returns a copy of the application's Config, or what the flags say.
func (o *operator) given(cmd *cli.Command) *auth.Config {
	if o.app.Config != nil {
		c := *o.app.Config
		return &c
	}
	c := &auth.Config{BaseURL: cmd.String("base-url"), CookieName: cmd.String("cookie-name"), Hasher: auth.Bcrypt(cost(cmd))}
	c.Passwords.MinLength = cmd.Int("min-password")
	if c.BaseURL == "" {
		c.BaseURL = placeholder
	}
	return c
}

// cost is that of the passwords which a command sets. Every Manager hashes once when it is made, and those of commands
// that set none need not take their time for it.
func cost(cmd *cli.Command) int {
	switch cmd.Name {
	case "create", "set-password", "shell", "doctor":
		return cmd.Int("bcrypt-cost")
	}
	return leastCost
}

// tellFailures says which parts have failed, of which a command that succeeded says nothing.
func (o *operator) tellFailures() {
	for _, e := range o.events {
		if e.Name == auth.EventFailure {
			fmt.Fprintf(o.stderr, "%s: warning: %s: %s\n", o.name, clean(e.Reason), clean(fmt.Sprint(e.Err)))
		}
	}
	o.events = nil
}

// find returns the user who logs in with login, or has that ID.
func (o *operator) find(ctx context.Context, login string) (*auth.User, error) {
	tries := []func() (*auth.User, error){
		func() (*auth.User, error) { return o.store().UserByLogin(ctx, login) },
		func() (*auth.User, error) { return o.store().UserByID(ctx, login) },
	}
	if email, err := auth.CanonicalEmail(login); err == nil && email != login {
		tries = slices.Insert(tries, 0, func() (*auth.User, error) { return o.store().UserByLogin(ctx, email) })
	}
	for _, try := range tries {
		u, err := try()
		if errors.Is(err, auth.ErrNotFound) {
			continue
		}
		if err == nil {
			err = o.unambiguous(ctx, u, login)
		}
		return u, err
	}
	return nil, fmt.Errorf("there is no user %q: %w", login, errNone)
}

// unambiguous returns an error if login is what u logs in with, and the ID of another: IDs that were kept in an import may be
// names that users of the old application chose.
func (o *operator) unambiguous(ctx context.Context, u *auth.User, login string) error {
	if u.ID == login {
		return nil
	}
	other, err := o.store().UserByID(ctx, login)
	if errors.Is(err, auth.ErrNotFound) || err == nil && other.ID == u.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return usage("%q is what one user logs in with, and the ID of another: give the ID %q, or the address %q", login, u.ID, other.Email)
}

// errNone is auth.ErrNotFound, in fewer words.
var errNone error = none{}

type none struct{}

func (none) Error() string        { return "give an email address or an ID" }
func (none) Is(target error) bool { return target == auth.ErrNotFound }
