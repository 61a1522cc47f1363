package password

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Range asks a service whether a password has leaked, by the k-anonymity range
// protocol of Pwned Passwords: the first five hexadecimal digits of the SHA-1 of the
// password leave, nothing else, and the service answers with the many hashes it knows that
// begin with them. It is an auth.BreachChecker, for
// auth.Policy.Breaches, and safe for concurrent use.
//
// The service learns 20 bits of the hash, the address of the server, and when. Whoever does
// not want that can run one that speaks the same protocol.
type Range struct {
	// URL is the folder that the five digits are asked for in; the public service has
	// "https://api.pwnedpasswords.com/range/". It must be https, except on this
	// machine. There is no default, for whom to ask is the application's choice:
	// with an empty URL every check fails.
	URL string

	// Client makes the requests; nil means one on http.DefaultTransport. Whatever it
	// says, no redirect is followed (OWASP ASVS 5.0, 15.3.2), and no cookies are kept.
	Client *http.Client

	// Timeout is for one request; zero means 2 seconds, and the Manager waits no longer.
	Timeout time.Duration

	// MinCount is how often a password must have been seen in leaks to count; zero
	// means once.
	MinCount int
}

const (
	digits      = 5       // of the hash leave
	maxResponse = 1 << 20 // the public service sends some 40 KiB
)

// Breached implements auth.BreachChecker. Any answer that is not exactly what the
// protocol says is an error. No error holds anything of the password or its hash.
func (s Range) Breached(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(norm.NFC.String(password)))
	hash := strings.ToUpper(hex.EncodeToString(sum[:]))
	timeout := s.Timeout
	if timeout == 0 {
		timeout = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	list, err := s.get(ctx, hash[:digits])
	if err != nil {
		return false, fmt.Errorf("password: range: %w", err)
	}
	seen, err := count(list, hash[digits:])
	if err != nil {
		return false, fmt.Errorf("password: range: %w", err)
	}
	return seen >= max(s.MinCount, 1), nil
}

// get returns what the service has under a prefix.
func (s Range) get(ctx context.Context, prefix string) ([]byte, error) {
	r, err := s.request(ctx, prefix)
	if err != nil {
		return nil, err
	}
	resp, err := s.client().Do(r)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	list, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err == nil && len(list) > maxResponse {
		err = errors.New("the answer is too long")
	}
	return list, err
}

func (s Range) request(ctx context.Context, prefix string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.URL, "/")+"/"+prefix, nil)
	if err != nil {
		return nil, errors.New("URL is no URL")
	}
	if r.URL.Scheme != "https" && !(r.URL.Scheme == "http" && local(r.URL.Hostname())) {
		return nil, errors.New("URL is not https")
	}
	if r.URL.RawQuery != "" || r.URL.Fragment != "" {
		return nil, errors.New("URL has a query")
	}
	r.Header.Set("Accept", "text/plain")
	r.Header.Set("Add-Padding", "true") // the length of the answer tells nothing of the prefix
	r.Header.Set("User-Agent", "auth-password-range")
	return r, nil
}

func local(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// client returns a Client that follows no redirect and has no cookies.
func (s Range) client() *http.Client {
	var c http.Client
	if s.Client != nil {
		c = *s.Client
	}
	c.Jar = nil
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// count returns how often the hash that ends so was seen. Lines are the other 35
// digits, a colon and a number; a number of 0 is padding.
func count(list []byte, suffix string) (seen int, err error) {
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		end, number, _ := strings.Cut(lines.Text(), ":")
		n, err := strconv.ParseUint(number, 10, 31)
		if _, bad := hex.DecodeString("0" + end); bad != nil || err != nil || len(end) != len(suffix) {
			return 0, errors.New("the answer is no list of hashes")
		}
		if strings.EqualFold(end, suffix) {
			seen = max(seen, int(n))
		}
	}
	return seen, lines.Err()
}

// withoutURL returns what went wrong without the URL, which has digits of the hash in it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
