package smtpmail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/vestibule-go/auth/email"
)

// Errors of Send that say more than that a try has failed. An error names the command that failed
// (the connection and the greeting are "connect" and "greet") and the server's status code, not its words.
var (
	// ErrPermanent reports that the server answered with a 5xx code: it will not take this mail, or
	// not from this sender, or not the password.
	ErrPermanent = errors.New("the server refuses for good")

	// ErrNoTLS reports that a server of smtp:// does not offer STARTTLS.
	ErrNoTLS = errors.New("the server offers no STARTTLS")

	// ErrNoUTF8 reports that an address is beyond ASCII, and the server does not offer SMTPUTF8.
	ErrNoUTF8 = errors.New("the address is beyond ASCII, and the server offers no SMTPUTF8")

	errNoAuth  = errors.New("the server offers neither AUTH PLAIN nor AUTH LOGIN")
	errGarbled = errors.New("the server answers what is no SMTP")
)

const (
	longest  = time.Minute     // for a mail, as package email allows
	farewell = 5 * time.Second // for the server to say goodbye
)

// Send implements [email.Mailer]. It returns nil once the server has taken the mail over, and stops
// when ctx ends, after a minute at the latest. Its errors hold nothing of the mail, neither its
// address, nor the password.
func (m *Mailer) Send(ctx context.Context, mail *email.Message) error {
	l, err := m.write(mail)
	if err != nil {
		return fmt.Errorf("smtpmail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return m.deliver(ctx, l)
}

func (m *Mailer) deliver(ctx context.Context, l *letter) error {
	conn, err := m.dial(ctx, "tcp", m.server.address())
	if err != nil {
		return failure(ctx, "connect", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // nothing below looks at ctx
	t := &talk{Mailer: m, letter: l, conn: conn}
	for _, step := range []struct {
		name string
		take func() error
	}{
		{"TLS", t.secure}, {"greet", t.greet}, {"EHLO", t.sayHello}, {"STARTTLS", t.startTLS}, {"AUTH", t.login},
		{"MAIL", t.sender}, {"RCPT", t.reader}, {"DATA", t.data},
	} {
		if err := step.take(); err != nil {
			return failure(ctx, step.name, err)
		}
	}
	t.quit()
	return nil
}

// failure says what went wrong, in words that are safe to log.
func failure(ctx context.Context, step string, err error) error {
	var answer *textproto.Error
	var garbled textproto.ProtocolError // has what the server said
	switch {
	case ctx.Err() != nil:
		err = ctx.Err() // and not that the connection is closed
	case errors.As(err, &answer):
		err = refusal(answer)
	case errors.As(err, &garbled), errors.Is(err, smtp.ErrUnexpectedServerResponse):
		err = errGarbled
	}
	return fmt.Errorf("smtpmail: %s: %w", step, err)
}

var enhancedCode = regexp.MustCompile(`(?m)^[245]\.\d{1,3}\.\d{1,3}\b`)

// refusal keeps the codes of an answer. Its words often have the address in them.
func refusal(answer *textproto.Error) error {
	status := strings.TrimSpace(fmt.Sprint(answer.Code, " ", enhancedCode.FindString(answer.Msg)))
	if answer.Code/100 == 5 {
		return fmt.Errorf("%w: %s", ErrPermanent, status)
	}
	return fmt.Errorf("the server answers %s", status)
}

// talk is one connection. Its methods are the steps, in this order.
type talk struct {
	*Mailer
	letter *letter
	conn   net.Conn
	client *smtp.Client
}

func (t *talk) secure() error {
	if !t.server.implicit {
		return nil
	}
	conn := tls.Client(t.conn, t.tls)
	t.conn = conn
	return conn.Handshake()
}

func (t *talk) greet() (err error) {
	t.client, err = smtp.NewClient(t.conn, t.server.host)
	return err
}

func (t *talk) sayHello() error { return t.client.Hello(t.hello) }

func (t *talk) startTLS() error {
	if t.plain || t.server.implicit {
		return nil
	}
	if offered, _ := t.client.Extension("STARTTLS"); !offered {
		return ErrNoTLS
	}
	return t.client.StartTLS(t.tls)
}

func (t *talk) login() error {
	s := &t.server
	if s.user == "" {
		return nil
	}
	_, offered := t.client.Extension("AUTH")
	switch mechanisms := strings.Fields(offered); {
	case slices.Contains(mechanisms, "PLAIN"):
		return t.client.Auth(smtp.PlainAuth("", s.user, s.password, s.host, t.plain))
	case slices.Contains(mechanisms, "LOGIN"):
		return t.client.Auth(smtp.LoginAuth(s.user, s.password, s.host, t.plain))
	}
	return errNoAuth
}

func (t *talk) sender() error {
	if offered, _ := t.client.Extension("SMTPUTF8"); t.letter.utf8 && !offered {
		return ErrNoUTF8
	}
	t.client.SkipSMTPUTF8(!t.letter.utf8) // a mail that asks for it cannot pass through servers that do not offer it
	return t.client.Mail(t.letter.from)
}

func (t *talk) reader() error { return t.client.Rcpt(t.letter.to) }

func (t *talk) data() error {
	w, err := t.client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(t.letter.content); err != nil {
		return err // without the dot that ends a mail
	}
	return w.Close()
}

// quit says goodbye. The server has the mail: an error now would have it sent twice.
func (t *talk) quit() {
	if t.client.UpdateDeadline(farewell) == nil {
		t.client.Quit()
	}
}
