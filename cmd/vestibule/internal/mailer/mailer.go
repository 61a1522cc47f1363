// Package mailer opens what sends the mails that an operator asks for.
package mailer

import (
	"fmt"
	"os"
	"strings"

	"github.com/vestibule-go/auth/cmd/vestibule/shell"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/email/smtpmail"
)

// Open returns what sends mails to where: dir:PATH, the smtp:// or smtps:// address of a server, or env:NAME, the variable of the
// environment which says one of these, for others on the machine can see flags. From is the sender.
// Errors do not repeat where, for there may be a password in it.
func Open(where, from string) (email.Mailer, error) {
	if name, ok := strings.CutPrefix(where, "env:"); ok {
		where = os.Getenv(name)
	}
	scheme, rest, _ := strings.Cut(where, ":")
	switch {
	case scheme == "dir" && rest != "":
		return email.NewDir(rest, from)
	case scheme == "smtp", scheme == "smtps":
		return smtpmail.New(&smtpmail.Config{Server: where, From: from})
	}
	return nil, fmt.Errorf("%w: -mail is none of dir:PATH, smtp://USER:PASSWORD@HOST:PORT, smtps://… and env:NAME, a variable that is one of these", shell.ErrUsage)
}
