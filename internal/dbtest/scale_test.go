package dbtest

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/sqlstore"
)

// BenchmarkScale shows what a hundred times as many users and sessions cost: each
// frequent operation is done with ten thousand of each and at once with a million, eight
// thousand times, and the median of the ratios is reported. It takes a minute or two:
//
//	go test -run '^$' -bench Scale -benchtime 1x ./internal/dbtest
func BenchmarkScale(b *testing.B) {
	for _, d := range scaled {
		b.Run(d.name, func(b *testing.B) { scale(b, d) })
	}
}

// BenchmarkCleanup removes half a million expired sessions from among a million,
// and shows how much longer others wait meanwhile: the 99th percentile of a
// signed-in page over HTTP, as a multiple of that before.
func BenchmarkCleanup(b *testing.B) {
	for _, d := range scaled {
		b.Run(d.name, func(b *testing.B) { cleanup(b, d) })
	}
}

type scaledDatabase struct {
	database
	fill filler

	// apart: the few and the many are two databases, for a connection keeps one cache
	// for all that is in a file. Otherwise they share a connection, and with it the
	// process that serves it, which the machine runs now here and now there.
	apart bool
}

var scaled = []scaledDatabase{
	{database{"sqlite", "sqlite", sqlstore.SQLite, func(b testing.TB) string { return dsn(b) + "&_pragma=synchronous(NORMAL)" }}, fillSQLite, true},
	{pgx, fillPostgres, false},
}

// A filler makes n users with a session each; of the sessions the first so many
// have expired.
type filler func(n, expired int, now int64) []string

// IDs are scattered, as hashes are.
func fillSQLite(n, expired int, now int64) []string {
	series := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i+1 < %d) ", n)
	return []string{
		series + fmt.Sprintf("INSERT INTO auth_users (id, email, password_hash, stamp, version, created, updated) SELECT 'u'||i, 'user'||i||'@example.com', '$2a$12$012345678901234567890uabcdefghijklmnopqrstuvwxyz012345', 'stamp', 1, %d, %[1]d FROM n", now),
		series + fmt.Sprintf("INSERT INTO auth_sessions (id, user_id, created, last_seen, expires, address, agent, data) SELECT printf('%%08x', (i*2654435761) %% 4294967296)||'s'||i, 'u'||i, %d, %[1]d, CASE WHEN i < %d THEN %[1]d - 1000000 - i ELSE %[1]d + 86400000000 + i END, '192.0.2.1', 'agent', x'0100' FROM n", now, expired),
		"ANALYZE",
	}
}

func fillPostgres(n, expired int, now int64) []string {
	series := fmt.Sprintf(" FROM generate_series(0, %d) i", n-1)
	return []string{
		fmt.Sprintf("INSERT INTO auth_users (id, email, password_hash, stamp, version, created, updated) SELECT 'u'||i, 'user'||i||'@example.com', '$2a$12$012345678901234567890uabcdefghijklmnopqrstuvwxyz012345', 'stamp', 1, %d, %[1]d", now) + series,
		fmt.Sprintf("INSERT INTO auth_sessions (id, user_id, created, last_seen, expires, address, agent, data) SELECT lpad(to_hex((i::bigint*2654435761) %% 4294967296), 8, '0')||'s'||i, 'u'||i, %d, %[1]d, CASE WHEN i < %d THEN %[1]d - 1000000 - i ELSE %[1]d + 86400000000 + i END, '192.0.2.1', 'agent', '\\x0100'", now, expired) + series,
		"VACUUM ANALYZE auth_users",
		"VACUUM ANALYZE auth_sessions",
		"CHECKPOINT", // or the pages are written while others are read
	}
}

// sessionID is how the fills name the session of user i.
func sessionID(i int) string {
	return fmt.Sprintf("%08xs%d", uint32(uint64(i)*2654435761%4294967296), i)
}

// filled returns a store of n users, in tables with this prefix.
func filled(b *testing.B, src source, db *sql.DB, prefix string, fill filler, n, expired int) *sqlstore.Store {
	b.Helper()
	src.dialect = src.dialect.WithPrefix(prefix)
	s := src.store(b, db)
	for _, q := range fill(n, expired, time.Now().UnixMicro()) {
		if _, err := db.ExecContext(b.Context(), strings.ReplaceAll(q, "auth_", prefix+"auth_")); err != nil {
			b.Fatalf("%v\n%s", err, q)
		}
	}
	return s
}

var frequent = []struct {
	name string
	do   func(ctx context.Context, s auth.Store, i int) error
}{
	{"load", func(ctx context.Context, s auth.Store, i int) error {
		_, _, err := s.Session(ctx, sessionID(i))
		return err
	}},
	{"login", func(ctx context.Context, s auth.Store, i int) error {
		_, err := s.UserByLogin(ctx, fmt.Sprintf("user%d@example.com", i))
		return err
	}},
	{"list", func(ctx context.Context, s auth.Store, i int) error {
		_, err := s.Sessions(ctx, fmt.Sprint("u", i))
		return err
	}},
	{"revoke", func(ctx context.Context, s auth.Store, i int) error {
		_, err := s.DeleteSessions(ctx, fmt.Sprint("u", i), "")
		return err
	}},
}

// scale asks about both in turns, one call each, and compares the two: what the machine
// does beside this changes from one moment to another, and by more than is to be seen.
func scale(b *testing.B, d scaledDatabase) {
	for b.Loop() {
		const few, many = 10_000, 1_000_000
		src := d.source(b)
		db := src.open(b)
		db.SetMaxOpenConns(1)
		small := filled(b, src, db, "few_", d.fill, few, 0)
		if d.apart {
			src = d.source(b)
			db = src.open(b)
			db.SetMaxOpenConns(1)
		}
		large := filled(b, src, db, "many_", d.fill, many, 0)
		for _, op := range frequent {
			var took []time.Duration
			var ratios []float64
			for i, user := range rand.Perm(few) { // each once: a session can be ended once
				x, y := timed(b, small, user, op.do), timed(b, large, rand.IntN(many), op.do)
				if i >= few/5 { // until then statements are prepared, and pages read
					took, ratios = append(took, y), append(ratios, float64(y)/float64(x))
				}
			}
			b.ReportMetric(quantile(ratios, 0.5), op.name+"-ratio")
			b.ReportMetric(float64(quantile(took, 0.5).Nanoseconds())/1000, op.name+"-µs")
		}
	}
}

// timed does the operation for user i, and returns how long it took.
func timed(b *testing.B, s auth.Store, i int, do func(context.Context, auth.Store, int) error) time.Duration {
	b.Helper()
	begin := time.Now()
	err := do(b.Context(), s, i)
	took := time.Since(begin)
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// sample asks for a page a few hundred times, with a pause before each, and returns how
// long each took.
func sample(b *testing.B, s auth.Store, do func(context.Context, auth.Store, int) error) []time.Duration {
	b.Helper()
	took := make([]time.Duration, 500)
	for i := range took {
		time.Sleep(2 * time.Millisecond)
		took[i] = timed(b, s, 0, do)
	}
	return took
}

func cleanup(b *testing.B, d scaledDatabase) {
	for b.Loop() {
		const all, expired = 1_000_000, 500_000
		src := d.source(b)
		db := src.open(b)
		db.SetMaxIdleConns(8)
		s := filled(b, src, db, "", d.fill, all, expired)
		request := visit(b, s)
		measure := func() []time.Duration { return sample(b, s, request) }
		before := append(measure(), measure()...)
		done := make(chan error, 1)
		begin := time.Now()
		go func() {
			n, err := s.DeleteExpired(b.Context())
			if err == nil && n != expired {
				err = fmt.Errorf("removed %d, want %d", n, expired)
			}
			done <- err
		}()
		var during []time.Duration
		for running := true; running; {
			during = append(during, measure()...)
			select {
			case err := <-done:
				if err != nil {
					b.Fatal(err)
				}
				running = false
			default:
			}
		}
		x, y := quantile(before, 0.99), quantile(during, 0.99)
		b.ReportMetric(float64(y)/float64(x), "p99-ratio")
		b.ReportMetric(float64(x.Microseconds()), "idle-p99-µs")
		b.ReportMetric(float64(y.Microseconds()), "cleanup-p99-µs")
		b.ReportMetric(time.Since(begin).Seconds(), "cleanup-s")
	}
}

// visit signs a user up in an application that keeps everything in s, and returns
// what asks it for a page of the user's own, over HTTP.
func visit(b *testing.B, s auth.Store) func(context.Context, auth.Store, int) error {
	b.Helper()
	m := withStore(b, s)
	app := http.NewServeMux()
	app.Handle("/", pages.Handler(m))
	app.Handle("GET /{$}", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello,", auth.CurrentUser(r.Context()).Email)
	})))
	h := m.Handler(app)
	c := authtest.NewClient(b, h)
	c.TokenPath = "/signup"
	c.Signup("visitor@example.com", authtest.Password)
	cookie := c.Cookie("session")
	srv := httptest.NewServer(h)
	b.Cleanup(srv.Close)
	return func(ctx context.Context, _ auth.Store, _ int) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
		if err != nil {
			return err
		}
		r.AddCookie(cookie)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d, %v", resp.StatusCode, err)
		}
		return nil
	}
}

func quantile[T cmp.Ordered](list []T, q float64) T {
	slices.Sort(list)
	return list[int(float64(len(list)-1)*q)]
}
