package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/redisstore"
)

// newStore returns a store, with what is needed to look behind it.
func newStore(t testing.TB) (s *redisstore.Store, client *redis.Client, prefix string) {
	t.Helper()
	client = connect(t)
	prefix = newPrefix(t, client)
	return redisstore.New(client, prefix), client, prefix
}

// short adds a session that has expired when short returns, though Redis, whose clock is slow, still has it.
func short(t *testing.T, s *redisstore.Store, client *redis.Client, prefix, id string) {
	t.Helper()
	rec := record(id)
	rec.Expires = time.Now().Add(100 * time.Millisecond)
	if err := s.CreateSession(t.Context(), rec, ""); err != nil {
		t.Fatal(err)
	}
	if kept, err := client.Persist(t.Context(), prefix+"s:"+id).Result(); err != nil || !kept {
		t.Fatalf("%s was to be kept: %v, %v", id, kept, err)
	}
	<-time.After(time.Until(rec.Expires))
}

// expiresIn checks that a key goes by itself, between those times.
func expiresIn(t *testing.T, client *redis.Client, key string, least, most time.Duration) {
	t.Helper()
	if left, err := client.PTTL(t.Context(), key).Result(); err != nil || left < least || left > most {
		t.Errorf("%s expires in %v, %v, want %v to %v", key, left, err, least, most)
	}
}

// Every key expires, the list of a user an hour after the last session on it, and what has ended leaves none.
func TestKeysExpire(t *testing.T) {
	s, client, prefix := newStore(t)
	add(t, s, "one", "two")
	later := record("two")
	later.Expires = later.Expires.Add(10 * time.Hour)
	if err := s.UpdateSession(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	const minute = time.Minute
	expiresIn(t, client, prefix+"s:one", 59*minute, 60*minute)
	expiresIn(t, client, prefix+"s:two", 659*minute, 660*minute)
	expiresIn(t, client, prefix+"u:ann", 719*minute, 720*minute)
	if err := s.DeleteSession(t.Context(), "two"); err != nil {
		t.Error(err)
	}
	expiresIn(t, client, prefix+"u:ann", 119*minute, 120*minute)
	if err := s.CreateSession(t.Context(), record("new"), "one"); err != nil {
		t.Error(err)
	}
	if n, err := s.DeleteSessions(t.Context(), "ann", ""); n != 1 || err != nil {
		t.Errorf("DeleteSessions: %d, %v, want 1", n, err)
	}
	if left := keys(t, client, prefix); len(left) != 0 {
		t.Errorf("%q are left", left)
	}
}

// The list of somebody who never logs out does not grow for ever.
func TestListForgets(t *testing.T) {
	s, client, prefix := newStore(t)
	old := float64(time.Now().Add(-2 * time.Hour).UnixMicro())
	if err := client.ZAdd(t.Context(), prefix+"u:ann", redis.Z{Score: old, Member: "long ago"}).Err(); err != nil {
		t.Fatal(err)
	}
	add(t, s, "one")
	ids, err := client.ZRange(t.Context(), prefix+"u:ann", 0, -1).Result()
	if err != nil || len(ids) != 1 || ids[0] != "one" {
		t.Errorf("on the list are %q, %v", ids, err)
	}
}

// notFound checks that there is no session with that ID, for any method.
func notFound(t *testing.T, s *redisstore.Store, id string) {
	t.Helper()
	_, _, errRead := s.Session(t.Context(), id)
	errWrite, errReplace := s.UpdateSession(t.Context(), record(id)), s.CreateSession(t.Context(), record("other"), id)
	for _, err := range []error{errRead, errWrite, errReplace} {
		if !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%q: got error %v, want ErrNotFound", id, err)
		}
	}
	if n, err := s.DeleteSessions(t.Context(), "ann", ""); n != 0 || err != nil {
		t.Errorf("%q: DeleteSessions: %d, %v", id, n, err)
	}
	holds(t, s)
}

// The clock of this process decides, should that of Redis be slow.
func TestExpiredOnRedis(t *testing.T) {
	s, client, prefix := newStore(t)
	short(t, s, client, prefix, "one")
	notFound(t, s, "one")
	add(t, s, "one")
	holds(t, s, "one")
}

// An ID that expired, and is another's now, is on the lists of both.
func TestIDOfAnother(t *testing.T) {
	s, client, prefix := newStore(t)
	short(t, s, client, prefix, "one")
	client.Del(t.Context(), prefix+"s:one") // what Redis would have done
	bobs := record("one")
	bobs.UserID = "bob"
	if err := s.CreateSession(t.Context(), bobs, ""); err != nil {
		t.Fatal(err)
	}
	holds(t, s)
	if n, err := s.DeleteSessions(t.Context(), "ann", ""); n != 0 || err != nil {
		t.Errorf("DeleteSessions: %d, %v", n, err)
	}
	if _, _, err := s.Session(t.Context(), "one"); err != nil {
		t.Error(err)
	}
}

// What nobody wrote is no session, for what is written in Go as for the scripts, and is replaced.
func TestUnreadable(t *testing.T) {
	s, client, prefix := newStore(t)
	add(t, s, "one")
	value, err := client.Get(t.Context(), prefix+"s:one").Result()
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"\x00" + value[1:], "\x02" + value[1:], value[:25] + "\xff\xff\xff\xff" + value[29:]}
	for n := range len(value) - len(record("one").Data) {
		bad = append(bad, value[:n])
	}
	for _, value := range bad {
		if err := client.Set(t.Context(), prefix+"s:one", value, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		notFound(t, s, "one")
	}
	add(t, s, "one")
	holds(t, s, "one")
}

// A key that is no string at all is somebody else's, and an error.
func TestForeignKey(t *testing.T) {
	s, client, prefix := newStore(t)
	client.LPush(t.Context(), prefix+"s:one", "no string")
	client.LPush(t.Context(), prefix+"u:ann", "no set")
	fail(t, s, "WRONGTYPE", reads, grows, ends)
	if left := keys(t, client, prefix); len(left) != 2 {
		t.Errorf("the keys are %q", left)
	}
}
