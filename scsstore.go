package auth

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// SCSStore makes a [SessionStore] of any store for scs. Put it into [Stores] beside a store for
// users and credentials. For Redis there is package redisstore, which lacks nothing of this. Here the
// sessions keep their promises but for two:
//
//   - a store for scs knows no users, so Sessions and DeleteSessions return
//     errors.ErrUnsupported. Revocation works all the same, since a session ends
//     when its user's Stamp changes.
//   - a store for scs can only overwrite. Before it writes, SCSStore looks whether the
//     session is still there, and within one process nothing comes between. Of two
//     processes one may end a session in the instant between the look and the write of the other,
//     which then brings it back, until it expires or the Stamp changes. Where that
//     matters keep sessions in sqlstore or redisstore.
func SCSStore(store scs.Store) SessionStore {
	return &scsStore{store: store, seed: maphash.MakeSeed()}
}

type scsStore struct {
	store scs.Store
	seed  maphash.Seed
	locks [64]sync.Mutex
}

// lock keeps others of this process away from the sessions until the returned
// function is called. Everybody takes locks in the same order.
func (s *scsStore) lock(ids ...string) (unlock func()) {
	var list []uint64
	for _, id := range ids {
		list = append(list, maphash.String(s.seed, id)%uint64(len(s.locks)))
	}
	slices.Sort(list)
	list = slices.Compact(list)
	for _, i := range list {
		s.locks[i].Lock()
	}
	return func() {
		for _, i := range list {
			s.locks[i].Unlock()
		}
	}
}

func (s *scsStore) CreateSession(ctx context.Context, rec *SessionRecord, replaces string) error {
	defer s.lock(rec.ID, cmp.Or(replaces, rec.ID))()
	if replaces != "" && replaces != rec.ID {
		if _, err := s.find(ctx, replaces); err != nil {
			return err
		}
	}
	switch _, err := s.find(ctx, rec.ID); {
	case err == nil && replaces != rec.ID:
		return ErrExists
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	}
	if err := s.commit(ctx, rec); err != nil {
		return err
	}
	if replaces == "" || replaces == rec.ID {
		return nil
	}
	if err := s.delete(ctx, replaces); err != nil {
		return errors.Join(err, s.delete(ctx, rec.ID))
	}
	return nil
}

func (s *scsStore) Session(ctx context.Context, id string) (*SessionRecord, *User, error) {
	rec, err := s.find(ctx, id)
	return rec, nil, err
}

func (s *scsStore) UpdateSession(ctx context.Context, rec *SessionRecord) error {
	defer s.lock(rec.ID)()
	known, err := s.find(ctx, rec.ID)
	if err != nil {
		return err
	}
	known.LastSeen, known.Expires = rec.LastSeen, rec.Expires
	if rec.Data != nil {
		known.Data = rec.Data
	}
	return s.commit(ctx, known)
}

func (s *scsStore) Sessions(context.Context, string) ([]*SessionRecord, error) {
	return nil, errors.ErrUnsupported
}

func (s *scsStore) DeleteSession(ctx context.Context, id string) error {
	defer s.lock(id)()
	return s.delete(ctx, id)
}

func (s *scsStore) DeleteSessions(context.Context, string, string) (int, error) {
	return 0, errors.ErrUnsupported
}

func (s *scsStore) find(ctx context.Context, id string) (*SessionRecord, error) {
	var b []byte
	var found bool
	var err error
	if c, ok := s.store.(scs.CtxStore); ok {
		b, found, err = c.FindCtx(ctx, id)
	} else {
		b, found, err = s.store.Find(id)
	}
	if err != nil {
		return nil, err
	}
	rec := decodeRecord(id, b)
	if !found || !rec.Expires.After(time.Now()) {
		return nil, ErrNotFound
	}
	return rec, nil
}

func (s *scsStore) commit(ctx context.Context, rec *SessionRecord) error {
	if !rec.Expires.After(time.Now()) { // some stores would keep it for ever
		return s.delete(ctx, rec.ID)
	}
	if c, ok := s.store.(scs.CtxStore); ok {
		return c.CommitCtx(ctx, rec.ID, encodeRecord(rec), rec.Expires)
	}
	return s.store.Commit(rec.ID, encodeRecord(rec), rec.Expires)
}

func (s *scsStore) delete(ctx context.Context, id string) error {
	if c, ok := s.store.(scs.CtxStore); ok {
		return c.DeleteCtx(ctx, id)
	}
	return s.store.Delete(id)
}

// encodeRecord writes down rec, but for its ID.
func encodeRecord(rec *SessionRecord) []byte {
	b := []byte{codecVersion}
	for _, s := range []string{rec.UserID, rec.Address, rec.Agent} {
		b = appendString(b, s)
	}
	for _, t := range []time.Time{rec.Created, rec.LastSeen, rec.Expires} {
		b = binary.AppendVarint(b, t.UnixMicro())
	}
	return append(b, rec.Data...)
}

// decodeRecord reads what encodeRecord wrote. What it cannot read has expired.
func decodeRecord(id string, b []byte) *SessionRecord {
	d := decoder{b: b}
	if d.byte() != codecVersion {
		return &SessionRecord{}
	}
	rec := &SessionRecord{ID: id, UserID: d.string(), Address: d.string(), Agent: d.string()}
	for _, t := range []*time.Time{&rec.Created, &rec.LastSeen, &rec.Expires} {
		*t = time.UnixMicro(d.varint()).UTC()
	}
	if d.bad {
		return &SessionRecord{}
	}
	rec.Data = append([]byte{}, d.b...)
	return rec
}
