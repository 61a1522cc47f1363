package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/examples/with/internal/walk"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	m.Run()
}

func TestWalk(t *testing.T) { walk.Through(t, app, 405) }

func remember(t *testing.T, c *gin.Context) {
	t.Helper()
	if err := auth.SetSessionValue(c.Request.Context(), "seen", c.Request.URL.Path); err != nil {
		t.Error(err)
	}
}

func seen(c *gin.Context) {
	v, _ := auth.SessionValue[string](c.Request.Context(), "seen")
	c.String(http.StatusOK, v)
}

// gin keeps the status until the first byte. The session is saved before that, however the byte comes.
func TestFirstByte(t *testing.T) {
	r := gin.New()
	r.Use(gin.CustomRecovery(func(c *gin.Context, _ any) { c.String(http.StatusInternalServerError, "recovered") }))
	r.GET("/seen", seen)
	r.GET("/late", func(c *gin.Context) { c.Status(http.StatusTeapot); remember(t, c) })
	r.GET("/panic", func(c *gin.Context) { remember(t, c); panic(errors.New("oops")) })
	r.GET("/flush", func(c *gin.Context) {
		remember(t, c)
		if err := http.NewResponseController(c.Writer).Flush(); err != nil {
			t.Error(err)
		}
	})
	r.GET("/stream", func(c *gin.Context) {
		remember(t, c)
		n := 0
		c.Stream(func(w io.Writer) bool { n++; c.SSEvent("tick", n); return n < 3 })
	})
	r.GET("/hijack", func(c *gin.Context) {
		remember(t, c)
		conn, _, err := http.NewResponseController(c.Writer).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nraw")
		conn.Close()
	})
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	m := authtest.New(t, &auth.Config{BaseURL: base})
	srv.Config.Handler = m.Handler(r)
	srv.Start()
	defer srv.Close()
	for path, want := range map[string]struct {
		status int
		body   string
	}{"/late": {418, ""}, "/panic": {500, "recovered"}, "/flush": {200, ""}, "/stream": {200, "data:3"}} {
		c := authtest.NewClient(t, nil)
		c.BaseURL = base
		if resp := c.Get(path); resp.Status != want.status || !strings.Contains(resp.Body, want.body) {
			t.Errorf("%s: %d %q", path, resp.Status, resp.Body)
		}
		if got := c.Get("/seen").Body; got != path {
			t.Errorf("after %s the session holds %q", path, got)
		}
		if resp := c.Get("/hijack"); resp.Body != "raw" {
			t.Errorf("hijacked: %q", resp.Body)
		}
		if got := c.Get("/seen").Body; got != "/hijack" {
			t.Errorf("after /hijack the session holds %q", got)
		}
	}
}

// A guard inside the engine stops what comes after it.
func TestGuardStops(t *testing.T) {
	m := authtest.New(t, nil)
	r := gin.New()
	r.GET("/", with(m.RequireLogin), func(c *gin.Context) { t.Error("a guest got through") })
	if resp := authtest.NewClient(t, m.Handler(r)).Get("/"); resp.Status != 303 {
		t.Errorf("a guest: %d", resp.Status)
	}
}
