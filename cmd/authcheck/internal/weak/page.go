package weak

import (
	"html/template"
	"net/http"
)

// A page has at most one form beside that to log out.
type page struct {
	Title  string
	Text   string
	Fields []field
	Rows   []row
	Token  string
	User   string
}

type field struct{ Label, Name, Type, Value, Complete string }

// A row is a session in the list.
type row struct{ Handle, Agent string }

var layout = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><title>{{.Title}}</title>
<nav><a href="/">Home</a>{{if .User}} <a href="/dashboard">{{.User}}</a>
<form method="post" action="/logout"><input type="hidden" name="csrf_token" value="{{.Token}}"><button>Log out</button></form>
{{else}} <a href="/login">Log in</a>{{end}}</nav>
<h1>{{.Title}}</h1>
{{with .Text}}<p>{{.}}</p>{{end}}
{{if .Fields}}<form method="post">
<input type="hidden" name="csrf_token" value="{{.Token}}">
{{range .Fields}}{{if eq .Type "hidden"}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{else}}<label>{{.Label}} <input name="{{.Name}}" type="{{.Type}}" value="{{.Value}}" autocomplete="{{.Complete}}"></label>
{{end}}{{end}}<button>Send</button></form>{{end}}
{{range .Rows}}<form method="post" action="/account/sessions/{{.Handle}}/revoke">{{.Agent}}
<input type="hidden" name="csrf_token" value="{{$.Token}}"><button>End</button></form>
{{end}}</html>
`))

func (v *visit) show(status int, p page) {
	if v.user != nil {
		p.User = v.user.email
	}
	if p.User != "" || len(p.Fields) > 0 {
		v.seen()
		p.Token = v.csrf(v.token)
		if v.is("csrf-token/cookie") {
			http.SetCookie(v.w, &http.Cookie{Name: "csrf", Value: p.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		}
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	layout.Execute(v.w, p)
}

func (v *visit) home() { v.show(http.StatusOK, page{Title: "Welcome"}) }
