package check

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/browser"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/mailbox"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
)

// target is the application, and what a run knows of it.
type target struct {
	ctx    context.Context
	cfg    *profile.Config
	client *browser.Client
	mail   *mailbox.Box // nil if nobody knows where mails are
	log    io.Writer

	run      string // in the names of the accounts of this run
	made     int    // accounts
	moves    int
	separate bool   // visitors can come from several addresses
	nets     [2]int // in these addresses: another run is somebody else
	accounts map[string]*account
	session  []string // names of the cookies that log in
	remember *remembered
	links    *linkRun
}

func newTarget(ctx context.Context, cfg *profile.Config, base *url.URL, log io.Writer) *target {
	if log == nil {
		log = io.Discard
	}
	header := maps.Clone(cfg.Headers)
	if header == nil {
		header = map[string]string{}
	}
	if cfg.HTTPS {
		header["X-Forwarded-Proto"] = "https"
	}
	limits := browser.Limits{Requests: cfg.Limits.Requests, PerSecond: cfg.Limits.PerSecond, Timeout: cfg.Limits.Timeout}
	t := &target{
		ctx: ctx, cfg: cfg, log: log,
		client:   browser.NewClient(base, limits, header, log),
		run:      strings.ToLower(rand.Text()[:6]),
		accounts: map[string]*account{},
		separate: separate(base.Hostname()),
		nets:     [2]int{1 + mrand.IntN(250), 1 + mrand.IntN(250)},
	}
	if cfg.Mail.Dir != "" {
		t.mail = mailbox.Open(cfg.Mail.Dir, cfg.Mail.Wait)
	}
	return t
}

// https reports whether visitors come by https.
func (t *target) https() bool { return t.cfg.HTTPS || t.client.Base().Scheme == "https" }

// move goes on from another address of this machine, so that a limit on what comes from one address, which a check has reached, does
// not get into the way of the next.
func (t *target) move() { t.moves++ }

// separate reports whether an application on that host can be reached from any address of 127.0.0.0/8, as on Linux.
func separate(host string) bool {
	if host == "::1" || !profile.Loopback(host) {
		return false
	}
	l, err := net.Listen("tcp", "127.77.0.1:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// visitor returns a browser without a cookie.
func (t *target) visitor() *browser.Browser {
	source := ""
	if t.separate {
		source = fmt.Sprintf("127.%d.%d.%d", t.nets[0], t.nets[1], t.moves%250+1)
	}
	return t.client.New(source)
}

// page opens a page.
func (t *target) page(b *browser.Browser, path string) (*browser.Page, error) {
	a, err := b.Get(t.ctx, path)
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusTooManyRequests {
		return nil, errLimited
	}
	return browser.ReadPage(a), nil
}

// fill is a form of a page to be sent.
type fill struct {
	*browser.Form
	header http.Header
}

// form opens a page, and returns its form with these fields. The first names the form, and has to be there.
func (t *target) form(b *browser.Browser, path string, names ...string) (*fill, error) {
	p, err := t.page(b, path)
	if err != nil {
		return nil, err
	}
	f := p.Form(names...)
	if f == nil {
		return nil, fmt.Errorf("the page %s (%d) has no form with the fields %s", path, p.Answer.Status, strings.Join(names, ", "))
	}
	return &fill{f, t.tokenHeader(p)}, nil
}

// tokenHeader returns the header in which scripts of the application send a token.
func (t *target) tokenHeader(p *browser.Page) http.Header {
	token := p.Meta[strings.ToLower(t.cfg.CSRF.Meta)]
	if t.cfg.CSRF.Meta == "" || t.cfg.CSRF.Header == "" || token == "" {
		return nil
	}
	return http.Header{http.CanonicalHeaderKey(t.cfg.CSRF.Header): {token}}
}

// set sets fields, as far as the form has them. An empty name is none.
func (f *fill) set(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != "" && f.Has(pairs[i]) {
			f.Values.Set(pairs[i], pairs[i+1])
		}
	}
}

func (f *fill) setAll(values map[string]string) {
	for name, value := range values {
		f.Values.Set(name, value)
	}
}

// request is the form as it is sent.
func (f *fill) request() *browser.Request {
	q := &browser.Request{Method: f.Method, Target: f.Action, Form: f.Values, Header: f.header.Clone()}
	if f.Method == http.MethodGet {
		path, _, _ := strings.Cut(f.Action, "?")
		q.Target, q.Form = path+"?"+f.Values.Encode(), nil
	}
	return q
}

// patience is for how long an application may ask to wait before the same is tried again.
const patience = 5 * time.Second

// send sends a form, and waits once if the application asks for a little time.
func (t *target) send(b *browser.Browser, q *browser.Request) (*browser.Answer, error) {
	a, err := b.Send(t.ctx, q)
	if err != nil || a.Status != http.StatusTooManyRequests {
		return a, err
	}
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if wait := time.Duration(seconds) * time.Second; err == nil && wait <= patience && q.Body == nil {
		time.Sleep(wait + 100*time.Millisecond)
		if a, err = b.Send(t.ctx, q); err != nil {
			return nil, err
		}
	}
	if a.Status == http.StatusTooManyRequests {
		return nil, errLimited
	}
	return a, nil
}

// in reports whether a visitor is logged in.
func (t *target) in(b *browser.Browser) (bool, error) {
	a, err := b.Copy().Send(t.ctx, &browser.Request{Target: t.cfg.Private.Path})
	if err != nil {
		return false, err
	}
	return a.Status == http.StatusOK && strings.Contains(a.Body, t.cfg.Private.Marker) &&
		browser.ReadPage(a).Form(t.cfg.Login.User, t.cfg.Login.Password) == nil, nil
}

// begin looks at what every check needs.
func (t *target) begin() error {
	guest, err := t.in(t.visitor())
	if err != nil {
		return err
	}
	if guest {
		return fmt.Errorf("guests see %s as well: set private.path to a page for those who are logged in, or private.marker to what only they see", t.cfg.Private.Path)
	}
	a, err := t.account("main")
	if err == nil {
		_, err = t.login(a)
	}
	return err
}

// see describes an answer.
func see(a *browser.Answer) string {
	s := fmt.Sprintf("%s → %d", a.Asked, a.Status)
	if to := a.Header.Get("Location"); to != "" {
		to, _, _ = strings.Cut(to, "?") // there may be a token in the query
		s += " to " + browser.Plain(browser.Unsecret(to))
	}
	return s
}

// hint says what an answer shows, in a few words.
func hint(a *browser.Answer) string {
	s := see(a)
	if title := browser.ReadPage(a).Title(); title != "" {
		s += fmt.Sprintf(" %q", cut(title, 60))
	}
	return s
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
