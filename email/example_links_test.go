package email_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"strings"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
)

// cheap is the least that auth.New accepts, so that examples are quick. Without a Hasher hashes cost four times as much.
const cheap = auth.Bcrypt(10)

// inbox is a Mailer that keeps the mails for the example.
type inbox chan *email.Message

// Send implements email.Mailer.
func (i inbox) Send(_ context.Context, m *email.Message) error {
	i <- m
	return nil
}

// token waits for a mail, says which it is, and returns the token of the link in it.
func (i inbox) token() string {
	m := <-i
	fmt.Println("Mail to", m.To+":", m.Subject)
	for line := range strings.Lines(m.Text) {
		if u, err := url.Parse(strings.TrimSpace(line)); err == nil && u.Query().Has("token") {
			return u.Query().Get("token")
		}
	}
	return ""
}

// member signs a user up who has confirmed the address.
func member(m *auth.Manager, links *email.Links, mails inbox) *auth.User {
	ctx := context.Background()
	f := &auth.SignupForm{Email: "ann@example.com", Password: "window tractor ocean violin", Confirm: "window tractor ocean violin"}
	if err := links.Signup(ctx, f); err != nil {
		log.Fatal(err)
	}
	u, err := links.Confirm(ctx, mails.token(), &auth.LoginForm{Password: "window tractor ocean violin"})
	if err != nil {
		log.Fatal(err)
	}
	return u
}

// A forgotten password is replaced by a link in a mail. The forms are those that pages ask for: package pages has them.
func ExampleLinks_Reset() {
	store, mails := memstore.New(), make(inbox, 10)
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: mails, SiteName: "The Shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer links.Close(context.Background())
	member(m, links, mails)

	ctx := context.Background()
	fmt.Println(links.Forgot(ctx, &auth.LoginForm{Email: "bea@example.com"})) // has no account, and gets the same answer
	fmt.Println(links.Forgot(ctx, &auth.LoginForm{Email: "ann@example.com"}))
	token := mails.token()

	form := &auth.PasswordForm{Password: "password", Confirm: "password"}
	fmt.Println(links.Reset(ctx, token, form)) // the link is still good
	form = &auth.PasswordForm{Password: "ferry copper museum lantern", Confirm: "ferry copper museum lantern"}
	fmt.Println(links.Reset(ctx, token, form))
	mails.token() // a notice
	fmt.Println(errors.Is(links.Reset(ctx, token, form), email.ErrLink))

	u, err := m.Authenticate(ctx, &auth.LoginForm{Email: "ann@example.com", Password: "ferry copper museum lantern"})
	fmt.Println(u.Email, err)
	// Output:
	// Mail to ann@example.com: Please confirm your address for The Shop
	// <nil>
	// <nil>
	// Mail to ann@example.com: A new password for The Shop
	// auth: form refused; password: too_short
	// <nil>
	// Mail to ann@example.com: Your password for The Shop was changed
	// true
	// ann@example.com <nil>
}

// Users who change their password are told by mail, so that they learn of it if it was somebody else.
func ExampleLinks_ChangePassword() {
	store, mails := memstore.New(), make(inbox, 10)
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: mails, SiteName: "The Shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer links.Close(context.Background())
	ann := member(m, links, mails)

	form := &auth.PasswordForm{Current: "window tractor ocean", Password: "ferry copper museum lantern", Confirm: "ferry copper museum lantern"}
	fmt.Println(links.ChangePassword(context.Background(), ann, form))
	form = &auth.PasswordForm{Current: "window tractor ocean violin", Password: "ferry copper museum lantern", Confirm: "ferry copper museum lantern"}
	fmt.Println(links.ChangePassword(context.Background(), ann, form))
	mails.token()
	// Output:
	// Mail to ann@example.com: Please confirm your address for The Shop
	// auth: form refused; current: wrong
	// <nil>
	// Mail to ann@example.com: Your password for The Shop was changed
}

// Another address takes the place of the old one when its reader gives the account's password. The old one is told.
func ExampleLinks_SendChange() {
	store, mails := memstore.New(), make(inbox, 10)
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	links, err := email.New(m, store, &email.Config{Mailer: mails, SiteName: "The Shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer links.Close(context.Background())
	ann := member(m, links, mails)

	ctx := context.Background()
	fmt.Println(links.SendChange(ctx, ann, &auth.LoginForm{Email: "ann@example.org"}))
	token := mails.token()
	asked, err := links.Confirmation(ctx, token) // for the page behind the link, which asks for the password
	fmt.Println(asked.User.Email, "to", asked.Email, err)
	ann, err = links.Confirm(ctx, token, &auth.LoginForm{Password: "window tractor ocean violin"})
	fmt.Println(ann.Email, err)
	mails.token()
	// Output:
	// Mail to ann@example.com: Please confirm your address for The Shop
	// <nil>
	// Mail to ann@example.org: Please confirm your new address for The Shop
	// ann@example.com to ann@example.org <nil>
	// ann@example.org <nil>
	// Mail to ann@example.com: Your address for The Shop was changed
}
