package throttle

import (
	"maps"
	"math"
	"time"
)

// Rule says how many attempts are too many. There are two kinds.
//
// With a Wait, attempts are counted in a row: after Free of them each must wait
// for twice as long as the one before, and after Stop of them there is none.
// Without, they are counted in a Window that begins with the first: after Free of them
// there is none before it ends.
type Rule struct {
	// Free is how many attempts need not wait, at least one.
	Free int

	// Window is how long an attempt counts: since the last one where there is a
	// Wait, since the first one where there is none.
	Window time.Duration

	// Wait is how long the first attempt after the free ones must wait since the
	// last of them, and MaxWait how long any must.
	Wait, MaxWait time.Duration

	// Stop is how many attempts in a row there may be, until Reset. Zero: there is no
	// end. It needs a Wait.
	Stop int
}

// InsecureUnlimited is the Rule of no limit. With it anyone may guess for as long as
// they like.
var InsecureUnlimited = Rule{Free: math.MaxInt, Window: math.MaxInt64}

// Names of the actions that a Manager limits.
const (
	Account     = "account"
	Browser     = "browser"
	Network     = "network"
	WideNetwork = "wide_network"
	Signup      = "signup"
	Mail        = "mail"
	MailNetwork = "mail_network"
)

// Rules are the limits of a [Limiter], each by its action. A zero Rule stands for
// the default that is named beside it.
type Rules struct {
	// Account is for wrong passwords of one account, whether it exists or not. The
	// default is five free ones, then 1, 2, 4 seconds and so on up to 15 minutes (OWASP
	// WSTG-ATHN-03), and an end after 100 in a row (NIST SP 800-63B-4, section 3.2.2)
	// until the password is set anew. The right password begins a new row, and so
	// does a pause of 30 days, or of a year after the end.
	Account Rule

	// Browser is for wrong passwords of one account from a browser in which its
	// user has logged in before: these count by themselves, so that nobody
	// locks users out of their own browsers. The default is that of Account.
	Browser Rule

	// Network is for wrong passwords from one IPv4 address or one IPv6 network of 64
	// bits, whatever the account. The default is 30 within 15 minutes.
	Network Rule

	// WideNetwork is the same for IPv6 networks of 48 bits, which is what a
	// site gets (RFC 6177). The default is 300 within 15 minutes.
	WideNetwork Rule

	// Signup is for signups from one network, as in Network. The default is 30 within an hour.
	Signup Rule

	// Mail is for mails to one address that anyone may ask for, such as those by
	// which a password is reset. The default is 3 within an hour.
	Mail Rule

	// MailNetwork is the same for all addresses together, by the network that
	// asks. The default is 20 within an hour.
	MailNetwork Rule

	// Others are the rules for actions of other packages, by their names. They
	// have no defaults.
	Others map[string]Rule
}

// The numbers without a source are our own.
var (
	inARow   = Rule{Free: 5, Window: 30 * 24 * time.Hour, Wait: time.Second, MaxWait: 15 * time.Minute, Stop: 100}
	defaults = map[string]Rule{
		Account:     inARow,
		Browser:     inARow,
		Network:     {Free: 30, Window: 15 * time.Minute},
		WideNetwork: {Free: 300, Window: 15 * time.Minute},
		Signup:      {Free: 30, Window: time.Hour},
		Mail:        {Free: 3, Window: time.Hour},
		MailNetwork: {Free: 20, Window: time.Hour},
	}
)

// stopped is how long it is remembered that there is none left.
const stopped = 365 * 24 * time.Hour

// complete returns all rules by their names.
func (r Rules) complete() map[string]Rule {
	all := maps.Clone(defaults)
	maps.Copy(all, r.Others)
	for action, rule := range map[string]Rule{
		Account: r.Account, Browser: r.Browser, Network: r.Network, WideNetwork: r.WideNetwork,
		Signup: r.Signup, Mail: r.Mail, MailNetwork: r.MailNetwork,
	} {
		if rule != (Rule{}) {
			all[action] = rule
		}
	}
	return all
}

// fault returns what is wrong with a rule, or "".
func (r Rule) fault() string {
	switch {
	case r.Free < 1:
		return "Free is less than 1"
	case r.Window <= 0:
		return "Window is not positive"
	case r.Wait < 0 || r.MaxWait < r.Wait:
		return "Wait is negative, or more than MaxWait"
	case r.Wait == 0 && (r.MaxWait != 0 || r.Stop != 0):
		return "MaxWait and Stop need a Wait"
	case r.Stop != 0 && r.Stop < r.Free:
		return "Stop is less than Free"
	}
	return ""
}

// wait returns how long the next attempt must wait, and zero if it need not.
func (r Rule) wait(c Count, now time.Time) time.Duration {
	switch {
	case c.N < r.Free:
		return 0
	case r.Stop > 0 && c.N >= r.Stop:
		return max(r.MaxWait, time.Second) // and then again
	case r.Wait == 0:
		return max(c.First.Add(r.Window).Sub(now), 0)
	}
	return max(c.Last.Add(r.pause(c.N)).Sub(now), 0)
}

// pause returns how long the attempt after n others must wait since the last.
func (r Rule) pause(n int) time.Duration {
	pause := r.Wait
	for ; n > r.Free && pause < r.MaxWait; n-- {
		pause *= 2
	}
	return min(pause, r.MaxWait)
}

// add returns c with one attempt more.
func (r Rule) add(c Count, now time.Time) Count {
	if c.N == 0 || r.Wait == 0 && !c.First.Add(r.Window).After(now) {
		c = Count{First: now}
	}
	c.N++
	c.Last = now
	c.Expires = r.expires(c)
	return c
}

// expires returns when c may be forgotten.
func (r Rule) expires(c Count) time.Time {
	switch {
	case r.Wait == 0:
		return c.First.Add(r.Window)
	case r.Stop > 0 && c.N >= r.Stop:
		return c.Last.Add(stopped)
	}
	return c.Last.Add(r.Window)
}
