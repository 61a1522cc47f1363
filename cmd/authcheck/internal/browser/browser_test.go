package browser

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func newClient(t *testing.T, h http.HandlerFunc, requests int) (*Client, *bytes.Buffer) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	c := NewClient(base, Limits{Requests: requests, Timeout: 10 * time.Second}, map[string]string{"X-Asked-For": "yes"}, log)
	t.Cleanup(c.Close)
	return c, log
}

func TestCookies(t *testing.T) {
	c, _ := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/set":
			w.Header().Add("Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Lax")
			w.Header().Add("Set-Cookie", "b=2; Max-Age=60; Secure")
			w.Header().Add("Set-Cookie", "c=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
		case "/delete":
			w.Header().Add("Set-Cookie", "a=; Max-Age=0")
		default:
			io.WriteString(w, r.Header.Get("Cookie"))
		}
	}, 10)
	b := c.New("")
	send := func(b *Browser, target string) string {
		t.Helper()
		a, err := b.Send(t.Context(), &Request{Target: target})
		if err != nil {
			t.Fatal(err)
		}
		return a.Body
	}
	send(b, "/set")
	if got := send(b, "/"); got != "a=1; b=2" {
		t.Errorf("cookies %q", got)
	}
	if a := b.Cookie("a"); !a.HttpOnly || a.SameSite != http.SameSiteLaxMode || a.Secure || a.MaxAge != 0 {
		t.Errorf("cookie %v", a)
	}
	thief := b.Copy()
	send(b, "/delete")
	if got := send(b, "/") + "|" + send(thief, "/"); got != "b=2|a=1; b=2" {
		t.Errorf("cookies %q", got)
	}
}

func TestStaysOnItsHost(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("went to another host") }))
	defer elsewhere.Close()
	c, _ := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		w.Header().Set("Location", elsewhere.URL+"/x")
		w.WriteHeader(http.StatusFound)
	}, 30)
	b := c.New("")
	for _, target := range []string{"/", "/loop", "//" + elsewhere.Listener.Addr().String() + "/"} {
		if a, err := b.Get(t.Context(), target); err != nil || a.Status != http.StatusFound {
			t.Errorf("%s: %v, %v", target, a, err)
		}
	}
	if _, err := b.Get(t.Context(), elsewhere.URL); !errors.Is(err, errElsewhere) {
		t.Errorf("an address elsewhere: %v", err)
	}
}

func TestBounds(t *testing.T) {
	n := 0
	c, log := newClient(t, func(http.ResponseWriter, *http.Request) { n++ }, 2)
	b := c.New("")
	for i := range 4 {
		_, err := b.Send(t.Context(), &Request{Method: "POST", Target: "/reset/3f0c2b6e9a7d4c51?token=SECRET", Form: url.Values{"password": {"SECRET"}}})
		if errors.Is(err, ErrSpent) != (i >= 2) {
			t.Errorf("request %d: %v", i+1, err)
		}
	}
	if n != 2 || c.Sent() != 2 {
		t.Errorf("%d requests were sent, %d are counted", n, c.Sent())
	}
	if s := log.String(); strings.Contains(s, "SECRET") || strings.Contains(s, "3f0c2b6e") || !strings.Contains(s, "POST /reset/…") {
		t.Errorf("log %q", s)
	}
}

func TestForeign(t *testing.T) {
	c, _ := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Origin")+" "+r.Header.Get("Sec-Fetch-Site")+" "+r.Host+" "+r.Header.Get("X-Asked-For"))
	}, 9)
	for _, test := range []struct {
		q    *Request
		want string
	}{
		{&Request{Method: "POST"}, "{base} same-origin {host} yes"},
		{&Request{Method: "POST", Foreign: true}, "https://attacker.invalid cross-site {host} yes"},
		{&Request{Method: "POST", Host: "attacker.invalid"}, "{base} same-origin attacker.invalid yes"},
		{&Request{}, " same-origin {host} yes"},
	} {
		test.q.Target = "/"
		a, err := c.New("").Send(t.Context(), test.q)
		if want := strings.NewReplacer("{base}", c.Base().String(), "{host}", c.Base().Host).Replace(test.want); err != nil || a.Body != want {
			t.Errorf("%q, %v, want %q", a.Body, err, want)
		}
	}
}

const page = `<!doctype html><title> A
 page</title><meta name="CSRF-Token" content="m1"><form method=get action="?q"><input name=q></form>
<form method="POST" action="/login?next=%2F" id=f>
<input type=hidden name=csrf value="t&amp;1"><input name=email value="a@example.com"><input type=password name=password value=x>
<input type=checkbox name=remember value=yes><input type=checkbox name=on checked><input type=radio name=r value=1><input type=radio name=r value=2 checked>
<select name=s><option value=1>one<option selected>two</select><textarea name=t>text</textarea><input name=off value=1 disabled>
<input type=submit name=go value=first><button name=go value=second>x</button></form>
<input type=hidden name=late value=2 form=f>`

func TestForms(t *testing.T) {
	u, err := url.Parse("http://127.0.0.1/login")
	if err != nil {
		t.Fatal(err)
	}
	p := ReadPage(&Answer{URL: u, Body: page})
	f := p.Form("email", "password", "")
	if f == nil || f != p.FormTo("/login") || p.Form("email", "other") != nil {
		t.Fatalf("forms %v", p.Forms)
	}
	const want = "csrf=t%261&email=a%40example.com&go=first&late=2&on=on&r=2&s=two&t=text"
	if got := f.Values.Encode(); got != want || f.Method != "POST" || f.Action != "/login?next=%2F" {
		t.Errorf("%s %s %s, want %s", f.Method, f.Action, got, want)
	}
	if f.Checkbox("remember") != "yes" || f.Checkbox("other") != "on" || !f.Has("password") || f.Has("off") {
		t.Error("fields are read wrong")
	}
	if p.Title() != "A page" || p.Meta["csrf-token"] != "m1" || strings.Join(f.Hidden, " ") != "csrf late" {
		t.Errorf("title %q, meta %v, hidden %v", p.Title(), p.Meta, f.Hidden)
	}
	c := f.Clone()
	c.Values.Set("csrf", "other")
	if f.Values.Get("csrf") != "t&1" {
		t.Error("a copy of a form is the form")
	}
}

// What is called this machine is this machine, whatever a name server says.
func TestOnlyHere(t *testing.T) {
	for _, address := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80"} {
		if _, err := dialFrom("", true)(t.Context(), "tcp", address); !errors.Is(err, errElsewhere) {
			t.Errorf("%s: %v", address, err)
		}
	}
	c, _ := newClient(t, func(http.ResponseWriter, *http.Request) {}, 10)
	if _, err := c.New("127.77.0.1").Send(t.Context(), &Request{}); err != nil {
		t.Error(err)
	}
}

// A server cannot write to the terminal of whoever looks at it.
func TestPlain(t *testing.T) {
	c, log := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/%1b]0;x%07%0aFAILED", http.StatusFound)
		}
	}, 10)
	a, err := c.New("").Get(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "\nFAILED") {
		t.Errorf("a server writes lines: %q", log)
	}
	for _, text := range []string{a.Asked, log.String()} {
		if strings.ContainsAny(text, "\x1b\x07") || !strings.Contains(text, "]0;x") {
			t.Errorf("got %q", text)
		}
	}
	if got := Plain("a\u202eb\u2066c\u009bd e\rf"); got != "a\ufffdb\ufffdc\ufffdd e\ufffdf" {
		t.Errorf("got %q", got)
	}
}
