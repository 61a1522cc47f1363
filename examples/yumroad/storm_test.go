package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// BenchmarkStorm measures what a storm of logins does to everyone else. The shop is a
// process of its own, and so are the clients that log in, and the one that
// asks for a signed-in page 40 times a second; they share the processors, so the figures of the
// shop are a little worse than with clients on another machine.
//
// Every client has its own loopback address, so that limits by network do not end
// the storm; that takes Linux, where all of 127.0.0.0/8 is this machine.
func BenchmarkStorm(b *testing.B) {
	program := buildShop(b)
	for _, threads := range []struct{ name, gomaxprocs string }{
		{"shop", ""}, // the shop's own choice, see makeRoomForHashing
		{"library", fmt.Sprint(runtime.GOMAXPROCS(0))},
	} {
		for _, cost := range []int{10, 12} {
			b.Run(fmt.Sprintf("%s/cost=%d", threads.name, cost), func(b *testing.B) {
				b.Setenv("GOMAXPROCS", threads.gomaxprocs)
				for b.Loop() {
					shop := startServer(b, program, "-addr", "127.0.0.1:0", "-db", filepath.Join(b.TempDir(), "shop.db"), "-bcrypt-cost", fmt.Sprint(cost))
					s := &stormBench{b, shop.url, cost}
					s.run()
					shop.stop()
				}
			})
		}
	}
}

type stormBench struct {
	*testing.B
	url  string
	cost int
}

const (
	stormClients  = 64
	moderate      = 16 // clients, who can all be served
	warmUp        = 2 * time.Second
	stormDuration = 15 * time.Second
)

func (s *stormBench) run() {
	s.client(stormTask{Do: "signup", Clients: stormClients})()
	probe := stormTask{Do: "page", Session: s.session(), For: stormDuration}
	before := s.client(stormTask{Do: "bcrypt", Cost: s.cost, For: 3 * time.Second})()

	used := s.processors()
	idle := s.client(probe)()
	others := (s.processors() - used) / stormDuration.Seconds() / float64(runtime.GOMAXPROCS(0))
	storm := s.client(stormTask{Do: "login", Clients: stormClients, WarmUp: warmUp, For: stormDuration})
	time.Sleep(warmUp)
	page := s.client(probe)()
	logins := storm()
	few := s.client(stormTask{Do: "login", Clients: moderate, WarmUp: warmUp, For: stormDuration})()

	after := s.client(stormTask{Do: "bcrypt", Cost: s.cost, For: 3 * time.Second})()
	alone := (before.PerSecond + after.PerSecond) / 2
	for name, value := range map[string]float64{
		"page-idle-p50-ms":   ms(idle.P50),
		"page-idle-p99-ms":   ms(idle.P99),
		"page-storm-p50-ms":  ms(page.P50),
		"page-storm-p99-ms":  ms(page.P99),
		"page-p99-ratio":     float64(page.P99) / float64(idle.P99),
		"page-failures":      float64(idle.Failed + page.Failed),
		"probe-late-p99-ms":  ms(page.Late),
		"bcrypt-before/s":    before.PerSecond,
		"bcrypt-after/s":     after.PerSecond,
		"logins/s":           logins.PerSecond,
		"logins-share":       logins.PerSecond / alone,
		"busy/s":             float64(logins.Busy) / stormDuration.Seconds(),
		"other-failures":     float64(logins.Failed + few.Failed),
		"logins16/s":         few.PerSecond,
		"logins16-share":     few.PerSecond / alone,
		"login16-p50-ms":     ms(few.P50),
		"login16-p99-ms":     ms(few.P99),
		"login16-p99/ideal":  few.P99.Seconds() / (moderate / alone),
		"login16-busy/s":     float64(few.Busy) / stormDuration.Seconds(),
		"others-cpu-percent": 100 * others,
		"client-cpu-percent": 100 * logins.CPU.Seconds() / (warmUp + stormDuration).Seconds() / float64(runtime.GOMAXPROCS(0)),
	} {
		s.ReportMetric(value, name)
	}
	s.ReportMetric(0, "ns/op") // which says nothing
}

// processors returns how many seconds the processors have worked for whoever it was. Before
// the storm that is, but for a percent or two, what else this machine does: the more, the less
// the other figures say.
func (s *stormBench) processors() (seconds float64) {
	s.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		s.Fatal(err)
	}
	var user, nice, system, idle, iowait, irq, softirq float64 // in hundredths of a second
	if _, err := fmt.Sscanf(string(text), "cpu %f %f %f %f %f %f %f", &user, &nice, &system, &idle, &iowait, &irq, &softirq); err != nil {
		s.Fatal(err)
	}
	return (user + nice + system + irq + softirq) / 100
}

// session signs up somebody who takes no part in the storm, and returns their cookie.
func (s *stormBench) session() string {
	s.Helper()
	b := newStormBrowser(stormClients, s.url)
	if status, err := b.send("/signup", stormClients); err != nil || status != http.StatusSeeOther {
		s.Fatalf("signup: %d, %v", status, err)
	}
	shop, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(shop) {
		if c.Name == "session" {
			return c.Value
		}
	}
	s.Fatal("no session")
	return ""
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// client starts this program again as a client with that task. The function
// that it returns waits for the end, and returns what was measured.
func (s *stormBench) client(task stormTask) (wait func() stormResult) {
	s.Helper()
	task.URL = s.url
	arg, err := json.Marshal(task)
	if err != nil {
		s.Fatal(err)
	}
	result := filepath.Join(s.TempDir(), "result")
	cmd := exec.CommandContext(s.Context(), os.Args[0], "-test.run=^TestStormClient$", "-test.v")
	cmd.Env = append(os.Environ(), stormVariable+"="+string(arg), stormVariable+"_RESULT="+result)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	return func() (r stormResult) {
		s.Helper()
		if err := cmd.Wait(); err != nil {
			s.Fatalf("%s: %v\n%s", task.Do, err, out.Bytes())
		}
		text, err := os.ReadFile(result)
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			s.Fatal(err)
		}
		r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return r
	}
}
