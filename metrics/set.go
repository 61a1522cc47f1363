package metrics

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
)

// Set is a set of counts. Make one with [New], for one Manager or for several whose counts are to be added up. To count
// takes no lock and allocates nothing. It is safe for concurrent use.
type Set struct {
	born   time.Time
	list   []*counter
	events map[labels]*counter
	calls  [methods]calls
	hashes [2]histogram // by Hash, by Verify

	mu       sync.Mutex
	managers []*auth.Manager
	queues   []Queue
}

// labels are those of an event.
type labels struct{ event, reason string }

type counter struct {
	labels
	n atomic.Int64
}

// New returns a Set in which nothing is counted yet.
func New() *Set {
	s := &Set{born: time.Now(), events: map[labels]*counter{}}
	for _, event := range events() {
		for _, reason := range reasons(event) {
			c := &counter{labels: labels{event, reason}}
			s.list, s.events[c.labels] = append(s.list, c), c
		}
	}
	return s
}

// clock returns the age of s: time.Since asks for one clock, where time.Now asks for two.
func (s *Set) clock() time.Duration { return time.Since(s.born) }

// Hooks returns what counts events: it belongs into auth.Config.Hooks.
func (s *Set) Hooks() auth.Hooks {
	return auth.Hooks{Event: func(_ context.Context, e auth.Event) {
		event, reason := Labels(e)
		s.events[labels{event, reason}].n.Add(1)
	}}
}

// Watch shows from now on how busy the seats of m are; nil does nothing. If several Managers are watched their seats are added up.
func (s *Set) Watch(m *auth.Manager) {
	if m == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.managers = append(s.managers, m)
}

// Queue is where mails wait to be sent. An *email.Links is one. It is safe for concurrent use.
type Queue interface {
	// Queued returns how many mails wait, and for how many there is room.
	Queued() (mails, room int)
}

// WatchMails shows from now on how many mails wait in q; nil does nothing. If several queues are watched they are added up.
func (s *Set) WatchMails(q Queue) {
	if q == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues = append(s.queues, q)
}

// hashLoad adds up what the Managers say; it reports false if there is none.
func (s *Set) hashLoad() (sum auth.HashLoad, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.managers {
		l := m.HashLoad()
		sum.Seats, sum.Used, sum.Waiting = sum.Seats+l.Seats, sum.Used+l.Used, sum.Waiting+l.Waiting
	}
	return sum, len(s.managers) > 0
}

// queued adds up what the queues say; it reports false if there is none.
func (s *Set) queued() (mails, room int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		m, r := q.Queued()
		mails, room = mails+m, room+r
	}
	return mails, room, len(s.queues) > 0
}
