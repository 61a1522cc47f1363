// Package audit keeps what happened to an account, for its user to look at and for whoever helps them: a trail of
// logins, failures and changes, in the store that has the accounts.
//
//	trail, err := audit.New(store, nil)
//	…
//	m, err := auth.New(store, &auth.Config{…, Hooks: []auth.Hooks{trail.Hooks()}})
//	…
//	trail.Attach(m)
//	…
//	entries, next, err := trail.Page(ctx, user.ID, "", 20)
//
// It is a feature like others, and joins by auth.Hooks and auth.CredentialStore: one credential for each user and
// day, of a kind for each month. Such a credential lets nobody act as anybody.
//
// What happens is written in the background, in order. So the answer to a login does not tell by its time whether
// there is an account whose trail it goes to, and neither a slow store nor a broken one keeps anybody out. What cannot
// be written is an auth.EventFailure. Events without a user, such as a login by an unknown address, are in the log only.
package audit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
)

// Config adjusts a [Trail]. The zero value of every field is a good default.
type Config struct {
	// Keep is how long an entry is kept; zero means 365 days (PCI DSS 4.0.1, requirement 10.5.1, asks for 12
	// months), less than one day is refused. Entries are kept by the day, in UTC: one of this morning is there
	// for Keep from tomorrow's beginning.
	Keep time.Duration

	// PerDay is how many entries of one name are kept of a user and a day; zero means 20. What comes on top is
	// counted: see Entry.More. So an attack neither fills the store, nor buries what else
	// happened, whose entries have other names.
	PerDay int

	// Events chooses what is kept, among the events that have a user; nil means Concerns. Two are never kept, whatever it says:
	// auth.EventFailure, or else a store that fails would be asked to keep that, and auth.EventDeleted,
	// with which the trail ends. It must not block.
	Events func(auth.Event) bool

	// QueueSize is how many entries wait to be written at most; zero means 1,000. What comes on top is
	// lost, with an auth.EventFailure.
	QueueSize int
}

// Concerns reports whether an event tells a user something about their account. It is what Config.Events is by
// default: true for all names, those of the application and of features to come included, but for those which tell
// of requests and not of accounts, and for what only operators can do something about.
func Concerns(e auth.Event) bool {
	switch e.Name {
	case auth.EventHashUpgraded, auth.EventDenied, auth.EventSessionRejected, auth.EventCSRFRefused,
		auth.EventThrottled, auth.EventBusy, auth.EventFailure, auth.EventDeleted, notified:
		return false
	}
	return true
}

// notified is email.EventNotified: a mail about an event that is kept itself.
const notified = "user_notified"

// Trail keeps entries, and shows them. Make one with [New], and Close it in the end. It is safe for concurrent use, and
// any number of them, in as many processes, may write to one store.
type Trail struct {
	store   auth.CredentialStore
	cfg     Config // complete
	queue   queue
	manager atomic.Pointer[auth.Manager]
}

// New returns a Trail that keeps its entries in store: the one that the Manager has, or another. To look at a trail it
// needs no more. It returns an error that names every field of cfg that cannot work.
func New(store auth.CredentialStore, cfg *Config) (*Trail, error) {
	t := &Trail{store: store}
	if cfg != nil {
		t.cfg = *cfg
	}
	if faults := t.check(); len(faults) > 0 {
		return nil, fmt.Errorf("audit: cannot work with this Config:\n%w", errors.Join(faults...))
	}
	t.queue.size, t.queue.write = t.cfg.QueueSize, t.write
	t.queue.ctx, t.queue.stop = context.WithCancel(context.Background())
	return t, nil
}

// check completes t.cfg.
func (t *Trail) check() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if t.store == nil {
		fault("store is nil")
	}
	c := &t.cfg
	if c.Keep == 0 {
		c.Keep = 365 * day
	}
	if c.Keep < day {
		fault("Keep is %v, less than a day", c.Keep)
	}
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"PerDay", &c.PerDay, 20}, {"QueueSize", &c.QueueSize, 1000}} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < 0 {
			fault("%s is negative", n.name)
		}
	}
	if c.Events == nil {
		c.Events = Concerns
	}
	return faults
}

// Attach has t tell m of what it cannot write, as an auth.EventFailure with the reason "audit trail". Until then, and
// without it, such a failure is in slog.Default only, and no auth.Hooks.Event hears of it.
func (t *Trail) Attach(m *auth.Manager) { t.manager.Store(m) }

// Hooks returns what connects t with a Manager: put it into auth.Config.Hooks. It keeps entries, removes those of
// accounts that are deleted, and adds "history" to what auth.Manager.Export returns.
func (t *Trail) Hooks() auth.Hooks {
	return auth.Hooks{Event: t.event, Export: t.export}
}

// event takes note of e.
func (t *Trail) event(ctx context.Context, e auth.Event) {
	switch {
	case e.UserID == "" || e.Name == auth.EventFailure:
	case e.Name == auth.EventDeleted:
		t.enqueue(&note{userID: e.UserID, gone: true})
	case t.cfg.Events(e):
		t.enqueue(&note{userID: e.UserID, entry: entryOf(ctx, e)})
	}
}

func (t *Trail) enqueue(n *note) {
	if err := t.queue.add(n); err != nil {
		t.lost(n, err)
	}
}

func (t *Trail) export(ctx context.Context, u *auth.User) (name string, data any, err error) {
	all := []Entry{} // a list also if it is empty
	err = t.walk(ctx, u.ID, newest, func(e Entry, _ position) bool {
		all = append(all, e)
		return true
	})
	return "history", all, err
}

// Close waits until what has happened is written. When ctx ends it gives up the rest, each with an
// auth.EventFailure, and returns an error. Call it when the server has shut down, before the store is
// closed: what happens afterwards is not kept, with an auth.EventFailure.
func (t *Trail) Close(ctx context.Context) error { return t.queue.close(ctx) }
