package memstore

import (
	"container/heap"
	"time"
)

// table keeps records that belong to a user and expire. The zero table is empty.
type table[K comparable, V any] struct {
	rows   map[K]*row[K, V]
	users  map[string]map[K]*row[K, V] // by user, then by key; nobody's are left out
	expiry expiry[K, V]
}

// row is one record. Its value is replaced or changed only under the Store's lock.
type row[K comparable, V any] struct {
	key     K
	user    string
	expires time.Time // zero: never
	place   int       // in the expiry; -1: not in there
	value   *V
}

func (r *row[K, V]) expired(now time.Time) bool {
	return !r.expires.IsZero() && !r.expires.After(now)
}

// get returns the row with that key, or nil if there is none or it has expired.
func (t *table[K, V]) get(key K, now time.Time) *row[K, V] {
	if r := t.rows[key]; r != nil && !r.expired(now) {
		return r
	}
	return nil
}

// put adds a row. One that has the key must have expired, and is replaced.
func (t *table[K, V]) put(key K, user string, expires time.Time, value *V) {
	if old := t.rows[key]; old != nil {
		t.remove(old)
	}
	if t.rows == nil {
		t.rows = make(map[K]*row[K, V])
		t.users = make(map[string]map[K]*row[K, V])
	}
	r := &row[K, V]{key: key, user: user, place: -1, value: value}
	t.rows[key] = r
	t.index(r)
	t.expire(r, expires)
}

// index adds r to the rows of its user, if it has one.
func (t *table[K, V]) index(r *row[K, V]) {
	if r.user == "" {
		return
	}
	if t.users[r.user] == nil {
		t.users[r.user] = make(map[K]*row[K, V])
	}
	t.users[r.user][r.key] = r
}

// expire sets when r expires.
func (t *table[K, V]) expire(r *row[K, V], at time.Time) {
	if r.place >= 0 {
		heap.Remove(&t.expiry, r.place)
	}
	r.expires = at
	if !at.IsZero() {
		heap.Push(&t.expiry, r)
	}
}

func (t *table[K, V]) remove(r *row[K, V]) {
	t.expire(r, time.Time{})
	delete(t.rows, r.key)
	delete(t.users[r.user], r.key)
	if len(t.users[r.user]) == 0 {
		delete(t.users, r.user)
	}
}

// removeAll removes the rows of a user whose keys match, and counts them.
func (t *table[K, V]) removeAll(user string, match func(K) bool) int {
	n := 0
	for key, r := range t.users[user] {
		if match(key) {
			t.remove(r)
			n++
		}
	}
	return n
}

// ofUser returns the user's values that have not expired, in no order.
func (t *table[K, V]) ofUser(user string, now time.Time) []*V {
	var list []*V
	for _, r := range t.users[user] {
		if !r.expired(now) {
			list = append(list, r.value)
		}
	}
	return list
}

// sweepSize bounds the work of one sweep. It is more than one, so that sweeps
// win against the additions that cause them.
const sweepSize = 4

// sweep removes a few rows that have expired, those first that did so first.
func (t *table[K, V]) sweep(now time.Time) {
	for range sweepSize {
		if len(t.expiry) == 0 || !t.expiry[0].expired(now) {
			return
		}
		t.remove(t.expiry[0])
	}
}

// expiry is a heap of rows: the next to expire comes first.
type expiry[K comparable, V any] []*row[K, V]

func (e expiry[K, V]) Len() int           { return len(e) }
func (e expiry[K, V]) Less(i, j int) bool { return e[i].expires.Before(e[j].expires) }

func (e expiry[K, V]) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].place, e[j].place = i, j
}

// Push implements [heap.Interface].
func (e *expiry[K, V]) Push(x any) {
	r := x.(*row[K, V])
	r.place = len(*e)
	*e = append(*e, r)
}

// Pop implements [heap.Interface].
func (e *expiry[K, V]) Pop() any {
	last := len(*e) - 1
	r := (*e)[last]
	(*e)[last], *e = nil, (*e)[:last]
	r.place = -1
	return r
}
