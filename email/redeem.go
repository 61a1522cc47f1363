package email

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/internal/onetime"
)

// What the reader of a mail can do, by the token in its link. The page that the link leads to
// is asked for by GET, by programs that look at mails, too: it shows a form and uses nothing up.

// ResetUser returns the user whose password the token lets set anew, and changes nothing: for the
// page that asks for the password. Errors are ErrLink, and failures of the store.
func (l *Links) ResetUser(ctx context.Context, token string) (*auth.User, error) {
	s, err := l.reset.Peek(ctx, token)
	if err != nil {
		return nil, l.refused(ctx, err)
	}
	return s.User, nil
}

// Confirmation is what a token lets Confirm do.
type Confirmation struct {
	User  *auth.User // whose it is
	Email string     // the address to be confirmed; if it is not User.Email, it takes its place
}

// Confirmation is ResetUser for the page of Confirm.
func (l *Links) Confirmation(ctx context.Context, token string) (*Confirmation, error) {
	s, _, err := l.confirmation(ctx, token)
	if err != nil {
		return nil, err
	}
	return &Confirmation{s.User, cmp.Or(s.Payload, s.User.Email)}, nil
}

// confirmation finds a token of Confirm, and says which kind it is of.
func (l *Links) confirmation(ctx context.Context, token string) (*onetime.Secret, onetime.Secrets, error) {
	kind := l.confirm
	s, err := kind.Peek(ctx, token)
	if errors.Is(err, auth.ErrNotFound) {
		kind = l.change
		s, err = kind.Peek(ctx, token)
	}
	if err != nil {
		return nil, kind, l.refused(ctx, err)
	}
	return s, kind, nil
}

// Reset gives the user whose token it is the new password in f; Current is not looked at. All
// sessions of the user end, the visitor's own too if it is one, and the address counts as
// confirmed. Nobody is logged in by it, and a second factor stays what it was (OWASP ASVS 5.0,
// 6.4.3). If the address was not confirmed before, all credentials of the user are removed instead,
// since nobody knows whose they are.
//
// The token is used up once the password is accepted; after FormErrors, which are in f.Errors, too,
// and after auth.ErrBusy, it is still good. Of any number of concurrent calls one succeeds. Other
// errors are ErrLink, those of [auth.ParsePassword], and failures of the store, after which the
// token is used up, either password may count, and the user has to ask for another mail.
func (l *Links) Reset(ctx context.Context, token string, f *auth.PasswordForm) error {
	u, err := l.ResetUser(ctx, token)
	if err != nil {
		return err
	}
	if err := l.m.CheckPassword(f, u.Email); err != nil {
		return err
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	s, err := l.reset.Redeem(ctx, token)
	if err != nil {
		return l.refused(ctx, err)
	}
	if err := l.replace(ctx, s, f.Password); err != nil {
		errors.As(err, &f.Errors)
		return err
	}
	l.m.Record(ctx, auth.Event{Name: EventReset, UserID: s.User.ID})
	return nil
}

// replace gives the user of s another password.
func (l *Links) replace(ctx context.Context, s *onetime.Secret, password string) error {
	if err := l.evict(ctx, s.User); err != nil { // before there is a password by which Confirm would let it stay
		return err
	}
	err := l.m.SetPassword(outside{ctx}, s.User, password)
	switch status := auth.Status(err); {
	case errors.Is(err, auth.ErrConflict), errors.Is(err, auth.ErrNotFound):
		return l.refused(ctx, auth.ErrNotFound) // the user has changed since, or is gone
	case status == http.StatusUnprocessableEntity, status == http.StatusServiceUnavailable:
		if err := l.reset.Restore(ctx, s); err != nil {
			l.failed(ctx, "restore link", err)
		}
		return err
	case err != nil:
		return err // SetPassword has recorded it
	}
	if !s.User.Confirmed.IsZero() { // else it is their first
		l.Notify(ctx, s.User, KindPasswordChanged)
	}
	if err := l.leave(ctx, s.User); err != nil || !s.User.Confirmed.IsZero() {
		return err
	}
	return l.inherit(ctx, s.User)
}

// inherit makes an account that nobody has confirmed its new owner's, and removes what was added while the old
// password counted. It is confirmed last, so that it stays shut if that fails.
func (l *Links) inherit(ctx context.Context, u *auth.User) error {
	if err := l.evict(ctx, u); err != nil {
		return err
	}
	return l.prove(ctx, u)
}

// evict removes all credentials of an account that nobody has confirmed: somebody else may have made it, and added
// a passkey or an API token.
func (l *Links) evict(ctx context.Context, u *auth.User) error {
	if !u.Confirmed.IsZero() {
		return nil
	}
	if err := l.store.DeleteCredentials(ctx, u.ID, ""); err != nil {
		return l.failed(ctx, "delete credentials", err)
	}
	return nil
}

// outside is the context of a request, without the request: SetPassword would let the session go on
// that belongs to it, or even log in who waits for a new password.
type outside struct{ context.Context }

// Value returns nil.
func (outside) Value(any) any { return nil }

// leave makes the visitor a guest at once, if their session was u's, or waits for another proof.
func (l *Links) leave(ctx context.Context, u *auth.User) error {
	for _, visitor := range []*auth.User{auth.CurrentUser(ctx), auth.Pending(ctx), auth.PendingPassword(ctx)} {
		if visitor != nil && visitor.ID == u.ID {
			return l.m.EndSessions(ctx, u)
		}
	}
	return nil
}

// Confirm notes that the address is read by the user whose token it is: that with which they signed up
// or, if SendChange sent the token, another, which takes its place. Confirm takes the password in f
// as well, whose email is not looked at: the link alone would let whoever signed up first with
// somebody else's address, or wants to change to it, have it confirmed by them. Therefore also visitors who are logged in as
// the user are asked: their session may have been left or planted in the browser.
//
// Confirm logs nobody in, but proves the password: call Login, if you like.
// The token is used up once the password is right; of any number of concurrent calls one succeeds.
// Errors are ErrLink and those of Manager.VerifyPassword.
//
// With another address the user's sessions end, as in Manager.SetEmail, and the old address is told. If somebody
// else has got the new one since, the error is ErrLink, and nothing changed. After a failure of the store
// either address may count.
func (l *Links) Confirm(ctx context.Context, token string, f *auth.LoginForm) (*auth.User, error) {
	s, kind, err := l.confirmation(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := l.m.VerifyPassword(ctx, s.User, f); err != nil {
		return nil, err
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	if s, err = kind.Redeem(ctx, token); err != nil {
		return nil, l.refused(ctx, err)
	}
	if s.Payload != "" {
		err = l.move(ctx, s.User, s.Payload)
	} else {
		err = l.prove(ctx, s.User)
	}
	if err != nil {
		return nil, err
	}
	return s.User, nil
}

// move gives u another address, which u has proved to read, and tells the old one.
func (l *Links) move(ctx context.Context, u *auth.User, address string) error {
	before := *u
	switch err := l.m.SetEmail(ctx, u, address); {
	case errors.Is(err, auth.ErrExists), errors.Is(err, auth.ErrConflict), errors.Is(err, auth.ErrNotFound):
		return l.refused(ctx, auth.ErrNotFound) // whose the address is, or what became of u, is not said
	case err != nil:
		return err // SetEmail has recorded it
	}
	l.m.Record(ctx, auth.Event{Name: EventConfirmed, UserID: u.ID})
	l.Notify(ctx, &before, KindEmailChanged)
	return nil
}

// prove stores that u reads mail sent to u.Email, unless that is known, and updates u.
func (l *Links) prove(ctx context.Context, u *auth.User) error {
	for range 10 { // others may win, but not for ever
		next := *u
		if next.Confirmed.IsZero() {
			next.Confirmed, next.Updated = now(), now()
			err := l.store.UpdateUser(ctx, &next)
			if errors.Is(err, auth.ErrConflict) {
				if err := l.reread(ctx, u); err != nil {
					return err
				}
				continue
			}
			if err != nil {
				return l.failed(ctx, "update user", err)
			}
		}
		*u = next
		l.m.Record(ctx, auth.Event{Name: EventConfirmed, UserID: u.ID})
		return nil
	}
	return l.failed(ctx, "update user", auth.ErrConflict)
}

// reread makes u what it is now, unless the credentials have changed.
func (l *Links) reread(ctx context.Context, u *auth.User) error {
	fresh, err := l.store.UserByID(ctx, u.ID)
	if err != nil {
		return l.failed(ctx, "find user", err)
	}
	if fresh.Stamp != u.Stamp || fresh.Email != u.Email || !fresh.Disabled.IsZero() {
		return l.refused(ctx, auth.ErrNotFound)
	}
	*u = *fresh
	return nil
}

// refused returns ErrLink if that is what err means.
func (l *Links) refused(ctx context.Context, err error) error {
	if !errors.Is(err, auth.ErrNotFound) {
		return l.failed(ctx, "read link", err)
	}
	l.m.Record(ctx, auth.Event{Name: EventLink})
	return ErrLink
}

// detach lets what has begun end, though the client may be gone.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// now returns the time in the precision of the stores.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
