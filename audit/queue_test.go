package audit

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// The writer comes and goes, there are never two, and each note is written once.
func TestQueue(t *testing.T) {
	var writers, written atomic.Int64
	q := queue{size: 1 << 20, ctx: t.Context(), stop: func() {}}
	q.write = func(_ context.Context, notes []*note) {
		if writers.Add(1) != 1 {
			t.Error("two write at once")
		}
		written.Add(int64(len(notes)))
		writers.Add(-1)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5000 {
				if err := q.add(new(note)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := q.close(t.Context()); err != nil || written.Load() != 20_000 {
		t.Errorf("%d were written, error %v", written.Load(), err)
	}
}
