package stat

import (
	"math"
	"testing"
	"time"
)

func times(values ...int) (all []time.Duration) {
	for _, v := range values {
		all = append(all, time.Duration(v))
	}
	return all
}

// The wanted values are worked out by hand: U, its mean and its variance are small numbers here.
func TestMannWhitney(t *testing.T) {
	for _, test := range []struct {
		a, b []time.Duration
		want float64
	}{
		{times(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), times(11, 12, 13, 14, 15, 16, 17, 18, 19, 20), 0.0001827},
		{times(11, 12, 13, 14, 15, 16, 17, 18, 19, 20), times(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 0.0001827},
		{times(1, 3, 5, 7, 9), times(2, 4, 6, 8, 10), 0.6761},
		{times(1, 1, 2, 2), times(1, 2, 2, 3), 0.4292},
		{times(5, 5, 5), times(5, 5, 5), 1},
		{nil, times(1), 1},
	} {
		if got := MannWhitney(test.a, test.b); math.Abs(got-test.want) > 0.001*test.want {
			t.Errorf("%v, %v: p = %.7f, want %.7f", test.a, test.b, got, test.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, sample := range map[time.Duration][]time.Duration{0: nil, 3: times(9, 3, 1), 4: times(9, 3, 5, 1)} {
		if got := Median(sample); got != want {
			t.Errorf("median of %v: %d", sample, got)
		}
	}
}
