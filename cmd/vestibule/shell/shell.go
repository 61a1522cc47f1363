// Package shell is the command line of an operator: over the users, sessions and credentials of an application.
//
// The program cmd/vestibule runs it over a database of package sqlstore. An application that has a store, hooks, a
// Hasher or other settings of its own builds its own program from it, in which they count: [Run].
package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/sqlstore"
)

// App is what the commands work on. Either SQL, or Store, or Open is required. An App is only read; it is safe for
// concurrent use, as far as its fields are.
type App struct {
	// Name is what the program is called in its help; empty means "vestibule".
	Name string

	// SQL is the store, if it is one of package sqlstore, or that part of Store which is. What only it can do are
	// migrations, counts of credentials, removing what has expired, and the part of doctor that looks at the database.
	SQL *sqlstore.Store

	// Store is the store; nil means SQL.
	Store auth.Store

	// Users returns the first n users whose IDs come after the one given, ordered by ID; nil means SQL.Users. Without
	// both, nobody can be listed.
	Users func(ctx context.Context, after string, n int) ([]*auth.User, error)

	// Config is that of the application, and all of it counts: a password set here is hashed by its Hasher and held to
	// its policy, and its Hooks hear of every change, where the Reason of an event that has none is "by operator".
	// Nil means that flags say what there is to say. Without a Logger events are logged with the flag -v only.
	Config *auth.Config

	// Mail is what package email of the application works with, for mails that lead to a new password. Nil means that
	// OpenMailer is asked, or if that is nil, too, that there are none.
	Mail *email.Config

	// Trail is the audit trail of the application, for one that keeps it elsewhere than in Store, or for longer than
	// package audit does by default. Nil means that users history looks in Store. It is only read here; if Config has its
	// Hooks, close it after Run, or what the last command did may not be in it.
	Trail *audit.Trail

	// Open opens the database of the flag -db, if there is neither SQL nor Store. If there is none there, it makes one
	// only if create is set. Errors must not hold a password.
	Open func(ctx context.Context, address string, create bool) (*Database, error)

	// OpenMailer returns what sends mails to where the flag -mail says. Errors must not hold a password.
	OpenMailer func(where, from string) (email.Mailer, error)

	// Stdin is what answers are read from; nil means that of the process. Who sits at a terminal is asked there.
	Stdin io.Reader

	// Stdout gets what was asked for, Stderr questions and errors; nil means those of the process.
	Stdout, Stderr io.Writer
}

// Database is one that was opened.
type Database struct {
	Store *sqlstore.Store // in which everything is kept
	Close func() error    // ends what was opened
}

// The exit codes, which [Run] returns.
const (
	ExitOK       = 0
	ExitFailure  = 1 // something failed, was refused, or doctor has found an error
	ExitUsage    = 2 // the command line makes no sense
	ExitNotFound = 3 // there is no such user, or no such session
)

// ErrUsage reports a command line that makes no sense.
var ErrUsage = errors.New("cannot do that")

// errDeclined reports that the operator did not say yes.
var errDeclined = errors.New("nothing was changed")

// Run runs the command in args, which are those of the process without its name, and returns an exit code. Errors
// are written to Stderr, what was asked for to Stdout. When ctx ends, so does what waits for an answer.
func Run(ctx context.Context, args []string, app *App) int {
	o := newOperator(app)
	defer o.close()
	o.outer = ctx
	return o.exit(o.do(ctx, args))
}

// do runs one command.
func (o *operator) do(ctx context.Context, args []string) error {
	return o.root().Run(ctx, append([]string{o.name}, shortHelp(args)...))
}

// exit says what err is, and returns its code.
func (o *operator) exit(err error) int {
	o.tellFailures()
	if err == nil {
		return ExitOK
	}
	var code int
	switch {
	case errors.Is(err, errFindings): // which have been shown
		return ExitFailure
	case errors.Is(err, ErrUsage):
		code = ExitUsage
	case errors.Is(err, auth.ErrNotFound):
		code = ExitNotFound
	default:
		code = ExitFailure
	}
	fmt.Fprintf(o.stderr, "%s: %s\n", o.name, lines(sentence(err)))
	return code
}

// sentence returns what to tell an operator of err.
func sentence(err error) string {
	var faults auth.FormErrors
	switch {
	case errors.As(err, &faults):
		var all []string
		for _, f := range faults {
			all = append(all, strings.TrimPrefix(f.Field+": "+f.Message, ": "))
		}
		return strings.Join(all, "\n")
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, auth.ErrConflict):
		return "the user was changed by someone else at the same time; look again, and try again"
	}
	return strings.TrimPrefix(err.Error(), ErrUsage.Error()+": ")
}

// usage returns an ErrUsage.
func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// newOperator completes app.
func newOperator(app *App) *operator {
	o := &operator{app: app, name: "vestibule", console: console{stdout: os.Stdout, stderr: os.Stderr}}
	if app.Name != "" {
		o.name = app.Name
	}
	if app.Stdout != nil {
		o.stdout = app.Stdout
	}
	if app.Stderr != nil {
		o.stderr = app.Stderr
	}
	o.openInput(app.Stdin)
	return o
}
