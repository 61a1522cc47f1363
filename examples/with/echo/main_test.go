package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/examples/with/internal/walk"
)

// echo asks for RouteNotFound before it says 405.
func TestWalk(t *testing.T) { walk.Through(t, app, 404) }

func remember(t *testing.T, c *echo.Context) {
	t.Helper()
	if err := auth.SetSessionValue(c.Request().Context(), "seen", c.Request().URL.Path); err != nil {
		t.Error(err)
	}
}

func seen(c *echo.Context) error {
	v, _ := auth.SessionValue[string](c.Request().Context(), "seen")
	return c.String(http.StatusOK, v)
}

// Errors become answers after the handler has returned. The session is saved before the first byte,
// however that comes.
func TestFirstByte(t *testing.T) {
	e := echo.New()
	e.Use(middleware.Recover())
	e.GET("/seen", seen)
	e.GET("/error", func(c *echo.Context) error { remember(t, c); return echo.NewHTTPError(http.StatusTeapot, "no coffee") })
	e.GET("/panic", func(c *echo.Context) error { remember(t, c); panic(errors.New("oops")) })
	e.GET("/flush", func(c *echo.Context) error {
		remember(t, c)
		c.Response().WriteHeader(http.StatusOK) // or echo would send it once more
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			t.Error(err)
		}
		_, err := io.WriteString(c.Response(), "flushed")
		return err
	})
	e.GET("/hijack", func(c *echo.Context) error {
		remember(t, c)
		conn, _, err := http.NewResponseController(c.Response()).Hijack()
		if err != nil {
			t.Error(err)
			return err
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nraw")
		return conn.Close()
	})
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	m := authtest.New(t, &auth.Config{BaseURL: base})
	srv.Config.Handler = m.Handler(e)
	srv.Start()
	defer srv.Close()
	for path, want := range map[string]struct {
		status int
		body   string
	}{"/error": {418, "no coffee"}, "/panic": {500, "Internal Server Error"}, "/flush": {200, "flushed"}} {
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
