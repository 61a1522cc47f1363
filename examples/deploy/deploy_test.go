//go:build linux

package deploy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

// house is all that the guide puts together.
type house struct {
	t        *testing.T
	db       *postgres
	redis    *redisServer
	mailPort string
	replicas []*replica
	nginx    *nginx
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, mailPort: freePort(t)}
	var wg sync.WaitGroup
	wg.Go(func() { shopProgram() }) // while the servers start
	h.db, h.redis = newPostgres(t), newRedis(t)
	wg.Wait()
	settings := []string{
		"DB=" + h.db.address(), "SESSIONS=" + h.redis.address(), "MAIL=smtp://shop:" + secret() + "@127.0.0.1:" + h.mailPort, // nobody is there
		"BASE_URL=" + base, "TRUSTED_PROXIES=127.0.0.1/32", "DRAIN=100ms",
	}
	for range 2 {
		h.replicas = append(h.replicas, newReplica(t, settings...))
	}
	h.nginx = newNginx(t, h.replicas...)
	return h
}

// TestDeployment starts everything once, and then takes one part after the other away.
func TestDeployment(t *testing.T) {
	watch.Secret(authtest.Password)
	h := newHouse(t)
	for _, test := range []struct {
		name string
		run  func(*house)
	}{
		{"rolling restart", (*house).rollingRestart},
		{"one replica is killed", (*house).killOne},
		{"Redis is away", (*house).redisAway},
		{"Redis hangs", (*house).redisHangs},
		{"PostgreSQL is away", (*house).postgresAway},
		{"PostgreSQL hangs", (*house).postgresHangs},
		{"PostgreSQL takes no writes", (*house).readOnly},
		{"the mail server is away", (*house).mailAway},
		{"no secret is logged by nginx", (*house).accessLog},
		{"sessions on Redis after a restore", (*house).afterRestore},
		{"no argument is secret", (*house).arguments},
	} {
		t.Run(test.name, func(t *testing.T) {
			outer := h.t
			h.t = t
			test.run(h)
			h.t = outer
		})
	}
}

// Both replicas are restarted while people use the shop, and nobody notices: no session is lost, and no request
// fails. One exception cannot be ruled out, and is not carried out either: a form that is at the door, in the queue of the kernel, at the
// moment in which the replica closes it. nginx answers 502, since it cannot know.
func (h *house) rollingRestart() {
	t := h.t
	c := newCrowd(t, h.nginx, 6, 2)
	old := []*process{h.replicas[0].process, h.replicas[1].process}
	operator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, replica := range h.replicas {
			if replica.port == strings.TrimPrefix(r.URL.Path, "/") {
				replica.stop(syscall.SIGTERM)
				c.more(50) // from the other
				replica.start()
			}
		}
	}))
	defer operator.Close()
	cmd := exec.CommandContext(t.Context(), "./rolling-restart", h.replicas[0].port, h.replicas[1].port)
	cmd.Env = append(os.Environ(), "RESTART=curl -fsS "+operator.URL+"/")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("rolling-restart: %v\n%s", err, out)
	}
	c.more(50)
	for _, answers := range c.end() {
		for n, a := range answers {
			if n > 0 || a.method != "POST" || a.status != http.StatusBadGateway {
				t.Errorf("failed: %v", a)
			} else {
				t.Logf("at the door: %v", a)
			}
		}
	}
	for i, p := range old {
		if p.running() || p.cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("replica %d: %v", i, p.cmd.ProcessState)
		}
	}
	t.Logf("%d requests", c.done.Load())
}

// One replica is killed while people use the shop. No session is lost. What the replica had begun is lost: at most one
// request of each visitor. nginx asks the other one for pages, but does not send a form twice.
func (h *house) killOne() {
	t := h.t
	c := newCrowd(t, h.nginx, 6, 2)
	c.more(50)
	h.replicas[0].stop(syscall.SIGKILL)
	c.more(100)
	h.replicas[0].start()
	c.more(100)
	lost := 0
	for _, answers := range c.end() {
		lost += len(answers)
		for n, a := range answers {
			switch {
			case n > 0:
				t.Errorf("the second failure of one visitor: %v", a)
			case a.method == "GET" && a.status != 0: // 0: it broke off in the middle
				t.Errorf("a page failed: %v", a)
			case a.status != http.StatusBadGateway && a.status != 0:
				t.Errorf("failed: %v", a)
			}
		}
	}
	t.Logf("%d requests, %d failed", c.done.Load(), lost)
}

// What is to be run after a restore ends sessions on Redis, too, which the backup knows nothing of.
func (h *house) afterRestore() {
	v := newVisitor(h.t, h.nginx).join()
	h.db.exec(read(h.t, "after-restore-postgres.sql"))
	for range 4 { // both replicas
		want(h.t, v.get("/dashboard"), http.StatusSeeOther)
	}
	want(h.t, v.logIn(authtest.Password), http.StatusSeeOther)
	want(h.t, v.get("/dashboard"), http.StatusOK, v.email)
}

// What nginx writes down of every request has no secret of a link in a mail in it.
func (h *house) accessLog() {
	const path = "/password/reset"
	want(h.t, newVisitor(h.t, h.nginx).get(path+"?token="+secret()), http.StatusSeeOther)
	until(h.t, "the log", func() bool {
		text, _ := os.ReadFile(h.nginx.log)
		watch.Write(text)
		return strings.Contains(string(text), `"GET `+path+`" 303`)
	})
}

// Everybody on a machine sees the arguments of all programs.
func (h *house) arguments() {
	for _, r := range h.replicas {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.cmd.Process.Pid))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, s := range []string{h.db.password, h.redis.password} {
			if strings.Contains(string(line), s) {
				h.t.Errorf("a password is an argument")
			}
		}
	}
}
