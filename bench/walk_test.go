// Package bench compares an application with accounts on package auth with the same application
// without any, and with the one that a careful developer wires by hand. It has no code but that
// of its tests and of the command [github.com/vestibule-go/auth/bench/compare], which runs them:
//
//	go run ./bench/compare
//
// There are four applications with the same pages:
//
//   - bare: no accounts. Everybody is Ann.
//   - lookup: no accounts, but each signed-in page asks the database for Ann, by one prepared statement.
//   - wired: scs, nosurf and bcrypt, and a table of users, put together by hand.
//   - auth: this library.
package bench

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// A walk is what a visitor does again and again.
type walk struct {
	name     string
	accounts bool // only applications with accounts do it

	// begin prepares v, and returns the request, made anew for each time unless it
	// has no body, with the status of the right answer.
	begin func(tb testing.TB, v *visitor) (next func() *http.Request, status int)
}

var walks = []walk{
	{"public", false, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		return same(v.request("GET", "/", nil)), http.StatusOK
	}},
	{"public-signed-in", false, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		v.enter(tb)
		return same(v.request("GET", "/", nil)), http.StatusOK
	}},
	{"signed-in", false, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		v.enter(tb)
		return same(v.request("GET", "/dashboard", nil)), http.StatusOK
	}},
	{"form", false, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		v.enter(tb)
		form := url.Values{"csrf_token": {v.token(tb, "/dashboard")}, "product": {"4711"}}
		return again(v.request("POST", "/like", form), form), http.StatusSeeOther
	}},
	{"login", true, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		email := v.enter(tb)
		guest := newVisitor(v.app)
		form := credentials(guest.token(tb, "/login"), email)
		return again(guest.request("POST", "/login", form), form), http.StatusSeeOther
	}},
	{"signup", true, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		token := v.token(tb, "/login")
		return func() *http.Request { return v.request("POST", "/signup", credentials(token, newEmail())) }, http.StatusSeeOther
	}},
	{"logout", true, func(tb testing.TB, v *visitor) (func() *http.Request, int) {
		email := v.enter(tb)
		return func() *http.Request { return leaving(tb, v.app, email) }, http.StatusSeeOther
	}},
}

// leaving logs somebody in, off the clock, and returns the request by which they leave.
func leaving(tb testing.TB, a *app, email string) *http.Request {
	if b, ok := tb.(*testing.B); ok {
		b.StopTimer()
		defer b.StartTimer()
	}
	v := newVisitor(a)
	v.do(tb, v.request("POST", "/login", credentials(v.token(tb, "/login"), email)), http.StatusSeeOther)
	return v.request("POST", "/logout", url.Values{"csrf_token": {v.token(tb, "/dashboard")}})
}

func same(r *http.Request) func() *http.Request { return func() *http.Request { return r } }

// BenchmarkWalk is each walk through httptest, on each storage, by each application. The names
// are such that benchstat makes a column of each application:
//
//	benchstat -col /app -row .name,/walk,/store
func BenchmarkWalk(b *testing.B) {
	eachApp(b, func(b *testing.B, w walk, a *app) {
		next, status := w.begin(b, newVisitor(a))
		b.ReportAllocs()
		for b.Loop() {
			r := next()
			got := httptest.NewRecorder()
			a.handler.ServeHTTP(got, r)
			if got.Code != status {
				b.Fatalf("%d: %s", got.Code, got.Body)
			}
		}
	})
}

func eachStorage(b *testing.B, f func(*testing.B, *storage)) {
	for _, kind := range storages {
		b.Run("store="+kind.name, func(b *testing.B) { f(b, kind.open(b)) })
	}
}

func eachApp(b *testing.B, f func(*testing.B, walk, *app)) {
	eachStorage(b, func(b *testing.B, s *storage) {
		for _, w := range walks {
			for _, a := range apps(b, s) {
				if w.accounts && !a.accounts {
					continue
				}
				b.Run("walk="+w.name+"/app="+a.name, func(b *testing.B) { f(b, w, a) })
			}
		}
	})
}
