package audit_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/audit"
	"github.com/vestibule-go/auth/memstore"
)

// A user reads what happened in their account, page by page.
func Example() {
	store := memstore.New()
	trail, err := audit.New(store, nil)
	if err != nil {
		log.Fatal(err)
	}
	m, err := auth.New(store, &auth.Config{BaseURL: "http://localhost:8080", Hooks: []auth.Hooks{trail.Hooks()}})
	if err != nil {
		log.Fatal(err)
	}
	trail.Attach(m)

	activity := func(w http.ResponseWriter, r *http.Request) {
		entries, next, err := trail.Page(r.Context(), auth.CurrentUser(r.Context()).ID, r.FormValue("before"), 20)
		if err != nil {
			http.Error(w, http.StatusText(auth.Status(err)), auth.Status(err))
			return
		}
		for _, e := range entries {
			fmt.Fprintln(w, e.Time, e.Name, e.Address)
		}
		if next != "" {
			fmt.Fprintln(w, "/account/activity?before="+next)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /account/activity", m.RequireLogin(http.HandlerFunc(activity)))
	_ = m.Handler(mux) // to be served

	if err := trail.Close(context.Background()); err != nil { // when the server has shut down
		log.Fatal(err)
	}
}
