package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

// heap returns how many bytes are in use when all garbage is gone.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers have let go
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// live is a session as a login leaves it, each of a user of its own, with the agent of a browser.
func live(i int) *auth.SessionRecord {
	return &auth.SessionRecord{
		ID: fmt.Sprintf("%043d", i), UserID: fmt.Sprintf("%026d", i), Created: time.Now(), LastSeen: time.Now(), Expires: time.Now().Add(time.Hour),
		Address: fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255),
		Agent:   fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", i%200, i%200),
		Data:    make([]byte, 70), // what a login with a password has
	}
}

func fillSessions(tb testing.TB, s auth.SessionStore, n int) {
	for i := range n {
		if err := s.CreateSession(context.Background(), live(i), ""); err != nil {
			tb.Fatal(err)
		}
	}
}

// 100,000 sessions in memory take less than 100 MB.
func TestSessionsInMemory(t *testing.T) {
	const n = 100_000
	s := memstore.New()
	before := heap()
	fillSessions(t, s, n)
	took := heap() - before
	runtime.KeepAlive(s)
	if t.Logf("%d bytes for each of %d sessions", took/n, n); took > 100e6 {
		t.Errorf("%d sessions take %d bytes", n, took)
	}
}

// BenchmarkSessionSize reports what a session takes: in memory, and on disk with its indexes.
func BenchmarkSessionSize(b *testing.B) {
	const n = 50_000
	for _, kind := range storages[:3] {
		b.Run("store="+kind.name, func(b *testing.B) {
			for b.Loop() {
				s := kind.open(b)
				before := size(b, s)
				fillSessions(b, s.store, n)
				b.ReportMetric(float64(size(b, s)-before)/n, "B/session")
				runtime.KeepAlive(s)
			}
		})
	}
}

// size returns how much a storage takes, in the heap or on disk.
func size(b *testing.B, s *storage) (n int64) {
	var err error
	switch s.name {
	case "memory":
		return heap()
	case "sqlite":
		if _, err = s.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err == nil {
			err = s.db.QueryRow("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").Scan(&n)
		}
	case "postgres":
		err = s.db.QueryRow("SELECT pg_total_relation_size('auth_sessions')").Scan(&n)
	}
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// soak asks for pages n times, at least: users come and go, each with some pages between a login and a logout.
func soak(tb testing.TB, a *app, emails []string, n int) {
	for done := 0; done < n; {
		email := emails[done%len(emails)]
		v := newVisitor(a)
		v.do(tb, v.request("POST", "/login", credentials(v.token(tb, "/login"), email)), http.StatusSeeOther)
		for range 40 {
			v.do(tb, v.request("GET", "/dashboard", nil), http.StatusOK)
			guest := newVisitor(a)
			guest.do(tb, guest.request("GET", "/", nil), http.StatusOK)
		}
		v.do(tb, v.request("POST", "/logout", url.Values{"csrf_token": {v.token(tb, "/dashboard")}}), http.StatusSeeOther)
		guest := newVisitor(a)
		guest.do(tb, guest.request("POST", "/login", url.Values{}), http.StatusForbidden)
		done += 86
	}
}

// soakApp returns the application of this library, and users who have signed up to it.
func soakApp(tb testing.TB, s *storage) (*app, []string) {
	a := authApp(tb, s)
	var emails []string
	for range 20 {
		emails = append(emails, newVisitor(a).enter(tb))
	}
	return a, emails
}

// Whoever comes and goes leaves nothing behind. What is compared is the heap after many and after
// many more, since tables grow to the size they need at first.
func TestSoak(t *testing.T) {
	for _, kind := range storages[:2] {
		t.Run(kind.name, func(t *testing.T) {
			a, emails := soakApp(t, kind.open(t))
			soak(t, a, emails, 2_000)
			goroutines, before := runtime.NumGoroutine(), heap()
			soak(t, a, emails, 4_000)
			if grown := heap() - before; grown > 500e3 {
				t.Errorf("the heap has grown by %d bytes", grown)
			}
			if n := runtime.NumGoroutine(); n > goroutines {
				pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
				t.Errorf("%d goroutines where there were %d", n, goroutines)
			}
			runtime.KeepAlive(a)
		})
	}
}

// BenchmarkSoak is TestSoak for as long as one likes, with heap profiles before and after if AUTH_BENCH_HEAP
// names where to put them:
//
//	AUTH_BENCH_HEAP=/tmp/heap go test -run '^$' -bench Soak -benchtime 1000000x ./bench
func BenchmarkSoak(b *testing.B) {
	for _, kind := range storages[:2] {
		b.Run("store="+kind.name, func(b *testing.B) {
			a, emails := soakApp(b, kind.open(b))
			soak(b, a, emails, min(b.N, 50_000))
			goroutines, before := runtime.NumGoroutine(), heap()
			profileHeap(b, kind.name+"-before")
			b.ResetTimer()
			soak(b, a, emails, b.N)
			b.StopTimer()
			b.ReportMetric(float64(heap()-before), "B-grown")
			b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines-grown")
			profileHeap(b, kind.name+"-after")
			runtime.KeepAlive(a)
		})
	}
}

func profileHeap(b *testing.B, name string) {
	prefix := os.Getenv("AUTH_BENCH_HEAP")
	if prefix == "" {
		return
	}
	f, err := os.Create(prefix + "-" + name + ".pprof")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := pprof.Lookup("heap").WriteTo(f, 0); err != nil {
		b.Fatal(err)
	}
}
