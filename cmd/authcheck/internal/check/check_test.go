package check

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
)

func TestChecksAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.ID] || !regexp.MustCompile(`^[a-z]+-[a-z-]+$`).MatchString(c.ID) {
			t.Errorf("ID %q is odd, or there twice", c.ID)
		}
		seen[c.ID] = true
		for _, words := range []string{c.Title, c.Why, c.Fix, c.ASVS} {
			if words == "" {
				t.Errorf("%s says too little", c.ID)
			}
		}
		if !regexp.MustCompile(`^(\d+\.\d+\.\d+|NIST SP 800-63B-4 [\d.]+)$`).MatchString(c.ASVS) {
			t.Errorf("%s goes by %q", c.ID, c.ASVS)
		}
	}
}

func TestSelect(t *testing.T) {
	ids := func(o *Options) string {
		chosen, err := Select(o)
		if err != nil {
			return err.Error()
		}
		var ids []string
		for _, c := range chosen {
			ids = append(ids, c.ID)
		}
		return strings.Join(ids, " ")
	}
	for _, test := range []struct {
		o    *Options
		want string
	}{
		{&Options{Only: []string{"next-*"}}, "next-foreign next-local"},
		{&Options{Only: []string{"csrf-login", "next-*"}, Except: []string{"*-local"}}, "next-foreign csrf-login"},
		{&Options{Only: []string{"guess-spray"}}, "guess-spray"},
		{&Options{Only: []string{"nothing"}}, `no check is called "nothing"; authcheck list shows them`},
		{&Options{Except: []string{"*"}}, "no check is left"},
	} {
		if got := ids(test.o); got != test.want {
			t.Errorf("%v: %s, want %s", *test.o, got, test.want)
		}
	}
	if got := ids(&Options{}); strings.Contains(got, "guess-spray") || !strings.Contains(got, "guess-limit") {
		t.Errorf("by default: %s", got)
	}
}

// broken is an application in which something does not work that every check needs.
func broken(t *testing.T, h http.HandlerFunc) (*Report, error) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	if h == nil {
		s.Close()
	}
	cfg, err := profile.Load([]byte("limits: {per_second: 0}\nbase_url: "+s.URL), "vestibule")
	if err != nil {
		t.Fatal(err)
	}
	return Run(t.Context(), cfg, &Options{})
}

const form = `<form method=post><input name=email><input name=password type=password></form>`

// An application in which nobody is logged in passes nothing.
func TestNotRun(t *testing.T) {
	for want, h := range map[string]http.HandlerFunc{
		"guests see /account/sessions as well": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") },
		"has no form with the fields email, password": func(w http.ResponseWriter, r *http.Request) {
			http.NotFound(w, r)
		},
		"whoever signs up cannot log in": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, form) },
		"429":                            func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
	} {
		r, err := broken(t, h)
		if r != nil || !errors.Is(err, ErrNotRun) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %s", r, err, want)
		}
	}
	if _, err := broken(t, nil); !errors.Is(err, ErrNotRun) {
		t.Errorf("nobody is there: %v", err)
	}
}

// A check that cannot run is neither passed nor failed.
func TestBlocked(t *testing.T) {
	c := &Check{ID: "x"}
	for _, test := range []struct {
		evidence []string
		err      error
		status   Status
		blocked  bool
	}{
		{nil, nil, Passed, false},
		{[]string{"seen"}, nil, Failed, false},
		{nil, notHere("there is none"), Skipped, false},
		{nil, errLimited, Skipped, true},
		{[]string{"seen"}, browser.ErrSpent, Skipped, true},
	} {
		if r := c.result(test.evidence, test.err); r.Status != test.status || r.Blocked != test.blocked || (r.Reason == "") != (test.err == nil) {
			t.Errorf("%v, %v: %+v", test.evidence, test.err, r)
		}
	}
}

func TestAway(t *testing.T) {
	base, err := url.Parse("http://127.0.0.1:5000")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "/", "/a//b", "a", "?x=//y", "#//y", "/a:b", "http:b", "http://127.0.0.1:5000/a", "//127.0.0.1:5000", "/%2f/b", "/..//b"} {
		if away(base, to) {
			t.Errorf("%q stays", to)
		}
	}
	for _, to := range []string{"//b", "///b", "/\\b", "\\\\b", "/\t/b", "\n//b", " //b", "\x01//b", "https://b", "https:b", "http:/b", "HTTP://b", "http:\\b",
		"//127.0.0.1:5000@b", "//127.0.0.1:5000.b", "//127.0.0.1", "http://127.0.0.1:500", "javascript:x", "java\tscript:x", "data:,x", "//b#@127.0.0.1:5000"} {
		if !away(base, to) {
			t.Errorf("%q leads away", to)
		}
	}
}

func TestGuessable(t *testing.T) {
	a := &account{user: "ann@example.com"}
	for _, test := range []struct {
		values []string
		bad    bool
	}{
		{[]string{"Zm9vYmFyYmF6cXV4MTIzNDU2", "c29tZXRoaW5nZWxzZTk4NzY1"}, false},
		{[]string{"short"}, true},
		{[]string{"Zm9vYmFyYmF6cXV4MTIzNDU2", "Zm9vYmFyYmF6cXV4MTIzNDU2"}, true},
		{[]string{"aaaaaaaaaaaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaaaaaaaaaaa2"}, true},
		{[]string{"ann@example.com-and-something"}, true},
		{[]string{"YW5uQGV4YW1wbGUuY29tLTAwMDAwMDAx"}, true},
		{[]string{"eyJ1IjoiYW5uQGV4YW1wbGUuY29tIn0.c2lnbmF0dXJlLTEyMzQ1Njc4"}, false},
	} {
		if got := guessable(test.values, a); (got != "") != test.bad {
			t.Errorf("%q: %q", test.values, got)
		}
	}
}

// samples returns the answers to an account.
func samples(name string, pages ...string) (all []*sample) {
	for _, p := range pages {
		a := &browser.Answer{Asked: "POST /login", Status: 422, Header: http.Header{"Date": {p}}, Body: p}
		all = append(all, sampled(a, &account{user: name, email: name}))
	}
	return all
}

func TestDifferences(t *testing.T) {
	const known, unknown = "ann@example.com", "bob+1@example.com"
	for _, test := range []struct {
		known, unknown []string
		differ         bool
	}{
		{[]string{"no", "no"}, []string{"no", "no"}, false},
		{[]string{"no, ann@example.com", "no, ann@example.com"}, []string{"no, bob&#43;1@example.com", "no, bob%2B1%40example.com"}, false},
		{[]string{"wrong password", "wrong password"}, []string{"no such user", "no such user"}, true},
		{[]string{"no ", "no "}, []string{"no", "no"}, true},
		{[]string{"at 12:01", "at 12:02"}, []string{"at 12:03", "at 12:04"}, false},
		{[]string{"a\nat 1\nb", "a\nat 2\nb"}, []string{"a\nat 3\nc", "a\nat 4\nc"}, true},
		{[]string{"a\nb", "a\nb"}, []string{"a", "a"}, true},
		{[]string{`<input type="hidden" name="t" value="1">`, `<input type="hidden" name="t" value="2">`}, []string{`<input type="hidden" name="t" value="3">`, `<input type="hidden" name="t" value="4">`}, false},
	} {
		if got := differences(samples(known, test.known...), samples(unknown, test.unknown...)); (len(got) > 0) != test.differ {
			t.Errorf("%q and %q: %q", test.known, test.unknown, got)
		}
	}
	forbidden := samples(known, "no", "no")
	forbidden[0].status, forbidden[1].status = 403, 403
	if len(differences(forbidden, samples(unknown, "no", "no"))) == 0 {
		t.Error("another status is no difference")
	}
}

func TestPolicies(t *testing.T) {
	for policy, good := range map[string]bool{
		"":                                  false,
		"default-src 'none'":                true,
		"default-src 'self'; img-src *":     true,
		"frame-ancestors 'none'":            false,
		"script-src 'self' 'unsafe-inline'": false,
		"script-src 'unsafe-inline' 'nonce-abc' 'strict-dynamic' https:": true,
		"default-src *":     false,
		"script-src https:": false,
	} {
		h := http.Header{}
		if policy != "" {
			h.Set("Content-Security-Policy", policy)
		}
		if got := scripts(directives(h)); (got == "") != good {
			t.Errorf("%q: %q", policy, got)
		}
	}
}

func TestTraces(t *testing.T) {
	for _, body := range []string{"Traceback (most recent call last):", "goroutine 1 [running]:", "/srv/app/main.go:12 +0x1d", `File "/srv/app.py", line 3`,
		"at com.example.Login(Login.java:12)", "/srv/app.rb:12:in `login'", "in /srv/index.php on line 3", "at login (/srv/app/login.js:3:14)"} {
		if traceIn(&browser.Answer{Body: body}) == "" {
			t.Errorf("%q is no trace", body)
		}
	}
	for _, body := range []string{"Page not found", "See you at 12:30", "Written in Go 1.26", "https://example.com/app.js?v=3"} {
		if trace := traceIn(&browser.Answer{Body: body}); trace != "" {
			t.Errorf("%q is a trace: %s", body, trace)
		}
	}
}

func TestMadeUp(t *testing.T) {
	for _, v := range []string{"Zm9vYmFy", "0123456789abcdef", "eyJ1IjoxfQ.x-y_z", ""} {
		if got := madeUp(v); len(got) != len(v) || v != "" && got == v {
			t.Errorf("of %q %q is made up", v, got)
		}
	}
}

func TestPasswordsAreTaken(t *testing.T) {
	p := newPassword()
	if p == newPassword() || len(p) < 15 || len(p) > 64 || !slices.ContainsFunc([]byte(p), func(c byte) bool { return c >= 'a' && c <= 'z' }) {
		t.Errorf("%q is no good password", p)
	}
	if len(long()) != 80 {
		t.Errorf("%d characters", len(long()))
	}
}
