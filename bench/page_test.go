package bench

import (
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The pages that all applications have. Each is about 1 KB.
var (
	publicPage    = page(`<h1>Welcome</h1>` + filler)
	dashboardPage = page(`<h1>Hello, {{.Email}}</h1>` + filler + logoutForm)
	loginPage     = page(`<h1>Log in</h1><form method="post">` + tokenField + `<input name="email" type="email"><input name="password" type="password"><button>Log in</button></form>`)
)

const (
	tokenField = `<input type="hidden" name="csrf_token" value="{{.Token}}">`
	logoutForm = `<form method="post" action="/logout">` + tokenField + `<button>Log out</button></form>`
	filler     = `<p>Handmade things, and the people who make them.</p><ul><li>A bag of waxed canvas, with straps of leather</li><li>A lamp of paper and ash</li>` +
		`<li>A cup, thrown on a wheel in a cellar in Ghent</li><li>Twelve pencils of cedar</li><li>A notebook, sewn by hand, of 120 pages</li>` +
		`<li>A scarf of the wool of one sheep, whose name is on the label</li><li>A knife for mushrooms, with a brush</li><li>A print of the harbour</li></ul>`
)

func page(body string) *template.Template {
	return template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Yumroad</title><body>` +
		`<header><a href="/">Yumroad</a> <a href="/dashboard">Your things</a></header><main>` + body + `</main></body></html>`))
}

// shown is what a page shows of its visitor.
type shown struct{ Email, Token string }

func show(w http.ResponseWriter, p *template.Template, s shown) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var b strings.Builder
	if err := p.Execute(&b, s); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	io.WriteString(w, b.String())
}
