package smtpmail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/email/smtpmail"
)

const (
	address = "ann@example.com"
	text    = "Hello,\n\nopen https://shop.example/confirm?token=SECRET\n"
)

func message() *email.Message {
	return &email.Message{To: address, Subject: "Please confirm", Text: text, Kind: email.KindConfirm, UserID: "1"}
}

func newMailer(t testing.TB, cfg *smtpmail.Config) *smtpmail.Mailer {
	t.Helper()
	m, err := smtpmail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// local is the Config for a server on this machine.
func local(addr string) *smtpmail.Config {
	return &smtpmail.Config{Server: "smtp://" + addr, From: "no-reply@shop.example"}
}

// quiet checks that err is one, and tells nothing of the mail or the password.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range []string{address, "ann@", "SECRET", "confirm", password, encoded, "p@ss", "c2hvcA"} {
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
				t.Errorf("%q is in the error: %v", secret, err)
			}
		}
	}
}

func TestEncrypted(t *testing.T) {
	for name, test := range map[string]struct {
		scheme string
		change func(*testing.T, *server)
	}{
		"STARTTLS": {"smtp", func(*testing.T, *server) {}},
		"implicit": {"smtps", func(t *testing.T, s *server) { s.implicit(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			test.change(t, s)
			cfg := s.config()
			cfg.Server = test.scheme + "://" + host
			if err := newMailer(t, cfg).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			if got := s.one(t); !got.encrypted || got.from != "no-reply@shop.example" || got.to != address || got.hello != "shop.example" || got.utf8 || got.user != "" {
				t.Errorf("the server got %+v", got)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	for url, want := range map[string]string{
		"smtp://mail.example.com": "mail.example.com:587", "smtps://mail.example.com/": "mail.example.com:465",
		"smtps://mail.example.com:2465": "mail.example.com:2465", "smtp://[2001:db8::1]": "[2001:db8::1]:587",
	} {
		s := newServer(t, nil)
		cfg := s.config()
		cfg.Server = url
		var dialed string
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, address string) (c net.Conn, err error) {
			dialed = network + " " + address
			return dial(ctx, network, address)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newMailer(t, cfg).Send(ctx, message()); !errors.Is(err, context.Canceled) || dialed != "tcp "+want {
			t.Errorf("%s: dialed %q, %v", url, dialed, err)
		}
	}
}

// A server that offers no STARTTLS gets neither mail nor password; one in the middle may have taken the offer out.
func TestPlainTextIsRefused(t *testing.T) {
	s := newServer(t, func(s *server) { s.TLSConfig, s.AllowInsecureAuth, s.login = nil, true, true })
	for _, url := range []string{"smtp://" + host, "smtp://" + encoded + "@" + host, "smtp://localhost.example.com", "smtp://mail.localhost"} {
		cfg := s.config()
		cfg.Server, cfg.TLS = url, nil
		err := newMailer(t, cfg).Send(t.Context(), message())
		quiet(t, err)
		if !errors.Is(err, smtpmail.ErrNoTLS) {
			t.Errorf("got error %v, want ErrNoTLS", err)
		}
	}
	cfg := local(s.addr)
	cfg.TLS = &tls.Config{RootCAs: s.roots}
	if err := newMailer(t, cfg).Send(t.Context(), message()); !errors.Is(err, smtpmail.ErrNoTLS) {
		t.Errorf("with TLS, on this machine: got error %v, want ErrNoTLS", err)
	}
	s.none(t)
}

func TestPlainText(t *testing.T) {
	for name, config := range map[string]func(*server) *smtpmail.Config{
		"127.0.0.1": func(s *server) *smtpmail.Config { return local(s.addr) },
		"with password": func(s *server) *smtpmail.Config {
			return local(encoded + "@" + s.addr)
		},
		"localhost": func(s *server) *smtpmail.Config {
			cfg := local(encoded + "@LOCALHOST")
			cfg.Dial = s.dial
			return cfg
		},
		"127.8.8.8 and ::1": func(s *server) *smtpmail.Config {
			cfg := local(encoded + "@127.8.8.8")
			cfg.Dial = s.dial
			return cfg
		},
		"InsecurePlain": func(s *server) *smtpmail.Config {
			cfg := local(host)
			cfg.Dial, cfg.InsecurePlain = s.dial, true
			return cfg
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(s *server) { s.AllowInsecureAuth, s.login = true, true })
			cfg := config(s)
			if err := newMailer(t, cfg).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			if got := s.one(t); got.encrypted || (got.user == user) != strings.Contains(cfg.Server, "@") {
				t.Errorf("the server got %+v", got)
			}
		})
	}
}

func TestCertificate(t *testing.T) {
	_, others := certificate(t)
	for name, change := range map[string]func(*smtpmail.Config){
		"of another": func(c *smtpmail.Config) { c.Server = strings.Replace(c.Server, host, "mx.example.com", 1) },
		"by nobody":  func(c *smtpmail.Config) { c.TLS = nil },
		"by another": func(c *smtpmail.Config) { c.TLS = &tls.Config{RootCAs: others} },
	} {
		for _, scheme := range []string{"smtp", "smtps"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				s := newServer(t, func(s *server) { s.login = true })
				if scheme == "smtps" {
					s.implicit(t)
				}
				cfg := s.config()
				cfg.Server = scheme + "://" + encoded + "@" + host
				change(cfg)
				err := newMailer(t, cfg).Send(t.Context(), message())
				quiet(t, err)
				if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
					t.Errorf("got error %v", err)
				}
				s.none(t)
			})
		}
	}
}

func TestOldTLS(t *testing.T) {
	s := newServer(t, func(s *server) { s.TLSConfig.MinVersion, s.TLSConfig.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	err := newMailer(t, s.config()).Send(t.Context(), message())
	quiet(t, err)
	s.none(t)
}

func TestLogin(t *testing.T) {
	s := newServer(t, func(s *server) { s.login = true })
	cfg := s.config()
	cfg.Server = "smtp://" + encoded + "@" + host
	if err := newMailer(t, cfg).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if got := s.one(t); got.user != user || !got.encrypted {
		t.Errorf("the server got %+v", got)
	}
	cfg.Server = "smtp://" + encoded + "x@" + host
	err := newMailer(t, cfg).Send(t.Context(), message())
	quiet(t, err)
	if !errors.Is(err, smtpmail.ErrPermanent) || !strings.Contains(err.Error(), "AUTH") || !strings.Contains(err.Error(), "535 5.7.8") {
		t.Errorf("the error of a wrong password is %v", err)
	}
	s.one(t)
}

func TestLoginIsNotOffered(t *testing.T) {
	s := newServer(t, nil)
	cfg := s.config()
	cfg.Server = "smtp://" + encoded + "@" + host
	quiet(t, newMailer(t, cfg).Send(t.Context(), message()))
	s.none(t)
}

// LOGIN is for servers that do not know PLAIN. One that echoes what it was told does not get it into a log.
func TestLoginByTwoLines(t *testing.T) {
	for _, good := range []bool{true, false} {
		step := 0
		addr := script(t, "220 hello", func(line string) string {
			switch step++; {
			case step == 1:
				return "250-hello\r\n250 AUTH LOGIN"
			case line == "AUTH LOGIN":
				return "334 VXNlcm5hbWU6"
			case line == "c2hvcA==":
				return "334 UGFzc3dvcmQ6"
			case step == 4 && good:
				return "235 2.7.0 Yes"
			case step == 4:
				return "334 " + line
			case line == "*":
				return "501 5.0.0 Cancelled"
			}
			return obliging(line)
		})
		err := newMailer(t, local(encoded+"@"+addr)).Send(t.Context(), message())
		if good && err != nil {
			t.Error(err)
		}
		if !good {
			quiet(t, err)
		}
	}
}

// What the server says has the address in it, more often than not. The log gets the command and the status.
func TestRefusals(t *testing.T) {
	fail := func(code int, enhanced smtp.EnhancedCode) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "<" + address + "> said " + text + ", " + password}
	}
	for name, test := range map[string]struct {
		change    func(*server)
		want      string
		permanent bool
	}{
		"MAIL busy":     {func(s *server) { s.failMail = fail(451, smtp.EnhancedCode{4, 7, 1}) }, "MAIL: the server answers 451 4.7.1", false},
		"RCPT busy":     {func(s *server) { s.failRcpt = fail(450, smtp.NoEnhancedCode) }, "RCPT: the server answers 450", false},
		"RCPT for good": {func(s *server) { s.failRcpt = fail(550, smtp.EnhancedCode{5, 1, 1}) }, "RCPT: the server refuses for good: 550 5.1.1", true},
		"DATA busy":     {func(s *server) { s.failData = fail(452, smtp.EnhancedCode{4, 2, 2}) }, "DATA: the server answers 452 4.2.2", false},
		"DATA for good": {func(s *server) { s.failData = fail(554, smtp.EnhancedCode{5, 7, 1}) }, "DATA: the server refuses for good: 554 5.7.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, test.change)
			err := newMailer(t, s.config()).Send(t.Context(), message())
			quiet(t, err)
			if err.Error() != "smtpmail: "+test.want || errors.Is(err, smtpmail.ErrPermanent) != test.permanent {
				t.Errorf("got error %q, want %q", err, test.want)
			}
			s.none(t)
		})
	}
}

// Whatever a server says or leaves out at whatever time is an error, and none that tells anything.
func TestOddServers(t *testing.T) {
	for _, odd := range []string{address + " " + text, "550", "999 " + address, "250-" + address, "close", "354 " + address, "x\r\n.\r\n"} {
		if odd != "close" {
			addr := script(t, odd, obliging)
			ctx, cancel := context.WithCancel(t.Context())
			if strings.HasPrefix(odd, "250-") {
				cancel() // it waits for more
			}
			quiet(t, newMailer(t, local(addr)).Send(ctx, message()))
			cancel()
		}
		for _, verb := range []string{"EHLO", "MAIL", "RCPT", "DATA", "."} {
			if verb == "DATA" && strings.HasPrefix(odd, "354") {
				continue
			}
			ctx, cancel := context.WithCancel(t.Context())
			addr := script(t, "220 hello", func(line string) string {
				if v, _, _ := strings.Cut(line, " "); v != verb && (v != "HELO" || verb != "EHLO") {
					return obliging(line)
				}
				if strings.HasPrefix(odd, "250-") {
					defer cancel()
				}
				return odd
			})
			quiet(t, newMailer(t, local(addr)).Send(ctx, message()))
			cancel()
		}
	}
}

// A server that says no more keeps nobody longer than ctx, and nobody longer than a minute.
func TestContextEnds(t *testing.T) {
	for _, verb := range []string{"greeting", "TLS", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		for _, cancelled := range []bool{true, false} {
			t.Run(verb, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { contextEnds(t, verb, cancelled) })
			})
		}
	}
}

// contextEnds has the context end when the server is silent from verb on. If Send
// did not stop then, everything would be stuck, which synctest notices.
func contextEnds(t *testing.T, verb string, cancelled bool) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	greeting := "220 hello"
	if verb == "greeting" || verb == "TLS" {
		greeting = ""
	}
	dial := pipe(greeting, func(line string) string {
		switch v, _, _ := strings.Cut(line, " "); v {
		case verb:
			return ""
		case "EHLO":
			return "250-hello\r\n250-AUTH PLAIN\r\n250 STARTTLS"
		case "AUTH":
			return "235 Yes"
		}
		return obliging(line)
	})
	cfg := local(encoded + "@127.0.0.1")
	cfg.Dial = dial
	if verb == "STARTTLS" {
		cfg.TLS = &tls.Config{}
	}
	if verb == "TLS" {
		cfg.Server = "smtps://" + host
	}
	want := context.DeadlineExceeded
	if cancelled {
		want = context.Canceled
		go func() { synctest.Wait(); cancel() }()
	}
	begin := time.Now()
	err := newMailer(t, cfg).Send(ctx, message())
	quiet(t, err)
	if !errors.Is(err, want) || time.Since(begin) > time.Minute {
		t.Errorf("got error %v after %v, want %v", err, time.Since(begin), want)
	}
}

// Once the server has the mail, nothing is an error: it would be sent again.
func TestTakenOverIsNoError(t *testing.T) {
	for _, bye := range []string{"close", "500 What?", "nonsense"} {
		addr := script(t, "220 hello", func(line string) string {
			if line == "QUIT" || line == "RSET" || line == "NOOP" {
				return bye
			}
			return obliging(line)
		})
		if err := newMailer(t, local(addr)).Send(t.Context(), message()); err != nil {
			t.Errorf("%q at the end: %v", bye, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		cfg := local("127.0.0.1")
		cfg.Dial = pipe("220 hello", func(line string) string {
			if line == "QUIT" {
				return "" // and nothing more
			}
			return obliging(line)
		})
		begin := time.Now()
		if err := newMailer(t, cfg).Send(t.Context(), message()); err != nil || time.Since(begin) > 5*time.Second {
			t.Errorf("a server that does not say goodbye: %v after %v", err, time.Since(begin))
		}
	})
}

func TestNoServer(t *testing.T) {
	l := listen(t)
	l.Close()
	err := newMailer(t, local(l.Addr().String())).Send(t.Context(), message())
	quiet(t, err)
	if !strings.HasPrefix(err.Error(), "smtpmail: connect: ") {
		t.Errorf("got error %v", err)
	}
}

func TestAtOnce(t *testing.T) {
	s := newServer(t, nil)
	m := newMailer(t, s.config())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			mail := message()
			mail.To = fmt.Sprintf("reader%02d@example.com", i)
			mail.Text = "for " + mail.To + "\n"
			if err := m.Send(t.Context(), mail); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	to, ids := map[string]bool{}, map[string]bool{}
	for _, e := range s.mails {
		header, text, _ := read(t, e)
		if text != "for "+e.to+"\n" {
			t.Errorf("to %s: %q", e.to, text)
		}
		to[e.to], ids[header.Get("Message-ID")] = true, true
	}
	if len(s.mails) != 20 || len(to) != 20 || len(ids) != 20 {
		t.Errorf("%d mails to %d readers, %d IDs", len(s.mails), len(to), len(ids))
	}
}

// read returns the headers, the text and the HTML of a mail, with line ends as they were.
func read(t *testing.T, e envelope) (header mail.Header, text, html string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(e.content))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "multipart/alternative" {
		return m.Header, readPart(t, "text/plain", m.Header.Get("Content-Type"), quotedprintable.NewReader(m.Body)), ""
	}
	parts := multipart.NewReader(m.Body, params["boundary"]) // decodes quoted-printable
	var texts []string
	for _, want := range []string{"text/plain", "text/html"} {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, readPart(t, want, p.Header.Get("Content-Type"), p))
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("after the parts: %v", err)
	}
	return m.Header, texts[0], texts[1]
}

func readPart(t *testing.T, want, contentType string, r io.Reader) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != want || !strings.EqualFold(params["charset"], "utf-8") {
		t.Errorf("Content-Type is %q, want %s in UTF-8, %v", contentType, want, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func TestContent(t *testing.T) {
	long := strings.Repeat("0123456789", 300)
	body := "Grüße,\n.\n..\n.x\n\nFrom here\n" + long + "\ntrailing space \n\ttab = equals\nhttps://shop.example/reset?token=a=b&c=d\n.\n"
	html := "<!doctype html>\n<p>Grüße</p>\n.\n<p>" + long + "</p>\n"
	for _, page := range []string{"", html} {
		s := newServer(t, nil)
		cfg := s.config()
		cfg.From, cfg.Hello = "Bücher & mehr <no-reply@shop.example>", "host-1.shop.example"
		m := message()
		m.Subject, m.Text, m.HTML = "Bitte bestätigen  Sie Ihre Adresse für „Bücher & mehr“, "+strings.Repeat("sehr lang, ", 20), body, page
		before := *m
		if err := newMailer(t, cfg).Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if *m != before {
			t.Error("the message has changed")
		}
		got := s.one(t)
		header, text, htm := read(t, got)
		if text != body || htm != page {
			t.Errorf("the text is\n%q, want\n%q\nthe HTML is\n%q, want\n%q", text, body, htm, page)
		}
		checkHeader(t, header, m.Subject)
		if got.hello != "host-1.shop.example" || got.from != "no-reply@shop.example" {
			t.Errorf("the server got %+v", got)
		}
		for line := range strings.Lines(got.content) {
			if len(line) > 1000 || !strings.HasSuffix(line, "\r\n") || strings.TrimRight(line, "\r\n") != "" && strings.TrimSpace(line) == "" {
				t.Errorf("line of %d bytes: %q", len(line), line)
			}
		}
	}
}

func checkHeader(t *testing.T, header mail.Header, subject string) {
	t.Helper()
	var names []string
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	if strings.HasPrefix(header.Get("Content-Type"), "multipart/") {
		want = slices.Delete(want, 1, 2)
	}
	if !slices.Equal(names, want) {
		t.Errorf("headers are %v, want %v", names, want)
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || decoded != strings.Join(strings.Fields(subject), " ") {
		t.Errorf("Subject is %q, %v", decoded, err)
	}
	from, err := header.AddressList("From")
	if err != nil || len(from) != 1 || *from[0] != (mail.Address{Name: "Bücher & mehr", Address: "no-reply@shop.example"}) {
		t.Errorf("From is %v, %v", from, err)
	}
	if got := header.Get("To"); got != "<"+address+">" {
		t.Errorf("To is %q", got)
	}
	if got := header.Get("Auto-Submitted"); got != "auto-generated" {
		t.Errorf("Auto-Submitted is %q", got)
	}
	if got := header.Get("Message-ID"); !strings.HasSuffix(got, "@shop.example>") {
		t.Errorf("Message-ID is %q", got)
	}
	if _, err := header.Date(); err != nil || !strings.HasSuffix(header.Get("Date"), "+0000") {
		t.Errorf("Date is %q, %v", header.Get("Date"), err)
	}
	if name, err := os.Hostname(); err != nil || len(name) > 3 && strings.Contains(fmt.Sprint(header), name) {
		t.Errorf("the name of this machine is in %v, %v", header, err)
	}
}

// Nothing in a message makes another header, command or recipient.
func TestHostileMessages(t *testing.T) {
	s := newServer(t, nil)
	m := newMailer(t, s.config())
	dialed := false
	cfg := s.config()
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
		dialed = true
		return nil, errors.New("no")
	}
	deaf := newMailer(t, cfg)
	for _, to := range []string{
		"", "ann", address + "\r\nBcc: eve@example.com", address + "\nRCPT TO:<eve@example.com>", address + "\r", "\r\n" + address, " " + address,
		address + ", eve@example.com", "eve@example.com " + address, "Ann <" + address + ">", "<" + address + ">", "<" + address + "> NOTIFY=NEVER",
		`"a b"@example.com`, `"a\r\n"@example.com`, "a\x00n@example.com", "a\u2028n@example.com", "a\u200bn@example.com", "ann@exa mple.com", "ann(x)@example.com",
		"group: " + address + ";", "@a,@b:" + address, "ann@[127.0.0.1]\r\n", "\xff@example.com",
	} {
		hostile := message()
		hostile.To = to
		for _, m := range []*smtpmail.Mailer{m, deaf} {
			if err := m.Send(t.Context(), hostile); !errors.Is(err, smtpmail.ErrMessage) {
				t.Errorf("to %q: got error %v, want ErrMessage", to, err)
			} else {
				quiet(t, err)
			}
		}
	}
	for _, subject := range []string{"x\r\nBcc: eve@example.com", "x\n\nbody", "x\r", "x\x00", "x\u2028y", "x\u0085y", "\xff", strings.Repeat("x", 901)} {
		hostile := message()
		hostile.Subject = subject
		if err := m.Send(t.Context(), hostile); !errors.Is(err, smtpmail.ErrMessage) {
			t.Errorf("subject %q: got error %v, want ErrMessage", subject, err)
		}
	}
	if err := m.Send(t.Context(), nil); !errors.Is(err, smtpmail.ErrMessage) {
		t.Errorf("nil: got error %v, want ErrMessage", err)
	}
	if s.none(t); dialed {
		t.Error("there was a connection for what cannot be sent")
	}
}

// Odd, but allowed.
func TestOddMessages(t *testing.T) {
	for _, subject := range []string{
		"", "x", strings.Repeat(" ", 300) + "x", strings.Repeat("x", 900), strings.Repeat("ü", 450), strings.Repeat(strings.Repeat("x", 70)+"  ", 10),
		"=?utf-8?q?=0D=0ABcc:_eve@example.com?=",
	} {
		for _, text := range []string{"", ".", ".\r\n.", "\r\n.\r\nQUIT\r\n", "\x00\r\xff", "no end", "Bcc: eve@example.com\n\n"} {
			s := newServer(t, nil)
			m := message()
			m.Subject, m.Text = subject, text
			if err := newMailer(t, s.config()).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			header, _, _ := read(t, s.one(t))
			if len(header) != 9 || header.Get("Bcc") != "" {
				t.Errorf("%q, %q: headers are %v", subject, text, header)
			}
		}
	}
}

func TestBeyondASCII(t *testing.T) {
	for _, test := range []struct {
		offered  bool
		to, want string // "": an error
		utf8     bool
	}{
		{true, "änn@example.com", "änn@example.com", true},
		{false, "änn@example.com", "", false},
		{true, "ann@bücher.example", "ann@xn--bcher-kva.example", false},
		{false, "ann@bücher.example", "ann@xn--bcher-kva.example", false},
		{true, "ann@ｅxample.com", "ann@ｅxample.com", true}, // and not ann@example.com
		{false, "ann@ｅxample.com", "", false},
		{true, address, address, false},
	} {
		s := newServer(t, func(s *server) { s.EnableSMTPUTF8 = test.offered })
		m := message()
		m.To = test.to
		err := newMailer(t, s.config()).Send(t.Context(), m)
		if test.want == "" {
			if !errors.Is(err, smtpmail.ErrNoUTF8) || strings.Contains(err.Error(), "nn@") {
				t.Errorf("%s: got error %v, want ErrNoUTF8", test.to, err)
			}
			s.none(t)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got := s.one(t)
		header, _, _ := read(t, got)
		if got.to != test.want || got.utf8 != test.utf8 || header.Get("To") != "<"+test.want+">" {
			t.Errorf("%s: the server got %+v", test.to, got)
		}
	}
}

// New says all that is wrong, and repeats nothing of it.
func TestFaults(t *testing.T) {
	good := smtpmail.Config{Server: "smtp://" + encoded + "@" + host, From: "no-reply@shop.example"}
	for name, test := range map[string]struct {
		change func(*smtpmail.Config)
		want   []string
	}{
		"good":            {func(*smtpmail.Config) {}, nil},
		"empty":           {func(c *smtpmail.Config) { *c = smtpmail.Config{} }, []string{"Server", "From"}},
		"exchanged":       {func(c *smtpmail.Config) { c.Server, c.From = c.From, c.Server }, []string{"Server", "From"}},
		"several senders": {func(c *smtpmail.Config) { c.From = "a@shop.example, b@shop.example" }, []string{"From"}},
		"sender and line": {func(c *smtpmail.Config) { c.From = "a@shop.example\r\nBcc: eve@example.com" }, []string{"From"}},
		"Hello":           {func(c *smtpmail.Config) { c.Hello = "a\r\nQUIT" }, []string{"Hello"}},
		"Hello and space": {func(c *smtpmail.Config) { c.Hello = "a b" }, []string{"Hello"}},
		"old TLS":         {func(c *smtpmail.Config) { c.TLS = &tls.Config{MinVersion: tls.VersionTLS11} }, []string{"TLS"}},
		"plain password":  {func(c *smtpmail.Config) { c.InsecurePlain = true }, []string{"InsecurePlain"}},
		"plain smtps":     {func(c *smtpmail.Config) { c.InsecurePlain, c.Server = true, "smtps://"+host }, []string{"InsecurePlain"}},
		"plain TLS":       {func(c *smtpmail.Config) { c.InsecurePlain, c.Server, c.TLS = true, "smtp://"+host, &tls.Config{} }, []string{"InsecurePlain"}},
		"everything": {func(c *smtpmail.Config) {
			*c = smtpmail.Config{Server: "x", From: "x", Hello: "ü", TLS: &tls.Config{MinVersion: 1}}
		}, []string{"Server", "From", "Hello", "TLS"}},
		"http":             {func(c *smtpmail.Config) { c.Server = "http://" + encoded + "@" + host }, []string{"Server"}},
		"no scheme":        {func(c *smtpmail.Config) { c.Server = encoded + "@" + host }, []string{"Server"}},
		"not encoded":      {func(c *smtpmail.Config) { c.Server = "smtp://shop:" + password + "@" + host }, []string{"Server"}},
		"not encoded /":    {func(c *smtpmail.Config) { c.Server = "smtp://shop:p/ss@" + host }, []string{"Server"}},
		"not encoded ?":    {func(c *smtpmail.Config) { c.Server = "smtp://shop:1?ss@" + host }, []string{"Server"}},
		"not encoded #":    {func(c *smtpmail.Config) { c.Server = "smtp://shop:1#ss@" + host }, []string{"Server"}},
		"not encoded %":    {func(c *smtpmail.Config) { c.Server = "smtp://shop:p%ss@" + host }, []string{"Server"}},
		"path":             {func(c *smtpmail.Config) { c.Server += "/path" }, []string{"Server"}},
		"query":            {func(c *smtpmail.Config) { c.Server += "?starttls=never" }, []string{"Server"}},
		"port 0":           {func(c *smtpmail.Config) { c.Server += ":0" }, []string{"Server"}},
		"port 65536":       {func(c *smtpmail.Config) { c.Server += ":65536" }, []string{"Server"}},
		"no host":          {func(c *smtpmail.Config) { c.Server = "smtp://" + encoded + "@:587" }, []string{"Server"}},
		"user only":        {func(c *smtpmail.Config) { c.Server = "smtp://shop@" + host }, []string{"Server"}},
		"password only":    {func(c *smtpmail.Config) { c.Server = "smtp://:shop@" + host }, []string{"Server"}},
		"NUL":              {func(c *smtpmail.Config) { c.Server = "smtp://shop:a%00b@" + host }, []string{"Server"}},
		"plain and no TLS": {func(c *smtpmail.Config) { c.InsecurePlain, c.Server = true, "smtp://"+host }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			test.change(&cfg)
			_, err := smtpmail.New(&cfg)
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			quiet(t, err)
			var fields []string
			for _, line := range strings.Split(fmt.Sprint(err), "\n")[1:] {
				field, _, _ := strings.Cut(line, " ")
				fields = append(fields, strings.TrimSuffix(field, ","))
			}
			slices.Sort(fields)
			slices.Sort(test.want)
			if !slices.Equal(fields, test.want) || strings.Contains(err.Error(), "ss@") {
				t.Errorf("faults are in %v, want %v: %v", fields, test.want, err)
			}
			quiet(t, errors.New(fmt.Sprint(cfg)))
		})
	}
	if _, err := smtpmail.New(nil); err == nil {
		t.Error("nil is a Config")
	}
}

func TestPrinting(t *testing.T) {
	cfg := smtpmail.Config{Server: "smtp://" + encoded + "@" + host, From: "no-reply@shop.example"}
	m := newMailer(t, &cfg)
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	for _, v := range []any{cfg, &cfg, m, *m} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "SMTP by mail.example.com:587" {
				t.Errorf("%s of %T prints %q", verb, v, got)
			}
		}
		log.Info("x", "v", v)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v)
		b, err := json.Marshal(v)
		if err != nil && !strings.Contains(err.Error(), "unsupported type") {
			t.Error(err)
		}
		logged.Write(b)
	}
	quiet(t, errors.New(logged.String()))
	if n := strings.Count(logged.String(), "SMTP by mail.example.com:587"); n != 8 {
		t.Errorf("%d of 8 logged the server: %s", n, logged.String())
	}
}
