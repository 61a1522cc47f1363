package bench

import (
	"net/http/httptest"
	"testing"
)

// A signed-in request allocates less than half as often as in the application that is wired by hand, and a
// guest's no more often.
func TestAllocations(t *testing.T) {
	for _, kind := range storages {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t)
			for _, w := range walks[:4] {
				own, wired := allocations(t, w, authApp(t, s)), allocations(t, w, wiredApp(s))
				t.Logf("%s: %.0f times, wired by hand %.0f", w.name, own, wired)
				if most := wired / 2; own >= most && w.name != "public" && w.name != "form" || own > wired {
					t.Errorf("%s: allocates %.0f times, wired by hand %.0f", w.name, own, wired)
				}
			}
		})
	}
}

func allocations(t *testing.T, w walk, a *app) float64 {
	next, status := w.begin(t, newVisitor(a))
	return testing.AllocsPerRun(200, func() {
		got := httptest.NewRecorder()
		if a.handler.ServeHTTP(got, next()); got.Code != status {
			t.Fatalf("%d: %s", got.Code, got.Body)
		}
	})
}

// Every walk is answered as it should be by every application: else the benchmarks compare something else.
func TestWalks(t *testing.T) {
	for _, kind := range storages {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.open(t)
			for _, w := range walks {
				for _, a := range apps(t, s) {
					if w.accounts && !a.accounts {
						continue
					}
					next, status := w.begin(t, newVisitor(a))
					for range 3 {
						newVisitor(a).do(t, next(), status)
					}
				}
			}
		})
	}
}
