package pages_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// luminance returns that of a colour of a style sheet (WCAG 2.2, relative luminance).
func luminance(t testing.TB, sheet, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(`--` + name + `: #([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2});`).FindStringSubmatch(sheet)
	if m == nil {
		t.Fatalf("no colour %s", name)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(m[i+1], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
			continue
		}
		sum += weight * math.Pow((c+0.055)/1.055, 2.4)
	}
	return sum
}
