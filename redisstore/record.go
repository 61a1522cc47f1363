package redisstore

import (
	"encoding/binary"
	"time"

	"github.com/vestibule-go/auth"
)

// What is kept of a session is a string, which is half the memory of a hash, and one GET:
//
//	format expires seen created  length user  length address  length agent  data
//
// The format is a byte, the times are microseconds in 8 bytes, the lengths have 4. The scripts read and
// write the same.
const format = "\x01"

func encode(rec *auth.SessionRecord) []byte {
	b := append([]byte(format), encodeTimes(rec.Expires, rec.LastSeen, rec.Created)...)
	for _, text := range []string{rec.UserID, rec.Address, rec.Agent} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return append(b, rec.Data...)
}

func encodeTimes(times ...time.Time) (b []byte) {
	for _, t := range times {
		b = binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
	}
	return b
}

// decode reads what encode wrote, and reports whether it could.
func decode(id, value string) (*auth.SessionRecord, bool) {
	d := decoder{rest: value}
	if d.take(1) != format {
		return nil, false
	}
	rec := &auth.SessionRecord{
		ID: id, Expires: d.time(), LastSeen: d.time(), Created: d.time(),
		UserID: d.text(), Address: d.text(), Agent: d.text(),
	}
	rec.Data = []byte(d.rest)
	return rec, !d.bad
}

// A decoder reads from the front of rest. At the first thing it cannot read it turns bad.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) take(n uint32) string {
	if uint64(n) > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	head := d.rest[:n]
	d.rest = d.rest[n:]
	return head
}

func (d *decoder) time() time.Time {
	b := []byte(d.take(8))
	if d.bad {
		return time.Time{}
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()
}

func (d *decoder) text() string {
	b := []byte(d.take(4))
	if d.bad {
		return ""
	}
	return d.take(binary.BigEndian.Uint32(b))
}
