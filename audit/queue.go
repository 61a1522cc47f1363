package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Why an entry is not kept.
var (
	errFull   = errors.New("audit: the queue is full")
	errClosed = errors.New("audit: closed")
)

// A note is something to be written down of a user.
type note struct {
	userID string
	entry  Entry
	gone   bool // the account is deleted
}

// batch is what is written together.
type batch struct {
	notes []*note
	done  chan struct{} // closed when they are
}

// queue has notes written in the background, in order, by a goroutine that is there while there are any.
type queue struct {
	size  int
	write func(context.Context, []*note)
	ctx   context.Context // of what is written
	stop  context.CancelFunc

	mu      sync.Mutex
	waiting *batch // nil: none
	writing *batch // nil: none
	closed  bool
}

// add takes n over, and never waits.
func (q *queue) add(n *note) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	if q.waiting == nil {
		q.waiting = &batch{done: make(chan struct{})}
	}
	if len(q.waiting.notes) >= q.size {
		return errFull
	}
	q.waiting.notes = append(q.waiting.notes, n)
	if q.writing == nil {
		go q.run(q.next())
	}
	return nil
}

// next makes what is waiting what is written, and returns it. The lock is held.
func (q *queue) next() *batch {
	q.writing, q.waiting = q.waiting, nil
	return q.writing
}

// run writes b, and what has come meanwhile, until nothing is left.
func (q *queue) run(b *batch) {
	for b != nil {
		q.write(q.ctx, b.notes)
		close(b.done)
		q.mu.Lock()
		b = q.next() // once it is nil another goroutine may begin
		q.mu.Unlock()
	}
}

// wait returns when everything that was added before is written, or ctx ends.
func (q *queue) wait(ctx context.Context) error {
	q.mu.Lock()
	last := q.writing
	if q.waiting != nil {
		last = q.waiting
	}
	q.mu.Unlock()
	if last == nil {
		return nil
	}
	select {
	case <-last.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queue) close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	err := q.wait(ctx)
	q.stop() // also where it has been written already
	if err != nil {
		return fmt.Errorf("audit: entries were not written: %w", err)
	}
	return nil
}
