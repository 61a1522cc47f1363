package email

import (
	"context"
	"errors"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/onetime"
	"github.com/vestibule-go/auth/throttle"
)

// What anyone may ask for: a mail to any address. The answer and the work are the same whoever has
// the address.

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
	address, err := auth.CanonicalEmail(f.Email)
	switch {
	case f.Email == "":
		f.Errors.Add("email", auth.CodeRequired, 0)
	case err != nil:
		f.Errors.Add("email", auth.CodeInvalid, 0)
	}
	if f.Errors.Get("email") != "" {
		return f.Errors
	}
	err = l.ask(ctx, address, what)
	note(&f.Errors, err)
	return err
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
	u, err := l.store.UserByLogin(ctx, address)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return l.failed(ctx, "find user", err)
	}
	if u != nil && (!u.Disabled.IsZero() || u.Email != address) { // mail goes to where it was asked for, or nowhere
		u = nil
	}
	kind, due := what(u)
	if !due {
		u = nil
	}
	err = l.m.Limit(ctx, throttle.Mail, mailKey(address, kind, u))
	if errors.Is(err, auth.ErrThrottled) {
		u, err = nil, nil
	}
	if err != nil {
		return err
	}
	return l.mail(ctx, kind, u)
}

// mailKey returns what mails are counted by: those that are sent apart from those that are not, and each kind apart. So
// whoever asks for what is not due, or for mails to an address before it has an account, does not keep
// the owner from those that they need.
func mailKey(address, kind string, u *auth.User) string {
	if u == nil {
		return address + "\x00" + kind
	}
	return address + "\x00" + kind + "\x00" + u.ID
}

// mail sends a mail of that kind to u. For nil it does the same work, and sends none.
func (l *Links) mail(ctx context.Context, kind string, u *auth.User) error {
	holder, secrets, path := u, l.reset, l.cfg.ResetURL
	switch kind {
	case KindConfirm:
		secrets, path = l.confirm, l.cfg.ConfirmURL
	case KindTaken:
		holder = nil // there is no link in it
	}
	token, err := secrets.Issue(ctx, holder)
	if err != nil {
		return l.failed(ctx, "store link", err)
	}
	m := l.write(ctx, kind, path+"?token="+token, secrets)
	e := auth.Event{Name: EventAsked, Reason: kind}
	if u != nil {
		m.To, m.UserID, e.UserID = u.Email, u.ID, u.ID
	}
	l.m.Record(ctx, e)
	if u != nil {
		l.queue.add(m)
	}
	return nil
}

func (l *Links) write(ctx context.Context, kind, link string, secrets onetime.Secrets) *Message {
	base := l.m.BaseURL()
	letter := Letter{Kind: kind, SiteName: l.cfg.SiteName, LoginURL: base + l.m.LoginURL(""), ForgotURL: base + l.cfg.ForgotURL}
	if kind != KindTaken {
		letter.Link, letter.For = base+link, secrets.For
	}
	m := l.cfg.Write(ctx, letter)
	m.Subject, m.Kind = oneLine(m.Subject), kind
	return &m
}
