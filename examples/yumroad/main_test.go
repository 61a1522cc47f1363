package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDefaultOptions(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.addr != "127.0.0.1:8080" || o.database != "yumroad.db" || o.lifetime != 24*time.Hour || o.idle != time.Hour ||
		o.remember != 720*time.Hour || o.fresh != 15*time.Minute || o.bcryptCost != 12 || o.minPassword != 15 || o.trustedProxies != nil ||
		o.mail != "log" || o.mailFrom != "" || o.confirmWithin != 24*time.Hour {
		t.Errorf("defaults are %+v", o)
	}
}

func TestTrustedProxies(t *testing.T) {
	o, err := parseOptions([]string{"-trusted-proxies", "10.0.0.0/8, fd00::/8"}, io.Discard)
	if err != nil || len(o.trustedProxies) != 2 {
		t.Errorf("proxies are %v, %v", o.trustedProxies, err)
	}
}

func TestHelp(t *testing.T) {
	var text bytes.Buffer
	if _, err := parseOptions([]string{"-h"}, &text); !errors.Is(err, flag.ErrHelp) || !strings.Contains(text.String(), "-session-idle") {
		t.Errorf("%v, %s", err, text.String())
	}
}

func TestBadOptions(t *testing.T) {
	file, notDir := filepath.Join(t.TempDir(), "shop.db"), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, says string }{
		{"-nonsense", "nonsense"},
		{"more", `"more"`},
		{"-addr nonsense", "nonsense"},
		{"-metrics nonsense", "-metrics"},
		{"-session-idle 0s", "session-idle"},
		{"-fresh -5m", "fresh"},
		{"-timeout 0s", "timeout"},
		{"-drain -1s", "drain"},
		{"-remember soon", "soon"},
		{"-bcrypt-cost 3", "bcrypt-cost 3"},
		{"-bcrypt-cost 40", "bcrypt-cost 40"},
		{"-trusted-proxies 10.0.0.1", "10.0.0.1"},
		{"-min-password 3", "MinLength"},
		{"-mail pigeon", "-mail"},
		{"-mail dir:", "-mail"},
		{"-mail dir:" + notDir + "/mails", "-mail"},
		{"-mail smpt://shop:secret@mail.example", "-mail"},
		{"-mail smtp://shop:secret@mail.example:99999", "-mail"},
		{"-mail smtps://shop:secret%zz@mail.example", "-mail"},
		{"-mail-from nobody", "-mail-from"},
		{"-confirm-within -1h", "-confirm-within"},
		{"-confirm-within soon", "confirm-within"},
		{"-base-url shop.example", "shop.example"},
		{"-base-url http://shop.example", "InsecureHTTP"},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"-addr", "127.0.0.1:0", "-db", file}, strings.Fields(c.args)...)
		if code := run(t.Context(), args, 1, &out, &errs); code != 2 || !strings.Contains(errs.String(), c.says) || out.Len() > 0 {
			t.Errorf("%s: code %d\n%s%s", c.args, code, out.String(), errs.String())
		}
		if strings.Contains(errs.String(), "secret") {
			t.Errorf("%s: a password is printed", c.args)
		}
	}
}

func TestOptionsFromTheEnvironment(t *testing.T) {
	t.Setenv("YUMROAD_DB", "postgres://shop:SECRET@db.example/shop")
	t.Setenv("YUMROAD_SESSION_IDLE", "5m")
	o, err := parseOptions([]string{"-session-idle", "7m"}, io.Discard)
	if err != nil || o.database != "postgres://shop:SECRET@db.example/shop" || o.idle != 7*time.Minute {
		t.Errorf("%+v, %v; want the database of the environment, and the idle time of the flag", o, err)
	}
	t.Setenv("YUMROAD_TIMEOUT", "SECRET")
	if _, err = parseOptions(nil, io.Discard); err == nil || !strings.Contains(err.Error(), "YUMROAD_TIMEOUT") || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a bad value: %v", err)
	}
}

// Told to end, the shop is not ready any more, and serves on until the balancer has had time to see it.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{}
		ready := func() int {
			rec := httptest.NewRecorder()
			s.ready(rec, httptest.NewRequest("GET", "/readyz", nil))
			return rec.Code
		}
		told, tell := context.WithCancel(t.Context())
		served, stop := s.drain(told, 5*time.Second)
		defer stop()
		if got := ready(); got != http.StatusOK {
			t.Errorf("before: %d", got)
		}
		tell()
		synctest.Wait()
		if got := ready(); got != http.StatusServiceUnavailable || served.Err() != nil {
			t.Errorf("while it drains: %d, %v", got, served.Err())
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if served.Err() == nil {
			t.Error("it serves for ever")
		}
	})
}

// A request gives up on what does not answer, long before its visitor does.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{timeout: time.Second}
		waited := make(chan error, 1)
		go s.withDeadline(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
				waited <- r.Context().Err()
			case <-time.After(time.Minute):
				waited <- nil
			}
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if err := <-waited; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the context ends with %v", err)
		}
	})
}

func TestAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var errs bytes.Buffer
	args := []string{"-addr", l.Addr().String(), "-db", filepath.Join(t.TempDir(), "shop.db")}
	if code := run(t.Context(), args, 1, io.Discard, &errs); code != 1 {
		t.Errorf("code %d\n%s", code, errs.String())
	}
}

func TestListeningURL(t *testing.T) {
	for _, c := range []struct{ flag, addr, url string }{
		{"127.0.0.1:8080", "127.0.0.1:8080", "http://localhost:8080"},
		{"127.0.0.1:0", "127.0.0.1:41234", "http://127.0.0.1:41234"},
		{"[::1]:9000", "[::1]:9000", "http://[::1]:9000"},
		{":9000", "[::]:9000", "http://localhost:9000"},
		{"127.0.0.1:80", "127.0.0.1:80", "http://127.0.0.1"},
		{"[::1]:80", "[::1]:80", "http://[::1]"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := listeningURL(c.flag, addr); got != c.url {
			t.Errorf("-addr %s: %s, want %s", c.flag, got, c.url)
		}
	}
}

func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	var errs bytes.Buffer
	file := filepath.Join(t.TempDir(), "a b?c%20#d.db")
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"-addr", "127.0.0.1:0", "-db", file, "-bcrypt-cost", "4"}, 1, in, &errs)
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("nothing was printed")
	}
	url, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		t.Fatalf("printed %q", lines.Text())
	}
	resp, err := http.Get(url + "/healthz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("GET /healthz: %v, %v", resp, err)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("code %d\n%s", got, errs.String())
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database: %v, %v", info, err)
	}
	if lines.Scan() {
		t.Errorf("also printed %q", lines.Text())
	}
	if !strings.Contains(errs.String(), "too cheaply") {
		t.Errorf("no warning of the low cost: %s", errs.String())
	}
}
