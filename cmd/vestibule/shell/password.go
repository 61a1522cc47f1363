package shell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

func (o *operator) create() *cli.Command {
	flags := append([]cli.Flag{
		&cli.BoolFlag{Name: "stdin", Usage: "read the password from the standard input, one line"},
		&cli.BoolFlag{Name: "confirmed", Usage: "the address is known to be the user's: count it as confirmed"},
	}, o.mailFlags()...)
	return o.command("create", "make a user", "EMAIL", `
It asks for a password, which has to be one that the policy accepts. With -mail nobody but the user ever knows one: the
user gets a link by which to choose it.

  vestibule users create ann@example.com
  vestibule users create ann@example.com -stdin < password.txt
  vestibule users create ann@example.com -mail env:SHOP_MAIL -base-url https://shop.example`,
		o.createUser, flags...)
}

func (o *operator) setPassword() *cli.Command {
	flags := append([]cli.Flag{
		&cli.BoolFlag{Name: "stdin", Usage: "read the password from the standard input, one line"},
	}, o.mailFlags()...)
	return o.command("set-password", "give a user another password, or mail them a link to choose one", "EMAIL", `
It asks twice and shows nothing. All sessions of the user end. With -mail the user gets a link by which to choose a
password, and the old one counts until then; with -mail dir:PATH the mail is written to a file.

  vestibule users set-password ann@example.com
  vestibule users set-password ann@example.com -stdin < password.txt
  vestibule users set-password ann@example.com -mail dir:outbox -base-url http://localhost:8080`,
		o.onUser(o.setUserPassword), flags...)
}

// mailFlags are none where there is nothing to send mails with.
func (o *operator) mailFlags() []cli.Flag {
	switch {
	case o.app.Mail != nil:
		return []cli.Flag{&cli.BoolFlag{Name: "mail", Usage: "mail the user a link to choose a password"}}
	case o.app.OpenMailer != nil:
		return []cli.Flag{
			&cli.StringFlag{Name: "mail", Sources: cli.ValueSourceChain{},
				Usage: "mail the user a link to choose a password, by `WHERE`: dir:PATH writes a file, smtp://USER:PASSWORD@HOST:PORT or smtps://… sends it, env:NAME is what this variable of the environment says"},
			&cli.StringFlag{Name: "mail-from",
				Usage: "the `SENDER` of the mail, such as \"The Shop <noreply@shop.example>\"; without it noreply at the host of -base-url"},
		}
	}
	return nil
}

func (o *operator) createUser(ctx context.Context, cmd *cli.Command, args []string) error {
	if err := o.ready(ctx, cmd); err != nil {
		return err
	}
	m, err := o.managed(cmd)
	if err != nil {
		return err
	}
	f := &auth.SignupForm{Email: args[0]}
	if err := o.known(ctx, f.Email); err != nil { // before anybody types a password
		return err
	}
	links, err := o.links(cmd, m)
	if err != nil {
		return err
	}
	if links != nil {
		f.Password = rand.Text() + rand.Text() // nobody gets to know it
		f.Confirm = f.Password
	} else if f.Password, f.Confirm, err = o.newPassword(ctx, cmd.Bool("stdin")); err != nil {
		return err
	}
	u, err := m.Signup(ctx, f)
	if err != nil {
		return err
	}
	s := &subject{User: u, m: m}
	if cmd.Bool("confirmed") {
		if err := o.update(ctx, s, email.EventConfirmed, func(u *auth.User) { u.Confirmed = now() }); err != nil {
			return fmt.Errorf("%s was made, but not confirmed: %w", u.Email, err)
		}
	}
	if links != nil {
		if err := o.mail(ctx, links, u); err != nil {
			return fmt.Errorf("%s was made, but: %w", u.Email, err)
		}
		return o.report("create", u, "%s was made, and gets a mail with a link to choose a password.", u.Email)
	}
	return o.report("create", u, "%s was made, with the ID %s.", u.Email, u.ID)
}

// known returns an error if the address cannot be that of a new user.
func (o *operator) known(ctx context.Context, address string) error {
	canonical, err := auth.CanonicalEmail(address)
	if err != nil {
		return usage("%q is not an email address", address)
	}
	_, err = o.store().UserByLogin(ctx, canonical)
	switch {
	case err == nil:
		return fmt.Errorf("there is a user %s already", canonical)
	case errors.Is(err, auth.ErrNotFound):
		return nil
	}
	return err
}

func (o *operator) setUserPassword(ctx context.Context, cmd *cli.Command, s *subject) error {
	links, err := o.links(cmd, s.m)
	if err != nil {
		return err
	}
	if links != nil {
		if !s.Disabled.IsZero() {
			links.Close(ctx)
			return fmt.Errorf("%s is disabled, and gets no mail", s.Email)
		}
		if err := o.mail(ctx, links, s.User); err != nil {
			return err
		}
		return o.report("mail", s.User, "%s gets a mail with a link to choose a password.", s.Email)
	}
	password, again, err := o.newPassword(ctx, cmd.Bool("stdin"))
	if err != nil {
		return err
	}
	if err := s.m.CheckPassword(&auth.PasswordForm{Password: password, Confirm: again}, s.Email); err != nil {
		return err
	}
	if err := s.m.SetPassword(ctx, s.User, password); err != nil {
		return err
	}
	return o.report("set-password", s.User, "%s has a new password. All sessions have ended.", s.Email)
}

// links returns what mails links, or nil if the flags do not ask for a mail.
func (o *operator) links(cmd *cli.Command, m *auth.Manager) (*email.Links, error) {
	if o.app.Mail != nil {
		if !cmd.Bool("mail") {
			return nil, nil
		}
		c := *o.app.Mail
		c.Tries = 1
		return email.New(m, o.store(), &c)
	}
	where := cmd.String("mail")
	if where == "" {
		return nil, nil
	}
	if m.BaseURL() == placeholder && cmd.String("base-url") == "" {
		return nil, usage("-mail needs -base-url: the link in the mail begins with it")
	}
	from := cmd.String("mail-from")
	if from == "" {
		from = sender(m.BaseURL())
	} else if _, err := mail.ParseAddress(from); err != nil {
		return nil, usage("-mail-from %q is not an address such as %q", from, "The Shop <noreply@shop.example>")
	}
	mailer, err := o.app.OpenMailer(where, from)
	if err != nil {
		return nil, err
	}
	return email.New(m, o.store(), &email.Config{Mailer: mailer, Tries: 1})
}

// sender returns who mails of an application at that address are from.
func sender(baseURL string) string {
	u, _ := url.Parse(baseURL) // auth.New has parsed it
	host := u.Hostname()
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		host = "localhost.localdomain" // a sender has to have a domain
	}
	return "noreply@" + host
}

// mail sends u a link to choose a password, and returns an error unless it is on its way.
func (o *operator) mail(ctx context.Context, links *email.Links, u *auth.User) error {
	o.tellFailures()
	err := links.Forgot(ctx, &auth.LoginForm{Email: u.Email})
	if closed := links.Close(ctx); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	asked := false
	for _, e := range o.events {
		switch {
		case e.Name == auth.EventFailure && strings.HasPrefix(e.Reason, "send mail"):
			o.events = nil
			return fmt.Errorf("the mail was not sent: %w", e.Err)
		case e.Name == email.EventAsked && e.UserID == u.ID:
			asked = true
		}
	}
	if !asked {
		return errors.New("no mail was sent: there were too many to this address of late; those sent before still work")
	}
	return nil
}
