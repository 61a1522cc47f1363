package email

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/onetime"
)

// Config adjusts [Links]. Mailer is required; the zero value of every other field is the
// safe default.
type Config struct {
	// Mailer sends the mails. Required.
	Mailer Mailer

	// SiteName is what the application is called in the mails; empty means the host of BaseURL.
	SiteName string

	// Contact is whom readers may turn to, in words for the mail: an address or a URL. It is one line of
	// plain text. Empty means that none is named: then who learns of a change that they did not make
	// has nobody to tell.
	Contact string

	// ConfirmURL, ResetURL and ForgotURL are the paths of the pages that confirm an address,
	// set a new password, and ask for one; empty means "/confirm", "/password/reset" and
	// "/password/forgot". The first two get the token as "token" in the query.
	ConfirmURL, ResetURL, ForgotURL string

	// ConfirmFor is how long a link to confirm an address is good, at the signup or at a change; zero means 24 hours (NIST
	// SP 800-63B-4, section 4.2.1.2).
	ConfirmFor time.Duration

	// ResetFor is how long a link to set a password is good; zero means one hour (OWASP
	// WSTG-ATHN-09). More than 24 hours are refused (NIST, as above).
	ResetFor time.Duration

	// Write says in words what there is to say: it sets Subject and Text, and HTML if it likes. Nil
	// means the texts of package lang, in the language of lang.FromContext. It is called with the context of the request and, since the work must not tell, for letters, too,
	// that are never sent: it must not look at whether there is an account.
	Write func(ctx context.Context, l Letter) Message

	// QueueSize is how many mails wait at most, those among them that are tried again; zero means
	// 1,000. What comes on top is not sent, and an event says so.
	QueueSize int

	// Tries is how often the Mailer is asked to send a mail; zero means 5. Between the tries are 10
	// seconds, 40 seconds and so on, so that the last of 5 is made after 14 minutes.
	Tries int
}

// Errors of links.
var (
	// ErrLink reports a link that is no good: malformed, unknown, used, expired, made for
	// something else, or of a user who has changed since. Which, it does not say.
	// auth.Status makes 404 of it.
	ErrLink = fmt.Errorf("email: link is no good: %w", auth.ErrNotFound)

	// ErrUnconfirmed reports that the password is right, and the user has not confirmed the
	// address. It is an auth.ErrBadLogin, and pages that do not ask for more answer as to a wrong
	// password. To tell the visitor tells strangers who has an account: they sign up with the
	// address, and log in with the password of their choice. Rather say at every failed login that
	// the address must be confirmed first.
	ErrUnconfirmed = fmt.Errorf("email: address is not confirmed: %w", auth.ErrBadLogin)
)

// Names of events, beside those of package auth. A mail that was not sent is an auth.EventFailure
// whose Reason begins with "send mail".
const (
	EventAsked     = "mail_asked"      // for a mail; Reason is its kind; without a user none is sent
	EventLink      = "link_refused"    // ErrLink was returned
	EventConfirmed = "email_confirmed" // the user reads mail sent to the address; if it is another, an auth.EventEmailChanged came before
	EventReset     = "password_reset"  // by a link; an auth.EventPasswordChanged came before
	EventNotified  = "user_notified"   // a notice is on its way to the user; Reason is its kind
)

// Links signs users up, confirms their addresses and replaces forgotten passwords, by links in
// mails, and tells users by mail what was done to their accounts. Make one with [New], and Close it in
// the end. It is safe for concurrent use.
type Links struct {
	m     *auth.Manager
	store auth.Store
	cfg   Config // complete
	queue *queue

	confirm, change, reset onetime.Secrets
}

// New returns Links for the users of m, which are in store: the one that m was made with. It returns
// an error that names every field of cfg that cannot work.
func New(m *auth.Manager, store auth.Store, cfg *Config) (*Links, error) {
	l := &Links{m: m, store: store}
	if cfg != nil {
		l.cfg = *cfg
	}
	if faults := l.check(); len(faults) > 0 {
		return nil, fmt.Errorf("email: cannot work with this Config:\n%w", errors.Join(faults...))
	}
	l.confirm = onetime.Secrets{Store: store, Kind: "confirm", For: l.cfg.ConfirmFor}
	l.change = onetime.Secrets{Store: store, Kind: "change", For: l.cfg.ConfirmFor}
	l.reset = onetime.Secrets{Store: store, Kind: "reset", For: l.cfg.ResetFor}
	l.queue = newQueue(l.cfg.Mailer, l.cfg.QueueSize, l.cfg.Tries, l.lost)
	return l, nil
}

// check completes l.cfg.
func (l *Links) check() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if l.m == nil {
		fault("Manager is nil")
	}
	if l.store == nil {
		fault("store is nil")
	}
	c := &l.cfg
	if c.Mailer == nil {
		fault("Mailer is nil")
	}
	if c.Write == nil {
		c.Write = Write
	}
	l.checkName(fault)
	if strings.ContainsFunc(c.Contact, notPlain) {
		fault("Contact is %q, not one line of text", c.Contact)
	}
	checkPaths(c, fault)
	checkNumbers(c, fault)
	return faults
}

type faultFunc func(format string, args ...any)

func (l *Links) checkName(fault faultFunc) {
	c := &l.cfg
	if c.SiteName == "" && l.m != nil {
		base, _ := url.Parse(l.m.BaseURL()) // New of package auth has parsed it
		c.SiteName = base.Hostname()
	}
	if strings.ContainsFunc(c.SiteName, notPlain) {
		fault("SiteName is %q, not one line of text", c.SiteName)
	}
}

func checkPaths(c *Config, fault faultFunc) {
	for _, p := range []struct {
		name  string
		value *string
		def   string
	}{{"ConfirmURL", &c.ConfirmURL, "/confirm"}, {"ResetURL", &c.ResetURL, "/password/reset"}, {"ForgotURL", &c.ForgotURL, "/password/forgot"}} {
		if *p.value == "" {
			*p.value = p.def
		}
		if path, ok := auth.SafeNext(*p.value); !ok || path != *p.value || strings.Contains(path, "?") {
			fault("%s is %q, not a path of this application without a query", p.name, *p.value)
		}
	}
}

func checkNumbers(c *Config, fault faultFunc) {
	if c.ConfirmFor == 0 {
		c.ConfirmFor = 24 * time.Hour
	}
	if c.ResetFor == 0 {
		c.ResetFor = time.Hour
	}
	if c.ConfirmFor < 0 {
		fault("ConfirmFor is negative")
	}
	if c.ResetFor < 0 || c.ResetFor > 24*time.Hour {
		fault("ResetFor is %v, not between 0 and 24 hours", c.ResetFor)
	}
	if c.QueueSize == 0 {
		c.QueueSize = 1000
	}
	if c.Tries == 0 {
		c.Tries = 5
	}
	if c.QueueSize < 0 {
		fault("QueueSize is negative")
	}
	if c.Tries < 0 || c.Tries > 10 {
		fault("Tries is %d, not between 0 and 10", c.Tries)
	}
}

// Close waits until all mails are sent; those that are to be tried again get one more try at once.
// When ctx ends it gives up the rest, each with an event, and returns an error. Call it when the
// server has shut down: what is to be sent afterwards is lost, with an event.
func (l *Links) Close(ctx context.Context) error { return l.queue.close(ctx) }

// Queued returns how many mails wait to be sent, those among them that are being sent and those that are to be
// tried again, and for how many there is room: what comes on top is not sent. See Config.QueueSize.
func (l *Links) Queued() (mails, room int) { return len(l.queue.room), cap(l.queue.room) }

// lost records that a mail was not sent.
func (l *Links) lost(m *Message, err error) {
	l.m.Record(l.queue.ctx, auth.Event{Name: auth.EventFailure, UserID: m.UserID, Reason: "send mail: " + m.Kind, Err: err})
}

// failed records that a part failed, and returns an error with which nobody is let in.
func (l *Links) failed(ctx context.Context, where string, err error) error {
	l.m.Record(ctx, auth.Event{Name: auth.EventFailure, Reason: where, Err: err})
	return fmt.Errorf("email: %s: %w", where, err)
}
