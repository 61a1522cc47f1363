package email

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Dir is a Mailer that writes every mail as a file into a directory, for development, and for programs
// which send what they find there. The names end in ".eml" and sort by time. A file is there as a
// whole or not at all. Make one with [NewDir]. It is safe for concurrent use.
//
// Open the files with a mail program: in their text a link is encoded (quoted-printable), and may be broken into two lines.
// Whoever can read the directory can use the links in it.
type Dir struct {
	path string
	from *mail.Address
	sent atomic.Uint64
}

// NewDir returns a Dir that writes to path, and makes that directory, for its owner alone, if it is missing.
// From is the sender, such as "The Shop <noreply@shop.example>".
func NewDir(path, from string) (*Dir, error) {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("email: the sender %q: %w", from, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return &Dir{path: path, from: a}, nil
}

// Send implements [Mailer].
func (d *Dir) Send(ctx context.Context, m *Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	data, err := eml(d.from, m, now)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%09d-%s.eml", now.UTC().Format("20060102T150405.000000000"), d.sent.Add(1), rand.Text()[:8])
	if err := d.write(name, data); err != nil {
		return fmt.Errorf("email: write mail: %w", err)
	}
	return nil
}

// write writes a file under another name first, since somebody may be looking.
func (d *Dir) write(name string, data []byte) error {
	f, err := os.CreateTemp(d.path, ".new-*") // for its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // if it is there still
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(d.path, name))
}
