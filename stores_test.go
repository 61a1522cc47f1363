package auth_test

import (
	"context"
	"encoding/gob"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
)

// counting counts the calls that requests cause.
type counting struct {
	auth.Store
	all, updates atomic.Int64
}

func (c *counting) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	c.all.Add(1)
	return c.Store.Session(ctx, id)
}

func (c *counting) UserByID(ctx context.Context, id string) (*auth.User, error) {
	c.all.Add(1)
	return c.Store.UserByID(ctx, id)
}

func (c *counting) UpdateSession(ctx context.Context, s *auth.SessionRecord) error {
	c.all.Add(1)
	c.updates.Add(1)
	return c.Store.UpdateSession(ctx, s)
}

// withValue is an application's own table of users.
type withValue struct {
	auth.Store
	value any
}

func (s withValue) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	rec, u, err := s.Store.Session(ctx, id)
	if u != nil {
		u.Value = s.value
	}
	return rec, u, err
}

func gobRegister(v any) { gob.Register(v) }

func equalValue(a, b any) bool {
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u)
	}
	return reflect.DeepEqual(a, b)
}

const hour = time.Hour

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
