package redisstore_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/redisstore"
)

func record(id string) *auth.SessionRecord {
	at := time.Now().UTC().Truncate(time.Microsecond)
	return &auth.SessionRecord{
		ID: id, UserID: "ann", Created: at, LastSeen: at, Expires: at.Add(time.Hour),
		Address: "2001:db8::1", Agent: "Mozilla/5.0", Data: []byte("data of " + id),
	}
}

func add(t testing.TB, s *redisstore.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.CreateSession(t.Context(), record(id), ""); err != nil {
			t.Fatal(err)
		}
	}
}

// call is one of the calls of a store.
type call struct {
	name string
	does func(context.Context, *redisstore.Store) error
}

// reads and writes are about the session "one", and of the user ann.
var (
	reads = []call{
		{"Session", func(ctx context.Context, s *redisstore.Store) error {
			_, _, err := s.Session(ctx, "one")
			return err
		}},
		{"Sessions", func(ctx context.Context, s *redisstore.Store) error {
			_, err := s.Sessions(ctx, "ann")
			return err
		}},
	}
	grows = []call{
		{"CreateSession", func(ctx context.Context, s *redisstore.Store) error { return s.CreateSession(ctx, record("new"), "") }},
		{"CreateSession in the place of another", func(ctx context.Context, s *redisstore.Store) error {
			return s.CreateSession(ctx, record("new"), "one")
		}},
		{"UpdateSession", func(ctx context.Context, s *redisstore.Store) error { return s.UpdateSession(ctx, record("one")) }},
	}
	ends = []call{
		{"DeleteSession", func(ctx context.Context, s *redisstore.Store) error { return s.DeleteSession(ctx, "one") }},
		{"DeleteSessions", func(ctx context.Context, s *redisstore.Store) error {
			_, err := s.DeleteSessions(ctx, "ann", "")
			return err
		}},
	}
)

// fail checks that every call returns an error that says nothing about any session.
func fail(t *testing.T, s *redisstore.Store, why string, groups ...[]call) {
	t.Helper()
	for _, calls := range groups {
		for _, c := range calls {
			err := c.does(t.Context(), s)
			if err == nil || errors.Is(err, auth.ErrNotFound) || errors.Is(err, auth.ErrExists) || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: got error %v, want one that says %q", c.name, err, why)
			}
			if got := auth.Status(err); got != http.StatusServiceUnavailable && why != "WRONGTYPE" {
				t.Errorf("%s: %v is %d, want 503", c.name, err, got)
			}
		}
	}
}

// succeed checks that every call does.
func succeed(t *testing.T, s *redisstore.Store, groups ...[]call) {
	t.Helper()
	for _, calls := range groups {
		for _, c := range calls {
			if err := c.does(t.Context(), s); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

// holds checks which sessions ann has, and by which each is found.
func holds(t *testing.T, s *redisstore.Store, ids ...string) {
	t.Helper()
	list, err := s.Sessions(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rec := range list {
		got = append(got, rec.ID)
		if _, _, err := s.Session(t.Context(), rec.ID); err != nil {
			t.Errorf("%s is listed, and not found: %v", rec.ID, err)
		}
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Errorf("sessions %q, want %q", got, ids)
	}
}

// A Redis that is down is an error, and what it had written down is there when it is back.
func TestRedisIsDown(t *testing.T) {
	srv := newServer(t)
	s := redisstore.New(srv.client(), "x:")
	add(t, s, "one")
	srv.kill()
	fail(t, s, "connect", reads, grows, ends)
	srv.start("--appendonly", "yes")
	srv.wait(func(err error) bool { return err == nil })
	holds(t, s, "one")
	succeed(t, s, reads, grows[2:], ends)
	holds(t, s)
}

// Visitors get a 503 and keep their cookies while Redis is down, and need not log in again.
func TestVisitorsOfARedisThatIsDown(t *testing.T) {
	srv := newServer(t)
	app := newReplica(t, memstore.New(), redisstore.New(srv.client(), "x:"))
	c := authtest.NewClient(t, app)
	c.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	c.Get("/me").Want(http.StatusOK, ann)
	srv.kill()
	if r := c.Get("/me").Want(http.StatusServiceUnavailable); len(r.Cookies()) != 0 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the answer has cookies %v, Retry-After %q", r.Cookies(), r.Header.Get("Retry-After"))
	}
	srv.start("--appendonly", "yes")
	srv.wait(func(err error) bool { return err == nil })
	c.Get("/me").Want(http.StatusOK, ann)
}

// A Redis that forgets everything, its scripts too, logs everybody out, and nothing fails.
func TestRedisForgets(t *testing.T) {
	srv := newServer(t)
	app := newReplica(t, memstore.New(), redisstore.New(srv.client(), "x:"))
	c := authtest.NewClient(t, app)
	c.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	srv.do("FLUSHALL")
	srv.do("SCRIPT FLUSH")
	c.Get("/me").WantLogin(app.m, "/me")
	c.Login(ann, authtest.Password).Want(http.StatusSeeOther)
	c.Get("/me").Want(http.StatusOK, ann)
}

// A Redis that begins, and still reads its file, has no session yet, and says so.
func TestRedisIsLoading(t *testing.T) {
	srv := newServer(t)
	s := redisstore.New(srv.client(), "x:")
	add(t, s, "one")
	fill := `for i = 1, 2000 do redis.call('SET', 'k' .. i, string.rep('x', 1024)) end return 1`
	if err := srv.client().Eval(t.Context(), fill, nil).Err(); err != nil {
		t.Fatal(err)
	}
	srv.do("SAVE")
	srv.kill()
	srv.start("--appendonly", "no", "--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024")
	srv.wait(func(err error) bool { return redis.HasErrorPrefix(err, "LOADING") })
	fail(t, s, "LOADING", reads, grows, ends)
	srv.do("CONFIG SET key-load-delay 0")
	srv.wait(func(err error) bool { return err == nil })
	holds(t, s, "one")
}

// What was the primary until now takes no changes. One that knows that it is behind says nothing.
func TestRedisIsAReplica(t *testing.T) {
	srv := newServer(t)
	s := redisstore.New(srv.client(), "x:")
	add(t, s, "one")
	srv.do("REPLICAOF 127.0.0.1 1")
	fail(t, s, "READONLY", grows, ends)
	holds(t, s, "one")
	srv.do("CONFIG SET replica-serve-stale-data no")
	fail(t, s, "MASTERDOWN", reads, grows, ends)
	srv.do("REPLICAOF NO ONE")
	holds(t, s, "one")
}

// A full Redis takes nothing new, changes nothing by halves, and ends what it has.
func TestRedisIsFull(t *testing.T) {
	srv := newServer(t)
	s := redisstore.New(srv.client(), "x:")
	add(t, s, "one", "two")
	srv.do("CONFIG SET maxmemory 1")
	fail(t, s, "OOM", grows)
	succeed(t, s, reads)
	holds(t, s, "two", "one")
	over := record("two")
	over.Expires = time.Now()
	if err := s.UpdateSession(t.Context(), over); err != nil {
		t.Error(err)
	}
	holds(t, s, "one")
	succeed(t, s, ends)
	holds(t, s)
}

// throughProxy returns a store, and what is between it and the Redis for tests. The client has one connection, and waits for ever.
func throughProxy(t *testing.T) (*redisstore.Store, *proxy) {
	t.Helper()
	direct := connect(t)
	p := newProxy(t, "tcp", direct.Options().Addr)
	client := redis.NewClient(&redis.Options{
		Addr: p.Addr().String(), ContextTimeoutEnabled: true, PoolSize: 1, ReadTimeout: -1, WriteTimeout: -1, MaxRetries: 3,
	})
	t.Cleanup(func() { client.Close() })
	return redisstore.New(client, newPrefix(t, direct)), p
}

// If the answer is lost, the session may have been created: it is not asked for again, so
// nobody is told that the old one is gone or the ID is taken, which would be no error of Redis.
func TestCreateIsSentOnce(t *testing.T) {
	s, p := throughProxy(t)
	add(t, s, "one")
	for _, c := range grows[:2] {
		if err := s.DeleteSession(t.Context(), "new"); err != nil {
			t.Fatal(err)
		}
		p.lose.Store(1)
		fail(t, s, "EOF", []call{c})
		if _, _, err := s.Session(t.Context(), "new"); err != nil {
			t.Errorf("%s did not reach Redis: %v", c.name, err)
		}
	}
	holds(t, s, "new")
}

// All else is asked for again.
func TestLostAnswers(t *testing.T) {
	s, p := throughProxy(t)
	for _, c := range append(append(reads, grows[2]), ends...) {
		if err := s.CreateSession(t.Context(), record("one"), ""); err != nil && !errors.Is(err, auth.ErrExists) {
			t.Fatal(err)
		}
		p.lose.Store(1)
		succeed(t, s, []call{c})
	}
	holds(t, s)
}

// Who has a deadline waits no longer, though Redis never answers.
func TestDeadlines(t *testing.T) {
	s, p := throughProxy(t)
	add(t, s, "one")
	p.hold.Store(true)
	for _, calls := range [][]call{reads, grows, ends} {
		for _, c := range calls {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			err := c.does(ctx, s)
			cancel()
			if err == nil || errors.Is(err, auth.ErrNotFound) || errors.Is(err, auth.ErrExists) {
				t.Errorf("%s: got error %v", c.name, err)
			}
		}
	}
}

func TestEndedContext(t *testing.T) {
	client := connect(t)
	s := redisstore.New(client, newPrefix(t, client))
	add(t, s, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, calls := range [][]call{reads, grows, ends} {
		for _, c := range calls {
			if err := c.does(ctx, s); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got error %v, want context.Canceled", c.name, err)
			}
		}
	}
	holds(t, s, "one")
}

// A user of Redis who may do what the comment of the package says, to keys of the prefix, may do enough.
func TestACL(t *testing.T) {
	srv := newServer(t)
	srv.do("ACL SETUSER shop on >word ~x:* +eval +evalsha +get +set +del +zadd +zrem +zrange +zrevrange +zremrangebyscore +pexpire")
	o := srv.client().Options()
	client := redis.NewClient(&redis.Options{Network: o.Network, Addr: o.Addr, Username: "shop", Password: "word"})
	defer client.Close()
	s := redisstore.New(client, "x:")
	add(t, s, "one")
	succeed(t, s, reads, grows[2:], grows[1:2], ends)
	holds(t, s)
}
