package shell

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// root returns the tree of commands. It is made anew for each line, for it remembers what was parsed.
func (o *operator) root() *cli.Command {
	root := &cli.Command{
		Name:                  o.name,
		Usage:                 "look after the users of an application",
		Description:           about,
		Flags:                 o.flags(),
		Commands:              o.commands(),
		Writer:                o.stdout,
		ErrWriter:             o.stderr,
		HideHelp:              true,
		HideVersion:           true,
		EnableShellCompletion: !o.inShell,
		ExitErrHandler:        func(context.Context, *cli.Command, error) {}, // Run does
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Usage, c.Hidden = "print what completes commands in a shell", false
			c.Description = completionHelp
			o.finish(c)
		},
		Before: func(ctx context.Context, cmd *cli.Command) (context.Context, error) {
			o.asJSON = cmd.Bool("json")
			return ctx, nil
		},
	}
	o.finish(root)
	return root
}

// commands are grouped by what they work on, one file for each.
func (o *operator) commands() []*cli.Command {
	all := []*cli.Command{o.users(), o.sessions(), o.credentials(), o.migrate(), o.importCommand(), o.doctor()}
	if !o.inShell {
		all = append(all, o.shell())
	}
	return append(all, o.helpCommand())
}

// flags are those of all commands. In the command shell the database is open already.
func (o *operator) flags() []cli.Flag {
	all := []cli.Flag{
		helpFlag(),
		&cli.BoolFlag{Name: "json", Usage: "write JSON, one object a line"},
	}
	if o.inShell {
		return all
	}
	all = append(all, &cli.BoolFlag{Name: "v", Usage: "log events to the standard error"})
	if !o.embedded() {
		all = append(all, &cli.StringFlag{Name: "db", Sources: cli.EnvVars("VESTIBULE_DB"),
			Usage: "the database: a `FILE` of SQLite, or a postgres:// or mysql:// address"})
	}
	if o.app.Config == nil {
		all = append(all,
			&cli.StringFlag{Name: "base-url", Sources: cli.EnvVars("VESTIBULE_BASE_URL"),
				Usage: "the application's `ADDRESS` as its visitors see it, such as https://shop.example: links in mails begin with it"},
			&cli.IntFlag{Name: "bcrypt-cost", Value: 12, Usage: "`COST` of hashing a password, as in the application"},
			&cli.IntFlag{Name: "min-password", Value: 15, Usage: "least `NUMBER` of characters of a new password, as in the application"},
			&cli.StringFlag{Name: "cookie-name", Value: "session", Usage: "`NAME` of the session cookie, as in the application"})
	}
	return all
}

// finish gives every command our word for what makes no sense.
func (o *operator) finish(cmd *cli.Command) {
	cmd.OnUsageError = func(_ context.Context, cmd *cli.Command, err error, _ bool) error { return o.misused(cmd, err) }
	cmd.HideHelp = true
	if len(cmd.Commands) > 0 {
		cmd.Action = o.astray
	}
	for _, sub := range cmd.Commands {
		o.finish(sub)
	}
}

// misused says which flag there is not, and where to read which there are.
func (o *operator) misused(cmd *cli.Command, err error) error {
	text, _, _ := strings.Cut(err.Error(), ": strconv.")
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		var names []string
		for _, f := range slices.Concat(cmd.Flags, cmd.Root().Flags) {
			names = append(names, "-"+f.Names()[0])
		}
		text = "there is no flag " + name + meant(name, names)
	}
	return usage("%s\n%s -h explains the flags", text, cmd.FullName())
}

// astray is what a group of commands does: it says which there are.
func (o *operator) astray(_ context.Context, cmd *cli.Command) error {
	switch name := cmd.Args().First(); {
	case cmd.Bool("h"):
		o.help(cmd, o.stdout)
		return nil
	case name == "":
		o.help(cmd, o.stderr)
		return usage("which command?")
	default:
		return o.noCommand(cmd, name)
	}
}

func (o *operator) noCommand(group *cli.Command, name string) error {
	var names []string
	for _, sub := range group.VisibleCommands() {
		names = append(names, sub.Name)
	}
	return usage("there is no command %q%s\n%s -h shows which there are", strings.TrimSpace(group.FullName()+" "+name),
		meant(name, names), group.FullName())
}

// meant asks whether the one of names that is nearest to name was meant, if one is near.
func meant(name string, names []string) string {
	best, least := "", 1+len(strings.TrimLeft(name, "-"))/3
	for _, candidate := range names {
		if d := distance(name, candidate); d <= least {
			best, least = candidate, d-1
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// action is what a command does with its arguments.
type action func(ctx context.Context, cmd *cli.Command, args []string) error

// command returns a command that has as many arguments as args names; those in brackets may be left out.
func (o *operator) command(name, does, args, description string, do action, flags ...cli.Flag) *cli.Command {
	wanted := strings.Fields(args)
	least := 0
	for _, a := range wanted {
		if !strings.HasPrefix(a, "[") {
			least++
		}
	}
	return &cli.Command{
		Name: name, Usage: does, ArgsUsage: args, Description: strings.Trim(description, "\n"), Flags: flags,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			given := cmd.Args().Slice()
			switch {
			case cmd.Bool("h"):
				o.help(cmd, o.stdout)
				return nil
			case len(given) < least:
				return usage("%s is missing\nusage: %s %s", wanted[len(given)], cmd.FullName(), args)
			case len(given) > len(wanted):
				return usage("%q is one argument too many\nusage: %s %s", given[len(wanted)], cmd.FullName(), args)
			}
			return do(ctx, cmd, given)
		},
	}
}

// onUser is an action for the user whom the first argument names, with a database that is ready.
func (o *operator) onUser(do func(context.Context, *cli.Command, *subject) error) action {
	return func(ctx context.Context, cmd *cli.Command, args []string) error {
		if err := o.ready(ctx, cmd); err != nil {
			return err
		}
		u, err := o.find(ctx, args[0])
		if err != nil {
			return err
		}
		m, err := o.managed(cmd)
		if err != nil {
			return err
		}
		return do(ctx, cmd, &subject{u, m, args[1:]})
	}
}

// distance counts the letters to be put in, left out, changed or swapped.
func distance(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := append(make([]int, 0, len(b)+1), i+1)
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			n := min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				n = min(n, before[j-1]+1)
			}
			row = append(row, n)
		}
		before, last = last, row
	}
	return last[len(b)]
}

func yesFlag() cli.Flag { return &cli.BoolFlag{Name: "yes", Usage: "do not ask"} }
