package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
)

// options is what the flags say.
type options struct {
	file, profile string
	baseURL       string
	mail          string
	only, except  string
	allow         []string
	json, junit   string
	verbose       bool
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	fs := flag.NewFlagSet("authcheck", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.file, "config", "", "YAML `file` that says where things are; authcheck init writes one")
	fs.StringVar(&o.profile, "profile", "", "built-in `name` to begin with: "+strings.Join(profile.Names(), ", "))
	fs.StringVar(&o.mail, "mail", "", "`directory` of .eml files, maildir, or mbox file, in which the application leaves its mails")
	fs.StringVar(&o.only, "only", "", "comma-separated `globs` of the checks to run, such as cookie-*,csrf-token")
	fs.StringVar(&o.except, "except", "", "comma-separated `globs` of the checks not to run")
	fs.Func("allow", "`host` that may be checked although it is not this machine; may be said several times", func(host string) error {
		o.allow = append(o.allow, host)
		return nil
	})
	fs.StringVar(&o.json, "json", "", "`file` to write a report for programs to")
	fs.StringVar(&o.junit, "junit", "", "`file` to write a JUnit report to")
	fs.BoolVar(&o.verbose, "v", false, "print each request, without what is secret in it")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(fs, stderr)
		return nil, err
	}
	if err == nil && fs.NArg() > 1 {
		err = fmt.Errorf("unexpected argument %q: flags come before the address", fs.Arg(1))
	}
	o.baseURL = fs.Arg(0)
	return o, err
}

func usage(fs *flag.FlagSet, w io.Writer) {
	fs.SetOutput(w)
	fmt.Fprint(w, `Usage: authcheck [flags] [address]
       authcheck init | list | explain ID

Exit codes: 0 nothing failed, 1 something did, 2 wrong flags or file, 3 checks could not run.

`)
	fs.PrintDefaults()
}

// config reads the file, and puts the flags on top.
func (o *options) config() (*profile.Config, error) {
	var file []byte
	if o.file != "" {
		var err error
		if file, err = os.ReadFile(o.file); err != nil {
			return nil, err
		}
	}
	cfg, err := profile.Load(file, o.profile)
	if err != nil {
		return nil, err
	}
	if o.baseURL != "" {
		cfg.BaseURL = o.baseURL
	}
	if o.mail != "" {
		cfg.Mail.Dir = o.mail
	}
	return cfg, cfg.Check(o.allow)
}

func (o *options) checks(stderr io.Writer) *check.Options {
	c := &check.Options{Only: split(o.only), Except: split(o.except)}
	if o.verbose {
		c.Log = stderr
	}
	return c
}

func split(list string) (all []string) {
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}
