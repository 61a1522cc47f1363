package email

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Why a mail is not sent.
var (
	errFull   = errors.New("email: the queue is full")
	errClosed = errors.New("email: closed")
)

const (
	atOnce    = 4                // mails are sent at a time
	sendFor   = time.Minute      // one try may take
	firstWait = 10 * time.Second // before the second try, then four times as long each
)

// queue sends mails in the background. Each mail that it holds is a goroutine.
type queue struct {
	mailer Mailer
	tries  int
	lost   func(*Message, error) // told of every mail that was not sent

	room  chan struct{} // holds one for every mail
	lines chan struct{} // holds one for every mail that is being sent
	hurry chan struct{} // closed: there is no time to wait
	ctx   context.Context
	stop  context.CancelFunc

	mu     sync.Mutex
	closed bool
	mails  sync.WaitGroup
}

func newQueue(mailer Mailer, size, tries int, lost func(*Message, error)) *queue {
	q := &queue{
		mailer: mailer, tries: tries, lost: lost,
		room: make(chan struct{}, size), lines: make(chan struct{}, atOnce), hurry: make(chan struct{}),
	}
	q.ctx, q.stop = context.WithCancel(context.Background())
	return q
}

// add takes over m, and never waits.
func (q *queue) add(m *Message) {
	if err := q.accept(m); err != nil {
		q.lost(m, err)
	}
}

func (q *queue) accept(m *Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	select {
	case q.room <- struct{}{}:
	default:
		return errFull
	}
	q.mails.Go(func() {
		defer func() { <-q.room }()
		if err := q.deliver(m); err != nil {
			q.lost(m, err)
		}
	})
	return nil
}

// deliver tries to send m until that succeeds, or has failed often enough.
func (q *queue) deliver(m *Message) error {
	wait := firstWait
	for left := q.tries; ; wait *= 4 {
		err := q.send(m)
		if left--; err == nil || left <= 0 {
			return err
		}
		if !q.pause(wait) {
			left = 1
		}
	}
}

// pause reports whether there was time to wait.
func (q *queue) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-q.hurry:
		return false
	}
}

func (q *queue) send(m *Message) (err error) {
	select {
	case q.lines <- struct{}{}:
		defer func() { <-q.lines }()
	case <-q.ctx.Done():
	}
	if q.ctx.Err() != nil {
		return errClosed
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("email: panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(q.ctx, sendFor)
	defer cancel()
	if err = q.mailer.Send(ctx, m); err != nil && q.ctx.Err() != nil {
		return fmt.Errorf("%w: %v", errClosed, err) // %v: this is a loss, and no request that was cancelled
	}
	return err
}

// close sends what there is, without waiting between tries, and gives up when ctx ends.
func (q *queue) close(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.hurry)
	}
	q.mu.Unlock()
	done := make(chan struct{})
	go func() {
		q.mails.Wait()
		q.stop()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		q.stop()
		return fmt.Errorf("email: mails were not sent: %w", ctx.Err())
	}
}
