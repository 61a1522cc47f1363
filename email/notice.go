package email

import (
	"context"
	"errors"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/throttle"
)

// Users are told by mail what was done to their accounts: whoever did it had the password or a session, and
// may have stolen them (OWASP ASVS 5.0, 6.3.7; NIST SP 800-63B-4, section 4.6).

// ChangePassword is Manager.ChangePassword, and tells u by mail.
func (l *Links) ChangePassword(ctx context.Context, u *auth.User, f *auth.PasswordForm) error {
	return l.telling(ctx, u, KindPasswordChanged, func() error { return l.m.ChangePassword(ctx, u, f) })
}

// DeleteAccount is Manager.DeleteAccount, and tells u by mail, to the address that the account had.
func (l *Links) DeleteAccount(ctx context.Context, u *auth.User) error {
	return l.telling(ctx, u, KindDeleted, func() error { return l.m.DeleteAccount(ctx, u) })
}

// telling calls do, and tells who u was before, unless that fails.
func (l *Links) telling(ctx context.Context, u *auth.User, kind string, do func() error) error {
	var before *auth.User
	if u != nil {
		was := *u
		before = &was
	}
	err := do()
	if err == nil {
		l.Notify(ctx, before, kind)
	}
	return err
}

var (
	errAddress = errors.New("email: not an address")
	errWords   = errors.New("email: nothing is written")
)

// Notify sends a notice of that kind to u.Email: one of those that have no Link, or another that Config.Write
// knows. It neither waits nor fails: an event tells of a notice that is not sent.
//
// Notices count against no limit, since their number is that of what has been done. But an address that was never confirmed
// may be a stranger's, whom nobody must be able to flood, and whoever knows a password can log in as often as they like, and
// bury under notices of that what else the user is told: then there are as many as of other mails.
func (l *Links) Notify(ctx context.Context, u *auth.User, kind string) {
	if u == nil {
		return
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	if limited := u.Confirmed.IsZero() || kind == KindNewBrowser; limited && l.m.Limit(ctx, throttle.Mail, mailKey(u.Email, kind, u)) != nil {
		return // Limit has recorded why
	}
	m := l.write(ctx, Letter{Kind: kind})
	m.To, m.UserID = u.Email, u.ID
	if address, err := auth.CanonicalEmail(u.Email); err != nil || address != u.Email {
		l.lost(m, errAddress)
		return
	}
	if m.Subject == "" && m.Text == "" {
		l.lost(m, errWords)
		return
	}
	l.m.Record(ctx, auth.Event{Name: EventNotified, UserID: u.ID, Reason: kind})
	l.queue.add(m)
}
