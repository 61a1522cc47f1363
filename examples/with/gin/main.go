// Gin has accounts on gin.
package main

import (
	"html/template"
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

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
	r := gin.Default()
	r.HandleMethodNotAllowed = true
	r.SetHTMLTemplate(page)
	r.NoRoute(status(http.StatusOK), gin.WrapH(pages.Handler(m))) // sign up, log in and so on: whatever is not below
	r.GET("/", home)
	users := r.Group("/", with(m.RequireLogin))
	users.GET("/notes/:id", note)
	users.POST("/notes", open)
	r.GET("/secret", with(m.RequireFresh(15*time.Minute)), secret)
	return m.Handler(r) // around the engine, so that gin writes through it
}

// with makes one of the guards of a Manager a handler of gin.
func with(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true })).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

// status takes back the 404 with which gin begins where it has no route.
func status(code int) gin.HandlerFunc { return func(c *gin.Context) { c.Status(code) } }

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes</title>
<h1>{{.Text}}</h1>
{{if .User}}<form method="post" action="/notes">{{template "token" .}}<label>Note <input name="id"></label><button>Open</button></form>
<form method="post" action="/logout">{{template "token" .}}<button>Log out</button></form>
{{else}}<a href="/login">Log in</a>{{end}}
{{define "token"}}<input type="hidden" name="csrf_token" value="{{.Token}}">{{end}}`))

func show(c *gin.Context, text string) {
	u := auth.CurrentUser(c.Request.Context())
	data := gin.H{"Text": text, "User": u}
	if u != nil {
		data["Token"] = auth.CSRFToken(c.Request.Context())
	}
	c.HTML(http.StatusOK, "page", data)
}

func home(c *gin.Context) {
	name := "stranger"
	if u := auth.CurrentUser(c.Request.Context()); u != nil {
		name = u.Email
	}
	show(c, "Hello, "+name)
}

func note(c *gin.Context) {
	show(c, "Note "+c.Param("id")+" of "+auth.CurrentUser(c.Request.Context()).Email)
}

func open(c *gin.Context) {
	c.Redirect(http.StatusSeeOther, "/notes/"+url.PathEscape(c.PostForm("id")))
}

func secret(c *gin.Context) { show(c, "A page for who has just logged in") }
