// Websocket greets users over a web socket, until their session ends.
package main

import (
	"context"
	"log"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/pages"
)

func main() {
	store := memstore.New()
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", app(m, store, 30*time.Second)))
}

// app looks every so often whether those who are connected still may be.
func app(m *auth.Manager, users auth.UserStore, often time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(m))
	mux.Handle("GET /socket", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An upgrade is a GET, which no CSRF check looks at, and browsers send cookies along.
		if r.Header.Get("Origin") != m.BaseURL() {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{m.BaseURL()}})
		if err != nil {
			return // Accept has answered
		}
		defer conn.CloseNow()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go watch(ctx, m, users, often, func() { conn.Close(websocket.StatusPolicyViolation, "logged out") })
		echo(ctx, conn)
	})))
	return m.Handler(mux)
}

// watch calls end when the session of ctx has ended.
func watch(ctx context.Context, m *auth.Manager, users auth.UserStore, often time.Duration, end func()) {
	for mayStay(ctx, m, users) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(often):
		}
	}
	end()
}

// mayStay reads again what the request knew when it came: the user, whose Stamp ends sessions, and
// the session. To look is no use of the session, so it ends when nobody uses the site otherwise.
func mayStay(ctx context.Context, m *auth.Manager, users auth.UserStore) bool {
	session := auth.CurrentSession(ctx)
	u, err := users.UserByID(ctx, session.UserID)
	if err != nil || !u.Disabled.IsZero() {
		return false
	}
	live, err := m.Sessions(ctx, u)
	return err == nil && slices.ContainsFunc(live, func(s *auth.Session) bool {
		return s.ID == session.ID && time.Now().Before(s.Expires)
	})
}

func echo(ctx context.Context, conn *websocket.Conn) {
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if err := conn.Write(ctx, kind, append([]byte(auth.CurrentUser(ctx).Email+": "), message...)); err != nil {
			return
		}
	}
}
