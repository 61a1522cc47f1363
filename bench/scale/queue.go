package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// queue is one line before several servers: first come, first served, and who has waited too long leaves.
type queue struct {
	servers  int
	service  func(*rand.Rand) time.Duration
	patience time.Duration
}

func constant(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

func exponential(mean time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// waits is what became of everybody who came.
type waits struct {
	served []time.Duration // how long they waited, the shortest first
	left   int
}

// run lets n come, rate of them a second and independently of each other, and returns how long they waited.
// The same seed gives the same chance.
func (q *queue) run(rate float64, n int, seed uint64) waits {
	r := rand.New(rand.NewPCG(seed, seed))
	free := make([]time.Duration, q.servers) // when each server will be
	var now time.Duration
	var w waits
	for range n {
		now += time.Duration(r.ExpFloat64() / rate * float64(time.Second))
		next := 0
		for i, at := range free {
			if at < free[next] {
				next = i
			}
		}
		wait := max(0, free[next]-now)
		if wait > q.patience {
			w.left++
			continue
		}
		free[next] = now + wait + q.service(r)
		w.served = append(w.served, wait)
	}
	slices.Sort(w.served)
	return w
}

// waited returns how long that share of those who were served waited at most.
func (w waits) waited(share float64) time.Duration {
	if len(w.served) == 0 {
		return 0
	}
	return w.served[min(len(w.served)-1, int(share*float64(len(w.served))))].Round(10 * time.Microsecond)
}

// refused returns the share of those who left without being served.
func (w waits) refused() float64 { return float64(w.left) / float64(w.left+len(w.served)) }
