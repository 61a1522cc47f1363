package auth_test

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
)

// A whole application: sign up, log in, a page of one's own, log out. With
// sqlstore in the place of memstore its users outlive it. Package pages has the
// same forms ready made.
func Example() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080"})
	if err != nil {
		log.Fatal(err)
	}

	// show renders a form, again with what is wrong if it comes back.
	show := func(w http.ResponseWriter, r *http.Request, action string, errs auth.FormErrors, status int) {
		token := auth.CSRFToken(r.Context()) // before the first byte
		w.WriteHeader(status)
		form.Execute(w, map[string]any{"Action": action, "Errors": errs, "Token": token, "Next": r.FormValue("next")})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signup", func(w http.ResponseWriter, r *http.Request) { show(w, r, "/signup", nil, 200) })
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { show(w, r, "/login", nil, 200) })
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseSignup(r)
		u, err := m.Signup(r.Context(), f)
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
		}
		if err != nil {
			show(w, r, "/signup", f.Errors, auth.Status(err))
			return
		}
		m.Redirect(w, r)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		f := auth.ParseLogin(r)
		u, err := m.Authenticate(r.Context(), f)
		if err == nil {
			err = m.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword, Remember: f.Remember})
		}
		if err != nil {
			show(w, r, "/login", f.Errors, auth.Status(err))
			return
		}
		m.Redirect(w, r)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := m.Logout(w, r); err != nil {
			http.Error(w, "Please try again.", auth.Status(err))
			return
		}
		m.Redirect(w, r)
	})
	mux.Handle("GET /me", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello,", auth.CurrentUser(r.Context()).Email)
	})))
	log.Fatal(http.ListenAndServe("localhost:8080", m.Handler(mux)))
}

var form = template.Must(template.New("").Parse(`<!doctype html>
<form method="post" action="{{.Action}}">
<input type="hidden" name="csrf_token" value="{{.Token}}"><input type="hidden" name="next" value="{{.Next}}">
{{range .Errors}}<p>{{.Message}}</p>{{end}}
<input name="email" type="email" autocomplete="username">
<input name="password" type="password">
{{if eq .Action "/signup"}}<input name="confirm" type="password">{{end}}
<button>Go</button>
</form>`))

func ExampleNew() {
	_, err := auth.New(memstore.New(), &auth.Config{
		BaseURL:  "http://shop.example",
		Lifetime: -time.Hour,
		Hasher:   auth.Bcrypt(8),
	})
	fmt.Println(err)
	// Output:
	// auth: cannot work with this Config:
	// BaseURL is "http://shop.example": plain http beyond this machine needs InsecureHTTP
	// Lifetime is negative
	// Hasher is Bcrypt(8), not between 10 and 31
}

func ExampleManager_Signup() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost"})
	if err != nil {
		log.Fatal(err)
	}
	f := &auth.SignupForm{Email: "ann@example", Password: "hunter2", Confirm: "hunter3"}
	if _, err := m.Signup(context.Background(), f); err != nil {
		for _, e := range f.Errors {
			fmt.Println(e.Field, e.Code)
		}
	}
	f = &auth.SignupForm{Email: " Ann@Example.com", Password: "window tractor ocean violin", Confirm: "window tractor ocean violin"}
	u, err := m.Signup(context.Background(), f)
	fmt.Println(u.Email, err)
	// Output:
	// password too_short
	// confirm mismatch
	// ann@example.com <nil>
}

// A password is asked for once more before what cannot be undone.
func ExampleManager_RequireFresh() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost"})
	if err != nil {
		log.Fatal(err)
	}
	fresh := m.RequireFresh(15 * time.Minute)
	http.Handle("POST /account/delete", fresh(http.HandlerFunc(deleteAccount)))
}

func deleteAccount(w http.ResponseWriter, r *http.Request) {}

// Everything needs a login but what is listed.
func ExampleManager_RequireLoginExcept() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost"})
	if err != nil {
		log.Fatal(err)
	}
	guarded := m.RequireLoginExcept(http.DefaultServeMux, "GET /{$}", "/static/", "/signup")
	http.ListenAndServe("localhost:8080", m.Handler(guarded))
}

// A second factor joins by a hook: it lets a login pass once its own factor is
// among those proved. Until then Pending tells who is waiting.
func ExampleHooks() {
	asksForCode := func(u *auth.User) bool { return true }
	hooks := auth.Hooks{
		Login: func(w http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
			if asksForCode(u) && !s.Has("otp") {
				return auth.ErrSecondFactor
			}
			return nil
		},
	}
	_, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost", Hooks: []auth.Hooks{hooks}})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleSafeNext() {
	for _, target := range []string{"/dashboard?tab=2", "//evil.example", `/\evil.example`, "https://evil.example"} {
		fmt.Println(auth.SafeNext(target))
	}
	// Output:
	// /dashboard?tab=2 true
	//  false
	//  false
	//  false
}

func ExampleUserValue() {
	type Account struct{ Plan string } // the application's own record, which its UserStore loads
	http.HandleFunc("GET /plan", func(w http.ResponseWriter, r *http.Request) {
		if account, ok := auth.UserValue[*Account](r.Context()); ok {
			fmt.Fprintln(w, "You are on", account.Plan)
		}
	})
}
