package smtpmail_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strings"

	"github.com/emersion/go-smtp"

	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/email/smtpmail"
)

// Sending one mail, to a server on this machine. An application gives the Mailer to email.New, as its
// Config.Mailer.
func Example() {
	server := catch()
	defer server.Close()

	// As a rule this comes from the environment: smtp://user:password@mail.example.com
	mailer, err := smtpmail.New(&smtpmail.Config{
		Server: "smtp://" + server.Addr,
		From:   "The Shop <no-reply@shop.example>",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = mailer.Send(context.Background(), &email.Message{
		To:      "ann@example.com",
		Subject: "A new password for The Shop",
		Text:    "Hello,\n\nto choose one, open this page: …\n",
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// MAIL no-reply@shop.example
	// RCPT ann@example.com
	// From: "The Shop" <no-reply@shop.example>
	// Subject: A new password for The Shop
	// Auto-Submitted: auto-generated
}

// catch starts a server that shows what it gets.
func catch() *smtp.Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return catcher{}, nil }))
	s.Addr = l.Addr().String()
	go s.Serve(l)
	return s
}

type catcher struct{}

func (catcher) Mail(from string, _ *smtp.MailOptions) error {
	fmt.Println("MAIL", from)
	return nil
}

func (catcher) Rcpt(to string, _ *smtp.RcptOptions) error {
	fmt.Println("RCPT", to)
	return nil
}

func (catcher) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	for _, name := range []string{"From", "Subject", "Auto-Submitted"} {
		fmt.Printf("%s: %s\n", name, m.Header.Get(name))
	}
	return nil
}

func (catcher) Reset()        {}
func (catcher) Logout() error { return nil }
