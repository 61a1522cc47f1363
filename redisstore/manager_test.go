package redisstore_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
	"github.com/vestibule-go/auth/redisstore"
)

const ann = "ann@example.com"

// replica is one process of an application: it shares users and sessions with others.
type replica struct {
	http.Handler
	m      *auth.Manager
	users  *memstore.Store
	during chan struct{} // if not nil, what happens while a visitor writes into the session
}

func newReplica(t testing.TB, users *memstore.Store, sessions auth.SessionStore) *replica {
	t.Helper()
	m, err := auth.New(auth.Stores{UserStore: users, CredentialStore: users, SessionStore: sessions}, authtest.Config(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{m: m, users: users}
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /me", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, auth.CurrentUser(r.Context()).Email)
	})))
	mux.Handle("GET /write", m.RequireLogin(http.HandlerFunc(r.write)))
	r.Handler = m.Handler(mux)
	return r
}

// write changes the session, and takes its time.
func (r *replica) write(w http.ResponseWriter, req *http.Request) {
	if err := auth.SetSessionValue(req.Context(), "cart", req.URL.RawQuery); err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	if r.during != nil {
		r.during <- struct{}{}
		<-r.during
	}
	fmt.Fprint(w, "written")
}

// twoReplicas are two processes, each with a client of its own, and one Redis.
func twoReplicas(t testing.TB) (one, two *replica) {
	t.Helper()
	client, users := connect(t), memstore.New()
	prefix := newPrefix(t, client)
	return newReplica(t, users, redisstore.New(client, prefix)), newReplica(t, users, redisstore.New(connect(t), prefix))
}

// thief asks with a cookie that somebody else has.
func thief(t testing.TB, app http.Handler, c *authtest.Client) *authtest.Client {
	t.Helper()
	stolen := authtest.NewClient(t, app)
	stolen.Header = http.Header{"Cookie": {"session=" + c.Cookie("session").Value}}
	return stolen
}

// A logout at one replica ends the session though the other is in the middle of a request that
// writes into it.
func TestLogoutDuringARequest(t *testing.T) {
	one, two := twoReplicas(t)
	c := authtest.NewClient(t, one)
	c.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	c.Get("/account/sessions").Want(http.StatusOK) // with a token for what follows
	same := thief(t, two, c)
	same.Get("/me").Want(http.StatusOK, ann)
	two.during = make(chan struct{})
	done := make(chan *authtest.Response)
	go func() { done <- same.Get("/write?late") }()
	<-two.during
	c.Logout().Want(http.StatusSeeOther)
	two.during <- struct{}{}
	<-done
	same.Get("/me").WantLogin(two.m, "/me")
}

// The same with many writers and no order.
func TestLogoutAmongWriters(t *testing.T) {
	one, two := twoReplicas(t)
	authtest.NewClient(t, one).Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	for range 10 {
		c := authtest.NewClient(t, one)
		c.Login(ann, authtest.Password).Want(http.StatusSeeOther)
		c.Get("/account/sessions").Want(http.StatusOK)
		var wg sync.WaitGroup
		for i := range 8 {
			writer := thief(t, []http.Handler{one, two}[i%2], c)
			wg.Go(func() { writer.Get(fmt.Sprint("/write?", i)) })
		}
		same := thief(t, two, c)
		wg.Go(func() { c.Logout().Want(http.StatusSeeOther) })
		wg.Wait()
		same.Get("/me").WantLogin(two.m, "/me")
	}
}

// Users see where they are logged in, at any replica, and end what they do not know.
func TestSessionsOfAUser(t *testing.T) {
	one, two := twoReplicas(t)
	c, other := authtest.NewClient(t, one), authtest.NewClient(t, two)
	c.Signup(ann, authtest.Password).Want(http.StatusSeeOther)
	other.Login(ann, authtest.Password).Want(http.StatusSeeOther)
	u, err := one.users.UserByLogin(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	list, err := two.m.Sessions(t.Context(), u)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d sessions, %v, want 2", len(list), err)
	}
	if err := one.m.EndSession(t.Context(), u, list[0].ID); err != nil { // the last seen
		t.Error(err)
	}
	other.Get("/me").WantLogin(two.m, "/me")
	c.Get("/me").Want(http.StatusOK, ann)
}
