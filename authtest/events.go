package authtest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/vestibule-go/auth"
)

// Events keeps what a Manager records, for the test:
//
//	var events authtest.Events
//	m := authtest.New(t, &auth.Config{Hooks: []auth.Hooks{events.Hooks()}})
//	…
//	events.Want(t, auth.EventLoggedIn)
//
// What this package does itself to prepare the test, such as the signup of [User] and the login of [SignIn], is
// left out. The zero Events is ready for use, and safe for concurrent use.
type Events struct {
	mu     sync.Mutex
	hooked bool
	events []auth.Event
	taken  []bool // whether Want has returned that event
}

// Hooks returns what connects e with a Manager: put it into auth.Config.Hooks.
func (e *Events) Hooks() auth.Hooks {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hooked = true
	return auth.Hooks{Event: func(ctx context.Context, event auth.Event) {
		if !isSetUp(ctx) {
			e.add(event)
		}
	}}
}

func (e *Events) add(event auth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events, e.taken = append(e.events, event), append(e.taken, false)
}

// All returns all events so far, the first first.
func (e *Events) All() []auth.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events)
}

// Want returns the first event of that name that it has not returned before, and fails the test if there
// is none. It does not wait: when a request is answered its events are there. Those of
// mails come when they are sent: call Outbox.Wait before.
func (e *Events) Want(t testing.TB, name string) auth.Event {
	t.Helper()
	event, ok := e.take(name)
	if !ok {
		t.Fatalf("authtest: no event %q; there %s", name, e.summary())
	}
	return event
}

// WantNone fails the test if there is an event of that name that Want has not returned.
func (e *Events) WantNone(t testing.TB, name string) {
	t.Helper()
	if event, ok := e.take(name); ok {
		t.Errorf("authtest: event %q of user %q at %s %s: %s", name, event.UserID, event.Method, event.Path, event.Reason)
	}
}

func (e *Events) take(name string) (auth.Event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, event := range e.events {
		if !e.taken[i] && event.Name == name {
			e.taken[i] = true
			return event, true
		}
	}
	return auth.Event{}, false
}

// summary says which events Want could return.
func (e *Events) summary() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.hooked {
		return "are none at all: put Events.Hooks into auth.Config.Hooks before the Manager is made"
	}
	list := "is nothing else"
	for i, event := range e.events {
		if !e.taken[i] && list == "is nothing else" {
			list = "are " + event.Name
		} else if !e.taken[i] {
			list += ", " + event.Name
		}
	}
	return list
}
