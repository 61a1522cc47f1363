package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth/sqlstore"
)

func (o *operator) migrate() *cli.Command {
	up := []cli.Flag{}
	if !o.embedded() {
		up = append(up, &cli.BoolFlag{Name: "create", Usage: "make the file of SQLite if it is missing"})
	}
	return &cli.Command{
		Name: "migrate", Usage: "make the tables, and bring them up to date",
		Commands: []*cli.Command{
			o.command("up", "apply what is missing", "", `
Migrations keep all data, and none can be undone: make a copy of the database before.

  vestibule migrate up -db app.db
  vestibule migrate up -db app.db -create`, o.migrateUp, up...),
			o.command("status", "show what was applied, and what is missing", "", `
  vestibule migrate status

With -json there is a line for each migration: name, applied (null: not yet), unknown (true: by a newer version).`, o.migrateStatus),
		},
	}
}

var errNoSQL = errors.New("this program has no store of package sqlstore: there is nothing to migrate")

func (o *operator) migrateUp(ctx context.Context, cmd *cli.Command, _ []string) error {
	list, err := o.migrations(ctx, cmd, cmd.Bool("create"))
	if err != nil {
		return err
	}
	if _, unknown := sorted(list); len(unknown) > 0 {
		return o.upToDate(list)
	}
	applied, err := o.sql().Migrate(ctx)
	for _, name := range applied {
		if o.asJSON {
			writeJSON(o.stdout, map[string]any{"did": "migrate", "name": name})
		} else {
			fmt.Fprintln(o.stdout, "applied", name)
		}
	}
	if err == nil && len(applied) == 0 && !o.asJSON {
		fmt.Fprintln(o.stdout, "up to date")
	}
	return err
}

// migrations opens the database, and returns what has been applied to it and what has not.
func (o *operator) migrations(ctx context.Context, cmd *cli.Command, create bool) ([]sqlstore.Migration, error) {
	if err := o.open(ctx, cmd, create); err != nil {
		return nil, err
	}
	if o.sql() == nil {
		return nil, errNoSQL
	}
	list, err := o.sql().MigrationStatus(ctx)
	return list, unrecorded(err)
}

// unrecorded says what to do where another tool migrates.
func unrecorded(err error) error {
	if errors.Is(err, sqlstore.ErrUnrecorded) {
		return errors.New("the tables are there, and there is no auth_migrations: another tool has made them, and has to go on. doctor says whether anything is missing")
	}
	return err
}

func (o *operator) migrateStatus(ctx context.Context, cmd *cli.Command, _ []string) error {
	list, err := o.migrations(ctx, cmd, false)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := o.showMigration(m); err != nil {
			return err
		}
	}
	return nil
}

func (o *operator) showMigration(m sqlstore.Migration) error {
	if o.asJSON {
		return writeJSON(o.stdout, map[string]any{"name": m.Name, "applied": orNull(m.Applied), "unknown": m.Unknown})
	}
	when, note := "pending", ""
	if !m.Applied.IsZero() {
		when = day(m.Applied)
	}
	if m.Unknown {
		note = "  by a newer version than this program"
	}
	_, err := fmt.Fprintf(o.stdout, "%-16s  %s%s\n", when, clean(m.Name), note)
	return err
}
