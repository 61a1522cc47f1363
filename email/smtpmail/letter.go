package smtpmail

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/vestibule-go/auth/email"
)

// ErrMessage reports that a mail cannot be sent as it is: To is no plain address, or Subject is not
// one line of at most 900 bytes. Package email makes no such mail.
var ErrMessage = errors.New("the mail cannot be sent as it is")

// letter is a mail as it goes over the wire.
type letter struct {
	from, to string // with angle brackets
	utf8     bool   // one of them is not ASCII
	content  []byte
}

// write makes a letter of mail. It is complete before there is a connection, so that no half of one
// is ever sent.
func (m *Mailer) write(mail *email.Message) (*letter, error) {
	if err := check(mail); err != nil {
		return nil, err
	}
	msg, from, to := m.compose(mail)
	var content bytes.Buffer
	if _, err := msg.WriteTo(&content); err != nil {
		return nil, fmt.Errorf("%w: it cannot be encoded", ErrMessage)
	}
	return &letter{from, to, notASCII(from + to), content.Bytes()}, nil
}

// maxSubject is the longest subject, in bytes: less than a line may have with the header's name
// (998: RFC 5322, section 2.1.1).
const maxSubject = 900

func check(m *email.Message) error {
	if m == nil {
		return fmt.Errorf("%w: it is nil", ErrMessage)
	}
	a, err := mail.ParseAddress(m.To)
	if err != nil || a.Name != "" || a.Address != m.To || !plainAddress(m.To) {
		return fmt.Errorf("%w: To is no plain address", ErrMessage)
	}
	if len(m.Subject) > maxSubject || strings.ContainsFunc(m.Subject, notPlain) {
		return fmt.Errorf("%w: Subject is not one line of at most %d bytes", ErrMessage, maxSubject)
	}
	return nil
}

// compose returns mail with its headers, and the addresses for the envelope.
func (m *Mailer) compose(message *email.Message) (msg *gomail.Msg, from, to string) {
	sender, reader := m.from, mail.Address{Address: asciiDomain(message.To)}
	msg = gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&sender)
	msg.ToMailAddress(&reader)
	msg.Subject(strings.Join(strings.Fields(message.Subject), " ")) // a header is folded at spaces, and no line may be one of spaces
	msg.SetDateWithValue(time.Now().UTC())
	msg.SetMessageIDWithValue(rand.Text() + "@" + m.domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	return msg, (&mail.Address{Address: sender.Address}).String(), reader.String()
}

// plainAddress reports whether an address has neither a space nor what shows no mark.
func plainAddress(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// notPlain reports whether r is a control character, ends a line, or is not Unicode.
func notPlain(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}

// asciiDomain returns address with its domain in ASCII. One that no registry would take is left as it is:
// what it would have to be mapped to may be another.
func asciiDomain(address string) string {
	at := strings.LastIndexByte(address, '@') + 1
	if !notASCII(address[at:]) {
		return address
	}
	domain, err := idna.Registration.ToASCII(address[at:])
	if err != nil {
		return address
	}
	return address[:at] + domain
}

func notASCII(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
