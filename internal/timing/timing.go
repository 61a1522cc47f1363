// Package timing asks whether time tells who has an account. It is for benchmarks.
package timing

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Compare makes up 2n emails, calls create for half of them, then try for all in random
// order, and reports how the times of try compare:
//
//   - the median of those that exist, that of those that do not, and their ratio;
//   - AUC, the probability that one that exists takes longer than one that does not: 0.5 if
//     nobody can tell them apart;
//   - sigma, how many standard deviations that is away from 0.5 by the test of Mann and
//     Whitney. More tries show smaller differences.
func Compare(b *testing.B, n int, create, try func(i int, email string)) {
	type name struct {
		email  string
		exists bool
	}
	names := make([]name, 2*n)
	for i := range names {
		names[i] = name{fmt.Sprintf("%08x.%06d@example.com", rand.Uint32(), i), i < n}
		if names[i].exists {
			create(i, names[i].email)
		}
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	times := map[bool][]time.Duration{}
	for i, name := range names {
		begin := time.Now()
		try(i, name.email)
		times[name.exists] = append(times[name.exists], time.Since(begin))
	}
	report(b, times[true], times[false])
}

func report(b *testing.B, known, unknown []time.Duration) {
	auc, sigma := MannWhitney(known, unknown)
	k, u := median(known), median(unknown)
	b.ReportMetric(float64(k)/1e3, "known-µs")
	b.ReportMetric(float64(u)/1e3, "unknown-µs")
	b.ReportMetric(float64(k)/float64(u), "ratio")
	b.ReportMetric(auc, "AUC")
	b.ReportMetric(sigma, "sigma")
	b.ReportMetric(0, "ns/op") // which says nothing
}

func median(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }

// MannWhitney returns the probability that one of x is longer than one of y, where equal
// ones count half, and how many standard deviations that is away from the 0.5 of two
// samples that do not differ.
func MannWhitney(x, y []time.Duration) (auc, sigma float64) {
	y = slices.Sorted(slices.Values(y))
	for _, d := range x {
		less, _ := slices.BinarySearch(y, d)
		notMore, _ := slices.BinarySearch(y, d+1)
		auc += float64(less+notMore) / 2
	}
	n, m := float64(len(x)), float64(len(y))
	auc /= n * m
	return auc, (auc - 0.5) / math.Sqrt((n+m+1)/(12*n*m))
}
