package email

import (
	"context"
	"errors"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/throttle"
)

// What anyone may ask for: a mail to any address. The answer and the work are the same whoever has
// the address. So are those of a user who asks for another: see change.go.

// Signup signs up the user that f describes, and answers the same whether or not the address has an
// account already:
//
//   - if it has none the user is made, and gets a link to confirm the address;
//   - if it has one nothing about it changes, and its owner is told by mail;
//   - if it has one that was never confirmed, the reader of the mail gets a link by which they set
//     a password of their own, and so confirm it. What f has for a password is forgotten.
//
// A nil error says no more than that a mail is on its way, unless too many were sent to that
// address. Signup logs nobody in, and neither should you. Errors are those of Manager.Signup but
// CodeTaken, and a *auth.ThrottledError if too many mails were asked for from the client's network.
func (l *Links) Signup(ctx context.Context, f *auth.SignupForm) error {
	if err := l.m.CheckSignup(f); err != nil {
		return err
	}
	if err := l.m.Limit(ctx, throttle.MailNetwork, ""); err != nil { // before there is an account that gets no mail
		note(&f.Errors, err)
		return err
	}
	u, err := l.m.Signup(ctx, f)
	isNew := err == nil
	if !isNew && !taken(err) {
		return err
	}
	f.Errors = nil
	address, err := auth.CanonicalEmail(f.Email)
	if err != nil {
		return err // Signup has accepted it
	}
	return l.answer(ctx, address, func(found *auth.User) (kind string, due bool) {
		switch {
		case found == nil, isNew && found.ID == u.ID:
			return KindConfirm, found != nil
		case found.Confirmed.IsZero():
			return KindPending, true
		}
		return KindTaken, true
	})
}

// taken reports whether all that is wrong with the form is that the address has an account.
func taken(err error) bool {
	var faults auth.FormErrors
	return errors.As(err, &faults) && len(faults) == 1 && faults[0].Field == "email" && faults[0].Code == auth.CodeTaken
}

// Forgot mails a link by which to set a new password to the address in f, if it has an account that
// is not disabled. Other fields of f are not looked at. The answer is the same if it has none.
//
// A nil error says no more than that. What the visitor can mend is noted in f.Errors, and returned as
// FormErrors; a *auth.ThrottledError says that too many mails were asked for from the client's
// network. Too many of a kind to one account are not sent, and the answer is nil all the same: it
// would tell a stranger that the owner has been here. The links sent before still work.
func (l *Links) Forgot(ctx context.Context, f *auth.LoginForm) error {
	return l.askFor(ctx, f, func(u *auth.User) (string, bool) { return KindReset, u != nil })
}

// SendConfirmation mails another link to confirm the address in f, if it has an account that is neither
// confirmed nor disabled. All else is as in Forgot.
func (l *Links) SendConfirmation(ctx context.Context, f *auth.LoginForm) error {
	return l.askFor(ctx, f, func(u *auth.User) (string, bool) { return KindConfirm, u != nil && u.Confirmed.IsZero() })
}

func (l *Links) askFor(ctx context.Context, f *auth.LoginForm, what func(*auth.User) (string, bool)) error {
	address, err := addressIn(f)
	if err != nil {
		return err
	}
	err = l.ask(ctx, address, what)
	note(&f.Errors, err)
	return err
}

// addressIn returns the address in f, or what is wrong with it.
func addressIn(f *auth.LoginForm) (string, error) {
	address, err := auth.CanonicalEmail(f.Email)
	switch {
	case f.Email == "":
		f.Errors.Add("email", auth.CodeRequired, 0)
	case err != nil:
		f.Errors.Add("email", auth.CodeInvalid, 0)
	}
	if f.Errors.Get("email") != "" {
		return "", f.Errors
	}
	return address, nil
}

// note tells the visitor when to try again.
func note(e *auth.FormErrors, err error) {
	if errors.Is(err, auth.ErrThrottled) {
		e.Add("", auth.CodeThrottled, auth.RetryAfter(err))
	}
}

// ask does what there is to do for a mail to address, up to sending it. What says which it is,
// for the user with that address or nil, and whether it is due.
func (l *Links) ask(ctx context.Context, address string, what func(*auth.User) (kind string, due bool)) error {
	if err := l.m.Limit(ctx, throttle.MailNetwork, ""); err != nil {
		return err
	}
	return l.answer(ctx, address, what)
}

// answer is ask for who is within the limit of the client's network.
func (l *Links) answer(ctx context.Context, address string, what func(*auth.User) (kind string, due bool)) error {
	u, err := l.find(ctx, address)
	if err != nil {
		return err
	}
	if u != nil && (!u.Disabled.IsZero() || u.Email != address) { // mail goes to where it was asked for, or nowhere
		u = nil
	}
	kind, due := what(u)
	if !due {
		u = nil
	}
	return l.mail(ctx, kind, u, address, "")
}

// find returns the user who logs in with address, or nil.
func (l *Links) find(ctx context.Context, address string) (*auth.User, error) {
	u, err := l.store.UserByLogin(ctx, address)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return nil, l.failed(ctx, "find user", err)
	}
	return u, nil // nil: not found
}

// mailKey returns what mails are counted by: those that are sent apart from those that are not, and each kind apart. So
// whoever asks for what is not due, or for mails to an address before it has an account, does not keep
// the owner from those that they need. Of the accounts that nobody has confirmed none has a count of its own: strangers
// make as many as they like, and an address is not to be flooded for each.
func mailKey(address, kind string, u *auth.User) string {
	switch {
	case u == nil:
		return address + "\x00" + kind
	case u.Confirmed.IsZero():
		return address + "\x00" + kind + "\x00"
	}
	return address + "\x00" + kind + "\x00" + u.ID
}

// mail sends a mail of that kind about u to address, with a link that has the payload, unless too many were
// sent. For a nil u it does the same work, and sends none.
func (l *Links) mail(ctx context.Context, kind string, u *auth.User, address, payload string) error {
	err := l.m.Limit(ctx, throttle.Mail, mailKey(address, kind, u))
	if errors.Is(err, auth.ErrThrottled) {
		u, err = nil, nil
	}
	if err != nil {
		return err
	}
	letter, err := l.letter(ctx, kind, u, payload)
	if err != nil {
		return l.failed(ctx, "store link", err)
	}
	m := l.write(ctx, letter)
	e := auth.Event{Name: EventAsked, Reason: kind}
	if u != nil {
		m.To, m.UserID, e.UserID = address, u.ID, u.ID
	}
	l.m.Record(ctx, e)
	if u != nil {
		l.queue.add(m)
	}
	return nil
}

// letter makes a link for u, and says what is in the mail. Where no link is due it makes one that is nobody's.
func (l *Links) letter(ctx context.Context, kind string, u *auth.User, payload string) (Letter, error) {
	secrets, path, linked := l.reset, l.cfg.ResetURL, true
	switch kind {
	case KindConfirm:
		secrets, path = l.confirm, l.cfg.ConfirmURL
	case KindChange:
		secrets, path = l.change, l.cfg.ConfirmURL
	case KindTaken:
		u, linked = nil, false
	case KindChangeTaken:
		u, secrets, linked = nil, l.change, false
	}
	token, err := secrets.Issue(ctx, u, payload)
	letter := Letter{Kind: kind}
	if linked {
		letter.Link, letter.For = l.m.BaseURL()+path+"?token="+token, secrets.For
	}
	return letter, err
}

// write puts a letter into words.
func (l *Links) write(ctx context.Context, letter Letter) *Message {
	base := l.m.BaseURL()
	letter.SiteName, letter.Contact = l.cfg.SiteName, l.cfg.Contact
	letter.LoginURL, letter.ForgotURL = base+l.m.LoginURL(""), base+l.cfg.ForgotURL
	m := l.cfg.Write(ctx, letter)
	m.Subject, m.Kind = oneLine(m.Subject), letter.Kind
	return &m
}
