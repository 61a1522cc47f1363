package email

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
)

// Mailer sends mails. It is safe for concurrent use.
//
// Send returns nil once somebody else has taken over m, and an error if it is to be tried again. It
// stops when ctx ends, after a minute at the latest; one that does not keeps its place in the
// queue, and its goroutine, until it returns. It must not change m, and not log its Text: who reads
// the link in it can use it.
type Mailer interface {
	Send(ctx context.Context, m *Message) error
}

// Message is a mail to one reader. It prints and logs without its address and text.
type Message struct {
	To      string // the address: canonical, see auth.CanonicalEmail
	Subject string // one line without control characters
	Text    string // plain text, lines end with "\n"
	HTML    string // the same for programs that show it, a whole document; empty: there is none

	Kind   string // the Letter.Kind that it was written for
	UserID string // whose mail it is
}

// Format implements [fmt.Formatter]: no verb prints the link in the text.
func (m Message) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "mail %q to user %s", m.Kind, m.UserID)
}

// LogValue implements [slog.LogValuer], and holds the kind and the user's ID only.
func (m *Message) LogValue() slog.Value {
	if m == nil {
		return slog.StringValue("none")
	}
	return slog.GroupValue(slog.String("kind", m.Kind), slog.String("user", m.UserID))
}

// Kinds of letters.
const (
	KindConfirm = "confirm"        // Link leads to the page that confirms the address
	KindReset   = "reset"          // Link leads to the page for a new password, which the reader asked for
	KindTaken   = "signup_taken"   // somebody signed up with an address that has an account; no Link
	KindPending = "signup_pending" // the same, but the account was never confirmed; Link is that of KindReset
)

// Letter is what there is to say in a mail. All addresses in it are complete and begin with BaseURL.
type Letter struct {
	Kind      string
	SiteName  string
	Link      string        // what the mail is sent for; whoever has it can use it; "": there is none
	For       time.Duration // how long Link is good
	LoginURL  string
	ForgotURL string // of the page where one asks for a new password
}

// english is what Config.Write is by default.
func english(_ context.Context, l Letter) Message {
	switch l.Kind {
	case KindConfirm:
		return Message{
			Subject: "Please confirm your address for " + l.SiteName,
			Text: paragraphs(
				"somebody, we hope you, has signed up at "+l.SiteName+" with this address.\nTo confirm that it is yours, open this page, and enter your password:",
				l.Link,
				"The link works once, and for "+spell(l.For)+".",
				"If it was not you, do nothing: without this link nobody can use the\naccount."),
		}
	case KindReset:
		return Message{
			Subject: "A new password for " + l.SiteName,
			Text: paragraphs(
				"somebody, we hope you, has asked for a new password at "+l.SiteName+".\nTo choose one, open this page:",
				l.Link,
				"The link works once, and for "+spell(l.For)+".",
				"If it was not you, do nothing: your password has not changed."),
		}
	case KindTaken:
		return Message{
			Subject: "You have an account at " + l.SiteName,
			Text: paragraphs(
				"somebody, perhaps you, has tried to sign up at "+l.SiteName+" with this\naddress, which has an account already. Nothing has changed.",
				"You can log in with your password:\n"+l.LoginURL,
				"If you have forgotten it, you can choose a new one:\n"+l.ForgotURL,
				"If it was not you, do nothing."),
		}
	}
	return Message{
		Subject: "Please finish signing up at " + l.SiteName,
		Text: paragraphs(
			"somebody, we hope you, has signed up at "+l.SiteName+" with this address,\nand not for the first time. To make the account yours, open this page and\nchoose its password. Those chosen before will no longer work:",
			l.Link,
			"The link works once, and for "+spell(l.For)+".",
			"If it was not you, do nothing: without this link nobody can use the\naccount."),
	}
}

func paragraphs(p ...string) string { return "Hello,\n\n" + strings.Join(p, "\n\n") + "\n" }

// spell returns d as people say it.
func spell(d time.Duration) string {
	n, unit := int(d.Round(time.Minute).Minutes()), "minute"
	if n >= 120 && n%60 == 0 {
		n, unit = n/60, "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprint(n, " ", unit)
}

// oneLine returns s with a space for every character that could begin another header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if notPlain(r) {
			return ' '
		}
		return r
	}, s)
}

// notPlain reports whether r is a control character, ends a line, or is not Unicode.
func notPlain(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}
