package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

// Entry is something that happened. It holds no secret: no part of a password, token or mailed link, and
// not the error, path or method of an auth.Event, for which there is the log.
type Entry struct {
	Time    time.Time `json:"time"`              // when it happened, in UTC
	Name    string    `json:"event"`             // auth.Event.Name
	Reason  string    `json:"reason,omitempty"`  // auth.Event.Reason, of which docs/events.md has a list
	Address string    `json:"address,omitempty"` // the client's IP address, if a client was there
	Agent   string    `json:"agent,omitempty"`   // the User-Agent of the session, if the event is of one; 200 bytes at most
	Session string    `json:"session,omitempty"` // the first 12 characters of auth.Session.ID, if there was one

	// More is how many others of that name happened later on the same day, of which only this is kept that Until
	// is the time of the last.
	More  int       `json:"more,omitempty"`
	Until time.Time `json:"until,omitzero"` // see More
}

const (
	maxText      = 200 // bytes of a text that is kept
	sessionChars = 12  // 72 bits: enough to tell the sessions of a user apart
)

// entryOf returns what is kept of e.
func entryOf(ctx context.Context, e auth.Event) Entry {
	entry := Entry{Time: e.Time.UTC().Truncate(time.Microsecond), Name: e.Name, Reason: cut(e.Reason, maxText), Address: e.Address}
	if s := auth.CurrentSession(ctx); s != nil && s.ID == e.SessionID {
		entry.Agent = cut(s.Agent, maxText)
	}
	entry.Session = cut(e.SessionID, sessionChars)
	return entry
}

// cut returns the first n bytes of s, without half a character at the end.
func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }

// encode returns the entries of a day as they are stored.
func encode(entries []Entry) ([]byte, error) { return json.Marshal(entries) }

func decode(c *auth.Credential) (entries []Entry, err error) {
	if err := json.Unmarshal(c.Data, &entries); err != nil {
		return nil, fmt.Errorf("audit: read entries of %s: %w", c.Name, err)
	}
	return entries, nil
}

// join adds more to the entries of a day, of which there are at most perDay of one name.
func join(entries, more []Entry, perDay int) []Entry {
	for _, e := range more {
		n, last := 0, -1
		for i := range entries {
			if entries[i].Name == e.Name {
				n, last = n+1, i
			}
		}
		if n < perDay {
			entries = append(entries, e)
		} else {
			entries[last].More++
			entries[last].Until = e.Time
		}
	}
	return entries
}
