package metrics

import (
	"sync/atomic"
	"time"
)

// bounds are the upper bounds of buckets, of which the last has none.
type bounds [12]time.Duration

// callBounds are for calls of a store: from a map in memory to a database that hangs.
var callBounds = bounds{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond,
}

// hashBounds are for hashing: bcrypt takes 70 ms at cost 10, and twice as long for each step.
var hashBounds = bounds{
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 75 * time.Millisecond, 100 * time.Millisecond, 150 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second,
}

// histogram counts durations, by how long they are.
type histogram struct {
	buckets [len(bounds{}) + 1]atomic.Int64
	sum     atomic.Int64 // nanoseconds
}

func (h *histogram) add(b *bounds, d time.Duration) {
	i := 0
	for i < len(b) && d > b[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// samples returns the histogram as Prometheus has it: each bucket with all that are lower.
func (h *histogram) samples(b *bounds, labels ...string) (list []sample) {
	total := int64(0)
	for i := range h.buckets {
		total += h.buckets[i].Load()
		le := "+Inf"
		if i < len(b) {
			le = number(b[i].Seconds())
		}
		list = append(list, sample{"_bucket", append(labels[:len(labels):len(labels)], "le", le), float64(total)})
	}
	sum := time.Duration(h.sum.Load()).Seconds()
	return append(list, sample{"_sum", labels, sum}, sample{"_count", labels, float64(total)})
}
