package smtpmail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/vestibule-go/auth/email/smtpmail"
)

const (
	host     = "mail.example.com"
	user     = "shop"
	password = "p@ss:w/ö rd%?#"                         // each of these means something in a URL
	encoded  = "shop:p%40ss%3Aw%2F%C3%B6%20rd%25%3F%23" // user and password
)

// envelope is what the server got.
type envelope struct {
	from, to string
	content  string
	hello    string
	user     string // who logged in
	encrypted,
	utf8 bool
}

// server is an SMTP server for one test, and whose mails it has taken.
type server struct {
	*smtp.Server
	addr  string
	roots *x509.CertPool

	login              bool // AUTH is offered
	failMail, failRcpt error
	failData           error

	mu    sync.Mutex
	mails []envelope
}

// newServer starts a server, with TLS unless change takes it away.
func newServer(t testing.TB, change func(*server)) *server {
	t.Helper()
	cert, roots := certificate(t)
	s := &server{roots: roots}
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, conn: c}, nil }))
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.Domain, s.ErrorLog = host, log.New(io.Discard, "", 0)
	if change != nil {
		change(s)
	}
	l := listen(t)
	s.addr = l.Addr().String()
	s.start(t, l)
	return s
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start serves until the test ends, and then waits for every connection: none may be left open.
func (s *server) start(t testing.TB, l net.Listener) {
	go s.Serve(l)
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// implicit makes another listener, which speaks TLS from the first byte.
func (s *server) implicit(t testing.TB) {
	l := listen(t)
	s.addr = l.Addr().String()
	go s.Serve(tls.NewListener(l, s.TLSConfig))
}

// dial is a Config.Dial: whatever the name, it leads to s.
func (s *server) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, s.addr)
}

// config is that for a server on another machine, whose certificate is trusted.
func (s *server) config() *smtpmail.Config {
	return &smtpmail.Config{
		Server: "smtp://" + host, From: "The Shop <no-reply@shop.example>",
		TLS: &tls.Config{RootCAs: s.roots}, Dial: s.dial,
	}
}

// one returns the only mail.
func (s *server) one(t testing.TB) envelope {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 {
		t.Fatalf("the server has %d mails, want 1", len(s.mails))
	}
	return s.mails[0]
}

func (s *server) none(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 0 {
		t.Errorf("the server has got mail: %+v", s.mails)
	}
}

type session struct {
	s    *server
	conn *smtp.Conn
	mail envelope
}

func (c *session) AuthMechanisms() []string {
	if !c.s.login {
		return nil
	}
	return []string{sasl.Plain}
}

func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, u, p string) error {
		if u != user || p != password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: u + " may not log in with " + p}
		}
		c.mail.user = u
		return nil
	}), nil
}

func (c *session) Mail(from string, opts *smtp.MailOptions) error {
	_, encrypted := c.conn.TLSConnectionState()
	c.mail = envelope{from: from, user: c.mail.user, hello: c.conn.Hostname(), utf8: opts.UTF8, encrypted: encrypted}
	return c.s.failMail
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if c.mail.to != "" {
		return errors.New("more than one recipient")
	}
	c.mail.to = to
	return c.s.failRcpt
}

func (c *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if c.s.failData != nil {
		return c.s.failData
	}
	c.mail.content = string(content)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.mails = append(c.s.mails, c.mail)
	return nil
}

func (c *session) Reset()        {}
func (c *session) Logout() error { return nil }

// certificate returns a self-signed one for host and this machine.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// script starts a server on this machine that says greeting, and then what answer returns for
// each line; nothing for "". It returns its address. In the end every connection must be closed.
func script(t testing.TB, greeting string, answer func(line string) string) string {
	t.Helper()
	l := listen(t)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { defer c.Close(); follow(c, greeting, answer) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return l.Addr().String()
}

func follow(c net.Conn, greeting string, answer func(line string) string) {
	if greeting != "" {
		fmt.Fprint(c, greeting+"\r\n")
	}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if text := answer(lines.Text()); text == "close" {
			return
		} else if text != "" {
			fmt.Fprint(c, text+"\r\n")
		}
	}
}

// pipe returns a Config.Dial that leads to such a server within a bubble of synctest.
func pipe(greeting string, answer func(line string) string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() { defer server.Close(); follow(server, greeting, answer) }()
		return client, nil
	}
}

// obliging is what a server answers that takes every mail.
func obliging(line string) string {
	switch verb, _, _ := strings.Cut(line, " "); verb {
	case "EHLO", "MAIL", "RCPT", ".":
		return "250 2.0.0 Yes"
	case "DATA":
		return "354 Go on"
	case "QUIT":
		return "221 2.0.0 Bye"
	}
	return ""
}
