package auth

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"maps"
	"math"
	"slices"
	"time"
)

// What a SessionRecord holds in Data: first the facts, which are ours, then the
// application's values as the codec of scs writes them. Both are short and
// written by hand, since gob, which would do, costs a third of a whole request.
//
//	facts  = version flags realm stamp count { factor time }
//	values = deadline count { key type value }

const codecVersion = 1

const (
	flagPending = 1 << iota
	flagRemembered
	flagNewPassword
)

var errCodec = errors.New("auth: session data cannot be read")

// appendFacts appends what s says beyond the columns of its record.
func appendFacts(b []byte, s *Session) []byte {
	var flags byte
	if s.pending {
		flags |= flagPending
	}
	if s.Remembered {
		flags |= flagRemembered
	}
	if s.newPassword {
		flags |= flagNewPassword
	}
	b = append(b, codecVersion, flags)
	b = appendString(b, s.realm)
	b = appendString(b, s.stamp)
	b = binary.AppendUvarint(b, uint64(len(s.Factors)))
	for _, f := range slices.Sorted(maps.Keys(s.Factors)) {
		b = appendString(b, f)
		b = binary.AppendVarint(b, s.Factors[f].UnixMicro())
	}
	return b
}

// decodeSession returns the session that rec holds, and the values behind it.
func decodeSession(rec *SessionRecord) (s *Session, values []byte, err error) {
	d := decoder{b: rec.Data}
	if d.byte() != codecVersion {
		return nil, nil, errCodec
	}
	flags := d.byte()
	s = &Session{
		ID: rec.ID, UserID: rec.UserID,
		Created: rec.Created, LastSeen: rec.LastSeen, Expires: rec.Expires,
		Address: rec.Address, Agent: rec.Agent,
		Remembered: flags&flagRemembered != 0,
		pending:    flags&flagPending != 0,
		realm:      d.string(),
		stamp:      d.string(),

		newPassword: flags&flagNewPassword != 0,
	}
	s.Factors = make(map[string]time.Time)
	for n := d.count(); n > 0 && !d.bad; n-- {
		f := d.string()
		s.Factors[f] = time.UnixMicro(d.varint()).UTC()
	}
	if d.bad {
		return nil, nil, errCodec
	}
	return s, d.b, nil
}

// codec implements scs.Codec for the application's values.
type codec struct{}

// Encode implements scs.Codec. Equal values give equal bytes, so that a session
// that did not change is not written.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	b := binary.AppendVarint(nil, deadline.UnixMicro())
	b = binary.AppendUvarint(b, uint64(len(values)))
	var err error
	for _, k := range slices.Sorted(maps.Keys(values)) {
		b = appendString(b, k)
		if b, err = appendValue(b, values[k]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Decode implements scs.Codec.
func (codec) Decode(b []byte) (time.Time, map[string]any, error) {
	d := decoder{b: b}
	deadline := time.UnixMicro(d.varint()).UTC()
	values := make(map[string]any)
	for n := d.count(); n > 0 && !d.bad; n-- {
		k := d.string()
		values[k] = d.value()
	}
	if d.bad || len(d.b) > 0 {
		return time.Time{}, nil, errCodec
	}
	return deadline, values, nil
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendValue appends a letter for the type and then the value: by hand for the
// types that sessions mostly hold, by gob for all others.
func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendString(append(b, 's'), v), nil
	case bool:
		if v {
			return append(b, 't'), nil
		}
		return append(b, 'f'), nil
	case int:
		return binary.AppendVarint(append(b, 'i'), int64(v)), nil
	case int64:
		return binary.AppendVarint(append(b, 'l'), v), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'd'), math.Float64bits(v)), nil
	case []byte:
		return appendString(append(b, 'b'), string(v)), nil
	case time.Time:
		t, err := v.MarshalBinary()
		return appendString(append(b, 'T'), string(t)), err
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(&v); err != nil {
		return nil, err
	}
	return appendString(append(b, 'g'), buf.String()), nil
}

// A decoder reads from the front of b. At the first thing it cannot read it
// turns bad, and then returns zero values.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.bad, d.b = true, nil }

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	head := d.b[:n]
	d.b = d.b[n:]
	return head
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) count() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string { return string(d.take(d.count())) }

func (d *decoder) value() any {
	switch d.byte() {
	case 's':
		return d.string()
	case 't':
		return true
	case 'f':
		return false
	case 'i':
		return int(d.varint())
	case 'l':
		return d.varint()
	case 'd':
		if b := d.take(8); b != nil {
			return math.Float64frombits(binary.BigEndian.Uint64(b))
		}
	case 'b':
		return []byte(d.string())
	case 'T':
		var t time.Time
		if t.UnmarshalBinary(d.take(d.count())) == nil {
			return t
		}
	case 'g':
		var v any
		if gob.NewDecoder(bytes.NewReader(d.take(d.count()))).Decode(&v) == nil {
			return v
		}
	}
	d.fail()
	return nil
}
