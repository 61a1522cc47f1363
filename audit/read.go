package audit

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/vestibule-go/auth"
)

// ErrCursor reports a cursor that Page has not returned. auth.Status makes 404 of it.
var ErrCursor = fmt.Errorf("audit: no such page: %w", auth.ErrNotFound)

const (
	pageSize    = 50
	maxPageSize = 1000
)

// Page returns what happened to a user, the last first: n entries from before the cursor, which is empty for the first
// page, and the cursor for the next, which is empty if there is no more. Zero for n means 50; there are never more than 1,000. A
// cursor is a place in time, good for every user: it shows those of the user that is asked for, and may stand in an address.
// What this process has seen happen before is in it. The user need not exist.
//
// It costs one query for each month that is looked at, at most those of Config.Keep and two, where there are few entries, and the reading
// of at most 31 credentials for each, of Config.PerDay entries of each name. Errors are ErrCursor, and failures of the store.
func (t *Trail) Page(ctx context.Context, userID, before string, n int) (entries []Entry, next string, err error) {
	from, err := parsePosition(before)
	if err != nil {
		return nil, "", err
	}
	if n <= 0 {
		n = pageSize
	}
	n = min(n, maxPageSize)
	var last position
	err = t.walk(ctx, userID, from, func(e Entry, at position) bool {
		if len(entries) == n {
			next = last.String()
			return false
		}
		entries, last = append(entries, e), at
		return true
	})
	if err != nil {
		return nil, "", err
	}
	return entries, next, nil
}

// walk calls yield with the entries of a user from before a position, the last first, until it returns false.
func (t *Trail) walk(ctx context.Context, userID string, from position, yield func(Entry, position) bool) error {
	if err := t.queue.wait(ctx); err != nil {
		return fmt.Errorf("audit: read: %w", err)
	}
	start := time.Now()
	if from.day.Before(start) {
		start = from.day
	}
	for month := range t.months(start) {
		list, err := t.store.Credentials(ctx, userID, kind(month))
		if err != nil {
			return fmt.Errorf("audit: read: %w", err)
		}
		for _, c := range slices.Backward(list) {
			if more, err := walkDay(c, from, yield); !more || err != nil {
				return err
			}
		}
	}
	return nil
}

// walkDay is walk for what is in one credential. It reports whether yield wants more.
func walkDay(c *auth.Credential, from position, yield func(Entry, position) bool) (more bool, err error) {
	if c.Created.After(from.day) {
		return true, nil
	}
	entries, err := decode(c)
	if err != nil {
		return false, err
	}
	for i, e := range slices.Backward(entries) {
		at := position{c.Created, i}
		if at.before(from) && !yield(e, at) {
			return false, nil
		}
	}
	return true, nil
}

// months returns the months of which entries may be kept, the last first: from that of the day after start, since the clock
// of another process may be ahead, to that of the oldest.
func (t *Trail) months(start time.Time) iter.Seq[time.Time] {
	oldest := time.Now().Add(-t.cfg.Keep - day).UTC().Truncate(day)
	return func(yield func(time.Time) bool) {
		next := start.Add(day).UTC()
		month := time.Date(next.Year(), next.Month(), 1, 0, 0, 0, 0, time.UTC)
		for ; month.AddDate(0, 1, 0).After(oldest); month = month.AddDate(0, -1, 0) {
			if !yield(month) {
				return
			}
		}
	}
}

// position is the place of an entry in a trail: entries are only added, at the end of their day, so it stays where it is.
type position struct {
	day time.Time // its beginning
	n   int       // how many entries of the day are before it
}

// newest is after all others.
var newest = position{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), math.MaxInt}

func (p position) before(q position) bool {
	return p.day.Before(q.day) || p.day.Equal(q.day) && p.n < q.n
}

// String returns p as a cursor.
func (p position) String() string { return fmt.Sprintf("%s.%d", p.day.Format("20060102"), p.n) }

// parsePosition returns what String was called for, and newest for an empty cursor.
func parsePosition(cursor string) (p position, err error) {
	if cursor == "" {
		return newest, nil
	}
	if len(cursor) < len("20060102.0") || cursor[8] != '.' {
		return p, ErrCursor
	}
	if p.day, err = time.Parse("20060102", cursor[:8]); err != nil {
		return p, ErrCursor
	}
	if _, err := fmt.Sscan(cursor[9:], &p.n); err != nil || p.String() != cursor {
		return p, ErrCursor
	}
	return p, nil
}
