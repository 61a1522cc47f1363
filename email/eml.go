package email

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

// The format of mails: RFC 5322 with MIME (RFC 2045 to 2049), and UTF-8 in addresses (RFC 6532).

// eml returns m as one file.
func eml(from *mail.Address, m *Message, now time.Time) ([]byte, error) {
	if to, err := auth.CanonicalEmail(m.To); err != nil || to != m.To {
		return nil, errAddress // it could begin another header
	}
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", (&mail.Address{Address: m.To}).String()},
		{"Subject", subject(m.Subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + rand.Text() + from.Address[strings.LastIndexByte(from.Address, '@'):] + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no answer, please
		{"MIME-Version", "1.0"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	write := alternatives
	if m.HTML == "" {
		write = single
	}
	err := write(&b, m)
	return b.Bytes(), err
}

// subject returns s as the value of a header, folded where it has spaces.
func subject(s string) string {
	var b strings.Builder
	n := len("Subject: ")
	for i, word := range strings.Fields(mime.QEncoding.Encode("utf-8", oneLine(s))) {
		switch {
		case i == 0:
		case n+1+len(word) > 76:
			b.WriteString("\r\n ")
			n = 1
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}

// single writes a mail of text only.
func single(b *bytes.Buffer, m *Message) error {
	h := partHeader("text/plain")
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
		fmt.Fprintf(b, "%s: %s\r\n", name, h.Get(name))
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(b)
	if _, err := w.Write([]byte(m.Text)); err != nil {
		return err
	}
	return w.Close()
}

func partHeader(mediaType string) textproto.MIMEHeader {
	return textproto.MIMEHeader{"Content-Type": {mediaType + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}
}

// alternatives writes the text and the HTML. What a reader understands best comes last (RFC 2046, section 5.1.4).
func alternatives(b *bytes.Buffer, m *Message) error {
	w := multipart.NewWriter(b)
	fmt.Fprintf(b, "Content-Type: multipart/alternative; boundary=%s\r\n\r\n", w.Boundary())
	for _, part := range [][2]string{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		p, err := w.CreatePart(partHeader(part[0]))
		if err != nil {
			return err
		}
		q := quotedprintable.NewWriter(p)
		if _, err := q.Write([]byte(part[1])); err != nil {
			return err
		}
		if err := q.Close(); err != nil {
			return err
		}
	}
	return w.Close()
}
