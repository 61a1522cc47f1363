package email

import (
	"context"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/throttle"
)

// codeSame is that of an address which is the user's already.
const codeSame = "same"

// SendChange mails a link to the address in f, by which u can change to it: see Confirm. Until then nothing
// changes. Other fields of f are not looked at. Ask for a fresh proof before: see Manager.RequireFresh.
//
// The answer is the same if the address has an account. Then no link is sent, and the owner is told, unless
// the account is disabled. Of two users who wait for the same address the first to confirm gets it.
// Every change of u's password, address or confirmation, and ending u's sessions, ends the link.
//
// A nil error says no more than that. What the visitor can mend is noted in f.Errors, and returned as
// FormErrors: also, with the code "same", that the address is u's own. A *auth.ThrottledError says
// that too many mails were asked for from the client's network. Too many mails to one address for one user, or for all
// together who have not confirmed their own, are not sent, and the answer is nil all the same.
func (l *Links) SendChange(ctx context.Context, u *auth.User, f *auth.LoginForm) error {
	if u == nil {
		return auth.ErrNotLoggedIn
	}
	address, err := addressIn(f)
	if err != nil {
		return err
	}
	if address == u.Email {
		f.Errors = append(f.Errors, auth.FieldError{Field: "email", Code: codeSame, Message: lang.English().Text("error.same")})
		return f.Errors
	}
	err = l.sendChange(ctx, u, address)
	note(&f.Errors, err)
	return err
}

func (l *Links) sendChange(ctx context.Context, u *auth.User, address string) error {
	if err := l.m.Limit(ctx, throttle.MailNetwork, ""); err != nil {
		return err
	}
	owner, err := l.find(ctx, address)
	if err != nil {
		return err
	}
	kind, reader := KindChange, u
	if owner != nil && owner.ID != u.ID {
		kind, reader = KindChangeTaken, owner
		if !owner.Disabled.IsZero() || owner.Email != address { // mail goes to where it was asked for, or nowhere
			reader = nil
		}
	}
	return l.mail(ctx, kind, reader, address, address)
}
