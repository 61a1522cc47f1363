package auth

import "context"

// SetSessionValue keeps a value in the visitor's session under a key: a shopping
// cart, or a message for the next page. A guest gets a session by it. It is gone with
// the session: at the latest when the user logs out, or another one logs in.
//
// Values of other types than string, bool, int, int64, float64, []byte and
// time.Time must be registered with encoding/gob; if one is not, the response
// becomes an error. Two requests of one session at the same time may overwrite
// each other's values. The error is ErrNoHandler where there is no session to keep a value in.
func SetSessionValue(ctx context.Context, key string, value any) error {
	st := currentState(ctx)
	if st == nil || st.header || st.w.started.Load() {
		return ErrNoHandler
	}
	if err := st.unread(); err != nil {
		return err
	}
	st.m.scs.Put(st.kept(), key, value)
	return nil
}

// SessionValue returns the value under that key, and reports whether there is one
// of that type.
func SessionValue[T any](ctx context.Context, key string) (T, bool) {
	var value any
	if st := currentState(ctx); st != nil {
		value = st.m.scs.Get(st.kept(), key)
	}
	v, ok := value.(T)
	return v, ok
}

// TakeSessionValue is SessionValue, and removes the value: for messages that are shown
// once. After the first byte of the response it removes nothing.
func TakeSessionValue[T any](ctx context.Context, key string) (T, bool) {
	v, ok := SessionValue[T](ctx, key)
	if st := currentState(ctx); ok && !st.w.started.Load() {
		st.m.scs.Remove(st.kept(), key)
	}
	return v, ok
}
