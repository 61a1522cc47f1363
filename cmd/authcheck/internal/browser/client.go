// Package browser is a small browser: it keeps cookies with their attributes, and reads forms. It stays on one host, and
// within bounds.
package browser

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
)

// ErrSpent reports that as many requests were sent as there may be.
var ErrSpent = errors.New("the most requests that may be sent are sent")

// ErrUnreadable reports an answer whose header breaks the rules of HTTP.
var ErrUnreadable = errors.New("the header of the answer is malformed")

// maxBody is as much of an answer as is read.
const maxBody = 1 << 20

// Limits bound what a Client does.
type Limits struct {
	Requests  int           // in all
	PerSecond int           // 0: as fast as it goes
	Timeout   time.Duration // of one request
}

// Client sends the requests of all browsers of a run. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	limits Limits
	header map[string]string
	log    io.Writer

	mu         sync.Mutex
	sent       int
	next       time.Time
	transports map[string]*http.Transport // by the address they come from
}

// NewClient returns a Client for the application at base. Log may be nil; it gets a line for each request, without what is in
// its query, its body and its cookies.
func NewClient(base *url.URL, limits Limits, header map[string]string, log io.Writer) *Client {
	if log == nil {
		log = io.Discard
	}
	return &Client{base: base, limits: limits, header: header, log: log, transports: map[string]*http.Transport{}}
}

// Base returns the address of the application.
func (c *Client) Base() *url.URL { return c.base }

// Sent returns how many requests were sent.
func (c *Client) Sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

// Allow lets that many requests more be sent.
func (c *Client) Allow(more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits.Requests += more
}

// Close closes the connections that are idle.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
}

// admit waits for the turn of a request, and counts it.
func (c *Client) admit(ctx context.Context) error {
	c.mu.Lock()
	if c.sent >= c.limits.Requests {
		c.mu.Unlock()
		return ErrSpent
	}
	c.sent++
	now := time.Now()
	at := c.next
	if at.Before(now) {
		at = now
	}
	if c.limits.PerSecond > 0 {
		c.next = at.Add(time.Second / time.Duration(c.limits.PerSecond))
	}
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(at.Sub(now)):
		return nil
	}
}

// transport returns the connections from an address of this machine; "" is any.
func (c *Client) transport(source string) *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.transports[source]; t != nil {
		return t
	}
	t := &http.Transport{
		DialContext:         dialFrom(source, loopback(c.base.Hostname())),
		TLSHandshakeTimeout: c.limits.Timeout,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 2,
		// On this machine certificates are mostly made at home, and there is nobody in between.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: loopback(c.base.Hostname())},
	}
	c.transports[source] = t
	return t
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// dialFrom connects from that address, or from any where it cannot be had: all of 127.0.0.0/8 are there on Linux only. If here
// is set it connects to this machine only, whatever some DNS says of a name that ends in .localhost.
func dialFrom(source string, here bool) func(context.Context, string, string) (net.Conn, error) {
	var d net.Dialer
	if here {
		d.Control = onlyHere
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if ip := net.ParseIP(source); ip != nil {
			from := d
			from.LocalAddr = &net.TCPAddr{IP: ip}
			if conn, err := from.DialContext(ctx, network, address); err == nil {
				return conn, nil
			}
		}
		return d.DialContext(ctx, network, address)
	}
}

func onlyHere(_, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(address); err != nil || !a.Addr().Unmap().IsLoopback() {
		return errElsewhere
	}
	return nil
}

// Answer is a response, read.
type Answer struct {
	Asked      string // method and path of the request, without its query
	URL        *url.URL
	Status     int
	Header     http.Header
	Body       string
	SetCookies []*http.Cookie
	Took       time.Duration
}

// Do sends a request. Redirects are not followed.
func (c *Client) do(ctx context.Context, r *http.Request, source string) (*Answer, error) {
	if err := c.admit(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Timeout)
	defer cancel()
	for name, value := range c.header {
		if r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
	begin := time.Now()
	res, err := c.transport(source).RoundTrip(r.WithContext(ctx))
	took := time.Since(begin)
	asked := r.Method + " " + strings.ReplaceAll(Plain(Unsecret(r.URL.Path)), "\n", "\ufffd")
	if err != nil {
		fmt.Fprintln(c.log, asked, "failed")
		if strings.Contains(err.Error(), "malformed MIME header") { // net/http has no name for it
			return nil, fmt.Errorf("%s: %w", asked, ErrUnreadable)
		}
		return nil, fmt.Errorf("%s: %w", asked, withoutQuery(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	fmt.Fprintln(c.log, asked, res.StatusCode, took.Round(time.Millisecond))
	if err != nil && len(body) == 0 {
		return nil, fmt.Errorf("%s: %w", asked, withoutQuery(err))
	}
	return &Answer{asked, r.URL, res.StatusCode, res.Header, string(body), res.Cookies(), took}, nil
}

// Plain returns what a server says without what a terminal would obey, or what would look like something else.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) || r == '\v' || r == '\f' || r == '\r' || r == '\u0085' {
			return '\ufffd'
		}
		return r
	}, s)
}

var (
	segment = regexp.MustCompile(`[^/]+`)
	random  = regexp.MustCompile(`[A-Za-z0-9_~=.+-]{16,}`)
	digit   = regexp.MustCompile(`[0-9A-Z]`)
)

// Unsecret returns a path without what looks like the secret of a mailed link.
func Unsecret(path string) string {
	return segment.ReplaceAllStringFunc(path, func(s string) string {
		if random.MatchString(s) && digit.MatchString(s) {
			return "…"
		}
		return s
	})
}

// withoutQuery unwraps errors that repeat the address of the request.
func withoutQuery(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
