// Package redisstore keeps sessions on Redis:
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	sessions := redisstore.New(client, "shop:session:")
//	store := auth.Stores{UserStore: users, CredentialStore: users, SessionStore: sessions}
//
// It is a module of its own, so that only those who want it need a Redis client.
//
// Every operation is one command or one script, so one round trip, and Redis does it as a whole or
// not at all. That is what keeps an ended session ended, however many processes there are: a write that was
// under way when the session ended finds none, and adds none.
//
// # Which Redis
//
// One primary that takes all reads and writes, with or without replicas and Sentinel (redis.NewFailoverClient).
// It is tested with Redis 7; 5 and newer, and Valkey, have all that it needs. A Redis Cluster will not do: a session is looked up by
// its ID, and those of a user by the user's, and one script has to reach both. The client must ask the primary and
// no replica, and have no client-side cache: both would show sessions that have ended.
//
// Where Redis has an ACL the user needs the keys of the prefix, and the commands eval, evalsha, get, set, del,
// zadd, zrem, zrange, zrevrange, zremrangebyscore and pexpire.
//
// A script holds up all others of that Redis: some 30 microseconds for one session, and ten milliseconds for
// the list of a user who has a thousand.
//
// # What Redis forgets, and what it remembers
//
// A Redis that forgets everything logs everybody out, and nothing worse. One that forgets only the last moments brings
// back the sessions that were ended in them. A failover may do that, since replication is asynchronous, and so
// may a primary that was cut off, for those who still reach it; a crash with appendfsync everysec may, by a
// second, and a snapshot or a backup, by its age.
//
// A session that ended because the password changed, or with all of its user's, stays dead even then: its
// Stamp is no longer that of the user, who is in another store. One that ended by a logout, or alone from the
// list of sessions, lives on until it expires, for whoever still has its token, which the browser that
// logged out has not. Who minds that has these choices:
//
//   - no persistence and no replicas, so that a failure logs everybody out
//   - appendfsync always, against crashes
//   - min-replicas-to-write with a short min-replicas-max-lag, which narrows the gap of a failover and does not close it
//   - sessions in package sqlstore
//
// # When Redis is full
//
// Set maxmemory-policy to noeviction, and give it room: with its place on the list of its user a session takes some
// 700 bytes, and what the application keeps in it. A full Redis then refuses new sessions and changes, with an error,
// and still reads and ends those that it has. All other policies throw out sessions that somebody uses, and lists, so
// that Sessions and DeleteSessions miss some; where the Stamp changes, too, these end all the same. What has expired goes by itself.
//
// # When Redis is away
//
// Every method returns an error of which [auth.Status] makes 503, never [auth.ErrNotFound]; so it is with a Redis that is
// full, read-only or still loading. So the guards answer 503,
// visitors keep their cookies, and they are logged in again once Redis is back. How long a call takes is up to the client's
// DialTimeout, ReadTimeout and MaxRetries, and to the deadline of the context only if the client has
// ContextTimeoutEnabled: set it.
package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vestibule-go/auth"
)

// Store is an [auth.SessionStore] on Redis. Make one with [New]. It is safe for concurrent use.
//
// A session is a string under the prefix, "s:" and its ID. The IDs of a user's sessions are a sorted set under the
// prefix, "u:" and the ID of the user, scored by when they expire. Both expire by themselves. Whether a session
// has expired is up to the clock of the process that asks; should it be more than an hour ahead of the
// others', lists may lack sessions.
type Store struct {
	client *redis.Client
	prefix string
}

var _ auth.SessionStore = (*Store)(nil)

// New returns a Store whose keys begin with prefix. Stores with the same prefix on the same Redis share their
// sessions. The client remains the caller's to close.
func New(client *redis.Client, prefix string) *Store {
	return &Store{client: client, prefix: prefix}
}

// CreateSession implements [auth.SessionStore]. A session whose Expires is past is not kept, which is no error.
//
// It is never sent twice, whatever the client's MaxRetries: of two that arrive the second would say that
// the ID is taken or the old session gone, or add again what has ended meanwhile. If the answer is
// lost the new session may be there, but nobody has its token.
func (s *Store) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	said, err := s.run(ctx, once{s.client}, create, rec.ID, rec.UserID, micro(rec.Expires), encode(rec), replaces).Text()
	return outcome(said, err)
}

// Session implements [auth.SessionStore]. It is one GET, and the user is always nil. A string that
// cannot be read is no session, and a key that is no string is an error.
func (s *Store) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, failed(err)
	}
	value, err := s.client.Get(ctx, s.prefix+"s:"+id).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil, auth.ErrNotFound
	}
	if err != nil {
		return nil, nil, failed(err)
	}
	rec, ok := decode(id, value)
	if !ok || !rec.Expires.After(time.Now()) {
		return nil, nil, auth.ErrNotFound
	}
	return rec, nil, nil
}

// UpdateSession implements [auth.SessionStore].
func (s *Store) UpdateSession(ctx context.Context, rec *auth.SessionRecord) error {
	args := []any{rec.ID, encodeTimes(rec.Expires, rec.LastSeen), micro(rec.Expires)}
	if rec.Data != nil {
		args = append(args, rec.Data)
	}
	said, err := s.run(ctx, s.client, update, args...).Text()
	return outcome(said, err)
}

// Sessions implements [auth.SessionStore].
func (s *Store) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	if userID == "" {
		return nil, nil
	}
	pairs, err := s.run(ctx, s.client, list, userID).StringSlice()
	if err != nil {
		return nil, failed(err)
	}
	var all []*auth.SessionRecord
	for pair := range slices.Chunk(pairs, 2) {
		if rec, ok := decode(pair[0], pair[1]); ok {
			all = append(all, rec)
		}
	}
	slices.SortFunc(all, func(a, b *auth.SessionRecord) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// DeleteSession implements [auth.SessionStore].
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	return outcome(s.run(ctx, s.client, remove, id).Text())
}

// DeleteSessions implements [auth.SessionStore]. If the client has to ask twice, the number is what was
// left the second time.
func (s *Store) DeleteSessions(ctx context.Context, userID, except string) (int, error) {
	if userID == "" {
		return 0, nil
	}
	n, err := s.run(ctx, s.client, removeAll, userID, except).Int()
	return n, failed(err)
}

// run has client run the script.
func (s *Store) run(ctx context.Context, client redis.Scripter, script *redis.Script, args ...any) *redis.Cmd {
	if err := ctx.Err(); err != nil { // at which the client only looks when it has to wait
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(err)
		return cmd
	}
	return script.Run(ctx, client, nil, append([]any{s.prefix, micro(time.Now())}, args...)...)
}

// once is a client that sends a script to Redis once, whatever its MaxRetries.
type once struct{ *redis.Client }

func (c once) EvalSha(ctx context.Context, hash string, _ []string, args ...any) *redis.Cmd {
	return c.send(ctx, "evalsha", hash, args)
}

func (c once) Eval(ctx context.Context, source string, _ []string, args ...any) *redis.Cmd {
	return c.send(ctx, "eval", source, args)
}

func (c once) send(ctx context.Context, name, script string, args []any) *redis.Cmd {
	cmd := redis.NewCmd(ctx, append([]any{name, script, 0}, args...)...)
	_ = c.Process(ctx, final{cmd}) // the error is cmd's, too
	return cmd
}

// final is a command that is not repeated.
type final struct{ *redis.Cmd }

func (final) NoRetry() bool { return true }

// outcome returns the error that the answer of a script stands for.
func outcome(said string, err error) error {
	switch {
	case err != nil:
		return failed(err)
	case said == "gone":
		return auth.ErrNotFound
	case said == "taken":
		return auth.ErrExists
	case said != "ok":
		return fmt.Errorf("redisstore: unexpected answer %q", said)
	}
	return nil
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	if unable(err) {
		return fmt.Errorf("redisstore: %w: %w", auth.ErrUnavailable, err)
	}
	return fmt.Errorf("redisstore: %w", err)
}

// unable reports whether Redis answers that it cannot do it for now, or the client has no connection to spare. Of
// networks and deadlines auth.Status knows by itself.
func unable(err error) bool {
	return redis.IsOOMError(err) || redis.IsReadOnlyError(err) || redis.IsLoadingError(err) || redis.IsMasterDownError(err) ||
		redis.IsNoReplicasError(err) || errors.Is(err, redis.ErrPoolTimeout)
}

// micro writes down a time for the scripts, and for the scores of a sorted set.
func micro(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
