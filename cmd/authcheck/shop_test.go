package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
)

const plainHTTP = "the application is reached by plain http; check it by https, or say https: true"

// The shop of the examples passes everything, but for what there is no way to look at.
func TestShop(t *testing.T) {
	program := buildShop(t)
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		mails := t.TempDir()
		at := startShop(t, program, mails, "-addr", "127.0.0.1:0")
		wantShop(t, mails, at, map[string]string{"cookie-secure": plainHTTP, "cookie-prefix": plainHTTP, "header-hsts": plainHTTP})
	})
	t.Run("behind TLS", func(t *testing.T) {
		t.Parallel()
		mails := t.TempDir()
		wantShop(t, mails, startBehindTLS(t, program, mails), nil)
	})
}

// startBehindTLS starts the shop, and a proxy in front of it that it trusts.
func startBehindTLS(t *testing.T, program, mails string) (address string) {
	t.Helper()
	shop := new(url.URL)
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(shop)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	address = "https://" + proxy.Listener.Addr().String()
	*shop = *mustParse(t, startShop(t, program, mails, "-addr", "127.0.0.1:0", "-base-url", address, "-trusted-proxies", "127.0.0.0/8"))
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	return address
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func buildShop(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "yumroad.exe")
	cmd := exec.Command("go", "build", "-o", program, "./yumroad")
	cmd.Dir = filepath.Join("..", "..", "examples")
	cmd.Env = append(os.Environ(), "GOWORK=off") // also where this module is tested by itself
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// startShop starts the shop with cheap hashes, in which nobody logs in before having confirmed the address, so that signing up
// tells nobody who has an account.
func startShop(t *testing.T, program, mails string, args ...string) (address string) {
	t.Helper()
	db := filepath.Join(t.TempDir(), "shop.db")
	cmd := exec.Command(program, append([]string{"-bcrypt-cost", "4", "-confirm-within", "0", "-db", db, "-mail", "dir:" + mails}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the shop did not start: %v", err)
	}
	go io.Copy(io.Discard, lines)
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

const shopConfig = `
profile: vestibule
confirm: {by_mail: true}
limits: {per_second: 0}
`

// wantShop runs all checks, the optional ones too.
func wantShop(t *testing.T, mails, address string, skipped map[string]string) {
	t.Helper()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "authcheck.yaml"), filepath.Join(dir, "report.json")
	if err := os.WriteFile(file, []byte(shopConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, log bytes.Buffer
	code := run(t.Context(), []string{"-config", file, "-mail", mails, "-only", "*", "-json", out, "-v", address}, &stdout, &log)
	if code != nothingFailed {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &log)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Results []struct{ ID, Status, Reason string }
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range report.Results {
		if r.Status == "skipped" {
			got[r.ID] = r.Reason
		}
	}
	if !maps.Equal(got, skipped) || len(report.Results) != len(check.All()) {
		t.Errorf("of %d checks %v are skipped, want %v", len(report.Results), got, skipped)
	}
	noSecret(t, log.String()+stdout.String()+string(data))
}

// noSecret looks for the passwords that authcheck makes up, and for the links in mails.
func noSecret(t *testing.T, printed string) {
	t.Helper()
	for _, secret := range []string{"Aq7!", "token=", "csrf_token", "session="} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q is printed", secret)
		}
	}
}
