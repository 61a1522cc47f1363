package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
)

func TestEvents(t *testing.T) {
	ticks := make(chan time.Time)
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	srv.Config.Handler = app(authtest.New(t, &auth.Config{BaseURL: base}), ticks)
	srv.Config.WriteTimeout = time.Minute
	srv.Start()
	defer srv.Close()
	c := authtest.NewClient(t, nil)
	c.BaseURL, c.TokenPath = base, "/login"
	if r := c.Get("/events"); r.Status != 303 || r.Location != "/login?next=%2Fevents" {
		t.Errorf("a guest: %d to %q", r.Status, r.Location)
	}
	c.Signup("ann@example.com", authtest.Password)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", base+"/events", nil)
	r.AddCookie(c.Cookie("session"))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	want := func(prefix string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return
			}
		}
		t.Errorf("the stream ends before %q: %v", prefix, lines.Err())
	}
	want("data: hello ann@example.com")
	if got := c.Get("/last").Body; got != "listened: yes\n" {
		t.Errorf("while the stream is open the session says %q", got)
	}
	ticks <- time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want("data: 03:04:05")
	ticks <- time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	want("data: 03:04:06")
}
