package email_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
)

const sender = "The Shop <noreply@shop.example>"

func newDir(t *testing.T, from string) (*email.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a", "mails")
	d, err := email.NewDir(path, from)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

// files returns what is in all files of a directory, by the order of their names.
func files(t *testing.T, path string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, string(data)); filepath.Ext(e.Name()) != ".eml" {
			t.Errorf("a file %s", e.Name())
		}
	}
	return list
}

// written sends m, and returns it as a mail program reads it.
func written(t *testing.T, from string, m *email.Message) (header mail.Header, parts map[string]string, raw string) {
	t.Helper()
	d, path := newDir(t, from)
	if err := d.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	raw = files(t, path)[0]
	read, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	parts = map[string]string{}
	mediaType, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if mediaType != "multipart/alternative" {
		body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
		if err != nil || read.Header.Get("Content-Transfer-Encoding") != "quoted-printable" || params["charset"] != "utf-8" {
			t.Errorf("%v, header %v", err, read.Header)
		}
		parts[mediaType] = string(body)
		return read.Header, parts, raw
	}
	var order []string
	for r := multipart.NewReader(read.Body, params["boundary"]); ; {
		p, err := r.NextPart() // decodes quoted-printable
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, p.Header.Get("Content-Type"))
		parts[strings.TrimSuffix(p.Header.Get("Content-Type"), "; charset=utf-8")] = string(body)
	}
	if !slices.Equal(order, []string{"text/plain; charset=utf-8", "text/html; charset=utf-8"}) {
		t.Errorf("the parts are %q", order)
	}
	return read.Header, parts, raw
}

// unix returns s with the ends of lines that a Message has.
func unix(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// What is read is what was written, whatever it is, and lines are short enough for every server.
func TestDirKeepsEverything(t *testing.T) {
	text := "Hello,\n\n.\n..\nFrom me\n" + strings.Repeat("ein sehr langer Satz ", 100) + "\n" + strings.Repeat("x", 2000) + "\ntrailing \t\n=20 äöü €\n--\n"
	for name, m := range map[string]*email.Message{
		"plain":            {To: ann, Subject: "Hello", Text: text},
		"both":             {To: ann, Subject: "Hello", Text: text, HTML: "<p>" + text},
		"umlauts":          {To: ann, Subject: "Ein neues Paßwort für Jörgs Läden", Text: text},
		"long umlauts":     {To: ann, Subject: strings.Repeat("Überraschung für ", 60) + "dich", Text: text, HTML: text},
		"long":             {To: ann, Subject: strings.Repeat("surprise for ", 100) + "you", Text: text},
		"a long word":      {To: ann, Subject: "Hi " + strings.Repeat("x", 1500), Text: text},
		"looks encoded":    {To: ann, Subject: "=?utf-8?q?no?= ?=", Text: "Content-Type: text/html\n\n<p>"},
		"Unicode address":  {To: "jörg@exämple.example", Subject: "Hello", Text: text},
		"odd address":      {To: "o'brien+{a}/b=c@example.com", Subject: "Hello", Text: text},
		"empty":            {To: ann},
		"address in a tag": {To: ann, Subject: "<ann@example.com>, bob@example.com", Text: "--boundary\n--\n", HTML: "--"},
	} {
		header, parts, raw := written(t, sender, m)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || subject != m.Subject {
			t.Errorf("%s: the subject is %q, %v", name, subject, err)
		}
		to, err := header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != m.To {
			t.Errorf("%s: to %v, %v", name, to, err)
		}
		if unix(parts["text/plain"]) != m.Text || unix(parts["text/html"]) != m.HTML {
			t.Errorf("%s: the parts are %q", name, parts)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(raw, "\r\n"), "\r\n") {
			if strings.ContainsAny(line, "\r\n") || len(line) > 78 {
				t.Errorf("%s: a line %q of %d bytes", name, line, len(line))
			}
		}
	}
}

func TestDirHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header, _, _ := written(t, `"Jörgs Läden" <noreply@shop.example>`, &email.Message{To: ann, Subject: "Hi", Text: "x", HTML: "y"})
		from, err := header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Name != "Jörgs Läden" || from[0].Address != "noreply@shop.example" {
			t.Errorf("from %v, %v", from, err)
		}
		if date, err := header.Date(); err != nil || !date.Equal(time.Now().Truncate(time.Second)) {
			t.Errorf("date %v, %v", date, err)
		}
		if id := header.Get("Message-ID"); len(id) < 20 || !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@shop.example>") {
			t.Errorf("Message-ID %q", id)
		}
		if header.Get("Auto-Submitted") != "auto-generated" || header.Get("MIME-Version") != "1.0" || len(header) != 8 {
			t.Errorf("header %v", header)
		}
		other, _, _ := written(t, sender, &email.Message{To: ann})
		if other.Get("Message-ID") == header.Get("Message-ID") {
			t.Error("the same Message-ID twice")
		}
	})
}

// No address and no subject begins another header.
func TestDirInjection(t *testing.T) {
	d, path := newDir(t, sender)
	for _, to := range []string{"", "ann", ann + "\r\nBcc: all@example.com", ann + "\nBcc: all@example.com", ann + ", bob@example.com", "Ann <" + ann + ">", `"a\r\nBcc: b"@example.com`, ann + "\x00", " " + ann} {
		if err := d.Send(t.Context(), &email.Message{To: to, Subject: "Hi", Text: "Hi"}); err == nil {
			t.Errorf("to %q: no error", to)
		}
	}
	if n := len(files(t, path)); n != 0 {
		t.Errorf("%d files", n)
	}
	for _, subject := range []string{"Hi\r\nBcc: all@example.com", "Hi\nBcc: all@example.com", "Hi\r\n\r\n<p>", "Hi\u2028Bcc: x", "ü\r\nBcc: all@example.com"} {
		header, parts, _ := written(t, sender, &email.Message{To: ann, Subject: subject, Text: "text"})
		if header.Get("Bcc") != "" || len(header) != 9 || parts["text/plain"] != "text" {
			t.Errorf("%q: header %v, text %q", subject, header, parts["text/plain"])
		}
	}
	// What the name of the sender decodes to is encoded again.
	header, _, _ := written(t, "=?utf-8?q?Shop=0D=0ABcc=3A_all=40example.com?= <noreply@shop.example>", &email.Message{To: ann, Text: "text"})
	if header.Get("Bcc") != "" || len(header) != 9 {
		t.Errorf("header %v", header)
	}
}

func TestNewDir(t *testing.T) {
	for _, from := range []string{"", "The Shop", "shop.example", "a@b.example, c@d.example", "a@b.example\r\nBcc: all@example.com"} {
		if _, err := email.NewDir(t.TempDir(), from); err == nil {
			t.Errorf("%q: no error", from)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", file, filepath.Join(file, "mails")} {
		if _, err := email.NewDir(path, sender); err == nil {
			t.Errorf("%q: no error", path)
		}
	}
}

// Only the owner can read the mails.
func TestDirFiles(t *testing.T) {
	d, path := newDir(t, sender)
	if err := d.Send(t.Context(), &email.Message{To: ann}); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(path, "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	for path, want := range map[string]fs.FileMode{path: 0o700, found[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
}

// Who looks all the time sees every mail in its full size only.
func TestDirWholeFiles(t *testing.T) {
	d, path := newDir(t, sender)
	sizes := map[string]map[int64]bool{}
	look := func() {
		entries, err := os.ReadDir(path)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && filepath.Ext(e.Name()) == ".eml" { // else it has got its name since
				if sizes[e.Name()] == nil {
					sizes[e.Name()] = map[int64]bool{}
				}
				sizes[e.Name()][info.Size()] = true
			}
		}
	}
	done := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				look()
			}
		}
	})
	for range 10 {
		if err := d.Send(t.Context(), &email.Message{To: ann, Text: strings.Repeat("a line\n", 500_000)}); err != nil {
			t.Error(err)
		}
	}
	close(done)
	looking.Wait()
	look()
	if len(sizes) != 10 {
		t.Errorf("%d mails", len(sizes))
	}
	for name, sizes := range sizes {
		if len(sizes) != 1 {
			t.Errorf("%s was seen with sizes %v", name, sizes)
		}
	}
}

// The names sort as the mails were sent, also in the same moment.
func TestDirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := newDir(t, sender)
		for n := range 30 {
			if err := d.Send(t.Context(), &email.Message{To: ann, Text: fmt.Sprintf("mail %d.", n)}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Duration(n%2) * 700 * time.Millisecond)
		}
		for n, data := range files(t, path) {
			if !strings.HasSuffix(data, fmt.Sprintf("mail %d.", n)) {
				t.Errorf("mail %d is %s", n, data)
			}
		}
	})
}

// What cannot be written is an error, and leaves nothing behind.
func TestDirFails(t *testing.T) {
	d, path := newDir(t, sender)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Send(ctx, &email.Message{To: ann}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if n := len(files(t, path)); n != 0 {
		t.Errorf("%d files", n)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := d.Send(t.Context(), &email.Message{To: ann}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

// A site sends through it.
func TestDirAsMailer(t *testing.T) {
	d, path := newDir(t, sender)
	s := newSite(t, 0, func(c *email.Config) { c.Mailer = d })
	s.user(confirmed)
	if err := s.links.Forgot(t.Context(), &auth.LoginForm{Email: ann}); err != nil {
		t.Fatal(err)
	}
	s.links.Close(t.Context())
	if mails := files(t, path); len(mails) != 1 || !strings.Contains(mails[0], "Subject: A new password for The Shop\r\n") {
		t.Errorf("%q", mails)
	}
}
