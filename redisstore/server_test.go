package redisstore_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a Redis of a test's own, which it may stop, fill and spoil.
type server struct {
	t       testing.TB
	program string
	dir     string
	cmd     *exec.Cmd
}

// newServer starts a Redis that writes down every change before it answers.
func newServer(t testing.TB) *server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("there is no Redis to start: ", err)
	}
	dir, err := os.MkdirTemp("", "redis") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{t: t, program: program, dir: dir}
	s.start("--appendonly", "yes", "--appendfsync", "always")
	t.Cleanup(s.kill)
	s.wait(func(err error) bool { return err == nil })
	return s
}

func (s *server) start(args ...string) {
	s.t.Helper()
	s.cmd = exec.Command(s.program, append([]string{"--port", "0", "--unixsocket", s.socket(), "--dir", s.dir, "--save", ""}, args...)...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) socket() string { return filepath.Join(s.dir, "s") }

// kill ends it as a power failure would.
func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// wait asks until the answer is as it should be.
func (s *server) wait(ready func(error) bool) {
	s.t.Helper()
	client := s.client()
	for s.t.Context().Err() == nil {
		if ready(client.Ping(s.t.Context()).Err()) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *server) client() *redis.Client {
	client := redis.NewClient(&redis.Options{
		Network: "unix", Addr: s.socket(), ContextTimeoutEnabled: true, MaxRetries: 1, DialerRetries: 1,
	})
	s.t.Cleanup(func() { client.Close() })
	return client
}

// do sends a command, such as "CONFIG SET maxmemory 1".
func (s *server) do(command string) {
	s.t.Helper()
	var args []any
	for _, word := range strings.Fields(command) {
		args = append(args, word)
	}
	if err := s.client().Do(s.t.Context(), args...).Err(); err != nil {
		s.t.Fatalf("%s: %v", command, err)
	}
}

// proxy is between a client and a Redis, and keeps answers from coming.
type proxy struct {
	net.Listener
	network, target string

	lose atomic.Int64 // how many answers to lose, each with its connection
	hold atomic.Bool  // whether answers wait for the end of the test
	end  chan struct{}
}

func newProxy(t testing.TB, network, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, network: network, target: target, end: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		close(p.end)
		l.Close()
		wg.Wait()
	})
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	up, err := net.Dial(p.network, p.target)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		<-p.end
		c.Close()
		up.Close()
	}()
	go pass(up, c)
	b := make([]byte, 1<<16)
	for {
		n, err := up.Read(b)
		if err != nil || p.lose.Add(-1) >= 0 {
			return
		}
		if p.hold.Load() {
			<-p.end
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// pass passes on what comes until either side ends.
func pass(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
