package pages_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/fstest"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/lang"
	"github.com/vestibule-go/auth/pages"
)

// A page of the application's own looks like the others, and is in their menu.
func TestOwnPage(t *testing.T) {
	s := newSite(t, &pages.Config{
		Name:    "The Shop",
		Account: []pages.Link{{Label: "Profile", Path: "/profile"}},
		Templates: fstest.MapFS{"profile.html": {Data: []byte(
			`<section class="vestibule">{{template "head" .}}{{template "fields" .}}<p>{{.Value}}</p>{{template "account" .}}</section>`)}},
	})
	m := authtest.New(t, watched(nil, s))
	profile := func(w http.ResponseWriter, r *http.Request) {
		p := s.NewPage(r, "profile.html", "Your profile")
		p.Value = "<3 of us"
		name := &pages.Field{Name: "name", Label: "What may we call you?", Type: "text", Autocomplete: "nickname", Value: r.PostFormValue("name")}
		p.Form = &pages.Form{Action: "/profile", Button: "link.continue", Fields: []*pages.Field{name}}
		status := http.StatusOK
		if r.Method == "POST" {
			p.Form.Errors.Add("name", auth.CodeRequired, 0)
			status = http.StatusUnprocessableEntity
		}
		s.Show(w, status, p)
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.Handler(m, nil))
	mux.Handle("/profile", m.RequireLogin(http.HandlerFunc(profile)))
	c := authtest.NewClient(t, m.Handler(mux))
	c.Header.Set("Accept-Language", "de")
	c.Signup(ann, authtest.Password)
	r := c.Get("/profile?next=/dashboard")
	want(t, r, 200, "")
	mustContain(t, r, "<title>Your profile – The Shop</title>", "<p>&lt;3 of us</p>", ">Weiter</button>", `<a href="/profile" aria-current="page">Profile</a>`)
	if r.Field("next") != "/dashboard" {
		t.Errorf("next is %q", r.Field("next"))
	}
	r = c.Post("/profile", url.Values{"name": {"<Ann>"}})
	want(t, r, 422, "")
	mustContain(t, r, "Bitte füllen Sie dieses Feld aus.", `value="&lt;Ann&gt;"`, `aria-describedby="name-error" autofocus>`)
	mustContain(t, c.Get("/account/sessions"), `<a href="/profile">Profile</a>`)
}

// A style sheet of the application's own is in the head of every page.
func TestOwnStyle(t *testing.T) {
	c := newClient(t, nil, &pages.Config{Templates: fstest.MapFS{"own.html": {Data: []byte(`{{define "style"}}<link rel="stylesheet" href="/own.css">{{end}}`)}}})
	mustContain(t, c.Get("/login"), `<link rel="stylesheet" href="/vestibule.css"><link rel="stylesheet" href="/own.css">`+"\n</head>")
	mustContain(t, newClient(t, nil, nil).Get("/login"), `<link rel="stylesheet" href="/vestibule.css">`+"\n</head>")
}

// A form of the application's own asks for what it likes, and says in its own words what is wrong.
func TestOwnForm(t *testing.T) {
	s := newSite(t, nil)
	m := authtest.New(t, watched(nil, s))
	faults := auth.FormErrors{}
	c := authtest.NewClient(t, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.NewPage(r, "form.html", "One more proof")
		p.Form = &pages.Form{Action: "/code", Button: "link.continue", Errors: faults, Fields: []*pages.Field{
			{Name: "code", Label: "Code", Type: "text", Autocomplete: "one-time-code", Hint: "link.back"},
			{Name: "name", Label: "Name", Type: "text", Autocomplete: "nickname", Value: "Ann"},
		}}
		s.Show(w, http.StatusOK, p)
	})))
	c.Header.Set("Accept-Language", "de")
	r := c.Get("/code")
	mustContain(t, r, `>Zurück</p>`, `autocomplete="one-time-code" autocapitalize="none" spellcheck="false" value="" required aria-describedby="code-hint">`, `autocomplete="nickname" value="Ann" required>`)
	faults = auth.FormErrors{{Field: "code", Code: auth.CodeWrong, Message: "This code is not on your sheet."}}
	faults.Add("name", auth.CodeThrottled, 7200)
	mustContain(t, c.Get("/code"), "This code is not on your sheet.", "in 2 Stunden")
	faults = auth.FormErrors{{Field: "code", Code: auth.CodeRequired}} // without words, those of package lang
	mustContain(t, c.Get("/code"), "Bitte füllen Sie dieses Feld aus.")
}

// What an application does itself is done in the visitor's language, too.
func TestLocalize(t *testing.T) {
	s, said := newSite(t, nil), ""
	h := s.Localize(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { said = lang.FromContext(r.Context()).Text("link.login") }))
	c := authtest.NewClient(t, h)
	c.Header.Set("Accept-Language", "de")
	if r := c.Get("/"); said != "Anmelden" || r.Header.Get("Vary") != "Accept-Language" {
		t.Errorf("%q, %v", said, r.Header)
	}
}
