// Package mailbox reads the mails that an application under test leaves: files named .eml in a directory, a maildir, or an mbox.
package mailbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxMail is how long a mail in a file of its own may be. One with a link in it takes some thousand bytes.
const maxMail = 10 << 20

// Mail is one mail. What is text and what is HTML is all in Text.
type Mail struct {
	ID      string // the same whenever the box is read
	To      string
	Subject string
	Text    string
}

// Box is a place with mails.
type Box struct {
	path string
	wait time.Duration
}

// Open returns the box at a path, which need not be there yet. Wait is how long [Box.Next] waits.
func Open(path string, wait time.Duration) *Box { return &Box{path, wait} }

// ErrNoMail reports that no mail came in time.
var ErrNoMail = errors.New("no mail came")

// All returns the mails, the oldest first as far as names of files tell. What cannot be read as a mail is left out.
func (b *Box) All() ([]*Mail, error) {
	info, err := os.Stat(b.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return b.directory()
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is neither a directory nor a file of mails", b.path)
	}
	return b.mbox()
}

func (b *Box) directory() (mails []*Mail, err error) {
	var files []string
	for _, pattern := range []string{"*.eml", "*.log", "new/*", "cur/*"} { // Django's file backend writes .log
		found, err := filepath.Glob(filepath.Join(b.path, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxMail {
			continue // it has been moved meanwhile, from new to cur, or would never be read to its end
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		id, _, _ := strings.Cut(filepath.Base(file), ":") // in a maildir flags follow
		if m := read(id, data); m != nil {
			mails = append(mails, m)
		}
	}
	return mails, nil
}

var fromLine = regexp.MustCompile(`(?m)^From .*\r?\n`)

func (b *Box) mbox() (mails []*Mail, err error) {
	data, err := os.ReadFile(b.path)
	if err != nil {
		return nil, err
	}
	for i, part := range fromLine.Split(string(data), -1) {
		if m := read(fmt.Sprint(i), []byte(part)); m != nil {
			mails = append(mails, m)
		}
	}
	return mails, nil
}

func read(id string, data []byte) *Mail {
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		subject = msg.Header.Get("Subject")
	}
	m := &Mail{ID: id, To: msg.Header.Get("To"), Subject: subject}
	m.Text = readPart(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
	return m
}

// readPart returns all the text in a part, those within it included.
func readPart(kind, encoding string, body io.Reader) string {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || !strings.HasPrefix(media, "multipart/") {
		text, _ := io.ReadAll(body) // half of it is better than nothing
		return string(text)
	}
	var all strings.Builder
	parts := multipart.NewReader(body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return all.String()
		}
		all.WriteString(readPart(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p))
		all.WriteString("\n")
	}
}

// Mark returns which mails there are, for a later [Box.Next].
func (b *Box) Mark() (ids []string, err error) {
	all, err := b.All()
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	return ids, err
}

// Next waits for a mail to that address that is not among those of a mark, and contains that text.
func (b *Box) Next(ctx context.Context, mark []string, to, containing string) (*Mail, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.wait, fmt.Errorf("%w within %v", ErrNoMail, b.wait))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := b.All()
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if !slices.Contains(mark, m.ID) && strings.Contains(strings.ToLower(m.To), strings.ToLower(to)) && strings.Contains(m.Text, containing) {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

var address = regexp.MustCompile(`https?://[^\s"'<>\\]+`)

// Links returns the addresses in a mail, each once.
func (m *Mail) Links() (links []string) {
	for _, link := range address.FindAllString(m.Text, -1) {
		link = strings.TrimRight(strings.ReplaceAll(link, "&amp;", "&"), ".,;:!?)]")
		if !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	return links
}
