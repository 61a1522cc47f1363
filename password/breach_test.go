package password_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/password"
)

var _ auth.BreachChecker = password.Range{}

const (
	leaked = "window tractor ocean violin"
	fresh  = "candle meadow rocket puzzle"
)

func hashOf(password string) string { return fmt.Sprintf("%X", sha1.Sum([]byte(password))) }

// service is a fake of the service, which knows one password.
type service struct {
	*httptest.Server
	asked []*http.Request
}

// newService answers with what answer makes of the ends of hashes, or with the list if it is nil.
func newService(t *testing.T, answer http.HandlerFunc) *service {
	s := new(service)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 0 {
			t.Errorf("a body: %q", body)
		}
		s.asked = append(s.asked, r)
		if answer != nil {
			answer(w, r)
			return
		}
		list(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func list(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, strings.Repeat("0", 34)+"1:7\r\n"+strings.Repeat("F", 35)+":0\r\n")
	if prefix, end := hashOf(leaked)[:5], hashOf(leaked)[5:]; strings.HasSuffix(r.URL.Path, "/"+prefix) {
		io.WriteString(w, end+":42\r\n")
	}
	io.WriteString(w, strings.Repeat("A", 35)+":1")
}

func TestRange(t *testing.T) {
	s := newService(t, nil)
	for _, test := range []struct {
		r        password.Range
		password string
		want     bool
	}{
		{password.Range{URL: s.URL + "/range/"}, leaked, true},
		{password.Range{URL: s.URL + "/range"}, leaked, true},
		{password.Range{URL: s.URL + "/range/"}, fresh, false},
		{password.Range{URL: s.URL + "/range/", MinCount: 42}, leaked, true},
		{password.Range{URL: s.URL + "/range/", MinCount: 43}, leaked, false},
		{password.Range{URL: s.URL + "/range/", Client: s.Client()}, leaked, true},
	} {
		got, err := test.r.Breached(t.Context(), test.password)
		if err != nil || got != test.want {
			t.Errorf("%+v, %q: %v, %v", test.r, test.password, got, err)
		}
	}
}

// The password is hashed as it is stored, in NFC.
func TestRangeNFC(t *testing.T) {
	s := newService(t, nil)
	r := password.Range{URL: s.URL}
	for _, spelled := range []string{"caf\u00e9", "cafe\u0301"} {
		if _, err := r.Breached(t.Context(), spelled); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := s.asked[0].URL.Path, s.asked[1].URL.Path; a != b || a != "/"+hashOf("caf\u00e9")[:5] {
		t.Errorf("asked for %s and %s", a, b)
	}
}

// Five digits leave, and nothing else that depends on the password.
func TestRangeTellsFiveDigits(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: "you", Path: "/"})
		list(w, r)
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := password.Range{URL: s.URL + "/range/", Client: &http.Client{Jar: jar}}
	for range 2 {
		if _, err := r.Breached(t.Context(), leaked); err != nil {
			t.Fatal(err)
		}
	}
	for _, asked := range s.asked {
		if asked.Method != "GET" || asked.RequestURI != "/range/"+hashOf(leaked)[:5] {
			t.Errorf("%s %s", asked.Method, asked.RequestURI)
		}
		var names []string
		for name := range asked.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != "Accept Accept-Encoding Add-Padding User-Agent" || asked.Header.Get("Add-Padding") != "true" {
			t.Errorf("headers %v", asked.Header)
		}
	}
}

func TestRangeFaults(t *testing.T) {
	write := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answer) }
	}
	ends := strings.Repeat("0", 35)
	for name, answer := range map[string]http.HandlerFunc{
		"not found":   http.NotFound,
		"too many":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"no content":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"page":        write("<html>Please log in to the network</html>"),
		"no number":   write(ends + ":\n"),
		"no colon":    write(ends + "\n"),
		"negative":    write(ends + ":-1\n"),
		"huge number": write(ends + ":99999999999999999999\n"),
		"short":       write(ends[1:] + ":1\n"),
		"long":        write(ends + "0:1\n"),
		"whole hash":  write(hashOf(leaked) + ":1\n"),
		"not hex":     write(strings.Repeat("G", 35) + ":1\n"),
		"blank line":  write(ends + ":1\n\n" + ends + ":1\n"),
		"garbage after the hit": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, hashOf(leaked)[5:]+":1\r\n{}\r\n")
		},
		"too large": func(w http.ResponseWriter, r *http.Request) {
			// Lines of 64 bytes, so that what was read of the last is one, too.
			io.WriteString(w, ends+":"+strings.Repeat("0", 37)+"1\n")
			for range 1 << 20 / 64 {
				io.WriteString(w, ends+":"+strings.Repeat("0", 26)+"1\n")
			}
		},
		"breaks off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, ends+":1\n")
		},
	} {
		s := newService(t, answer)
		got, err := password.Range{URL: s.URL}.Breached(t.Context(), leaked)
		if err == nil || got {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		if strings.Contains(err.Error(), hashOf(leaked)[:5]) || strings.Contains(err.Error(), leaked) {
			t.Errorf("%s: the error holds the hash: %v", name, err)
		}
	}
}

// OWASP ASVS 5.0, 15.3.2: whoever answers sends us nowhere else.
func TestRangeFollowsNoRedirect(t *testing.T) {
	other := newService(t, nil)
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
	})
	for _, c := range []*http.Client{nil, {}, {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}} {
		if got, err := (password.Range{URL: s.URL, Client: c}).Breached(t.Context(), leaked); err == nil || got {
			t.Errorf("%v, %v", got, err)
		}
	}
	if len(other.asked) > 0 {
		t.Errorf("the redirect was followed: %v", other.asked)
	}
}

func TestRangeTimeout(t *testing.T) {
	gone := make(chan bool)
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		gone <- true
	})
	_, err := password.Range{URL: s.URL, Timeout: time.Millisecond}.Breached(t.Context(), leaked)
	if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), hashOf(leaked)[:5]) {
		t.Errorf("%v", err)
	}
	<-gone
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (password.Range{URL: s.URL}).Breached(ctx, leaked); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestRangeURL(t *testing.T) {
	for _, u := range []string{"", "range", "http://api.example/range/", "ftp://api.example/", "https://api.example/?p=", "https://api.example/#", "://", "http://localhost.evil.example/"} {
		never := &http.Client{Transport: refuse{t}}
		if got, err := (password.Range{URL: u, Client: never}).Breached(t.Context(), leaked); err == nil || got {
			t.Errorf("%q: %v, %v", u, got, err)
		}
	}
}

// refuse is a network that must not be used.
type refuse struct{ t *testing.T }

func (f refuse) RoundTrip(r *http.Request) (*http.Response, error) {
	f.t.Errorf("a request to %s", r.URL)
	return nil, errors.New("no network")
}

// With a Manager: a hit is refused, and a service that is down closes the door or
// leaves it open, as the policy says.
func TestRangeInManager(t *testing.T) {
	up, down := newService(t, nil), newService(t, http.NotFound)
	for _, test := range []struct {
		url      string
		required bool
		password string
		status   int
	}{
		{up.URL, false, leaked, 422}, {up.URL, true, leaked, 422},
		{up.URL, false, fresh, 200}, {up.URL, true, fresh, 200},
		{down.URL, false, leaked, 200}, {down.URL, true, fresh, 503},
	} {
		m, err := auth.New(memstore.New(), &auth.Config{
			BaseURL: "http://localhost", Hasher: authtest.Hasher{}, Logger: slog.New(slog.DiscardHandler),
			Passwords: auth.Policy{Breaches: password.Range{URL: test.url}, BreachesRequired: test.required},
		})
		if err != nil {
			t.Fatal(err)
		}
		f := &auth.SignupForm{Email: "ann@example.com", Password: test.password, Confirm: test.password}
		if _, err := m.Signup(t.Context(), f); auth.Status(err) != test.status {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func FuzzRange(f *testing.F) {
	f.Add([]byte(strings.Repeat("0", 35) + ":1\r\n"))
	f.Add([]byte(hashOf(leaked)[5:] + ":3"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := &http.Client{Transport: canned(answer)}
		got, err := password.Range{URL: "https://api.example", Client: c}.Breached(t.Context(), leaked)
		if want := strings.Contains(strings.ToUpper(string(answer)), hashOf(leaked)[5:]+":"); got && (err != nil || !want) {
			t.Errorf("%q: %v, %v", answer, got, err)
		}
	})
}

// canned is a network with one answer.
type canned []byte

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Write(c)
	return w.Result(), nil
}
