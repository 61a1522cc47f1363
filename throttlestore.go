package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vestibule-go/auth/throttle"
)

// kindThrottle begins the Kind of the credentials that hold the counts of a Limiter.
const kindThrottle = "throttle"

// ThrottleStore returns a [throttle.Store] that keeps its counts in store, as credentials that belong to
// nobody: of the kind "throttle." and the action, so that a flood of one leaves others
// alone in a store that is bounded. Keys are stored as hashes, since what visitors type as
// their login may be their password.
//
// Every change of a count is a query and an update.
func ThrottleStore(store CredentialStore) throttle.Store { return throttleStore{store} }

type throttleStore struct{ store CredentialStore }

// tries is how often others may be quicker before an update fails.
const tries = 100

// Update implements [throttle.Store].
func (t throttleStore) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	sum := sha256.Sum256([]byte(key))
	kind, id := kindThrottle, base64.RawURLEncoding.EncodeToString(sum[:])
	if action, _, ok := strings.Cut(key, "\x00"); ok {
		kind += "." + action
	}
	for range tries {
		if done, err := t.try(ctx, kind, id, change); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("auth: count attempts: %w", ErrConflict)
}

// try reports whether the count was changed, or is to stay as it is: if not, another
// was quicker.
func (t throttleStore) try(ctx context.Context, kind, id string, change func(throttle.Count) (throttle.Count, bool)) (done bool, err error) {
	c, err := t.store.Credential(ctx, kind, id)
	fresh := errors.Is(err, ErrNotFound)
	if fresh {
		c, err = &Credential{Kind: kind, ID: id}, nil
	}
	if err != nil {
		return false, err
	}
	next, ok := change(decodeCount(c))
	if !ok {
		return true, nil
	}
	c.Data, c.Expires, c.Used = appendCount(nil, next), next.Expires, next.Last
	if fresh {
		c.Created = now()
		err = t.store.PutCredential(ctx, c)
	} else {
		err = t.store.UpdateCredential(ctx, c)
	}
	if errors.Is(err, ErrExists) || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// A count is stored as its number and its first and last time, in microseconds.

func appendCount(b []byte, c throttle.Count) []byte {
	b = binary.AppendVarint(b, int64(c.N))
	b = binary.AppendVarint(b, c.First.UnixMicro())
	return binary.AppendVarint(b, c.Last.UnixMicro())
}

// decodeCount returns what c holds. What cannot be read counts as none: it is
// nothing that a visitor can bring about, and would shut the owner out for good.
func decodeCount(c *Credential) throttle.Count {
	d := decoder{b: c.Data}
	n, first, last := d.varint(), d.varint(), d.varint()
	if d.bad || n < 0 {
		return throttle.Count{}
	}
	return throttle.Count{N: int(n), First: time.UnixMicro(first).UTC(), Last: time.UnixMicro(last).UTC(), Expires: c.Expires}
}
