package main

import (
	"context"

	"github.com/vestibule-go/auth/email"
)

// Kinds of notices, besides those of package email, named like what they tell of: whoever changes a second factor may have stolen the first
// (OWASP ASVS 5.0, 6.3.7).
const (
	noticeOn  = EventOn
	noticeOff = EventOff
)

// write is email.Config.Write: it has words for these kinds, and those of the library for all others.
func write(ctx context.Context, l email.Letter) email.Message {
	switch l.Kind {
	case noticeOn:
		return letter(l, "New printed codes for "+l.SiteName, "A sheet of printed codes was made for your account at "+l.SiteName+". From now on a code of it is asked for when you log in, and none of an older sheet.")
	case noticeOff:
		return letter(l, "No more printed codes for "+l.SiteName, "Printed codes were switched off for your account at "+l.SiteName+". From now on your password is enough to log in.")
	}
	return email.Write(ctx, l)
}

func letter(l email.Letter, subject, text string) email.Message {
	text = "Hello,\n\n" + text + "\n\nIf it was not you, choose a new password at once:\n" + l.ForgotURL + "\n"
	if l.Contact != "" {
		text += "\nThen turn to " + l.Contact + ".\n"
	}
	return email.Message{Subject: subject, Text: text}
}
