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
	// Send hands m over, or returns an error.
	Send(ctx context.Context, m *Message) error
}

// Message is a mail to one reader. It prints and logs without its address and text.
// It is not changed once it is sent, and so safe for concurrent use.
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

	KindChange      = "change"       // a user wants to change to this address; Link leads to the page that confirms
	KindChangeTaken = "change_taken" // the same, but the address has an account; no Link

	// Notices: what has happened to the account. They have no Link.
	KindPasswordChanged = "password_changed"
	KindEmailChanged    = "email_changed" // goes to the old address
	KindDeleted         = "account_deleted"
	KindNewBrowser      = "new_browser" // a login in a browser that is new to the user: see Manager.KnownBrowser
)

// Letter is what there is to say in a mail. All URLs in it but Contact are complete and begin with BaseURL.
type Letter struct {
	Kind      string        // one of the kinds of letters above, or what Notify was called with
	SiteName  string        // what the application is called
	Link      string        // what the mail is sent for; whoever has it can use it; "": there is none
	For       time.Duration // how long Link is good
	LoginURL  string        // of the page where one logs in
	ForgotURL string        // of the page where one asks for a new password
	Contact   string        // whom to turn to: that of Config; "": nobody is named
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
