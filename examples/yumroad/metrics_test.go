package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

// freeAddress returns an address on which nobody listens at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape returns what the shop shows to Prometheus.
func scrape(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics: %d, %v", resp.StatusCode, err)
	}
	return string(text)
}

// The shop as a process counts what its visitors do, and shows it to nobody but Prometheus.
func TestMetrics(t *testing.T) {
	private := freeAddress(t)
	s := startServer(t, buildShop(t), "-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "shop.db"), "-metrics", private)
	defer s.stop()
	public, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	c := authtest.NewClient(t, httputil.NewSingleHostReverseProxy(public))
	c.BaseURL, c.TokenPath = s.url, "/login"
	c.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	c.TokenPath = "/dashboard"
	c.Logout().Want(http.StatusSeeOther)
	c.TokenPath = "/login"
	for range 3 {
		c.Login(ann, "a wrong password, of course").Want(http.StatusUnprocessableEntity)
	}
	c.Login(ann, authtest.Password).WantRedirect("/dashboard")
	c.Get("/metrics").Want(http.StatusNotFound)

	text := scrape(t, private)
	for _, line := range []string{
		`auth_events_total{event="login_failed",reason="wrong password"} 3`,
		`auth_events_total{event="logged_in",reason="pwd"} 2`,
		`auth_events_total{event="signed_up",reason=""} 1`,
		`auth_events_total{event="failed",reason="send mail"} 0`,
		`auth_store_calls_total{method="CreateUser",outcome="ok"} 1`,
		`auth_hash_duration_seconds_count{operation="verify"} 4`,
		`auth_mail_queue_capacity 1000`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	for _, secret := range []string{ann, authtest.Password, c.Cookie("session").Value} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics have %q in them", secret)
		}
	}
	if resp, err := http.Get("http://" + private + "/login"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("there are pages at the address of the metrics: %v, %v", resp, err)
	}
}

// Metrics that cannot be shown are no metrics: the shop says so, and does not start.
func TestMetricsAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var errs bytes.Buffer
	args := []string{"-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "shop.db"), "-metrics", l.Addr().String()}
	if code := run(t.Context(), args, 1, io.Discard, &errs); code != 1 || !strings.Contains(errs.String(), "-metrics") {
		t.Errorf("code %d\n%s", code, errs.String())
	}
}
