//go:build linux

package deploy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/vestibule-go/auth/internal/leak"
)

// patient is how long the tests wait for what must come. What takes longer never comes.
const patient = time.Minute

// until calls f until it is true.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// missing skips the test for want of a program, or fails it where nothing may be skipped.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
		t.Fatalf("AUTH_TEST_REQUIRE_ALL is 1, but this needs %s", what)
	}
	t.Skipf("this needs %s", what)
}

// find returns the first program that there is.
func find(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		matches, _ := filepath.Glob(name)
		for _, name := range append(matches, name) {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
	}
	missing(t, names[0])
	return ""
}

// watch knows the secrets of all tests, and reads every log.
var watch leak.Watch

var shopDir string // of the built shop

func TestMain(m *testing.M) {
	var err error
	if shopDir, err = os.MkdirTemp("", "yumroad"); err != nil {
		panic(err)
	}
	code := watch.Run(m)
	os.RemoveAll(shopDir)
	os.Exit(code)
}

// shopProgram is the shop, built once.
var shopProgram = sync.OnceValues(func() (string, error) {
	name := filepath.Join(shopDir, "yumroad")
	if out, err := exec.Command("go", "build", "-o", name, "../yumroad").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

// process is a program that ends with the test.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}
	log   logs
}

// logs keeps what a program writes.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	watch.Write(p)
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start starts cmd. last is the signal that ends it for good, at the latest when the test does.
func start(t *testing.T, cmd *exec.Cmd, last syscall.Signal) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signalAll(syscall.SIGCONT)
		p.stop(last)
		if t.Failed() {
			t.Logf("%s:\n%s", cmd.Path, tail(p.log.String()))
		}
	})
	return p
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// stop ends the process by that signal, and waits for it.
func (p *process) stop(s syscall.Signal) {
	p.cmd.Process.Signal(s) // fails if it has ended
	select {
	case <-p.ended:
	case <-time.After(patient):
		p.cmd.Process.Kill()
		<-p.ended
		p.t.Errorf("%s does not end by %v", p.cmd.Path, s)
	}
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signalAll sends a signal to the process and to its children, which may have groups of their own.
func (p *process) signalAll(s syscall.Signal) {
	p.cmd.Process.Signal(s)
	pid := p.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			syscall.Kill(n, s)
		}
	}
}

// freePort returns one at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func secret() string {
	s := "S" + rand.Text()
	watch.Secret(s)
	return s
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// postgres is a cluster of its own.
type postgres struct {
	*process
	t              *testing.T
	bin, dir, port string
	password       string
	asPostgres     *syscall.SysProcAttr
}

// newPostgres makes a cluster, and starts it.
func newPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{t: t, bin: filepath.Dir(find(t, "/usr/lib/postgresql/*/bin/initdb", "initdb")), port: freePort(t), password: secret()}
	top, err := os.MkdirTemp("", "cluster") // t.TempDir is for the user of the test alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	p.dir = filepath.Join(top, "data")
	write(t, filepath.Join(top, "password"), p.password)
	p.asPostgres = ownUser(t, top)
	p.run("initdb", "-D", p.dir, "-A", "scram-sha-256", "-U", "yumroad", "--pwfile", filepath.Join(top, "password"), "--no-sync", "-E", "UTF8", "--locale=C")
	p.start()
	return p
}

// ownUser gives dir to the user postgres, if this is root, whom PostgreSQL refuses.
func ownUser(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		missing(t, "the user postgres")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, name := range []string{dir, filepath.Join(dir, "password")} {
		if err := os.Chown(name, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// run runs a program of PostgreSQL's, as its user.
func (p *postgres) run(program string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.SysProcAttr, cmd.Dir = p.asPostgres, filepath.Dir(p.dir)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+p.password, "PGHOST=127.0.0.1", "PGPORT="+p.port, "PGUSER=yumroad", "PGDATABASE=postgres")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func (p *postgres) start() {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), "-D", p.dir, "-p", p.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB")
	cmd.SysProcAttr, cmd.Dir = p.asPostgres, p.dir
	p.process = start(p.t, cmd, syscall.SIGQUIT)
	db := p.open()
	until(p.t, "PostgreSQL starts", func() bool { return db.Ping() == nil || !p.running() })
	if !p.running() {
		p.t.Fatal("PostgreSQL has ended")
	}
}

// address is for the flag -db.
func (p *postgres) address() string {
	return fmt.Sprintf("postgres://yumroad:%s@127.0.0.1:%s/postgres?sslmode=disable", p.password, p.port)
}

func (p *postgres) open() *sql.DB {
	p.t.Helper()
	db, err := sql.Open("pgx", p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { db.Close() })
	return db
}

func (p *postgres) exec(statements ...string) {
	p.t.Helper()
	db := p.open()
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			p.t.Fatal(err)
		}
	}
}

// redisServer is a Redis of its own.
type redisServer struct {
	*process
	t                   *testing.T
	dir, port, password string
}

func newRedis(t *testing.T) *redisServer {
	t.Helper()
	r := &redisServer{t: t, dir: t.TempDir(), port: freePort(t), password: secret()}
	write(t, filepath.Join(r.dir, "redis.conf"), fmt.Sprintf(
		"bind 127.0.0.1\nport %s\ndir %s\nrequirepass %s\nappendonly yes\nappendfsync always\nsave \"\"\nmaxmemory-policy noeviction\n", r.port, r.dir, r.password))
	r.start()
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	r.process = start(r.t, exec.Command(find(r.t, "redis-server"), filepath.Join(r.dir, "redis.conf")), syscall.SIGKILL)
	until(r.t, "Redis starts", func() bool {
		return strings.Contains(r.log.String(), "Ready to accept connections") || !r.running()
	})
	if !r.running() {
		r.t.Fatal("Redis has ended")
	}
}

func (r *redisServer) address() string {
	return fmt.Sprintf("redis://:%s@127.0.0.1:%s/0", r.password, r.port)
}

// replica is one process of the shop.
type replica struct {
	*process
	t    *testing.T
	port string
	env  []string
	last *process // before it was started again
}

// newReplica starts a shop whose flags are in the environment, as the unit has it. settings are NAME=value.
func newReplica(t *testing.T, settings ...string) *replica {
	t.Helper()
	r := &replica{t: t, port: freePort(t), env: append(os.Environ(), "YUMROAD_BCRYPT_COST=4", "YUMROAD_CONFIRM_WITHIN=24h")}
	for _, s := range settings {
		r.env = append(r.env, "YUMROAD_"+s)
	}
	r.start()
	return r
}

func (r *replica) start() {
	r.t.Helper()
	program, err := shopProgram()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(program, "-addr", "127.0.0.1:"+r.port)
	cmd.Env = r.env
	r.process = start(r.t, cmd, syscall.SIGKILL)
	until(r.t, "the shop starts", func() bool { return r.ready() == http.StatusOK || !r.running() })
	if !r.running() {
		r.t.Fatalf("the shop has ended:\n%s", r.log.String())
	}
}

func (r *replica) restart() {
	r.t.Helper()
	r.stop(syscall.SIGTERM)
	r.last = r.process
	r.start()
}

// ready is what /readyz answers, or 0.
func (r *replica) ready() int {
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://127.0.0.1:" + r.port + "/readyz")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// nginx is a real one, with nginx.conf and high ports.
type nginx struct {
	*process
	https, log string
	roots      *x509.CertPool
}

func newNginx(t *testing.T, replicas ...*replica) *nginx {
	t.Helper()
	program, dir := find(t, "nginx", "/usr/sbin/nginx"), t.TempDir()
	n := &nginx{https: freePort(t), log: filepath.Join(dir, "yumroad.log")}
	n.roots = certificate(t, dir)
	site := replaced(t, "nginx.conf", map[string]string{
		"listen 443": "listen 127.0.0.1:" + n.https, "listen 80": "listen 127.0.0.1:" + freePort(t),
		"/etc/ssl/": dir + "/", "/var/log/nginx/": dir + "/",
		":8081": ":" + replicas[0].port, ":8082": ":" + replicas[1].port,
	})
	write(t, filepath.Join(dir, "site.conf"), site)
	main := "daemon off;\nworker_processes 2;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n"
	if os.Getuid() == 0 {
		main = "user root;\n" + main // workers of another user could not read the test's directory
	}
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += kind + "_temp_path " + filepath.Join(dir, kind) + ";\n"
	}
	file := filepath.Join(dir, "main.conf")
	write(t, file, main+"include site.conf;\n}\n")
	n.process = start(t, exec.Command(program, "-p", dir, "-c", file, "-e", "stderr"), syscall.SIGTERM)
	until(t, "nginx starts", func() bool {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+n.https, &tls.Config{RootCAs: n.roots, ServerName: host})
		if err == nil {
			conn.Close()
		}
		return err == nil || !n.running()
	})
	if !n.running() {
		t.Fatalf("nginx has ended:\n%s", n.process.log.String())
	}
	return n
}

// replaced returns a file with other ports and folders.
func replaced(t *testing.T, file string, replacements map[string]string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for old, replacement := range replacements {
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %q", file, old)
		}
		text = strings.ReplaceAll(text, old, replacement)
	}
	return text
}

// transport connects from an address to nginx, whatever host is asked for. Every request has a connection of
// its own: one that nginx closes when it reloads, just as a form is sent, would be a failure of the client's.
func (n *nginx) transport(from string) *http.Transport {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Transport{
		DisableKeepAlives: true, ResponseHeaderTimeout: patient, TLSClientConfig: &tls.Config{RootCAs: n.roots},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", "127.0.0.1:"+n.https)
		},
	}
}

const (
	host = "shop.example"
	base = "https://" + host
)

// certificate writes one for the host, which signs itself.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	write(t, filepath.Join(dir, host+".pem"), string(text))
	write(t, filepath.Join(dir, host+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}
