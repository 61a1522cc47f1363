package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/url"
	"strings"
	"sync"

	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/email/smtpmail"
)

// openMailer returns what sends the mails of the shop: see the flag -mail. Errors do not
// repeat the flag, for there may be a password in it.
func openMailer(o *options) (email.Mailer, error) {
	scheme, rest, _ := strings.Cut(o.mail, ":")
	switch {
	case o.mail == "log":
		return &logMailer{out: o.out}, nil
	case scheme == "dir" && rest != "":
		return email.NewDir(rest, o.sender())
	case scheme == "smtp", scheme == "smtps":
		return smtpmail.New(&smtpmail.Config{Server: o.mail, From: o.sender()})
	}
	return nil, errors.New("none of log, dir:PATH, smtp://USER:PASSWORD@HOST:PORT and smtps://…")
}

// sender returns who mails are from.
func (o *options) sender() string {
	if o.mailFrom != "" {
		return o.mailFrom
	}
	host := ""
	if base, err := url.Parse(o.baseURL); err == nil {
		host = base.Hostname()
	}
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		host = "localhost.localdomain" // a sender has to have a domain
	}
	return (&mail.Address{Name: "Yumroad", Address: "noreply@" + host}).String()
}

// logMailer prints mails for whoever works on the shop and has no mail server. Who
// can read what is printed can use the links in it.
type logMailer struct {
	mu  sync.Mutex
	out io.Writer
}

// Send implements [email.Mailer].
func (l *logMailer) Send(_ context.Context, m *email.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintf(l.out, "\nTo: %s\nSubject: %s\n\n%s\n", m.To, m.Subject, m.Text)
	return err
}
