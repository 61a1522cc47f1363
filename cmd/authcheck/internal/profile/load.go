package profile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed profiles/*.yaml
var profiles embed.FS

//go:embed init.yaml
var example string

// Example returns a file with a comment on everything.
func Example() string { return example }

// Names returns the built-in profiles.
func Names() []string {
	entries, _ := profiles.ReadDir("profiles") // embedded: it is there
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Load reads a file on top of a profile: the one of that name or, if it is empty, the one that the file names.
// It does not look at whether the result is complete: see [Config.Check].
func Load(file []byte, name string) (*Config, error) {
	if name == "" {
		var named struct{ Profile string }
		if err := yaml.Unmarshal(file, &named); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		name = named.Profile
	}
	c := defaults()
	if name != "" {
		base, err := profiles.ReadFile("profiles/" + name + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("no profile %q, there are %s", name, strings.Join(Names(), ", "))
		}
		if err := decode(base, c); err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
	}
	if err := decode(file, c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	c.Profile = name
	return c, nil
}

func defaults() *Config {
	return &Config{
		Users:   "email",
		Domain:  "example.com",
		Logout:  Logout{Method: "POST"},
		Mail:    Mail{Wait: 10 * time.Second},
		Guesses: Guesses{Tries: 20},
		Limits:  Limits{Requests: 3000, PerSecond: 50, Timeout: 15 * time.Second},
	}
}

func decode(file []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(file))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Check returns everything that makes it impossible to begin. Hosts other than this machine have to be allowed by name.
func (c *Config) Check(allowed []string) error {
	return errors.Join(c.checkBase(allowed), c.checkNames(), c.checkNumbers())
}

func (c *Config) checkBase(allowed []string) error {
	u, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		return errors.New("base_url is missing")
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("base_url is not an address such as http://127.0.0.1:5000")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return errors.New("base_url has more than a scheme, a host and a port")
	case !Loopback(u.Hostname()) && !slices.Contains(allowed, u.Hostname()):
		return fmt.Errorf("%s is not this machine: if it is yours and no one works with it, say -allow %[1]s", u.Hostname())
	}
	return nil
}

// Loopback reports whether a host is this machine for certain.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func (c *Config) checkNames() error {
	var faults []error
	for _, f := range []struct{ name, value string }{
		{"login.path", c.Login.Path}, {"login.user", c.Login.User}, {"login.password", c.Login.Password}, {"private.path", c.Private.Path},
	} {
		if f.value == "" {
			faults = append(faults, fmt.Errorf("%s is missing", f.name))
		}
	}
	for _, f := range []struct{ name, value string }{
		{"login.path", c.Login.Path}, {"signup.path", c.Signup.Path}, {"logout.path", c.Logout.Path}, {"logout.page", c.Logout.Page},
		{"private.path", c.Private.Path}, {"password.path", c.Password.Path}, {"sessions.path", c.Sessions.Path}, {"forgot.path", c.Forgot.Path},
	} {
		if f.value != "" && (!strings.HasPrefix(f.value, "/") || strings.HasPrefix(f.value, "//")) {
			faults = append(faults, fmt.Errorf("%s does not begin with one slash", f.name))
		}
	}
	for _, f := range []struct{ path, field, value string }{
		{c.Signup.Path, "signup.user", c.Signup.User}, {c.Signup.Path, "signup.password", c.Signup.Password},
		{c.Password.Path, "password.password", c.Password.Password},
		{c.Forgot.Path, "forgot.user", c.Forgot.User}, {c.Forgot.Path, "reset.password", c.Reset.Password},
	} {
		if f.path != "" && f.value == "" {
			faults = append(faults, fmt.Errorf("%s is missing, for there is a page %s", f.field, f.path))
		}
	}
	if c.Users != "email" && c.Users != "name" {
		faults = append(faults, errors.New("users is neither email nor name"))
	}
	if c.Logout.Method != "POST" && c.Logout.Method != "GET" {
		faults = append(faults, errors.New("logout.method is neither POST nor GET"))
	}
	if c.Confirm.ByMail && c.Mail.Dir == "" {
		faults = append(faults, errors.New("confirm.by_mail needs mail.dir"))
	}
	return errors.Join(append(faults, c.checkAccounts()...)...)
}

func (c *Config) checkAccounts() (faults []error) {
	switch {
	case len(c.Accounts) == 0 && c.Signup.Path == "":
		faults = append(faults, errors.New("neither signup.path nor accounts"))
	case len(c.Accounts) == 1:
		faults = append(faults, errors.New("one account is not enough, two are needed"))
	}
	for i, a := range c.Accounts {
		if a.User == "" || a.PasswordEnv == "" {
			faults = append(faults, fmt.Errorf("account %d needs user and password_env", i+1))
		}
	}
	return faults
}

func (c *Config) checkNumbers() error {
	var faults []error
	if u, err := url.Parse(c.BaseURL); err == nil && c.Limits.PerSecond == 0 && !Loopback(u.Hostname()) {
		faults = append(faults, errors.New("limits.per_second 0, as fast as it goes, is for this machine only"))
	}
	for _, f := range []struct {
		name        string
		value       int64
		least, most int64
	}{
		{"limits.requests", int64(c.Limits.Requests), 1, 20000},
		{"limits.per_second", int64(c.Limits.PerSecond), 0, 1000},
		{"limits.timeout", int64(c.Limits.Timeout / time.Second), 1, 300},
		{"mail.wait", int64(c.Mail.Wait / time.Millisecond), 1, 300000},
		{"guesses.tries", int64(c.Guesses.Tries), 1, 100},
	} {
		if f.value < f.least || f.value > f.most {
			faults = append(faults, fmt.Errorf("%s is not between %d and %d", f.name, f.least, f.most))
		}
	}
	return errors.Join(faults...)
}
