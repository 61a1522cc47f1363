package auth_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
)

// BenchmarkRequest compares a page with and without everything that Handler does.
func BenchmarkRequest(b *testing.B) {
	s := newSite(b, nil)
	s.unwatched()
	user := s.browser()
	user.signup(ann)
	guest := s.browser()
	for _, c := range []struct {
		name string
		b    *browser
		path string
		h    http.Handler
	}{
		{"bare", guest, "/", s.mux},
		{"guest", guest, "/", s.handler},
		{"user", user, "/me", s.handler},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			r := c.b.request("GET", c.path, nil)
			for b.Loop() {
				c.h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// BenchmarkStorm measures how long others wait while 200 clients log in at once:
// the 99th percentile of a signed-in page and of a page without a session, as
// multiples of what they take when nobody logs in. In "unbounded" every login
// gets a seat at once, as in a program without seats.
func BenchmarkStorm(b *testing.B) {
	for _, c := range []struct {
		name  string
		seats int
	}{{"seats", 0}, {"unbounded", 1000}} {
		b.Run(c.name, func(b *testing.B) { storm(b, c.seats) })
	}
}

func storm(b *testing.B, seats int) {
	s := newSite(b, func(c *auth.Config) { c.HashSeats, c.Hasher = seats, auth.Bcrypt(10) })
	s.unwatched()
	s.mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	srv := httptest.NewServer(s.handler)
	defer srv.Close()
	user := s.browser()
	user.signup(ann)
	for b.Loop() {
		idleMe, idleHealth := p99(b, srv.URL+"/me", user, 200), p99(b, srv.URL+"/healthz", nil, 200)
		var logins atomic.Int64
		var wg sync.WaitGroup
		stop := make(chan bool)
		for range 200 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := s.m.Authenticate(b.Context(), &auth.LoginForm{Email: ann, Password: password}); err != nil {
						time.Sleep(100 * time.Millisecond) // as a client that reads Retry-After would, and more
						continue
					}
					logins.Add(1)
				}
			})
		}
		begin := time.Now()
		time.Sleep(500 * time.Millisecond)
		me, health := p99(b, srv.URL+"/me", user, 100), p99(b, srv.URL+"/healthz", nil, 100)
		took := time.Since(begin)
		close(stop)
		wg.Wait()
		b.ReportMetric(float64(me)/float64(idleMe), "page-p99-ratio")
		b.ReportMetric(float64(health)/float64(idleHealth), "healthz-p99-ratio")
		b.ReportMetric(float64(idleMe)/1e6, "page-idle-ms")
		b.ReportMetric(float64(me)/1e6, "page-storm-ms")
		b.ReportMetric(float64(logins.Load())/took.Seconds(), "logins/s")
	}
}

// p99 asks for a page 40 times a second, and returns the 99th percentile of the waits.
func p99(b *testing.B, url string, user *browser, n int) time.Duration {
	waits := make([]time.Duration, n)
	var wg sync.WaitGroup
	for i := range n {
		time.Sleep(25 * time.Millisecond)
		wg.Go(func() {
			r, _ := http.NewRequest("GET", url, nil)
			if user != nil {
				r.AddCookie(user.cookies["session"])
			}
			begin := time.Now()
			resp, err := http.DefaultClient.Do(r)
			waits[i] = time.Since(begin)
			if err != nil {
				b.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("%s: %d", url, resp.StatusCode)
			}
		})
	}
	wg.Wait()
	slices.Sort(waits)
	return waits[n*99/100]
}
