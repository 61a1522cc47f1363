package metrics

import (
	"time"

	"github.com/vestibule-go/auth"
)

// Hasher returns h, which may be nil as in auth.Config, with its durations counted. It belongs around all that
// package password has, and not into it. An auth.Bcrypt that auth.New refuses is returned as it is, to be refused.
//
// What is counted is the work alone, without the wait for a seat.
func (s *Set) Hasher(h auth.Hasher) auth.Hasher {
	if h == nil {
		h = auth.Bcrypt(0)
	}
	if b, ok := h.(auth.Bcrypt); ok && b != 0 && (b < 10 || b > 31) {
		return h
	}
	return &hasher{s, h}
}

type hasher struct {
	set  *Set
	next auth.Hasher
}

const (
	hashing = iota
	verifying
)

var operations = [...]string{"hash", "verify"}

// Hash implements [auth.Hasher].
func (h *hasher) Hash(password string) (string, error) {
	defer h.count(hashing, time.Now())
	return h.next.Hash(password)
}

// Verify implements [auth.Hasher].
func (h *hasher) Verify(hash, password string) (ok, stale bool, err error) {
	defer h.count(verifying, time.Now())
	return h.next.Verify(hash, password)
}

func (h *hasher) count(operation int, begin time.Time) {
	h.set.hashes[operation].add(&hashBounds, time.Since(begin))
}
