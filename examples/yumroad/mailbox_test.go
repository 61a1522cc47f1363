package main

import (
	"encoding/base64"
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
	"testing"
	"time"
)

// mailbox reads the mails that a shop with -mail dir:PATH writes.
type mailbox struct {
	t    *testing.T
	dir  string
	read []string // files
}

// letter is a mail as its reader sees it.
type letter struct {
	from, to, subject, text, html string
}

// next waits for another mail, which has to go to that address and be about that.
func (m *mailbox) next(to, subject string) *letter {
	m.t.Helper()
	l := m.open(m.wait())
	if l.to != "<"+to+">" || !strings.HasPrefix(l.subject, subject) || l.from != `"Yumroad" <noreply@localhost.localdomain>` {
		m.t.Fatalf("mail from %s to %s is about %q, want one to %s about %q", l.from, l.to, l.subject, to, subject)
	}
	return l
}

// wait returns the file of the next mail, which may still be on its way.
func (m *mailbox) wait() (file string) {
	m.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-tick.C {
		files, err := filepath.Glob(filepath.Join(m.dir, "*.eml")) // by time
		if err != nil {
			m.t.Fatal(err)
		}
		for _, file := range files {
			if !slices.Contains(m.read, file) {
				m.read = append(m.read, file)
				return file
			}
		}
	}
	m.t.Fatal("no mail comes")
	return ""
}

func (m *mailbox) open(file string) *letter {
	m.t.Helper()
	f, err := os.Open(file)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	msg, err := mail.ReadMessage(f)
	if err != nil {
		m.t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		m.t.Fatal(err)
	}
	l := &letter{from: msg.Header.Get("From"), to: msg.Header.Get("To"), subject: subject}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		m.t.Fatalf("Content-Type of a mail: %q, %v", kind, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	l.text, l.html = m.part(parts, "text/plain"), m.part(parts, "text/html")
	return l
}

// part reads the next part, which has to be of that type.
func (m *mailbox) part(parts *multipart.Reader, kind string) string {
	m.t.Helper()
	p, err := parts.NextRawPart()
	if err != nil {
		m.t.Fatal(err)
	}
	if got, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); got != kind {
		m.t.Fatalf("a part of a mail is %s, want %s", got, kind)
	}
	var body io.Reader = p
	switch p.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(p)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, p)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

var linkPattern = regexp.MustCompile(`https?://[^\s"<]+\?token=[A-Za-z0-9_-]+`)

// link returns the address in a mail, which has to be the same in both its parts, without the shop's own.
func (m *mailbox) link(base string, l *letter) (path string) {
	m.t.Helper()
	text, html := linkPattern.FindString(l.text), linkPattern.FindString(l.html)
	path, ok := strings.CutPrefix(text, base)
	if !ok || text != html {
		m.t.Fatalf("links in the mail are %q and %q", text, html)
	}
	return path
}
