package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"strings"
	"time"
)

// errOptions reports flags that cannot work.
var errOptions = errors.New("cannot start")

const (
	defaultAddr = "127.0.0.1:8080"
	safeCost    = 10 // of bcrypt, at the least; see auth.Bcrypt
)

// options is what the flags say.
type options struct {
	addr     string
	baseURL  string // empty: from the address that is listened on
	database string // a postgres:// or mysql:// address, or a file of SQLite
	sessions string // a redis:// address; empty: in the database
	metrics  string // where to show them; empty: nowhere

	timeout, drain time.Duration

	lifetime, idle, remember, fresh time.Duration

	mail, mailFrom string
	confirmWithin  time.Duration
	out            io.Writer // no flag: where -mail log prints to

	bcryptCost     int
	hashSeats      int // no flag: see makeRoomForHashing
	minPassword    int
	trustedProxies []netip.Prefix
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	o := &options{out: io.Discard}
	fs := flag.NewFlagSet("yumroad", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error, and not every flag after it
	fs.StringVar(&o.addr, "addr", defaultAddr, "`host:port` to listen on; port 0 means any that is free")
	fs.StringVar(&o.baseURL, "base-url", "", "address of the shop as visitors see it, such as https://shop.example (default: from -addr)")
	fs.StringVar(&o.database, "db", "yumroad.db", "SQLite database `file`, made if it is missing, or a postgres:// or mysql:// address")
	fs.StringVar(&o.sessions, "sessions", "", "Redis to keep sessions and the counts of wrong passwords on, such as redis://localhost:6379/0 (default: in the database)")
	fs.StringVar(&o.metrics, "metrics", "", "`host:port` to show /metrics to Prometheus at, such as 127.0.0.1:9100, which nobody else should reach (default: nowhere)")
	fs.DurationVar(&o.timeout, "timeout", 10*time.Second, "how long a request may wait for the database and for Redis")
	fs.DurationVar(&o.drain, "drain", 0, "how long to go on serving after the signal to end, while /readyz answers 503")
	fs.DurationVar(&o.lifetime, "session-lifetime", 24*time.Hour, "how long a login lasts at most")
	fs.DurationVar(&o.idle, "session-idle", time.Hour, "how long a login lasts without being used")
	fs.DurationVar(&o.remember, "remember", 720*time.Hour, "how long a login lasts for those who tick the box")
	fs.DurationVar(&o.fresh, "fresh", 15*time.Minute, "how long after a login the account may be changed without asking for the password again")
	fs.StringVar(&o.mail, "mail", "log", "where mails go: log prints them, dir:PATH writes files, smtp://USER:PASSWORD@HOST:PORT or smtps://… sends them")
	fs.StringVar(&o.mailFrom, "mail-from", "", "who mails are from, such as \"Yumroad <noreply@shop.example>\" (default: noreply at the host of -base-url)")
	fs.DurationVar(&o.confirmWithin, "confirm-within", 24*time.Hour, "how long new users may use the shop before they have confirmed their address; 0 means not before, and that nobody learns who has an account")
	fs.IntVar(&o.bcryptCost, "bcrypt-cost", 12, "cost of hashing a password; each step doubles it")
	fs.IntVar(&o.minPassword, "min-password", 15, "least number of characters of a new password")
	fs.Func("trusted-proxies", "comma-separated `networks` of proxies whose X-Forwarded-For counts, such as 10.0.0.0/8 (default: none)", o.setTrustedProxies)
	err := cmp.Or(setFromEnvironment(fs), fs.Parse(args))
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fmt.Fprintln(stderr, "Usage of yumroad (a flag that is not given may be in the environment, -base-url as YUMROAD_BASE_URL):")
		fs.PrintDefaults()
		return nil, err
	}
	if err == nil {
		err = o.check(fs.Args())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOptions, err)
	}
	return o, nil
}

// setFromEnvironment sets flags by variables such as YUMROAD_DB: everybody on the machine can read the
// arguments of a program, and there may be a password in them. For the same reason errors do not repeat the value.
func setFromEnvironment(fs *flag.FlagSet) (err error) {
	fs.VisitAll(func(f *flag.Flag) {
		name := "YUMROAD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok && fs.Set(f.Name, value) != nil {
			err = errors.Join(err, fmt.Errorf("%s is not a value for -%s", name, f.Name))
		}
	})
	return err
}

func (o *options) setTrustedProxies(list string) error {
	for network := range strings.SplitSeq(list, ",") {
		if network = strings.TrimSpace(network); network == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return fmt.Errorf("%q is not a network such as 10.0.0.0/8", network)
		}
		o.trustedProxies = append(o.trustedProxies, prefix)
	}
	return nil
}

// check finds the faults that auth.New would not find.
func (o *options) check(rest []string) error {
	var faults []error
	if len(rest) > 0 {
		faults = append(faults, fmt.Errorf("unexpected argument %q", rest[0]))
	}
	if _, _, err := net.SplitHostPort(o.addr); err != nil {
		faults = append(faults, fmt.Errorf("-addr %q is not a host and a port such as %s", o.addr, defaultAddr))
	}
	if _, _, err := net.SplitHostPort(o.metrics); o.metrics != "" && err != nil {
		faults = append(faults, fmt.Errorf("-metrics %q is not a host and a port such as 127.0.0.1:9100", o.metrics))
	}
	if o.database == "" {
		faults = append(faults, errors.New("-db is empty"))
	}
	if o.bcryptCost < 4 || o.bcryptCost > 20 { // 20 takes more than a minute
		faults = append(faults, fmt.Errorf("-bcrypt-cost %d is not between 4 and 20", o.bcryptCost))
	}
	if _, err := mail.ParseAddress(o.mailFrom); o.mailFrom != "" && err != nil {
		faults = append(faults, fmt.Errorf("-mail-from %q is not an address such as %q", o.mailFrom, "Yumroad <noreply@shop.example>"))
	}
	if o.drain < 0 {
		faults = append(faults, fmt.Errorf("-drain %v is less than zero", o.drain))
	}
	if o.confirmWithin < 0 {
		faults = append(faults, fmt.Errorf("-confirm-within %v is less than zero", o.confirmWithin))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"timeout", o.timeout}, {"session-lifetime", o.lifetime}, {"session-idle", o.idle}, {"remember", o.remember}, {"fresh", o.fresh}} {
		if d.value <= 0 {
			faults = append(faults, fmt.Errorf("-%s %v is not more than zero", d.name, d.value))
		}
	}
	return errors.Join(faults...)
}

// listeningURL returns the address to open in a browser on this machine.
func listeningURL(flag string, addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); flag == defaultAddr || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	if port == "80" {
		return "http://" + strings.TrimSuffix(net.JoinHostPort(host, ""), ":")
	}
	return "http://" + net.JoinHostPort(host, port)
}
