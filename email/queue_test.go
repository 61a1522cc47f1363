package email_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
)

// failures returns what was recorded of mails that were not sent.
func (s *site) failures() (errs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Name == auth.EventFailure && strings.HasPrefix(e.Reason, "send mail: ") && e.UserID != "" {
			errs = append(errs, e.Err.Error())
		}
	}
	return errs
}

// A mail is tried five times in 14 minutes, and then an event says that it is lost.
func TestRetries(t *testing.T) {
	for _, test := range []struct{ fails, mails, lost int }{{4, 1, 0}, {5, 0, 1}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, 0, nil)
			s.user(confirmed)
			s.out.fails = test.fails
			begin := time.Now()
			if err := forgot(s); err != nil || !time.Now().Equal(begin) {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
			time.Sleep(849 * time.Second)
			synctest.Wait()
			if s.out.tries() != 4 || len(s.failures()) != 0 {
				t.Errorf("%d tries, %v", s.out.tries(), s.failures())
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if s.out.tries() != 5 || len(s.out.sent()) != test.mails || len(s.failures()) != test.lost {
				t.Errorf("%d tries, %d mails, %v", s.out.tries(), len(s.out.sent()), s.failures())
			}
			time.Sleep(24 * time.Hour)
			if s.out.tries() != 5 {
				t.Errorf("%d tries", s.out.tries())
			}
		})
	}
}

// stuck is a Mailer that hangs until it is freed, or ctx ends.
type stuck struct {
	free chan bool
	mu   sync.Mutex
	now  int // being sent
	most int
	sent int
}

func (m *stuck) Send(ctx context.Context, _ *email.Message) error {
	m.mu.Lock()
	m.now++
	m.most = max(m.most, m.now)
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.now--; m.mu.Unlock() }()
	select {
	case <-m.free:
		m.mu.Lock()
		m.sent++
		m.mu.Unlock()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// peak returns how many mails were being sent at a time.
func (m *stuck) peak() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most
}

// A mail server that hangs keeps nobody waiting, and takes neither more than four connections nor
// more mails than the queue holds.
func TestHangingServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mailer := &stuck{free: make(chan bool)}
		s := newSite(t, 0, func(c *email.Config) { c.Mailer, c.QueueSize = mailer, 10 })
		begin := time.Now()
		for n := range 12 {
			u := authtest.User(t, s.m, fmt.Sprintf("user%d@example.com", n))
			if err := s.links.Forgot(t.Context(), &auth.LoginForm{Email: u.Email}); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if d := time.Since(begin); d != 0 || mailer.peak() != 4 {
			t.Errorf("%v, %d at a time", d, mailer.peak())
		}
		if mails, room := s.links.Queued(); mails != 10 || room != 10 {
			t.Errorf("%d mails are queued, there is room for %d", mails, room)
		}
		if lost := s.failures(); len(lost) != 2 || lost[0] != "email: the queue is full" {
			t.Errorf("lost: %q", lost)
		}
		close(mailer.free)
		if err := s.links.Close(t.Context()); err != nil || mailer.sent != 10 {
			t.Errorf("%v, %d sent", err, mailer.sent)
		}
	})
}

// One try takes a minute at most.
func TestSendingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mailer := &stuck{free: make(chan bool)}
		s := newSite(t, 0, func(c *email.Config) { c.Mailer, c.Tries = mailer, 1 })
		s.user(confirmed)
		if err := forgot(s); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute + time.Second)
		if lost := s.failures(); len(lost) != 1 {
			t.Errorf("lost: %q", lost)
		}
	})
}

// panics is a Mailer that does.
type panics struct{}

func (panics) Send(context.Context, *email.Message) error { panic("oh") }

func TestPanickingMailer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 0, func(c *email.Config) { c.Mailer = panics{} })
		s.user(confirmed)
		if err := forgot(s); err != nil {
			t.Error(err)
		}
		s.links.Close(t.Context())
		if lost := s.failures(); len(lost) != 1 || lost[0] != "email: panic: oh" {
			t.Errorf("lost: %q", lost)
		}
	})
}

// Close sends what waits, at once, and loses nothing in silence. A bubble ends only when no
// goroutine is left.
func TestClose(t *testing.T) {
	t.Run("what waits is tried once more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, 0, nil)
			s.user(confirmed)
			s.out.fails = 1
			if err := forgot(s); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			begin := time.Now()
			if err := s.links.Close(t.Context()); err != nil || len(s.out.sent()) != 1 || !time.Now().Equal(begin) {
				t.Errorf("%v, %d mails after %v", err, len(s.out.sent()), time.Since(begin))
			}
			if err := forgot(s); err != nil {
				t.Error(err)
			}
			if lost := s.failures(); len(lost) != 1 || lost[0] != "email: closed" {
				t.Errorf("lost: %q", lost)
			}
			if err := s.links.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("it is given up in the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, 0, func(c *email.Config) { c.Mailer = &stuck{free: make(chan bool)} })
			s.user(confirmed)
			if err := forgot(s); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begin := time.Now()
			if err := s.links.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 10*time.Second {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
			synctest.Wait()
			if lost := s.failures(); len(lost) != 1 || !strings.Contains(s.recorded.String(), "level=ERROR") {
				t.Errorf("lost: %q", lost)
			}
		})
	})
}
