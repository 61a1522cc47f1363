package email

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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

// maxWord is how long a part of a subject may be, in bytes, so that no line is longer than 76 (RFC 2047, section 2).
const maxWord = 76 - len("Subject: ")

// subject returns s as the value of a header, folded where it has spaces.
func subject(s string) string {
	words := strings.Fields(oneLine(s))
	if slices.ContainsFunc(words, func(w string) bool { return len(w) > maxWord || strings.Contains(w, "=?") || notASCII(w) }) {
		words = encoded(strings.Join(words, " "))
	}
	var b strings.Builder
	n := len("Subject: ")
	for i, word := range words {
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

func notASCII(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}

// encoded returns s in words as of RFC 2047, none of which splits a character.
func encoded(s string) (words []string) {
	const before, after = "=?utf-8?b?", "?="
	size := base64.StdEncoding.DecodedLen((maxWord - len(before) - len(after)) / 4 * 4)
	for s != "" {
		n := min(size, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, before+base64.StdEncoding.EncodeToString([]byte(s[:n]))+after)
		s = s[n:]
	}
	return words
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
	fmt.Fprintf(b, "Content-Type: multipart/alternative;\r\n boundary=%s\r\n\r\n", w.Boundary())
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
