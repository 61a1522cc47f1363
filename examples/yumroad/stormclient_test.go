package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
)

// stormTask is what one process of BenchmarkStorm does.
type stormTask struct {
	Do          string // signup, login, page or bcrypt
	URL         string // of the shop
	Clients     int
	Cost        int
	Session     string // the cookie of a user
	WarmUp, For time.Duration
}

// stormResult is what it measures. Latencies are of what succeeded.
type stormResult struct {
	PerSecond float64
	P50, P99  time.Duration
	Busy      int           // answers 503 with Retry-After
	Failed    int           // other answers than the right one
	Late      time.Duration // how late requests were sent that had their time: the client's own fault, 99th percentile
	CPU       time.Duration
}

// stormVariable holds the task, and says that the test binary is a client.
const stormVariable = "YUMROAD_STORM"

func TestStormClient(t *testing.T) {
	arg := os.Getenv(stormVariable)
	if arg == "" {
		t.Skip("BenchmarkStorm runs this in processes of its own")
	}
	var task stormTask
	if err := json.Unmarshal([]byte(arg), &task); err != nil {
		t.Fatal(err)
	}
	s := &stormCrowd{T: t, task: task}
	switch task.Do {
	case "signup":
		s.signup()
	case "login":
		s.login()
	case "page":
		s.page()
	case "bcrypt":
		s.bcrypt()
	}
	text, err := json.Marshal(s.result())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(stormVariable+"_RESULT"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stormCrowd collects what the clients of one process see.
type stormCrowd struct {
	*testing.T
	task stormTask

	mu           sync.Mutex
	waits, late  []time.Duration
	busy, failed int
}

func (s *stormCrowd) result() stormResult {
	return stormResult{
		PerSecond: float64(len(s.waits)) / max(s.task.For, 1).Seconds(),
		P50:       percentile(s.waits, 50), P99: percentile(s.waits, 99),
		Busy: s.busy, Failed: s.failed, Late: percentile(s.late, 99),
	}
}

func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)*p/100]
}

// each runs f for every client at once.
func (s *stormCrowd) each(f func(i int)) {
	var wg sync.WaitGroup
	for i := range s.task.Clients {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func (s *stormCrowd) signup() {
	s.each(func(i int) {
		for {
			status, err := newStormBrowser(i, s.task.URL).send("/signup", i)
			switch {
			case err != nil:
				s.Error(err)
				return
			case status == http.StatusSeeOther:
				return
			case status != http.StatusServiceUnavailable:
				s.Errorf("signup: %d", status)
				return
			}
		}
	})
}

// login lets every client log in without pause, and counts what ends within the
// time after the warm-up.
func (s *stormCrowd) login() {
	begin := time.Now().Add(s.task.WarmUp)
	end := begin.Add(s.task.For)
	s.each(func(i int) {
		transport := newStormBrowser(i, s.task.URL).Transport
		for time.Now().Before(end) {
			b := newStormBrowser(i, s.task.URL) // without cookies
			b.Transport = transport
			status, err := b.send("/login", i)
			if now := time.Now(); now.After(begin) && now.Before(end) {
				s.count(b, status, err)
			}
		}
	})
}

func (s *stormCrowd) count(b *stormBrowser, status int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && status == http.StatusSeeOther:
		s.waits = append(s.waits, b.took)
	case err == nil && status == http.StatusServiceUnavailable && b.retryAfter != "":
		s.busy++
	default:
		s.failed++
		s.Log(status, err)
	}
}

// page asks for a page of a user 40 times a second, whether or not earlier requests have
// been answered.
func (s *stormCrowd) page() {
	b := newStormBrowser(stormClients, s.task.URL)
	shop, err := url.Parse(s.task.URL)
	if err != nil {
		s.Fatal(err)
	}
	b.Jar.SetCookies(shop, []*http.Cookie{{Name: "session", Value: s.task.Session}})
	const every = time.Second / 40
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range int(s.task.For / every) {
		due := begin.Add(time.Duration(i) * every)
		time.Sleep(time.Until(due))
		wg.Go(func() { s.ask(b, due) })
	}
	wg.Wait()
}

func (s *stormCrowd) ask(b *stormBrowser, due time.Time) {
	sent := time.Now()
	status, _, err := b.do("GET", "/dashboard", nil)
	took := time.Since(sent)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, sent.Sub(due))
	if err != nil || status != http.StatusOK {
		s.failed++
		return
	}
	s.waits = append(s.waits, took)
}

// bcrypt compares passwords on all processors and does nothing else.
func (s *stormCrowd) bcrypt() {
	hasher := auth.Bcrypt(s.task.Cost)
	hash, err := hasher.Hash(authtest.Password)
	if err != nil {
		s.Fatal(err)
	}
	begin := time.Now()
	s.task.Clients = runtime.GOMAXPROCS(0)
	s.each(func(int) {
		for time.Since(begin) < s.task.For {
			start := time.Now()
			if ok, _, err := hasher.Verify(hash, authtest.Password); !ok {
				s.Error(err)
			}
			s.mu.Lock()
			s.waits = append(s.waits, time.Since(start))
			s.mu.Unlock()
		}
	})
	s.task.For = time.Since(begin) // until the last one ended
}

// stormBrowser is one visitor, at an address of its own.
type stormBrowser struct {
	http.Client
	url        string
	took       time.Duration // that the form took
	retryAfter string
}

func newStormBrowser(i int, url string) *stormBrowser {
	jar, _ := cookiejar.New(nil) // which never fails without options
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}}
	return &stormBrowser{url: url, Client: http.Client{
		Jar:           jar,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *stormBrowser) do(method, path string, form url.Values) (status int, body string, err error) {
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.url)
	}
	resp, err := b.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b.retryAfter = resp.Header.Get("Retry-After")
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// send fills in the form of a page as user i and sends it.
func (b *stormBrowser) send(path string, i int) (status int, err error) {
	status, body, err := b.do("GET", path, nil)
	token := tokenField.FindStringSubmatch(body)
	if err != nil || status != http.StatusOK || token == nil {
		return status, err
	}
	begin := time.Now()
	status, _, err = b.do("POST", path, url.Values{
		"csrf_token": {html.UnescapeString(token[1])}, "email": {fmt.Sprintf("storm%d@example.com", i)},
		"password": {authtest.Password}, "confirm": {authtest.Password},
	})
	b.took = time.Since(begin)
	return status, err
}
