package auth

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// ErrBusy reports that the server has more passwords to check than it can, and
// that this one waited in vain. [Status] makes 503 of it.
var ErrBusy = errors.New("auth: too busy to check passwords")

// seats bound how many passwords are hashed at once, and how many wait: a storm
// of logins must not starve everyone else of the processor.
//
// While anybody waits, each seat is one goroutine, which calls one after the other. To hand the seat
// on to the next goroutine would have the scheduler look for a thread each time, of
// which pages that are asked for meanwhile get the worst.
type seats struct {
	wait time.Duration // for a seat
	all  int           // seats there are
	most int           // turns that wait

	mu    sync.Mutex
	free  int
	queue []*turn // first come, first served
}

// turn is a call of do.
type turn struct {
	f      func()
	done   chan struct{} // closed when f has returned, or panicked
	failed any           // what f panicked with, or errEnded
}

// maxWaiting is how many may wait for one seat. No more could be served in the
// two seconds of the default wait even at bcrypt's lowest cost here, 10.
const maxWaiting = 64

func newSeats(n int, wait time.Duration) *seats {
	if n == 0 {
		n = min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
	}
	return &seats{wait: wait, all: n, most: maxWaiting * n, free: n}
}

// HashLoad is how busy the seats for hashing are: see Config.HashSeats.
type HashLoad struct {
	Seats   int // how many there are
	Used    int // how many hash a password
	Waiting int // how many passwords wait for a seat
}

// HashLoad returns how busy the seats for hashing are at this moment. It waits for nothing, and is meant for what watches the
// application, such as package metrics. It is safe for concurrent use.
func (m *Manager) HashLoad() HashLoad {
	s := m.seats
	s.mu.Lock()
	defer s.mu.Unlock()
	return HashLoad{Seats: s.all, Used: s.all - s.free, Waiting: len(s.queue)}
}

// do has f called from a seat. It returns ErrBusy if none became free in time, or
// the context's error if that ended first; then f is not called.
func (s *seats) do(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &turn{f: f, done: make(chan struct{})}
	if !s.enter(t) {
		return ErrBusy
	}
	if err := s.await(ctx, t); err != nil && s.leave(t) {
		return err
	}
	<-t.done
	if t.failed != nil {
		panic(t.failed)
	}
	return nil
}

// enter gives t a seat, or a place in the queue. It reports false if there is neither.
func (s *seats) enter(t *turn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.free > 0:
		s.free--
		go s.work(t)
	case len(s.queue) < s.most:
		s.queue = append(s.queue, t)
	default:
		return false
	}
	return true
}

// await waits until t is done, or may be waited for no longer.
func (s *seats) await(ctx context.Context, t *turn) error {
	late := time.NewTimer(s.wait)
	defer late.Stop()
	select {
	case <-t.done:
		return nil
	case <-late.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives up the place of t in the queue. It reports false if t has a seat already.
func (s *seats) leave(t *turn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, t)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	return true
}

// work is what a seat does until nobody waits for it.
func (s *seats) work(t *turn) {
	defer func() {
		if t != nil { // f has ended this goroutine
			if t = s.next(); t != nil {
				go s.work(t)
			}
		}
	}()
	for t != nil {
		t.call()
		t = s.next()
	}
}

// next returns whose turn it is, or nil: then the seat is free.
func (s *seats) next() *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.free++
		return nil
	}
	t := s.queue[0]
	s.queue = slices.Delete(s.queue, 0, 1)
	return t
}

// errEnded is what a turn has failed with whose f neither returned nor panicked.
var errEnded = errors.New("auth: Hasher has ended its goroutine")

func (t *turn) call() {
	defer close(t.done)
	t.failed = errEnded
	defer func() {
		if p := recover(); p != nil {
			t.failed = p
		}
	}()
	t.f()
	t.failed = nil
}
