package auth_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

// leaves does what browsers do with a Location before they resolve it (the
// URL standard, "basic URL parser"), and reports whether it leaves the site.
func leaves(target string) bool {
	s := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(target)
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	return !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//")
}

func FuzzSafeNext(f *testing.F) {
	for _, s := range []string{"/", "/me?x=1#y", "//evil", `/\evil`, "/\t/evil", "/%2f/evil", "/..//evil", "/.//evil", "javascript:x", "/a?next=//b", "/\u2028", "/%2fevil/é", "/%2Fevil/^", "/%2f%2fevil\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		got, ok := auth.SafeNext(target)
		if !ok {
			return
		}
		if leaves(target) || leaves(got) {
			t.Errorf("%q is followed to %q", target, got)
		}
		if again, ok := auth.SafeNext(got); !ok || again != got {
			t.Errorf("%q becomes %q becomes %q, %v", target, got, again, ok)
		}
		if strings.ContainsAny(got, "\r\n\x00#") {
			t.Errorf("%q becomes %q", target, got)
		}
	})
}

func FuzzCanonicalEmail(f *testing.F) {
	for _, s := range []string{"ann@example.com", " A@B.c ", "a@b@c", "<a@b>", `"a"@b`, "a@b\r\nBcc: c@d", "jörg@example.com", "\u212a@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := auth.CanonicalEmail(s)
		if err != nil {
			return
		}
		if again, err := auth.CanonicalEmail(got); err != nil || again != got {
			t.Errorf("%q becomes %q becomes %q, %v", s, got, again, err)
		}
		if len(got) > 254 || strings.Count(got, "@") != 1 || strings.ContainsAny(got, " \t\r\n\x00<>,;") {
			t.Errorf("%q becomes %q", s, got)
		}
		if !strings.EqualFold(got, strings.TrimSpace(s)) {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}

func FuzzLoginForm(f *testing.F) {
	s := newSite(f, nil)
	s.unwatched()
	f.Add("email=ann%40example.com&password=x&remember=on&next=%2F", "application/x-www-form-urlencoded")
	f.Add("email=a&email=b", "application/x-www-form-urlencoded; charset=utf-8")
	f.Add("%zz=%", "application/x-www-form-urlencoded")
	f.Add("--x\r\n", "multipart/form-data; boundary=x")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		r := httptest.NewRequest("POST", "/login?email=query&password=query", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		form := auth.ParseLogin(r)
		if form.Email == "query" || form.Password == "query" {
			want, _ := url.ParseQuery(body)
			if want.Get("email") != "query" && want.Get("password") != "query" {
				t.Error("the query was read")
			}
		}
		if u, err := s.m.Authenticate(t.Context(), form); u != nil || err == nil || auth.Status(err) == 500 {
			t.Errorf("%v, %v", u, err)
		}
	})
}

// FuzzSessionData gives the codec what a damaged or hostile store could hold.
func FuzzSessionData(f *testing.F) {
	seed := newSite(f, nil)
	b := seed.browser()
	b.signup(ann)
	b.post("/cart", "cart", "apples")
	u, _ := seed.store.UserByLogin(f.Context(), ann)
	recs, _ := seed.store.Sessions(f.Context(), u.ID)
	f.Add(recs[0].Data)
	f.Add([]byte{1, 0, 0, 0, 0, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		store := memstore.New()
		s := newSiteOn(t, store, nil)
		s.unwatched()
		rec := *recs[0]
		rec.UserID, rec.Data, rec.Expires = "somebody", append([]byte{}, data...), time.Now().Add(time.Hour)
		if err := store.CreateUser(t.Context(), &auth.User{ID: "somebody", Email: ann, Stamp: "a stamp that no data can know"}); err != nil {
			t.Fatal(err)
		}
		if err := store.CreateSession(t.Context(), &rec, ""); err != nil {
			t.Fatal(err)
		}
		stolen := b.with(b.token())
		stolen.h = s.handler
		if r := stolen.get("/who"); r.Code != 200 || r.body() != "nobody" {
			t.Errorf("%x: %d %q", data, r.Code, r.body())
		}
	})
}
