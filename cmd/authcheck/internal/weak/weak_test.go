package weak

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A browser keeps cookies, follows nothing, and fills in the token of a form.
type browser struct {
	t *testing.T
	*http.Client
	url string
}

func visitor(t *testing.T, s *httptest.Server) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	follow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t, &http.Client{Jar: jar, Transport: s.Client().Transport, CheckRedirect: follow}, s.URL}
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	res, err := b.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

var token = regexp.MustCompile(`name="csrf_token" value="([0-9a-f]{64})"`)

// send fills in the form at from, and returns the status and where the answer leads.
func (b *browser) send(from, to string, form url.Values) (int, string) {
	b.t.Helper()
	_, body := b.get(from)
	if m := token.FindStringSubmatch(body); m != nil {
		form.Set("csrf_token", m[1])
	}
	res, err := b.PostForm(b.url+to, form)
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode, res.Header.Get("Location")
}

func (b *browser) want(status int, at string, gotStatus int, gotAt string) {
	b.t.Helper()
	if gotStatus != status || gotAt != at {
		b.t.Fatalf("%d %q, want %d %q", gotStatus, gotAt, status, at)
	}
}

const secret, other = "six small blue boats", "seven large red boats"

func start(t *testing.T, c Setup) *httptest.Server {
	t.Helper()
	s, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestWalk goes through all that the application has, while nothing is wrong with it.
func TestWalk(t *testing.T) {
	for _, tls := range []bool{false, true} {
		c := Setup{Mails: t.TempDir(), TLS: tls}
		b := visitor(t, start(t, c))
		status, _ := b.send("/signup", "/signup", url.Values{"email": {"ann@example.com"}, "password": {secret}})
		b.want(200, "", status, "")
		b.in(secret)
		status, at := b.send("/dashboard", "/logout", url.Values{})
		b.want(303, "/", status, at)
		status, _ = b.get("/dashboard")
		b.want(303, "", status, "")
		status, at = b.send(b.mailed(c.Mails), "/password/reset", url.Values{"password": {other}, "token": {"none"}})
		b.want(404, "", status, at)
		link := b.mailed(c.Mails)
		status, at = b.send(link, "/password/reset", url.Values{"password": {other}, "token": {link[len("/password/reset?token="):]}})
		b.want(303, "/login", status, at)
		b.in(other)
	}
}

func (b *browser) in(password string) {
	b.t.Helper()
	status, at := b.send("/login", "/login", url.Values{"email": {"ann@example.com"}, "password": {password}, "next": {"/account/sessions"}})
	b.want(303, "/account/sessions", status, at)
	status, body := b.get("/account/sessions")
	if status != 200 || strings.Count(body, "/revoke") != 1 {
		b.t.Fatalf("%d %s", status, body)
	}
}

// mailed asks for a link, and returns its path.
func (b *browser) mailed(folder string) string {
	b.t.Helper()
	status, _ := b.send("/password/forgot", "/password/forgot", url.Values{"email": {"ann@example.com"}})
	b.want(200, "", status, "")
	for range 200 {
		names, err := filepath.Glob(filepath.Join(folder, "*.eml"))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				b.t.Fatal(err)
			}
			os.Remove(name)
			if _, path, ok := strings.Cut(string(text), b.url); ok {
				return strings.TrimSpace(path)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatal("no mail")
	return ""
}

func TestUnknownWeakness(t *testing.T) {
	if _, err := Start(Setup{Weak: []string{"none"}}); err == nil {
		t.Error("an application with a weakness that there is not")
	}
}
