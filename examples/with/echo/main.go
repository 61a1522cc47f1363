// Echo has accounts on echo.
package main

import (
	"html/template"
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

func main() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", app(m)))
}

func app(m *auth.Manager) http.Handler {
	e := echo.New()
	e.Use(middleware.RequestLogger(), middleware.Recover())
	e.RouteNotFound("/*", echo.WrapHandler(pages.Handler(m))) // sign up, log in and so on: whatever is not below
	e.GET("/", home)
	login, fresh := echo.WrapMiddleware(m.RequireLogin), echo.WrapMiddleware(m.RequireFresh(15*time.Minute))
	e.GET("/notes/:id", note, login) // not e.Group("", login), which guards all that is not there, and so the pages
	e.POST("/notes", open, login)
	e.GET("/secret", secret, fresh)
	return m.Handler(e) // around echo, so that its handler of errors is inside, too
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes</title>
<h1>{{.Text}}</h1>
{{if .User}}<form method="post" action="/notes">{{template "token" .}}<label>Note <input name="id"></label><button>Open</button></form>
<form method="post" action="/logout">{{template "token" .}}<button>Log out</button></form>
{{else}}<a href="/login">Log in</a>{{end}}
{{define "token"}}<input type="hidden" name="csrf_token" value="{{.Token}}">{{end}}`))

func show(c *echo.Context, text string) error {
	ctx := c.Request().Context()
	data := map[string]any{"Text": text, "User": auth.CurrentUser(ctx)}
	if auth.CurrentUser(ctx) != nil {
		data["Token"] = auth.CSRFToken(ctx)
	}
	return page.Execute(c.Response(), data)
}

func home(c *echo.Context) error {
	name := "stranger"
	if u := auth.CurrentUser(c.Request().Context()); u != nil {
		name = u.Email
	}
	return show(c, "Hello, "+name)
}

func note(c *echo.Context) error {
	return show(c, "Note "+c.Param("id")+" of "+auth.CurrentUser(c.Request().Context()).Email)
}

func open(c *echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/notes/"+url.PathEscape(c.FormValue("id")))
}

func secret(c *echo.Context) error { return show(c, "A page for who has just logged in") }
