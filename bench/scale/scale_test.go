package main

import (
	"math"
	"testing"
	"time"
)

// The simulation agrees with what theory says of the simplest queues: with one server, load 0.8 and a mean
// service of 1 s, the mean wait is 4 s if the service is exponential (M/M/1), and half of that if it is constant (M/D/1).
func TestQueue(t *testing.T) {
	for _, c := range []struct {
		name string
		q    queue
		mean float64 // seconds
	}{
		{"M/M/1", queue{servers: 1, service: exponential(time.Second), patience: time.Hour}, 4},
		{"M/D/1", queue{servers: 1, service: constant(time.Second), patience: time.Hour}, 2},
	} {
		w := c.q.run(0.8, 400_000, 7)
		var sum float64
		for _, d := range w.served {
			sum += d.Seconds()
		}
		if mean := sum / float64(len(w.served)); math.Abs(mean-c.mean) > c.mean/20 {
			t.Errorf("%s: the mean wait is %.2f s, theory says %.2f s", c.name, mean, c.mean)
		}
	}
}

// With twice as many as can be served half of them leave, and nobody waits longer than their patience.
func TestQueuePatience(t *testing.T) {
	q := queue{servers: 4, service: constant(time.Second), patience: 2 * time.Second}
	w := q.run(8, 100_000, 7)
	if r := w.refused(); math.Abs(r-0.5) > 0.01 {
		t.Errorf("%.3f are refused, not a half", r)
	}
	if most := w.served[len(w.served)-1]; most > q.patience {
		t.Errorf("somebody waited %v", most)
	}
}

// Ten times the site needs ten times of everything.
func TestNeed(t *testing.T) {
	one, ten := defaultCosts.need(defaultSite), defaultCosts.need(defaultSite.times(10))
	if math.Abs(ten.primary-10*one.primary) > 1e-9 || math.Abs(ten.hash-10*one.hash) > 1e-9 {
		t.Errorf("%+v is not ten times %+v", ten, one)
	}
	if f := one.first(); f != "nothing" {
		t.Errorf("a small site breaks by %s", f)
	}
}
