// Package smtpmail sends the mails of package email by SMTP:
//
//	mailer, err := smtpmail.New(&smtpmail.Config{
//		Server: os.Getenv("SMTP_SERVER"), // smtp://shop:secret@mail.example.com
//		From:   "The Shop <no-reply@shop.example>",
//	})
//	…
//	links, err := email.New(m, store, &email.Config{Mailer: mailer})
//
// It is a module of its own, so that only those who want it need a library for mail.
//
// # What goes over the wire
//
// A mail has a link in it, and whoever reads the link can use it. So the connection is encrypted
// with TLS 1.2 or later, and the server shows a certificate for its name; a server that does
// neither gets no mail and no password. Only a server on this machine is spoken to in plain text.
//
// The headers are From, To, Subject, Date, Message-ID, Auto-Submitted (RFC 3834, so that out-of-office
// programs keep quiet) and those of MIME. They name neither this machine nor its time zone nor the
// library; the servers on the way add the addresses they see. Whether mails arrive is decided
// elsewhere: publish SPF, DKIM and DMARC for the domain of From.
//
// An address beyond ASCII goes to a server that knows SMTPUTF8, and is an error with others. A domain
// beyond ASCII is sent in its ASCII form (xn--…), which every server knows.
//
// # What fails
//
// [Mailer.Send] makes a connection for each mail, and tries once. The queue of package email
// sends four at a time, and tries again, after any error: a server that refuses for good
// ([ErrPermanent]) is asked as often as one that is busy, five times by default. A connection that
// breaks before the server has said that it has the mail may mean that the mail comes twice; none
// is lost so, and its link works once. What goes wrong afterwards is no error.
package smtpmail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strings"

	"github.com/vestibule-go/auth/email"
)

// Config says where mails go. Server and From are required; the zero value of every other field
// is the safe default. It prints, logs and marshals without the password.
// Its methods change nothing, and are safe for concurrent use.
type Config struct {
	// Server is the server that takes the mails over, as a URL:
	//
	//	smtp://user:password@host:port    STARTTLS, which the server must offer; port 587
	//	smtps://user:password@host:port   TLS from the first byte; port 465
	//
	// The port may be left out, and so may user and password together. Characters in them that mean
	// something in a URL are percent-encoded, see url.UserPassword. They are sent by AUTH PLAIN, or
	// LOGIN if the server does not know that. Required.
	//
	// With smtp:// a host on this machine (localhost, 127.0.0.0/8, ::1) is spoken to in plain text,
	// unless TLS is set: what listens there is trusted with mails and password, and few have a
	// certificate for such a name.
	Server string `json:"-"`

	// From is the sender, "no-reply@shop.example" or "The Shop <no-reply@shop.example>". It is also
	// the address that servers report to when a mail cannot be delivered. Required.
	From string

	// Hello is the name by which to greet the server; empty means the domain of From. Some servers
	// want the name of the machine.
	Hello string

	// TLS adjusts TLS, for example with RootCAs for a certificate of one's own; nil means the roots
	// of the system. An empty ServerName means the host of Server. MinVersion is 1.2 if it is not set;
	// less is refused. With InsecureSkipVerify who is in the middle reads mails and password.
	TLS *tls.Config

	// InsecurePlain speaks in plain text to a server on another machine. Who listens on the way reads
	// every mail, and takes over the accounts whose links are in them. With a password it is refused.
	InsecurePlain bool

	// Dial makes the connection, for example through a proxy; nil means a net.Dialer. It must stop when
	// ctx ends.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Format implements [fmt.Formatter]: no verb prints the password.
func (c Config) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.describe()) }

// LogValue implements [slog.LogValuer], and holds the host and port only.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.describe()) }

func (c Config) describe() string {
	s, err := parseServer(c.Server)
	if err != nil {
		return "SMTP by no server"
	}
	return "SMTP by " + s.address()
}

// Mailer is an [email.Mailer] that sends by SMTP. Make one with [New]. It is safe for concurrent
// use, and prints and logs without the password.
type Mailer struct {
	server server
	from   mail.Address
	domain string // of from, in ASCII
	hello  string
	plain  bool        // no TLS
	tls    *tls.Config // complete
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

var _ email.Mailer = (*Mailer)(nil)

// New returns a Mailer, or an error that names every field of cfg that cannot work, without what is
// in it. It does not connect: whether the server is there and takes the password, the first
// mail shows.
func New(cfg *Config) (*Mailer, error) {
	var c Config
	if cfg != nil {
		c = *cfg
	}
	m := &Mailer{dial: c.Dial, hello: c.Hello}
	if m.dial == nil {
		m.dial = new(net.Dialer).DialContext
	}
	if faults := m.set(&c); len(faults) > 0 {
		return nil, fmt.Errorf("smtpmail: cannot work with this Config:\n%w", errors.Join(faults...))
	}
	return m, nil
}

type faultFunc func(format string, args ...any)

func (m *Mailer) set(c *Config) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	m.setFrom(c.From, fault)
	m.setServer(c, fault)
	m.setTLS(c.TLS, fault)
	if m.hello == "" {
		m.hello = m.domain
	}
	if strings.ContainsFunc(m.hello, func(r rune) bool { return r <= ' ' || r > '~' }) {
		fault("Hello, or else the domain of From, is no name of a host in ASCII")
	}
	return faults
}

func (m *Mailer) setFrom(from string, fault faultFunc) {
	a, err := mail.ParseAddress(from)
	if err != nil || !plainAddress(a.Address) {
		fault(`From is no address such as "The Shop <no-reply@shop.example>"`)
		return
	}
	m.from = mail.Address{Name: a.Name, Address: asciiDomain(a.Address)}
	m.domain = m.from.Address[strings.LastIndexByte(m.from.Address, '@')+1:]
}

func (m *Mailer) setServer(c *Config, fault faultFunc) {
	s, err := parseServer(c.Server)
	if err != nil {
		fault("Server %w", err)
		return
	}
	m.server, m.plain = s, !s.implicit && (c.InsecurePlain || s.isHere() && c.TLS == nil)
	if c.InsecurePlain && (s.implicit || c.TLS != nil) {
		fault("InsecurePlain is set, and so is TLS or smtps://")
	}
	if m.plain && s.user != "" && !s.isHere() {
		fault("InsecurePlain is set, and Server has a password, which is not sent to another machine in plain text")
	}
}

func (m *Mailer) setTLS(c *tls.Config, fault faultFunc) {
	m.tls = &tls.Config{}
	if c != nil {
		m.tls = c.Clone()
	}
	if m.tls.ServerName == "" {
		m.tls.ServerName = m.server.host
	}
	if m.tls.MinVersion == 0 {
		m.tls.MinVersion = tls.VersionTLS12
	}
	if m.tls.MinVersion < tls.VersionTLS12 {
		fault("TLS allows versions before 1.2")
	}
}

// Format implements [fmt.Formatter]: no verb prints the password.
func (m Mailer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "SMTP by "+m.server.address()) }

// LogValue implements [slog.LogValuer], and holds the host and port only.
func (m Mailer) LogValue() slog.Value { return slog.StringValue("SMTP by " + m.server.address()) }
