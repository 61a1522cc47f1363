// Package leakmail lets a [leak.Watch] look at mails. It is apart from that, for tests that send none, and so do not
// have to link what sends them.
package leakmail

import (
	"context"
	"html"
	"regexp"

	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/internal/leak"
)

var token = regexp.MustCompile(`[?&]token=([^&\s"'<>]+)`)

// Watch lets w see what is sent by next: the tokens in links are secrets.
func Watch(w *leak.Watch, next email.Mailer) email.Mailer { return mailer{w, next} }

type mailer struct {
	watch *leak.Watch
	next  email.Mailer
}

// Send implements email.Mailer.
func (m mailer) Send(ctx context.Context, mail *email.Message) error {
	for _, found := range token.FindAllStringSubmatch(mail.Text+"\n"+html.UnescapeString(mail.HTML), -1) {
		m.watch.Secret(found[1])
	}
	err := m.next.Send(ctx, mail)
	m.watch.Error(err)
	return err
}
