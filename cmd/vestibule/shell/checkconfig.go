package shell

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

// checkConfig looks at settings. Whole says that they are all of the application's, and not what flags tell of them.
func (x *examination) checkConfig(c *auth.Config, whole bool) {
	x.checkBaseURL(c)
	x.checkPasswords(c, whole)
	x.checkProxies(c)
	x.checkLifetimes(c)
	if seats := c.HashSeats; seats > runtime.GOMAXPROCS(0) {
		x.add(levelWarning, "hash-seats", fmt.Sprintf("HashSeats is %d, and there are %d processors", seats, runtime.GOMAXPROCS(0)),
			"a storm of logins then takes the processors from all other requests", "leave it 0")
	}
	quiet := *c
	quiet.Logger, quiet.Hooks = slog.New(slog.DiscardHandler), nil
	if _, err := auth.New(memstore.New(), &quiet); err != nil && x.count(levelError) == 0 {
		x.add(levelError, "config", strings.ReplaceAll(err.Error(), "\n", " "), "auth.New refuses it: the application does not start", "mend it")
	}
}

func (x *examination) checkBaseURL(c *auth.Config) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" {
		x.add(levelError, "base-url", fmt.Sprintf("the base URL is %q, not an address", c.BaseURL),
			"links in mails and the security of cookies depend on it", "give the address that visitors see, such as https://shop.example")
		return
	}
	local := loopback(u.Hostname())
	switch {
	case u.Scheme == "http" && !local:
		x.add(levelError, "plain-http", "the application is reached by plain http",
			"whoever is on the way reads passwords and takes over sessions", "serve it by https, and begin the base URL with https://")
	case c.InsecureHTTP && !local:
		x.add(levelWarning, "insecure-http", "InsecureHTTP is set, and the application is reached by https",
			"nothing needs it, and it lets a wrong base URL pass", "take it out")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

const (
	leastPassword = 8  // NIST SP 800-63B-4, section 3.1.1.2: one of several factors
	soloPassword  = 15 // the same: the only factor
	leastCost     = 10 // OWASP ASVS 5.0, appendix C
)

func (x *examination) checkPasswords(c *auth.Config, whole bool) {
	switch least := c.Passwords.MinLength; {
	case least == 0:
	case least < leastPassword:
		x.add(levelError, "min-password", fmt.Sprintf("passwords may have %d characters", least),
			"the floor is 8, also where there is a second factor (NIST SP 800-63B-4, 3.1.1.2)", "leave Passwords.MinLength 0, which means 15")
	case least < soloPassword && c.SecondFactorURL == "":
		x.add(levelWarning, "min-password", fmt.Sprintf("passwords may have %d characters, and there is no second factor", least),
			"a password that is the only factor has 15 at least (NIST SP 800-63B-4, 3.1.1.2)", "leave Passwords.MinLength 0, which means 15, or add a second factor for everyone")
	}
	if b, ok := c.Hasher.(auth.Bcrypt); ok && b != 0 && b < leastCost {
		x.add(levelError, "bcrypt-cost", fmt.Sprintf("the cost of bcrypt is %d", b),
			"whoever has a copy of the database guesses quickly (OWASP ASVS 5.0, appendix C, asks for 10)", "leave Hasher nil, which means 12")
	}
	if whole && c.Passwords.Breaches == nil {
		x.add(levelNote, "breaches", "nobody is asked whether a new password has leaked elsewhere",
			"only the built-in list counts", "set Passwords.Breaches, for example to a password.Range")
	}
}

func (x *examination) checkProxies(c *auth.Config) {
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			x.add(levelError, "trusted-proxies", fmt.Sprintf("TrustedProxies holds %s: everybody is a trusted proxy", p),
				"every client chooses the address that it is counted by, and has as many guesses as it likes", "name the addresses of your proxies")
		}
	}
}

func (x *examination) checkLifetimes(c *auth.Config) {
	for _, l := range []struct {
		check, name  string
		value, limit time.Duration
		source       string
	}{
		{"lifetime", "Lifetime", c.Lifetime, 24 * time.Hour, "2.2.3"},
		{"idle-timeout", "IdleTimeout", c.IdleTimeout, time.Hour, "2.2.3"},
		{"remember-for", "RememberFor", c.RememberFor, 30 * 24 * time.Hour, "2.1.3"},
	} {
		if l.value > l.limit {
			x.add(levelWarning, l.check, fmt.Sprintf("%s is %v", l.name, l.value),
				fmt.Sprintf("whoever finds a device, or steals a cookie, is logged in for longer than the %v of NIST SP 800-63B-4, %s", l.limit, l.source),
				"leave it 0")
		}
	}
}
