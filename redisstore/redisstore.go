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
// One primary that takes all reads and writes, with or without replicas and Sentinel
// (redis.NewFailoverClient): Redis 5 or newer, or Valkey. Not a Redis Cluster: a session is looked up by its ID, the sessions of a
// user by theirs, and one script has to reach both. The client must ask the primary, not a replica, and
// have no client-side cache: both would show sessions that have ended.
//
// # What Redis forgets, and what it remembers
//
// A Redis that forgets everything logs everybody out, and nothing worse. One that forgets only the last
// moments brings back sessions that were ended in them: replication is asynchronous, so a failover may do that;
// appendfsync everysec may do it for a second after a crash; and a snapshot, or a backup, since it was made.
// A session that ended because the password changed, or with all of the user's others, stays dead even
// then, since its Stamp is no longer the user's, who is in another store. One that ended by a logout, or alone from the list of
// sessions, lives on until it expires, for whoever has its token, which browsers that logged out have not. Who
// minds that has these choices: no persistence and no replicas, so that a failure logs everybody
// out; appendfsync always; min-replicas-to-write with a short min-replicas-max-lag, which narrows the gap of a failover and
// does not close it; or sessions in package sqlstore.
//
// # When Redis is full
//
// Set maxmemory-policy to noeviction. A full Redis then refuses new sessions and changes, with an error, and still
// reads and ends those it has. All other policies throw sessions out that somebody is using, and lists of sessions, so that
// DeleteSessions misses some; the Stamp ends these, too. Sessions that have expired go by themselves, and so do the lists.
//
// # When Redis is away
//
// Every method returns an error that is none of the sentinels, never [auth.ErrNotFound]: visitors get a 503, keep their
// cookies, and are logged in again once Redis is back. How long a call takes is up to the client's DialTimeout, ReadTimeout
// and MaxRetries, and to the deadline of the context only if the client has ContextTimeoutEnabled: set it.
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
// prefix, "u:" and the ID of the user, scored by when they expire. Both go by themselves. Whether a
// session has expired is up to the clock of the process that asks; should it differ from that of others by
// more than an hour, lists may lack sessions.
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
// It is never sent twice, whatever the client's MaxRetries: of two that arrive the second would say
// that the first one's session is gone or taken, or add it again after it has ended. If the answer is lost the session may be there, but nobody has its token.
func (s *Store) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	said, err := s.run(ctx, once{s.client}, create, rec.ID, rec.UserID, micro(rec.Expires), encode(rec), replaces).Text()
	return outcome(said, err)
}

// Session implements [auth.SessionStore]. It is one GET, and the user is always nil. A value
// that cannot be read is no session: see [Store].
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
	return fmt.Errorf("redisstore: %w", err)
}

// micro writes down a time for the scripts, and for the scores of a sorted set.
func micro(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
