package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vestibule-go/auth/authtest"
)

// outbox gets what -mail log prints, mail by mail.
type outbox chan string

func (o outbox) Write(p []byte) (int, error) {
	o <- string(p)
	return len(p), nil
}

// printed returns the next mail, which has to go to that address, and the link in it.
func (o outbox) printed(t *testing.T, to, subject string) (link string) {
	t.Helper()
	m := <-o
	if !strings.Contains(m, "To: "+to+"\n") || !strings.Contains(m, "Subject: "+subject) {
		t.Fatalf("this is no mail %q to %s:\n%s", subject, to, m)
	}
	return strings.TrimPrefix(regexp.MustCompile(`http://\S+\?token=\S+`).FindString(m), authtest.BaseURL)
}

// newMailingShop opens a shop that gives its users so long to confirm their addresses.
func newMailingShop(t *testing.T, within time.Duration) (*shop, outbox) {
	t.Helper()
	mails := make(outbox, 100)
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(o *options) { o.out, o.confirmWithin = mails, within })
	return s, mails
}

func TestConfirmFirst(t *testing.T) {
	s, mails := newMailingShop(t, 0)
	c := visitor(t, s)
	r := c.Signup(ann, authtest.Password)
	wantRedirect(t, r, "/signup")
	want(t, r.Follow(), http.StatusOK, "Look into your mail")
	link := mails.printed(t, ann, "Please confirm your address for Yumroad")
	want(t, c.Login(ann, authtest.Password), http.StatusUnprocessableEntity, "The email or the password is wrong.")
	wantRedirect(t, visitor(t, s).Signup(ann, authtest.Password), "/signup") // who has an account is not said
	r = c.Get(link)
	wantRedirect(t, r, "/confirm")
	r = r.Follow()
	want(t, r, http.StatusOK, ann)
	wantRedirect(t, c.Post("/confirm", url.Values{"token": {r.Field("token")}, "password": {authtest.Password}}), "/confirm")
	wantRedirect(t, c.Login(ann, authtest.Password), "/dashboard")
	if r := c.Get("/dashboard"); strings.Contains(r.Body, "Please confirm") {
		t.Error("the address is to be confirmed still")
	}
}

func TestConfirmLater(t *testing.T) {
	s, mails := newMailingShop(t, time.Hour)
	c := visitor(t, s)
	wantRedirect(t, c.Signup(ann, authtest.Password), "/dashboard")
	mails.printed(t, ann, "Please confirm your address for Yumroad")
	for _, path := range []string{"/dashboard", "/", "/account/sessions"} {
		want(t, c.Get(path), http.StatusOK, "Please confirm that <strong>"+ann+"</strong> is yours", `href="/confirm/resend"`)
	}
	r := c.Get("/confirm/resend")
	want(t, r, http.StatusOK, `value="`+ann+`"`)
	wantRedirect(t, c.Post("/confirm/resend", url.Values{"email": {ann}}), "/confirm/resend")
	r = c.Get(mails.printed(t, ann, "Please confirm your address for Yumroad")).Follow()
	wantRedirect(t, c.Post("/confirm", url.Values{"token": {r.Field("token")}, "password": {authtest.Password}}), "/confirm")
	want(t, c.Get("/confirm"), http.StatusOK, "Your address is confirmed", `href="/dashboard"`)
	if r := c.Get("/dashboard"); strings.Contains(r.Body, "Please confirm") {
		t.Error("the address is to be confirmed still")
	}
}

func TestConfirmTooLate(t *testing.T) {
	s, _ := newMailingShop(t, time.Nanosecond)
	c := visitor(t, s)
	c.Signup(ann, authtest.Password)
	wantRedirect(t, c.Get("/dashboard"), "/login?next=%2Fdashboard")
	want(t, c.Login(ann, authtest.Password), http.StatusUnprocessableEntity)
}

// shelved returns the address of a product that c has just put on the shelf.
func shelved(t *testing.T, c *authtest.Client, name string) (path string) {
	t.Helper()
	want(t, c.Post("/products", url.Values{"name": {name}, "price": {"1.50"}}), http.StatusSeeOther)
	return regexp.MustCompile(`/products/[a-z0-9]+`).FindString(c.Get("/dashboard").Body)
}

func TestExport(t *testing.T) {
	s, _ := newMailingShop(t, time.Hour)
	c, other := visitor(t, s), visitor(t, s)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, other.Signup(bob, authtest.Password), http.StatusSeeOther)
	want(t, c.Get("/account/export"), http.StatusOK, `"products": []`)
	path := shelved(t, c, "Zine <1>")
	shelved(t, other, "Another zine")
	var all struct {
		Account  struct{ Email string }
		Products []map[string]any
	}
	r := c.Get("/account/export")
	if err := json.Unmarshal([]byte(r.Body), &all); err != nil {
		t.Fatal(err)
	}
	if all.Account.Email != ann || len(all.Products) != 1 || "/products/"+fmt.Sprint(all.Products[0]["id"]) != path || all.Products[0]["name"] != "Zine <1>" || all.Products[0]["cents"] != 150.0 {
		t.Errorf("exported is %s", r.Body)
	}
}

func TestDelete(t *testing.T) {
	s, mails := newMailingShop(t, time.Hour)
	c, other := visitor(t, s), visitor(t, s)
	want(t, c.Signup(ann, authtest.Password), http.StatusSeeOther)
	want(t, other.Signup(bob, authtest.Password), http.StatusSeeOther)
	mine, theirs := shelved(t, c, "Zine"), shelved(t, other, "Another zine")
	wantRedirect(t, c.Post("/account/delete", nil), "/account/delete")
	want(t, c.Get("/account/delete"), http.StatusOK, "Your account is deleted")
	want(t, other.Get(mine), http.StatusNotFound)
	want(t, other.Get(theirs), http.StatusOK, "This is yours")
	want(t, c.Login(ann, authtest.Password), http.StatusUnprocessableEntity)
	if all := <-mails + <-mails + <-mails; !strings.Contains(all, "To: "+ann+"\nSubject: Your account at Yumroad was deleted") {
		t.Errorf("she is not told:\n%s", all) // the others are to confirm an address
	}
}

// late is an outbox that takes a mail only when it is asked again, which is ten seconds later, or
// when there is no time left.
type late struct {
	outbox
	asked atomic.Bool
}

func (l *late) Write(p []byte) (int, error) {
	if !l.asked.Swap(true) {
		return 0, errors.New("not now")
	}
	return l.outbox.Write(p)
}

// TestMailsAtTheEnd checks that a shop which is closed has sent its mails.
func TestMailsAtTheEnd(t *testing.T) {
	mails := &late{outbox: make(outbox, 1)}
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(o *options) { o.out = mails })
	want(t, visitor(t, s).Signup(ann, authtest.Password), http.StatusSeeOther)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if len(mails.outbox) != 1 {
		t.Error("a mail is lost")
	}
}

func TestMailDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mails")
	s := newShop(t, filepath.Join(t.TempDir(), "shop.db"), func(o *options) { o.mail, o.mailFrom = "dir:"+dir, "Ann's shop <ann@shop.example>" })
	want(t, visitor(t, s).Signup(ann, authtest.Password), http.StatusSeeOther)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("mails are %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !bytes.Contains(text, []byte(`From: "Ann's shop" <ann@shop.example>`)) {
		t.Errorf("%v, mail is %s", err, text)
	}
}

func TestMailers(t *testing.T) {
	dir := t.TempDir()
	for flag, kind := range map[string]string{
		"log": "*main.logMailer", "dir:" + dir: "*email.Dir", "smtp://localhost:2525": "*smtpmail.Mailer", "smtps://shop:secret@mail.example": "*smtpmail.Mailer",
	} {
		m, err := openMailer(&options{mail: flag, baseURL: "https://shop.example"})
		if got := reflect.TypeOf(m).String(); err != nil || got != kind {
			t.Errorf("-mail %s: %s, %v, want %s", flag, got, err, kind)
		}
	}
}

func TestSender(t *testing.T) {
	for base, sender := range map[string]string{
		"https://shop.example":      `"Yumroad" <noreply@shop.example>`,
		"https://shop.example:8443": `"Yumroad" <noreply@shop.example>`,
		"http://localhost:8080":     `"Yumroad" <noreply@localhost.localdomain>`,
		"http://127.0.0.1:8080":     `"Yumroad" <noreply@localhost.localdomain>`,
		"http://[::1]:8080":         `"Yumroad" <noreply@localhost.localdomain>`,
	} {
		if got := (&options{baseURL: base}).sender(); got != sender {
			t.Errorf("%s: sender is %s, want %s", base, got, sender)
		}
	}
}
