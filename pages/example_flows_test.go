package pages_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

// dial returns a client that speaks JSON, keeps cookies, and sends the CSRF token of the last answer with what it posts.
func dial(app http.Handler) func(method, path, body string) (status int, answer map[string]any) {
	jar, _ := cookiejar.New(nil) // never fails
	token := ""
	return func(method, path, body string) (int, map[string]any) {
		r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-CSRF-Token", token)
		r.Header.Set("Origin", "http://localhost:8080")
		for _, c := range jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		app.ServeHTTP(rec, r)
		jar.SetCookies(r.URL, rec.Result().Cookies())
		answer := map[string]any{}
		json.Unmarshal(rec.Body.Bytes(), &answer)
		if t, ok := answer["csrf_token"].(string); ok {
			token = t
		}
		return rec.Code, answer
	}
}

// A program, such as a script in a page, signs up, is refused, logs in and out: with the paths of the pages, in JSON.
// docs/openapi.yaml describes all of it.
func Example_json() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: auth.Bcrypt(10), CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	call := dial(m.Handler(pages.Handler(m)))

	_, session := call("GET", "/session", "") // has the CSRF token
	fmt.Println(session["user"])
	status, problem := call("POST", "/signup", `{"email": "ann@example.com", "password": "hunter2", "confirm": "hunter2"}`)
	fmt.Println(status, problem["errors"].([]any)[0].(map[string]any)["code"]) // beside a sentence for the visitor
	status, session = call("POST", "/signup", `{"email": "ann@example.com", "password": "window tractor ocean violin", "confirm": "window tractor ocean violin"}`)
	fmt.Println(status, session["user"].(map[string]any)["email"])
	status, _ = call("POST", "/logout", `{}`)
	fmt.Println(status)
	status, session = call("POST", "/login", `{"email": "ann@example.com", "password": "window tractor ocean violin", "remember": true}`)
	fmt.Println(status, session["user"].(map[string]any)["email"])
	// Output:
	// <nil>
	// 422 too_short
	// 200 ann@example.com
	// 200
	// 200 ann@example.com
}

// A page of the application's own in the frame of the others, with their fields, words and menu.
func ExampleSite_NewPage() {
	site, err := pages.New(&pages.Config{
		Name:    "Yumroad",
		Account: []pages.Link{{Label: "Profile", Path: "/profile"}},
		Templates: fstest.MapFS{"profile.html": {Data: []byte(
			`<section class="vestibule">{{template "head" .}}{{template "fields" .}}{{template "account" .}}</section>`)}}, // rather an embed.FS
	})
	if err != nil {
		log.Fatal(err)
	}
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: auth.Bcrypt(10), CSRFRefused: http.HandlerFunc(site.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	profile := func(w http.ResponseWriter, r *http.Request) {
		p := site.NewPage(r, "profile.html", "Your profile")
		name := &pages.Field{Name: "name", Label: "What may we call you?", Type: "text", Autocomplete: "nickname", Value: r.PostFormValue("name")}
		p.Form = &pages.Form{Action: "/profile", Button: "link.continue", Fields: []*pages.Field{name}}
		status := http.StatusOK
		if r.Method == "POST" && name.Value == "" {
			p.Form.Errors.Add("name", auth.CodeRequired, 0)
			status = http.StatusUnprocessableEntity
		}
		site.Show(w, status, p)
	}
	mux := http.NewServeMux()
	mux.Handle("/", site.Handler(m, nil))
	mux.HandleFunc("/profile", profile) // m.RequireLogin, in earnest

	rec := httptest.NewRecorder()
	m.Handler(mux).ServeHTTP(rec, httptest.NewRequest("GET", "http://localhost:8080/profile", nil))
	for _, part := range []string{"<title>Your profile – Yumroad</title>", "What may we call you?", `autocomplete="nickname"`, "csrf_token"} {
		fmt.Println(strings.Contains(rec.Body.String(), part))
	}
	// Output:
	// true
	// true
	// true
	// true
}
