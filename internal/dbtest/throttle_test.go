package dbtest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/storetest"
	"github.com/vestibule-go/auth/throttle"
)

// replicas are the counts of several processes with one database: each call is
// another's.
type replicas struct {
	counts []throttle.Store
	next   atomic.Int64
}

func (r *replicas) Update(ctx context.Context, key string, change func(throttle.Count) (throttle.Count, bool)) error {
	return r.counts[r.next.Add(1)%int64(len(r.counts))].Update(ctx, key, change)
}

// Counts of attempts are shared by all processes with one database, and none is lost.
func TestThrottleStore(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		first, second := src.store(t, src.open(t)), src.store(t, src.open(t))
		storetest.RunThrottle(t, func(*testing.T) throttle.Store {
			return &replicas{counts: []throttle.Store{auth.ThrottleStore(first), auth.ThrottleStore(second)}}
		})
	})
}
