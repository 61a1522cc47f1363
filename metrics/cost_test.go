package metrics_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/metrics"
)

// answering is a store that does nothing.
type answering struct{ auth.Store }

var (
	someUser    = &auth.User{ID: "u"}
	someSession = &auth.SessionRecord{ID: "s"}
)

func (answering) Session(context.Context, string) (*auth.SessionRecord, *auth.User, error) {
	return someSession, someUser, nil
}
func (answering) UserByID(context.Context, string) (*auth.User, error)        { return someUser, nil }
func (answering) UpdateSession(context.Context, *auth.SessionRecord) error    { return auth.ErrNotFound }
func (answering) DeleteSessions(context.Context, string, string) (int, error) { return 3, nil }

// answeringHasher is a Hasher that does nothing.
type answeringHasher struct{}

func (answeringHasher) Hash(string) (string, error)               { return "", nil }
func (answeringHasher) Verify(string, string) (bool, bool, error) { return true, false, nil }

func TestCountingAllocatesNothing(t *testing.T) {
	ctx, set := t.Context(), metrics.New()
	store, hasher, hook := set.Store(answering{}), set.Hasher(answeringHasher{}), set.Hooks().Event
	for name, f := range map[string]func(){
		"Session":        func() { store.Session(ctx, "s") },
		"UserByID":       func() { store.UserByID(ctx, "u") },
		"UpdateSession":  func() { store.UpdateSession(ctx, someSession) },
		"DeleteSessions": func() { store.DeleteSessions(ctx, "u", "s") },
		"Verify":         func() { hasher.Verify("", "") },
		"event":          func() { hook(ctx, auth.Event{Name: auth.EventLoginFailed, Reason: "change password: wrong password"}) },
		"other event":    func() { hook(ctx, auth.Event{Name: "of an application", Reason: "why"}) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkRequest asks for a signed-in page on memstore, with and without everything that is counted, in turns: other work on
// the machine hits both alike, and the quickest turn of each the least.
func BenchmarkRequest(b *testing.B) {
	without, with := signedInPage(b, nil), signedInPage(b, metrics.New())
	best := [2]time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i, ask := range []func(){without, with} {
			begin := time.Now()
			for range 20 {
				ask()
			}
			best[i] = min(best[i], time.Since(begin)/20)
		}
	}
	b.ReportMetric(float64(best[0]), "without-ns")
	b.ReportMetric(float64(best[1]), "with-ns")
	b.ReportMetric(float64(best[1])/float64(best[0]), "ratio")
}

// signedInPage returns what asks for a page that needs a login. A nil set counts nothing.
func signedInPage(b *testing.B, set *metrics.Set) func() {
	var store auth.Store = memstore.New()
	cfg := &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}, Logger: slog.New(slog.DiscardHandler)}
	if set != nil {
		store, cfg.Hasher, cfg.Hooks = set.Store(store), set.Hasher(cfg.Hasher), []auth.Hooks{set.Hooks()}
	}
	m, err := auth.New(store, cfg)
	if err != nil {
		b.Fatal(err)
	}
	h := m.Handler(m.RequireLogin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	r := authtest.Request(b, m, authtest.User(b, m, "ann@example.com"), "GET", "/", nil)
	return func() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkCall is what a call of the store costs more.
func BenchmarkCall(b *testing.B) {
	store := metrics.New().Store(answering{})
	b.ReportAllocs()
	for b.Loop() {
		store.Session(b.Context(), "s")
	}
}

func BenchmarkScrape(b *testing.B) {
	set := metrics.New()
	r := httptest.NewRequest("GET", "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		set.ServeHTTP(httptest.NewRecorder(), r)
	}
}
