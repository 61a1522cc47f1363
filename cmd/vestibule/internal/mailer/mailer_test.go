package mailer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/cmd/vestibule/shell"
	"github.com/vestibule-go/auth/email"
)

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	m, err := Open("dir:"+dir, "noreply@shop.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), &email.Message{To: "ann@example.com", Subject: "x", Text: "y"}); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d mails, %v", len(files), err)
	}
	if _, err := Open("smtps://u:p@mail.example:465", "noreply@shop.example"); err != nil {
		t.Error(err)
	}
	for _, where := range []string{"log", "dir:", "", "smtp", "http://u:s3cr3t@mail.example", "smtp://u:s3cr3t%zz@mail.example", "smtp://u:s3cr3t@mail.example:port"} {
		_, err := Open(where, "noreply@shop.example")
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%q: %v", where, err)
		}
	}
	t.Setenv("SHOP_MAIL", "smtps://u:p@mail.example:465")
	if _, err := Open("env:SHOP_MAIL", "noreply@shop.example"); err != nil {
		t.Error(err)
	}
	t.Setenv("SHOP_MAIL", "")
	if _, err := Open("env:SHOP_MAIL", "noreply@shop.example"); !errors.Is(err, shell.ErrUsage) {
		t.Error(err)
	}
	if _, err := Open("log", "noreply@shop.example"); !errors.Is(err, shell.ErrUsage) {
		t.Error(err)
	}
}
