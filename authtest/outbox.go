package authtest

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth/email"
)

// Outbox is an email.Mailer that keeps the mails for the test:
//
//	var out authtest.Outbox
//	links, err := email.New(m, store, &email.Config{Mailer: &out})
//	…
//	c.Get(out.Link(out.Wait(t, "ann@example.com", email.KindReset)))
//
// The zero Outbox is ready for use, and safe for concurrent use. It works in a bubble of testing/synctest.
type Outbox struct {
	mu    sync.Mutex
	mails []email.Message
	taken []bool        // whether Wait has returned that mail
	more  chan struct{} // closed by the next Send, if somebody waits
}

// Send implements email.Mailer. It never fails.
func (o *Outbox) Send(_ context.Context, m *email.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails, o.taken = append(o.mails, *m), append(o.taken, false)
	if o.more != nil {
		close(o.more)
		o.more = nil
	}
	return nil
}

// Messages returns all mails so far, the first first.
func (o *Outbox) Messages() []email.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.mails)
}

// patience is how long Wait waits. Mails are sent in the background, but nothing is slow about it.
const patience = 5 * time.Second

// Wait returns the first mail of that kind to that address that it has not returned before. It waits for
// it, and fails the test if none has come after five seconds.
func (o *Outbox) Wait(t testing.TB, to, kind string) *email.Message {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		m, more := o.take(to, kind)
		if m != nil {
			return m
		}
		select {
		case <-more:
		case <-late.C:
			t.Fatalf("authtest: no mail %q to %s; there are %q", kind, to, o.summary())
			return nil
		}
	}
}

// take returns a mail, or what to wait for.
func (o *Outbox) take(to, kind string) (*email.Message, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, m := range o.mails {
		if !o.taken[i] && m.To == to && m.Kind == kind {
			o.taken[i] = true
			return &m, nil
		}
	}
	if o.more == nil {
		o.more = make(chan struct{})
	}
	return nil, o.more
}

// summary says which mails there are, without the links in them.
func (o *Outbox) summary() (list []string) {
	for _, m := range o.Messages() {
		list = append(list, m.Kind+" to "+m.To)
	}
	return list
}

var links = regexp.MustCompile(`https?://\S+[?&]token=\S+`)

// Link returns the path and query of the link in m, for Client.Get, or "" if there is none.
func (o *Outbox) Link(m *email.Message) string {
	u, err := url.Parse(links.FindString(m.Text))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.RequestURI()
}
