package shell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v3"
)

// errFindings reports that doctor has found an error, which has been shown.
var errFindings = errors.New("there are errors")

// The levels of findings.
const (
	levelError   = "error"   // somebody cannot log in, or somebody can who should not
	levelWarning = "warning" // weaker than it should be
	levelNote    = "note"    // worth knowing
)

// finding is something that doctor has found.
type finding struct {
	Level string `json:"level"`
	Check string `json:"check"` // a name for it, which stays
	What  string `json:"what"`
	Why   string `json:"why"` // it matters
	Do    string `json:"do"`
}

func (o *operator) doctor() *cli.Command {
	return o.command("doctor", "look for what is wrong with the database, the users and the settings", "", `
It looks at the tables, at every user, and at the settings as far as it knows them: those of the flag -base-url, or of
the application that this program was built for. It changes nothing.

  vestibule doctor
  vestibule doctor -base-url https://shop.example
  vestibule doctor -json | jq -r 'select(.level == "error") | .what'

The exit code is 1 if there is an error; warnings and notes leave it 0. With -json there is a line for each finding:
level, check, what, why, do; and a last one: level "summary", users, schemes, errors, warnings, notes.
What a running application answers is for another tool, authcheck.`,
		o.examine)
}

// report of doctor.
type examination struct {
	findings []finding
	users    int
	schemes  map[string]int
}

func (x *examination) add(level, check, what, why, do string) {
	x.findings = append(x.findings, finding{level, check, what, why, do})
}

func (x *examination) count(level string) (n int) {
	for _, f := range x.findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

func (o *operator) examine(ctx context.Context, cmd *cli.Command, _ []string) error {
	if err := o.open(ctx, cmd, false); err != nil {
		return err
	}
	x := &examination{schemes: map[string]int{}}
	if o.app.Config != nil || cmd.String("base-url") != "" {
		x.checkConfig(o.given(cmd), o.app.Config != nil)
	}
	usable, err := true, error(nil)
	if o.sql() != nil {
		usable, err = o.checkDatabase(ctx, x)
	}
	if err == nil && usable {
		err = o.checkUsers(ctx, x)
	}
	if err != nil {
		return err
	}
	if err := o.diagnose(x); err != nil {
		return err
	}
	if x.count(levelError) > 0 {
		return errFindings
	}
	return nil
}

// diagnose writes what was found, the worst first.
func (o *operator) diagnose(x *examination) error {
	for _, level := range []string{levelError, levelWarning, levelNote} {
		for _, f := range x.findings {
			if f.Level != level {
				continue
			}
			if o.asJSON {
				if err := writeJSON(o.stdout, f); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(o.stdout, "%-7s  %s (%s)\n", f.Level, clean(f.What), f.Check)
			for _, line := range append(wrap("Why: "+f.Why, 90), wrap("Do: "+f.Do, 90)...) {
				fmt.Fprintf(o.stdout, "         %s\n", clean(line))
			}
		}
	}
	return o.summarize(x)
}

func (o *operator) summarize(x *examination) error {
	if o.asJSON {
		return writeJSON(o.stdout, struct {
			Level    string         `json:"level"`
			Users    int            `json:"users"`
			Schemes  map[string]int `json:"schemes"`
			Errors   int            `json:"errors"`
			Warnings int            `json:"warnings"`
			Notes    int            `json:"notes"`
		}{"summary", x.users, x.schemes, x.count(levelError), x.count(levelWarning), x.count(levelNote)})
	}
	fmt.Fprintf(o.stdout, "%s, %s, %s; %s\n", count(x.count(levelError), "error"), count(x.count(levelWarning), "warning"),
		count(x.count(levelNote), "note"), count(x.users, "user"))
	for _, name := range slices.Sorted(maps.Keys(x.schemes)) {
		fmt.Fprintf(o.stdout, "  %-30s %d\n", name, x.schemes[name])
	}
	return nil
}
