package timing

import (
	"math"
	"testing"
	"time"
)

func TestMannWhitney(t *testing.T) {
	for _, c := range []struct {
		x, y []time.Duration
		auc  float64
	}{
		{[]time.Duration{1, 2, 3}, []time.Duration{1, 2, 3}, 0.5},
		{[]time.Duration{4, 5}, []time.Duration{1, 2, 3}, 1},
		{[]time.Duration{1}, []time.Duration{2, 3}, 0},
		{[]time.Duration{3, 1, 2}, []time.Duration{2, 0}, 4.5 / 6},
	} {
		auc, sigma := MannWhitney(c.x, c.y)
		if n, m := float64(len(c.x)), float64(len(c.y)); math.Abs(auc-c.auc) > 1e-9 || math.Abs(sigma*math.Sqrt((n+m+1)/(12*n*m))-(c.auc-0.5)) > 1e-9 {
			t.Errorf("%v, %v: %v, %v; want %v", c.x, c.y, auc, sigma, c.auc)
		}
	}
}
