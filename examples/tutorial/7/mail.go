package main

import (
	"context"
	"fmt"

	"github.com/vestibule-go/auth/email"
)

// terminal is an email.Mailer for this evening: it shows the mails to whoever started the program.
type terminal struct{}

func (terminal) Send(_ context.Context, m *email.Message) error {
	_, err := fmt.Printf("\n--- to %s: %s\n\n%s---\n\n", m.To, m.Subject, m.Text)
	return err
}
