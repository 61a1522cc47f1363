// Authcheck looks at the authentication of a running web application from outside, in whatever language it is written:
// cookies, sessions, forms, limits, mailed links, about fifty things that go wrong.
//
//	authcheck init >authcheck.yaml
//	authcheck -config authcheck.yaml
//	authcheck -profile django http://127.0.0.1:8000
//	authcheck list
//	authcheck explain session-fixation
//
// It signs up accounts, types wrong passwords and asks for mails, so point it at a copy that nobody works with. See
// docs/authcheck.md.
//
// The exit code is 0 if nothing failed, 1 if something did, 2 if flags or file are wrong, and 3 if checks could not run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	nothingFailed = iota
	someFailed
	wrongUse
	couldNotRun
)

// run is main with everything it touches as arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "init":
			io.WriteString(stdout, profile.Example())
			return nothingFailed
		case "list":
			return list(stdout)
		case "explain":
			return explain(args[1:], stdout, stderr)
		}
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nothingFailed
	}
	var cfg *profile.Config
	if err == nil {
		cfg, err = o.config()
	}
	if err == nil {
		_, err = check.Select(o.checks(stderr))
	}
	if err == nil {
		err = errors.Join(fitForReport(o.json), fitForReport(o.junit))
	}
	if err != nil {
		fmt.Fprintf(stderr, "authcheck: %v\nauthcheck -h explains the flags, authcheck init writes a file.\n", err)
		return wrongUse
	}
	return look(ctx, o, cfg, stdout, stderr)
}

// look runs the checks, and writes the reports.
func look(ctx context.Context, o *options, cfg *profile.Config, stdout, stderr io.Writer) int {
	announce(stdout, cfg)
	r, err := check.Run(ctx, cfg, o.checks(stderr))
	if err != nil {
		if r != nil {
			report.Text(stdout, r, width()) // as far as it came
		}
		fmt.Fprintln(stderr, "authcheck:", browser.Plain(err.Error()))
		return couldNotRun
	}
	err = errors.Join(
		report.Text(stdout, r, width()),
		writeFile(o.json, r, report.JSON),
		writeFile(o.junit, r, report.JUnit))
	if err != nil {
		fmt.Fprintln(stderr, "authcheck:", browser.Plain(err.Error()))
		return couldNotRun
	}
	return exitCode(r)
}

func exitCode(r *check.Report) int {
	switch n := report.Count(r); {
	case n.Failed > 0:
		return someFailed
	case n.Blocked > 0:
		return couldNotRun
	}
	return nothingFailed
}

// fitForReport says before minutes have passed that nothing can be written there.
func fitForReport(name string) error {
	if name == "" {
		return nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", name)
	}
	_, err := os.Stat(filepath.Dir(name))
	return err
}

func writeFile(name string, r *check.Report, write func(io.Writer, *check.Report) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f, r), f.Close())
}

// width is that of the terminal, as far as shells tell it.
func width() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
}

// announce says what is going to happen.
func announce(w io.Writer, cfg *profile.Config) {
	who := fmt.Sprintf("sign up accounts named authcheck-…@%s, about twenty, and leave them there", cfg.Domain)
	if len(cfg.Accounts) > 0 {
		who = "log in as the accounts that you gave, change their passwords, and change them back"
	}
	report.Wrap(w, width(), "", fmt.Sprintf("authcheck looks at %s. It will %s; type wrong passwords until it is refused; send forms that make no sense, "+
		"two of up to 16 MiB; and ask for mails. It sends at most %d requests.", cfg.BaseURL, who, cfg.Limits.Requests))
	if u, err := url.Parse(cfg.BaseURL); err == nil && u.Scheme == "https" && profile.Loopback(u.Hostname()) {
		report.Wrap(w, width(), "", "On this machine the certificate is not verified.")
	}
	fmt.Fprintln(w)
}

func list(w io.Writer) int {
	for _, c := range check.All() {
		optional := ""
		if c.Optional {
			optional = " (only if -only names it)"
		}
		report.Wrap(w, width(), c.ID+"  ", c.Title+optional+". "+report.Source(c.ASVS))
	}
	return nothingFailed
}

func explain(ids []string, stdout, stderr io.Writer) int {
	for _, c := range check.All() {
		if len(ids) == 1 && c.ID == ids[0] {
			for _, words := range []string{c.ID, c.Title + ".", "Why: " + c.Why, "Do: " + c.Fix, report.Source(c.ASVS)} {
				report.Wrap(stdout, width(), "", words)
			}
			return nothingFailed
		}
	}
	fmt.Fprintln(stderr, "authcheck: explain needs the ID of one check; authcheck list shows them")
	return wrongUse
}
