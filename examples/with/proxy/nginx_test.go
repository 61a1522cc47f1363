package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nginx is a real one, with nginx.conf and high ports.
type nginx struct {
	https, http string // where it listens
	roots       *x509.CertPool
	log         bytes.Buffer // to be read when it has ended
	ended       chan struct{}
}

// startNginx starts the nginx in front of what listens at app. It needs no rights and ends with the test.
func startNginx(t *testing.T, app string) *nginx {
	t.Helper()
	program := findNginx(t)
	for range 3 { // somebody else may take a port before nginx does
		n := &nginx{https: freePort(t), http: freePort(t), ended: make(chan struct{})}
		stop := n.start(t, program, app)
		if n.answers() {
			t.Cleanup(func() {
				stop()
				if t.Failed() {
					t.Logf("nginx says:\n%s", n.log.String())
				}
			})
			return n
		}
		stop()
		t.Logf("nginx does not start:\n%s", n.log.String())
	}
	t.Fatal("no nginx")
	return nil
}

// start starts the process. What it returns ends it.
func (n *nginx) start(t *testing.T, program, app string) func() {
	t.Helper()
	dir := t.TempDir()
	n.roots = certificate(t, dir)
	file := configure(t, dir, map[string]string{
		"listen 443":            "listen " + n.https,
		"listen 80":             "listen " + n.http,
		"/etc/ssl/":             dir + "/",
		"http://127.0.0.1:8080": "http://" + app,
	})
	cmd := exec.Command(program, "-p", dir, "-c", file, "-e", "stderr")
	cmd.Stderr = &n.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		close(n.ended)
	}()
	return func() {
		cmd.Process.Kill()
		<-n.ended
	}
}

// answers waits until nginx, and nobody else, answers at its port. It reports false if it ends instead.
func (n *nginx) answers() bool {
	for deadline := time.Now().Add(patient); time.Now().Before(deadline); {
		select {
		case <-n.ended:
			return false
		default:
		}
		conn, err := tls.Dial("tcp", n.https, &tls.Config{RootCAs: n.roots, ServerName: "notes.example"})
		if err == nil {
			conn.Close()
			return true
		}
	}
	return false
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// findNginx skips the test where there is no nginx, or no second address on the loopback interface.
func findNginx(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/nginx")
	}
	ln, second := net.Listen("tcp", visitor+":0")
	switch {
	case err == nil && second == nil:
		ln.Close()
		return program
	case err == nil:
		err = second
	}
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
		t.Fatal("AUTH_TEST_REQUIRE_ALL is 1, but ", err)
	}
	t.Skip("this needs nginx and ", visitor, ": ", err)
	return ""
}

// configure writes nginx.conf with the replacements, and what it is included from. It returns the name of the latter.
func configure(t *testing.T, dir string, replacements map[string]string) string {
	t.Helper()
	source, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	site := string(source)
	for old, replacement := range replacements {
		if !strings.Contains(site, old) {
			t.Fatalf("nginx.conf has no %q", old)
		}
		site = strings.ReplaceAll(site, old, replacement)
	}
	main := "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += kind + "_temp_path " + kind + ";\n"
	}
	write(t, filepath.Join(dir, "site.conf"), site)
	write(t, filepath.Join(dir, "main.conf"), main+"include site.conf;\n}\n")
	return filepath.Join(dir, "main.conf")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate writes one for notes.example, which signs itself.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"notes.example"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	write(t, filepath.Join(dir, "notes.example.pem"), string(text))
	write(t, filepath.Join(dir, "notes.example.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}
