//go:build linux

package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// connections is how many clients ask at once.
const connections = 32

// BenchmarkLoopback is the walks that only read, as requests over TCP to a server in a process of
// its own with one thread, by a client that never sleeps. Beside the time it reports requests per second, and the processor
// time of the server for each, in which other programs have less of a part.
func BenchmarkLoopback(b *testing.B) {
	for _, kind := range storages {
		for _, w := range walks[:3] {
			for _, app := range []string{"bare", "lookup", "wired", "auth"} {
				b.Run(fmt.Sprintf("store=%s/walk=%s/app=%s", kind.name, w.name, app), func(b *testing.B) {
					need(b, kind.variable)
					s := startServer(b, task{kind.name, w.name, app})
					s.ask(b, 2000)
					before := s.processor(b)
					b.ResetTimer()
					s.ask(b, b.N)
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
					b.ReportMetric(float64((s.processor(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}

// task tells a child process which application to serve, and for which walk.
type task struct{ Store, Walk, App string }

const taskVariable = "AUTH_BENCH_TASK"

// served is what the child says of itself.
type served struct {
	Addr    string
	Request []byte
	Want    int
}

// TestServe is the child process of BenchmarkLoopback. In a test of its own it serves one page.
func TestServe(t *testing.T) {
	given := os.Getenv(taskVariable)
	if given == "" {
		s := startServer(t, task{"memory", "signed-in", "auth"})
		s.ask(t, 100)
		return
	}
	var do task
	if err := json.Unmarshal([]byte(given), &do); err != nil {
		t.Fatal(err)
	}
	for _, kind := range storages {
		if kind.name == do.Store {
			serve(t, kind.open(t), do)
		}
	}
}

func serve(t *testing.T, s *storage, do task) {
	var a *app
	for _, candidate := range apps(t, s) {
		if candidate.name == do.App {
			a = candidate
		}
	}
	say := json.NewEncoder(os.Stdout)
	for _, w := range walks {
		if w.name != do.Walk {
			continue
		}
		next, status := w.begin(t, newVisitor(a))
		request, err := httputil.DumpRequest(next(), true)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: a.handler}
		go server.Serve(l)
		defer server.Close()
		say.Encode(served{l.Addr().String(), request, status})
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		say.Encode(u.Utime.Nano() + u.Stime.Nano())
	}
}

// server is a child process.
type server struct {
	served
	in  io.Writer
	out *json.Decoder
}

func startServer(tb testing.TB, do task) *server {
	given, err := json.Marshal(do)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestServe$")
	cmd.Env = append(os.Environ(), taskVariable+"="+string(given), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.Close(); cmd.Wait() })
	s := &server{in: in, out: json.NewDecoder(out)}
	if err := s.out.Decode(&s.served); err != nil {
		tb.Fatalf("%v does not serve: %v", do, err)
	}
	return s
}

// processor returns how much of the processor the server has taken.
func (s *server) processor(tb testing.TB) (d time.Duration) {
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		tb.Fatal(err)
	}
	if err := s.out.Decode(&d); err != nil {
		tb.Fatal(err)
	}
	return d
}
