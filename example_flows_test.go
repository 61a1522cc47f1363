package auth_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	scsmemory "github.com/alexedwards/scs/v2/memstore"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/throttle"
)

// cheap is the least that New accepts, so that examples are quick. Without a Hasher hashes cost four times as much.
const cheap = auth.Bcrypt(10)

// surf returns a browser for one visitor of an application with the forms of package pages. It makes requests such as "GET /me"
// with cookies, fields in pairs and the CSRF token, and says what comes back.
func surf(app http.Handler) func(request string, fields ...string) string {
	jar, _ := cookiejar.New(nil) // never fails
	send := func(method, path string, header http.Header, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(form.Encode()))
		r.Header = header
		for _, c := range jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		app.ServeHTTP(rec, r)
		jar.SetCookies(r.URL, rec.Result().Cookies())
		return rec
	}
	return func(request string, fields ...string) string {
		method, path, _ := strings.Cut(request, " ")
		form, header := url.Values{}, http.Header{"Sec-Fetch-Site": {"same-origin"}}
		for i := 1; i < len(fields); i += 2 {
			form.Set(fields[i-1], fields[i])
		}
		if method == "POST" {
			var session struct {
				Token string `json:"csrf_token"`
			}
			json.Unmarshal(send("GET", "/session", http.Header{}, nil).Body.Bytes(), &session)
			header.Set("X-CSRF-Token", session.Token)
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := send(method, path, header, form)
		if to := rec.Header().Get("Location"); to != "" {
			return fmt.Sprint(rec.Code, " to ", to)
		}
		text, _, _ := strings.Cut(rec.Body.String(), "<") // without pages
		return strings.TrimSpace(fmt.Sprint(rec.Code, " ", text))
	}
}

// hello is a page of the application.
func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "Hello,", auth.CurrentUser(r.Context()).Email)
}

// open makes an application: the forms, and a page for users.
func open(m *auth.Manager) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /me", m.RequireLogin(http.HandlerFunc(hello)))
	return mux
}

// Signing up, logging in, a page for users and logging out, as a visitor sees them.
func Example_visit() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	visit := surf(m.Handler(open(m)))
	fmt.Println(visit("GET /me"))
	fmt.Println(visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin"))
	fmt.Println(visit("GET /me"))
	fmt.Println(visit("POST /logout"))
	fmt.Println(visit("GET /me"))
	fmt.Println(visit("POST /login", "email", "ann@example.com", "password", "window tractor ocean", "next", "/me"))
	fmt.Println(visit("POST /login", "email", "ann@example.com", "password", "window tractor ocean violin", "next", "/me"))
	// Output:
	// 303 to /login?next=%2Fme
	// 303 to /
	// 200 Hello, ann@example.com
	// 303 to /
	// 303 to /login?next=%2Fme
	// 422
	// 303 to /me
}

// Who asks to be remembered stays logged in when the browser is closed, and without the idle timeout.
func Example_rememberMe() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap, RememberFor: 14 * 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.Handle("GET /until", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := auth.CurrentSession(r.Context())
		fmt.Fprintln(w, "remembered:", s.Remembered, "for", time.Until(s.Expires).Round(time.Hour))
	})))
	app := m.Handler(mux)
	visit, again := surf(app), surf(app)
	visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")
	fmt.Println(visit("GET /until"))
	again("POST /login", "email", "ann@example.com", "password", "window tractor ocean violin", "remember", "on")
	fmt.Println(again("GET /until"))
	// Output:
	// 200 remembered: false for 1h0m0s
	// 200 remembered: true for 336h0m0s
}

// Who has lost a telephone logs it out from elsewhere.
func ExampleManager_LogoutEverywhere() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.Handle("POST /leave", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := m.LogoutEverywhere(w, r); err != nil { // LogoutElsewhere keeps this session
			auth.Problem(w, r, auth.Status(err), "failed", "Please try again.")
			return
		}
		m.Redirect(w, r)
	})))
	app := m.Handler(mux)
	phone, desk := surf(app), surf(app)
	phone("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")
	desk("POST /login", "email", "ann@example.com", "password", "window tractor ocean violin")
	fmt.Println(phone("GET /me"))
	fmt.Println(desk("POST /leave"))
	fmt.Println(phone("GET /me"))
	// Output:
	// 200 Hello, ann@example.com
	// 303 to /
	// 303 to /login?next=%2Fme
}

// A page that asks for the password once more if the login is not of this quarter of an hour. The page that asks is one of
// package pages, and calls Reauthenticate.
func ExampleManager_Reauthenticate() {
	dated := false
	yesterday := func(w http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
		if !dated { // the first login, so that there is something to see
			s.Factors[auth.FactorPassword], dated = time.Now().Add(-24*time.Hour), true
		}
		return nil
	}
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap, Hooks: []auth.Hooks{{Login: yesterday}}})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.Handle("GET /card", m.RequireFresh(15*time.Minute)(http.HandlerFunc(hello)))
	visit := surf(m.Handler(mux))
	visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")
	fmt.Println(visit("GET /me"))
	fmt.Println(visit("GET /card"))
	fmt.Println(visit("POST /reauth", "password", "window tractor ocean violin", "next", "/card"))
	fmt.Println(visit("GET /card"))
	// Output:
	// 200 Hello, ann@example.com
	// 303 to /reauth?next=%2Fcard
	// 303 to /card
	// 200 Hello, ann@example.com
}

// A login with a code beside the password. In earnest every user has other codes, each good once, and guesses are limited by
// Manager.Limit: the guide docs/second-factor.md builds it.
func Example_secondFactor() {
	askForCode := func(w http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
		if !s.Has("otp") {
			return auth.ErrSecondFactor
		}
		return nil
	}
	m, err := auth.New(memstore.New(), &auth.Config{
		BaseURL: "http://localhost:8080", Hasher: cheap, SecondFactorURL: "/code", Hooks: []auth.Hooks{{Login: askForCode}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) {
		u, err := auth.Pending(r.Context()), auth.ErrBadLogin
		if u != nil && r.PostFormValue("code") == "123456" {
			err = m.Login(w, r, u, auth.Proof{Factor: "otp"})
		}
		if err != nil {
			auth.Problem(w, r, auth.Status(err), "code", "This is not the code.")
			return
		}
		m.Redirect(w, r)
	})
	visit := surf(m.Handler(mux))
	fmt.Println(visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin"))
	fmt.Println(visit("GET /me")) // nobody is logged in
	fmt.Println(visit("POST /code", "code", "654321"))
	fmt.Println(visit("POST /code", "code", "123456", "next", "/me"))
	fmt.Println(visit("GET /me"))
	// Output:
	// 303 to /code
	// 303 to /code?next=%2Fme
	// 422
	// 303 to /me
	// 200 Hello, ann@example.com
}

// A program logs in by a header, which never touches the session. The store has a hash of its token.
func ExampleHooks_load() {
	store, hash := memstore.New(), func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return hex.EncodeToString(sum[:])
	}
	load := func(r *http.Request) (*auth.User, error) {
		token := r.Header.Get("X-Api-Token")
		if token == "" {
			return nil, nil // not for us
		}
		c, err := store.Credential(r.Context(), "token", hash(token))
		if err != nil {
			return nil, err // after ErrNotFound the program is a guest
		}
		return store.UserByID(r.Context(), c.UserID)
	}
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap, Hooks: []auth.Hooks{{Load: load}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	ann, err := m.Signup(ctx, &auth.SignupForm{Email: "ann@example.com", Password: "window tractor ocean violin", Confirm: "window tractor ocean violin"})
	if err != nil {
		log.Fatal(err)
	}
	const token = "b7WZ4OZQ2JYdIhBXhYXvGA" // crypto/rand.Text(), in earnest
	if err := store.PutCredential(ctx, &auth.Credential{Kind: "token", ID: hash(token), UserID: ann.ID}); err != nil {
		log.Fatal(err)
	}
	for _, t := range []string{token, "another"} {
		r := httptest.NewRequest("GET", "http://localhost:8080/me", nil)
		r.Header.Set("X-Api-Token", t)
		rec := httptest.NewRecorder()
		m.Handler(open(m)).ServeHTTP(rec, r)
		fmt.Println(rec.Code, cmp.Or(rec.Header().Get("Location"), strings.TrimSpace(rec.Body.String())))
	}
	// Output:
	// 200 Hello, ann@example.com
	// 303 /login?next=%2Fme
}

// A list of the browsers in which a user is logged in, and the end of one of them. Package pages has a page for it.
func ExampleManager_Sessions() {
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.Handle("POST /others/end", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, mine := auth.CurrentUser(r.Context()), auth.CurrentSession(r.Context())
		all, err := m.Sessions(r.Context(), u)
		for _, s := range all {
			if err == nil && s.ID != mine.ID {
				err = m.EndSession(r.Context(), u, s.ID)
			}
		}
		w.WriteHeader(auth.Status(err))
		fmt.Fprintln(w, len(all)-1, "ended")
	})))
	app := m.Handler(mux)
	phone, desk := surf(app), surf(app)
	phone("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")
	desk("POST /login", "email", "ann@example.com", "password", "window tractor ocean violin")
	fmt.Println(desk("POST /others/end"))
	fmt.Println(desk("GET /me"))
	fmt.Println(phone("GET /me"))
	// Output:
	// 200 1 ended
	// 200 Hello, ann@example.com
	// 303 to /login?next=%2Fme
}

// Users take along what is kept of them, and leave: the application's orders too.
func ExampleManager_Export() {
	orders := map[string][]string{} // by the ID of the user
	m, err := auth.New(memstore.New(), &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap, Hooks: []auth.Hooks{{
		Export: func(ctx context.Context, u *auth.User) (string, any, error) { return "orders", orders[u.ID], nil },
		Delete: func(ctx context.Context, u *auth.User) error { delete(orders, u.ID); return nil },
	}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	ann, err := m.Signup(ctx, &auth.SignupForm{Email: "ann@example.com", Password: "window tractor ocean violin", Confirm: "window tractor ocean violin"})
	if err != nil {
		log.Fatal(err)
	}
	orders[ann.ID] = []string{"a lamp"}

	kept, err := m.Export(ctx, ann)
	fmt.Println(kept["orders"], kept["sessions"], err)
	fmt.Println(m.DeleteAccount(ctx, ann), len(orders))
	_, err = m.Authenticate(ctx, &auth.LoginForm{Email: "ann@example.com", Password: "window tractor ocean violin"})
	fmt.Println(errors.Is(err, auth.ErrBadLogin))
	// Output:
	// [a lamp] [] <nil>
	// <nil> 0
	// true
}

// A limit of the application's own: two searches a minute from one network.
func ExampleManager_Limit() {
	store := memstore.New()
	limiter, err := throttle.New(auth.ThrottleStore(store), throttle.Rules{
		Others: map[string]throttle.Rule{"search": {Free: 2, Window: time.Minute}},
	})
	if err != nil {
		log.Fatal(err)
	}
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap, Limiter: limiter})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		if err := m.Limit(r.Context(), "search", ""); err != nil {
			http.Error(w, "Please wait.", auth.Status(err))
			return
		}
		fmt.Fprintln(w, "nothing found")
	})
	visit := surf(m.Handler(mux))
	for range 3 {
		fmt.Println(visit("GET /search?q=lamp"))
	}
	// Output:
	// 200 nothing found
	// 200 nothing found
	// 429 Please wait.
}

// A password that others know lets its owner choose another one, and do nothing else.
func ExampleManager_MarkCompromised() {
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	visit := surf(m.Handler(open(m)))
	visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")

	ann, err := store.UserByLogin(context.Background(), "ann@example.com")
	if err == nil {
		err = m.MarkCompromised(context.Background(), ann)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(visit("GET /me")) // the session has ended
	fmt.Println(visit("POST /login", "email", "ann@example.com", "password", "window tractor ocean violin", "next", "/me"))
	fmt.Println(visit("GET /me"))
	visit("POST /account/password", "current", "window tractor ocean violin", "password", "ferry copper museum lantern", "confirm", "ferry copper museum lantern")
	fmt.Println(visit("GET /me"))
	// Output:
	// 303 to /login?next=%2Fme
	// 303 to /account/password?next=%2Fme
	// 303 to /account/password?next=%2Fme
	// 200 Hello, ann@example.com
}

// member is what an application keeps of its users.
type member struct{ Plan string }

// members is a store of users that loads them, too. One of its own from the ground up is in the guide docs/own-store.md.
type members struct {
	auth.UserStore
	plans map[string]*member // by email
}

// UserByID implements auth.UserStore, as the other methods do that are left to the store inside.
func (s members) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return s.with(s.UserStore.UserByID(ctx, id))
}

// UserByLogin implements auth.UserStore.
func (s members) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	return s.with(s.UserStore.UserByLogin(ctx, login))
}

func (s members) with(u *auth.User, err error) (*auth.User, error) {
	if err == nil {
		u.Value = s.plans[u.Email]
	}
	return u, err
}

// Users come from the application's own store, with its own record of them. Everything else is left to another.
func ExampleStores() {
	rest := memstore.New()
	users := members{rest, map[string]*member{"ann@example.com": {Plan: "gold"}}}
	m, err := auth.New(auth.Stores{UserStore: users, CredentialStore: rest, SessionStore: rest}, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	mux := open(m)
	mux.Handle("GET /plan", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own, ok := auth.UserValue[*member](r.Context()); ok {
			fmt.Fprintln(w, "You are on", own.Plan)
		}
	})))
	visit := surf(m.Handler(mux))
	visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")
	fmt.Println(visit("GET /plan"))
	// Output:
	// 200 You are on gold
}

// Sessions are kept in a store that was made for scs, here the one in memory.
func ExampleSCSStore() {
	rest := memstore.New()
	store := auth.Stores{UserStore: rest, CredentialStore: rest, SessionStore: auth.SCSStore(scsmemory.New())}
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hasher: cheap})
	if err != nil {
		log.Fatal(err)
	}
	visit := surf(m.Handler(open(m)))
	visit("POST /signup", "email", "ann@example.com", "password", "window tractor ocean violin", "confirm", "window tractor ocean violin")
	fmt.Println(visit("GET /me"))

	ann, err := store.UserByLogin(context.Background(), "ann@example.com")
	if err != nil {
		log.Fatal(err)
	}
	_, err = m.Sessions(context.Background(), ann)
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	fmt.Println(m.EndSessions(context.Background(), ann)) // by the Stamp
	fmt.Println(visit("GET /me"))
	// Output:
	// 200 Hello, ann@example.com
	// true
	// <nil>
	// 303 to /login?next=%2Fme
}
