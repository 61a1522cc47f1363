package audit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vestibule-go/auth"
)

const (
	day = 24 * time.Hour

	writeFor = 5 * time.Second // the store has for one credential, or else a hung one would hold up all others
	tries    = 100             // how often others may be quicker
)

// leaf is what is written in one credential: what happened to a user on a day, in UTC.
type leaf struct {
	userID  string
	day     time.Time // its beginning
	entries []Entry
	gone    bool // the account is deleted; nothing else is set
}

// write writes notes down. What fails is an event, and keeps nothing else from being written.
func (t *Trail) write(ctx context.Context, notes []*note) {
	for _, l := range leaves(notes) {
		if err := t.put(ctx, l); err != nil {
			t.lost(&note{userID: l.userID, gone: l.gone}, err)
		}
	}
}

// leaves puts together what goes into one credential, and leaves out what would be removed at once.
func leaves(notes []*note) (all []*leaf) {
	for _, n := range notes {
		if n.gone {
			all = slices.DeleteFunc(all, func(l *leaf) bool { return l.userID == n.userID })
			all = append(all, &leaf{userID: n.userID, gone: true})
			continue
		}
		today := n.entry.Time.Truncate(day)
		i := slices.IndexFunc(all, func(l *leaf) bool { return !l.gone && l.userID == n.userID && l.day.Equal(today) })
		if i < 0 {
			i, all = len(all), append(all, &leaf{userID: n.userID, day: today})
		}
		all[i].entries = append(all[i].entries, n.entry)
	}
	return all
}

// put writes l down. There is nobody above it whom a store that panics could harm, but the whole process.
func (t *Trail) put(ctx context.Context, l *leaf) (err error) {
	ctx, cancel := context.WithTimeout(ctx, writeFor)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("audit: panic: %v", p)
		}
	}()
	if l.gone {
		return t.remove(ctx, l.userID)
	}
	for n := range tries {
		if done, err := t.try(ctx, l); done || err != nil {
			return err
		}
		time.Sleep(rand.N(time.Duration(n+1) * time.Millisecond)) // or else the slow would never have their turn
	}
	return fmt.Errorf("audit: write: %w", auth.ErrConflict)
}

// try reports whether l was written: if not, another was quicker.
func (t *Trail) try(ctx context.Context, l *leaf) (done bool, err error) {
	c, err := t.store.Credential(ctx, kind(l.day), l.id())
	fresh := errors.Is(err, auth.ErrNotFound)
	var entries []Entry
	switch {
	case fresh:
		c = &auth.Credential{Kind: kind(l.day), ID: l.id(), UserID: l.userID, Name: l.day.Format(time.DateOnly), Created: l.day}
		c.Expires = l.day.Add(day + t.cfg.Keep)
	case err != nil:
		return false, fmt.Errorf("audit: read: %w", err)
	default:
		if entries, err = decode(c); err != nil {
			return false, err
		}
	}
	if c.Data, err = encode(join(entries, l.entries, t.cfg.PerDay)); err != nil {
		return false, fmt.Errorf("audit: write: %w", err)
	}
	if fresh {
		err = t.store.PutCredential(ctx, c)
	} else {
		err = t.store.UpdateCredential(ctx, c)
	}
	if errors.Is(err, auth.ErrExists) || errors.Is(err, auth.ErrConflict) || errors.Is(err, auth.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("audit: write: %w", err)
	}
	return true, nil
}

// kind returns the Kind of credentials of a month.
func kind(month time.Time) string { return "audit." + month.Format("2006-01") }

// id returns the ID of a credential: a hash, since IDs of users may be as long as those of credentials.
func (l *leaf) id() string {
	sum := sha256.Sum256([]byte(l.userID))
	return l.day.Format("02") + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// remove removes the trail of a user whose account is gone. The Manager has done that, if the store is its own, but for
// what was still to be written.
func (t *Trail) remove(ctx context.Context, userID string) error {
	for month := range t.months(time.Now()) {
		if err := t.store.DeleteCredentials(ctx, userID, kind(month)); err != nil {
			return fmt.Errorf("audit: delete: %w", err)
		}
	}
	return nil
}

// lost tells that n was not written.
func (t *Trail) lost(n *note, err error) {
	if m := t.manager.Load(); m != nil {
		m.Record(context.Background(), auth.Event{Name: auth.EventFailure, UserID: n.userID, Reason: reason, Err: err})
		return
	}
	slog.Error("auth: "+auth.EventFailure, "user", n.userID, "reason", reason, "error", err.Error())
}

// reason is that of the failures of this package.
const reason = "audit trail"
