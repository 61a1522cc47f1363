package shell

import (
	"fmt"
	"net/http"

	"github.com/vestibule-go/auth"
)

// site is an application with one page, for users.
func site(m *auth.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/me", m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, auth.CurrentUser(r.Context()).Email)
	})))
	return m.Handler(mux)
}
