package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/examples/with/internal/walk"
)

func TestWalk(t *testing.T) { walk.Through(t, app, 404) }

// A guest's token needs a cookie, also where the form is at the end of a long page.
func TestTokenOfALongPage(t *testing.T) {
	page := templ.Join(templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, strings.Repeat("text ", 100_000))
		return err
	}), token())
	m := authtest.New(t, nil)
	app := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { show(w, r, page) }))
	c := authtest.NewClient(t, app)
	if r := c.Get("/"); r.Field("csrf_token") == "" || c.Cookie("csrf_token") == nil {
		t.Errorf("the token is %q, the cookies are %v", r.Field("csrf_token"), r.Cookies())
	}
	if r := c.Post("/", nil); r.Status != 200 {
		t.Errorf("the form: %d", r.Status)
	}
}
