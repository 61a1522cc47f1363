// Package stat tells two samples of times apart.
package stat

import (
	"math"
	"slices"
	"time"
)

// MannWhitney returns the probability that two samples of the same distribution differ as much as a and b, in either
// direction: the U test with the normal approximation, corrected for ties and for continuity. It is one if a sample is empty.
// From about eight values in each the approximation is good enough.
func MannWhitney(a, b []time.Duration) float64 {
	n, m := float64(len(a)), float64(len(b))
	if n == 0 || m == 0 {
		return 1
	}
	rankSum, ties := ranks(a, b)
	u := rankSum - n*(n+1)/2
	total := n + m
	variance := n * m / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 { // all are equal
		return 1
	}
	z := (math.Abs(u-n*m/2) - 0.5) / math.Sqrt(variance)
	return math.Min(1, math.Erfc(z/math.Sqrt2))
}

// ranks returns the sum of the ranks of a, and of t³-t over each group of t equal values.
func ranks(a, b []time.Duration) (sum, ties float64) {
	all := slices.Concat(a, b)
	slices.Sort(all)
	rank := map[time.Duration]float64{}
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		rank[all[i]] = float64(i+j+1) / 2
		i = j
	}
	for _, v := range a {
		sum += rank[v]
	}
	return sum, ties
}

// Median returns the middle value, or zero of nothing.
func Median(sample []time.Duration) time.Duration {
	if len(sample) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(sample))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
