package importer

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/password"
)

// Read reads the file at path, and checks every line of it. The error is for a source that cannot be read at
// all; what is wrong with single lines is in [Plan.Faults]. The source is never written to. Close the Plan when it is
// no longer needed. All users are held in memory, about two kilobytes for each.
func Read(ctx context.Context, path string, o Options) (*Plan, error) {
	for role := range o.Columns {
		if usual[role] == nil {
			return nil, fmt.Errorf("nothing is called %q; columns may hold: %s", role, strings.Join(Roles(), ", "))
		}
	}
	s, format, err := open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	p := &Plan{Format: format, opts: o, source: s}
	if t, ok := s.(*sqliteSource); ok {
		p.Table = t.table
	}
	if err := p.read(ctx); err != nil {
		s.close()
		return nil, err
	}
	return p, nil
}

// Close closes the source.
func (p *Plan) Close() error { return p.source.close() }

func (p *Plan) read(ctx context.Context) error {
	c := checker{Plan: p, now: time.Now(), emails: map[string]holder{}, ids: map[string]holder{}}
	if header := p.source.header(); header != nil {
		if err := c.columnsOf(header); err != nil {
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := p.source.next()
		var wrong lineError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &wrong):
			p.fault(rec.place, wrong.Error())
			continue
		case err != nil:
			return err
		}
		if err := c.columnsOf(rec.names); err != nil {
			p.fault(rec.place, err.Error())
			continue
		}
		c.take(rec)
	}
}

// checker makes users of records.
type checker struct {
	*Plan
	now   time.Time
	names []string // to which columns belong
	columns
	emails, ids map[string]holder // who has the email, the ID
}

// holder is a record, and its row if it is a good one.
type holder struct {
	line int
	row  *row
}

// columnsOf finds the columns among names, which are nearly always those of the record before.
func (c *checker) columnsOf(names []string) error {
	if c.columns != nil && slices.Equal(c.names, names) {
		return nil
	}
	chosen, err := choose(names, c.opts)
	if err != nil {
		return err
	}
	c.names, c.columns = names, chosen
	c.describe()
	return nil
}

// describe tells which columns are read, and which are not.
func (c *checker) describe() {
	if c.Columns == nil {
		c.Columns = map[string]string{}
	}
	for i, name := range c.names {
		role := c.role(i)
		switch {
		case role != "":
			c.Columns[role] = printable(name)
		case !slices.Contains(c.Ignored, printable(name)):
			c.Ignored = append(c.Ignored, printable(name))
		}
	}
}

func (c *checker) role(i int) string {
	for role, j := range c.columns {
		if i == j {
			return role
		}
	}
	return ""
}

// take adds the record as a row, or as a fault with all that is wrong with it.
func (c *checker) take(rec record) {
	r := &row{place: rec.place, user: &auth.User{Updated: c.now, Stamp: rand.Text()}}
	var wrong []string
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	note(c.email(r, rec))
	note(c.hash(r, rec))
	note(c.times(r, rec))
	note(c.id(r, rec))
	wrong = append(wrong, c.doubles(r, len(wrong) == 0)...)
	if len(wrong) > 0 {
		c.fault(rec.place, strings.Join(wrong, "; "))
		return
	}
	c.rows = append(c.rows, r)
}

func (c *checker) email(r *row, rec record) error {
	text, ok := c.of("email", rec.values)
	if !ok || strings.TrimSpace(text) == "" {
		return errors.New("there is no email")
	}
	var err error
	if r.user.Email, err = auth.CanonicalEmail(text); err != nil {
		return errors.New("the email is none that Signup would take")
	}
	return nil
}

func (c *checker) hash(r *row, rec record) error {
	hash, _ := c.of("hash", rec.values)
	if noPassword(hash) {
		return nil
	}
	reader, err := password.Recognize(hash)
	if err == nil && strings.ContainsFunc(hash, unlikeHash) {
		err = errors.New("there are spaces or control characters in it")
	}
	switch {
	case err == nil:
		r.user.PasswordHash, r.reader = hash, fmt.Sprintf("%T", reader)
	case c.opts.ResetUnreadable:
		c.unread++
	default:
		return errors.New("the password hash is none that package password reads: " + why(hash, err))
	}
	return nil
}

// noPassword reports whether the old application let nobody in with this: Django writes "!" and chance.
func noPassword(hash string) bool {
	return strings.TrimSpace(hash) == "" || strings.HasPrefix(hash, "!") || null(hash) || hash == "*"
}

// unlikeHash reports whether a character is in no hash.
func unlikeHash(r rune) bool { return r <= ' ' || r > '~' }

// why says more of a hash that nothing reads, as far as that tells nothing of it.
func why(hash string, err error) string {
	digits := strings.Trim(strings.ToLower(hash), "0123456789abcdef") == ""
	switch {
	case digits && (len(hash) == 32 || len(hash) == 40 || len(hash) == 64 || len(hash) == 128),
		strings.HasPrefix(hash, "md5$"), strings.HasPrefix(hash, "sha1$"), strings.HasPrefix(hash, "md5:"), strings.HasPrefix(hash, "sha1:"):
		return "MD5, SHA-1 or the like, which protects nothing"
	}
	return strings.TrimPrefix(err.Error(), password.ErrMalformed.Error()+": ")
}

// times reads what a record says of times, and whether the account is on.
func (c *checker) times(r *row, rec record) error {
	var wrong []error
	read := func(role string, parse func(string) (time.Time, error)) time.Time {
		text, ok := c.of(role, rec.values)
		if !ok {
			return time.Time{}
		}
		t, err := parse(text)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s %w", role, err))
		}
		return t
	}
	r.user.Created = read("created", func(s string) (time.Time, error) { return date(s, c.now) })
	if r.user.Created.IsZero() {
		r.user.Created = c.now
	}
	since := func(t time.Time) func(string) (time.Time, error) {
		return func(s string) (time.Time, error) { return moment(s, t, c.now) }
	}
	r.user.Confirmed = read("confirmed", since(r.user.Created))
	if c.opts.Confirmed && r.user.Confirmed.IsZero() {
		r.user.Confirmed = r.user.Created
	}
	r.user.Disabled = read("disabled", since(c.now))
	if off := read("active", c.inactive); r.user.Disabled.IsZero() {
		r.user.Disabled = off
	}
	return join(wrong)
}

// inactive returns since when an account is off.
func (c *checker) inactive(active string) (time.Time, error) {
	yes, err := flag(active)
	if err != nil || yes {
		return time.Time{}, err
	}
	return c.now, nil
}

func join(wrong []error) error {
	var texts []string
	for _, err := range wrong {
		texts = append(texts, err.Error())
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

// id reads the ID of the source, and gives the user one.
func (c *checker) id(r *row, rec record) error {
	r.oldID, _ = c.of("id", rec.values)
	switch needed := c.opts.KeepIDs || c.opts.NeedIDs; {
	case needed && r.oldID == "":
		return errors.New("there is no ID")
	case needed && (len(r.oldID) > 255 || strings.ContainsFunc(r.oldID, func(r rune) bool { return !unicode.IsPrint(r) })):
		return errors.New("the ID is longer than 255 bytes, or holds control characters")
	}
	r.user.ID = newID(r.user.Created)
	if c.opts.KeepIDs {
		r.user.ID = r.oldID
	}
	return nil
}

// doubles says which other lines have the email or the ID of r. These are refused, too: nobody can tell which one is
// right.
func (c *checker) doubles(r *row, good bool) (wrong []string) {
	h := holder{line: r.line}
	if good {
		h.row = r
	}
	if line := c.claim(c.emails, r.user.Email, h, "email, in lower case,"); line > 0 {
		wrong = append(wrong, fmt.Sprintf("the email, in lower case, is also that of %s %d", c.Unit(), line))
	}
	if !c.opts.KeepIDs && !c.opts.NeedIDs {
		return wrong
	}
	if line := c.claim(c.ids, r.oldID, h, "ID"); line > 0 {
		wrong = append(wrong, fmt.Sprintf("the ID is also that of %s %d", c.Unit(), line))
	}
	return wrong
}

// claim takes key for h, unless another has it: then it refuses that one, and returns its line.
func (c *checker) claim(taken map[string]holder, key string, h holder, what string) int {
	if key == "" {
		return 0
	}
	first, ok := taken[key]
	if !ok {
		taken[key] = h
		return 0
	}
	if first.row != nil {
		c.refuse(first.row, fmt.Sprintf("the %s is also that of %s %d", what, c.Unit(), h.line))
	}
	return first.line
}

// Unit returns what a line is called in this source: "line" or "row".
func (p *Plan) Unit() string {
	if p.Format == "sqlite" {
		return "row"
	}
	return "line"
}

// newID makes an ID as Signup would have done then: 48 bits of time and 80 of chance, in characters that sort like
// the time.
func newID(created time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(created.UnixMilli())<<16)
	rand.Read(b[6:])
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
