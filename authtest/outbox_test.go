package authtest_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/memstore"
)

func TestOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out authtest.Outbox
		if n := len(out.Messages()); n != 0 {
			t.Errorf("%d mails", n)
		}
		first := email.Message{To: ann, Kind: email.KindReset, Text: "Hello,\nhttps://shop.example/base/reset?token=abc&x=1\nBye"}
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(time.Second)
			for _, m := range []email.Message{{To: "bob@example.com", Kind: email.KindReset}, {To: ann, Kind: email.KindConfirm}, first, {To: ann, Kind: email.KindReset, Text: "https://shop.example/login"}} {
				if err := out.Send(t.Context(), &m); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
		})
		m := out.Wait(t, ann, email.KindReset)
		if *m != first || out.Link(m) != "/base/reset?token=abc&x=1" {
			t.Errorf("%+v, link %q", m, out.Link(m))
		}
		if m = out.Wait(t, ann, email.KindReset); m.Text == first.Text || out.Link(m) != "" {
			t.Errorf("the first once more, or link %q", out.Link(m))
		}
		m.Text = "changed"
		if out.Messages()[3].Text == "changed" || len(out.Messages()) != 4 {
			t.Error("the mail in the outbox has changed")
		}
		wg.Wait()
	})
}

// A mail that does not come fails the test.
func TestOutboxWaitsNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, fake := time.Now(), &failing{TB: t}
		func() {
			defer func() {
				if e := recover(); e != errFailed {
					t.Errorf("panic %v", e)
				}
			}()
			var out authtest.Outbox
			out.Send(t.Context(), &email.Message{To: ann, Kind: email.KindConfirm})
			out.Wait(fake, ann, email.KindReset)
		}()
		if !fake.failed || time.Since(begin) != 5*time.Second {
			t.Errorf("failed: %v, after %v", fake.failed, time.Since(begin))
		}
	})
}

// It is a Mailer.
func TestOutboxMails(t *testing.T) {
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{BaseURL: authtest.BaseURL, Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	var out authtest.Outbox
	links, err := email.New(m, store, &email.Config{Mailer: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close(t.Context())
	authtest.User(t, m, ann)
	if err := links.Forgot(t.Context(), &auth.LoginForm{Email: ann}); err != nil {
		t.Fatal(err)
	}
	if link := out.Link(out.Wait(t, ann, email.KindReset)); len(link) != len("/password/reset?token=")+43 {
		t.Errorf("the link is %q", link)
	}
}
