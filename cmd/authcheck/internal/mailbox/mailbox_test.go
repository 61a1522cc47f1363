package mailbox

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const plain = "To: ann@example.com\r\nSubject: =?utf-8?q?Pa=C3=9Fwort?=\r\n\r\nSee http://127.0.0.1/reset?a=1&b=2.\r\n"

const parts = "To: Ann <ann@example.com>\r\nSubject: x\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nhttp://127.0.0.1/re=\r\nset?token=3Dabc\r\n" +
	"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEgaHJlZj0iaHR0cDovLzEyNy4wLjAuMS9yZXNldD9hPTEmYW1wO2I9MiI+\r\n--b--\r\n"

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "eml", "1.eml"), plain)
	write(t, filepath.Join(dir, "eml", "2.eml"), parts)
	write(t, filepath.Join(dir, "eml", "notes.txt"), plain)
	write(t, filepath.Join(dir, "maildir", "new", "1"), plain)
	write(t, filepath.Join(dir, "maildir", "cur", "2:2,S"), parts)
	write(t, filepath.Join(dir, "mbox"), "From a Thu Jan  1 00:00:00 1970\n"+plain+"\nFrom b Thu Jan  1 00:00:00 1970\n"+parts)
	for _, place := range []string{"eml", "maildir", "mbox"} {
		all, err := Open(filepath.Join(dir, place), 0).All()
		if err != nil || len(all) != 2 {
			t.Fatalf("%s: %d mails, %v", place, len(all), err)
		}
		var links []string
		for _, m := range all {
			links = append(links, m.Links()...)
		}
		for _, want := range []string{"http://127.0.0.1/reset?a=1&b=2", "http://127.0.0.1/reset?token=abc"} {
			if !slices.Contains(links, want) {
				t.Errorf("%s: links %q, want %s", place, links, want)
			}
		}
		if !slices.ContainsFunc(all, func(m *Mail) bool { return m.Subject == "Paßwort" }) {
			t.Errorf("%s: no subject", place)
		}
	}
}

func TestNext(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "1.eml"), plain)
	b := Open(dir, 20*time.Millisecond)
	mark, err := b.Mark()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Next(t.Context(), mark, "ann@example.com", ""); !errors.Is(err, ErrNoMail) {
		t.Errorf("an old mail: %v", err)
	}
	write(t, filepath.Join(dir, "2.eml"), parts)
	if m, err := b.Next(t.Context(), mark, "ANN@example.com", "token="); err != nil || m.ID != "2.eml" {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := b.Next(t.Context(), mark, "bob@example.com", ""); !errors.Is(err, ErrNoMail) {
		t.Errorf("a mail to somebody else: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none"), time.Millisecond).Next(t.Context(), nil, "", ""); !errors.Is(err, ErrNoMail) {
		t.Errorf("no box: %v", err)
	}
}

// What is no mail, such as a pipe to which nobody writes, keeps nobody waiting.
func TestNoMails(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "1.eml"), plain)
	write(t, filepath.Join(dir, "2.eml"), plain)
	if err := os.Truncate(filepath.Join(dir, "2.eml"), maxMail+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "3.eml")); err != nil {
		t.Fatal(err)
	}
	if all, err := Open(dir, 0).All(); err != nil || len(all) != 1 {
		t.Errorf("%d mails, %v", len(all), err)
	}
	if _, err := Open(filepath.Join(dir, "3.eml"), 0).All(); err == nil {
		t.Error("a device is a mailbox")
	}
}
