//go:build linux

package deploy

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// systemd knows everything that the unit says.
func TestUnit(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		missing(t, "systemd-analyze")
	}
	unit := filepath.Join(t.TempDir(), "yumroad@8081.service")
	text := strings.ReplaceAll(read(t, "yumroad@.service"), "/usr/local/bin/yumroad", "/bin/true") // it looks for the program
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.Command(program, "security", "--offline=true", "--threshold=20", unit).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out) // a threshold of 20 is an exposure of 2.0
	}
}

// A replica that is not ready ends a rolling restart before it takes the other one away, too.
func TestRollingRestartEnds(t *testing.T) {
	ready := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer ready.Close()
	_, good, _ := net.SplitHostPort(ready.Listener.Addr().String())
	restarted := filepath.Join(t.TempDir(), "restarted")
	cmd := exec.CommandContext(t.Context(), "./rolling-restart", good, freePort(t))
	cmd.Env = append(os.Environ(), "PATIENCE=0", "RESTART=touch "+restarted)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing else is touched") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(restarted + good); err == nil {
		t.Error("the replica that works was restarted")
	}
}

// The files of the environment set flags that there are.
func TestEnvironment(t *testing.T) {
	options := read(t, "../yumroad/options.go")
	for _, file := range []string{"settings.env", "secrets.env"} {
		names := regexp.MustCompile(`(?m)^YUMROAD_([A-Z_]+)=`).FindAllStringSubmatch(read(t, file), -1)
		if len(names) == 0 {
			t.Errorf("%s sets nothing", file)
		}
		for _, m := range names {
			if flag := strings.ToLower(strings.ReplaceAll(m[1], "_", "-")); !strings.Contains(options, `"`+flag+`"`) {
				t.Errorf("%s: there is no flag -%s", file, flag)
			}
		}
	}
}
