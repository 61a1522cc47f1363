package guides

import (
	"net/http"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/authtest"
	"github.com/vestibule-go/auth/memstore"
)

func TestTokens(t *testing.T) {
	store := memstore.New()
	m, err := auth.New(store, authtest.Config(t, &auth.Config{Hooks: []auth.Hooks{tokenHooks(store)}}))
	if err != nil {
		t.Fatal(err)
	}
	ann := authtest.User(t, m, "ann@example.com")
	token, err := newToken(t.Context(), store, ann, "my phone")
	if err != nil {
		t.Fatal(err)
	}
	app := m.Handler(m.RequireLogin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(auth.CurrentUser(r.Context()).Email))
	})))
	call := func(method, authorization string) *authtest.Response {
		r, err := http.NewRequest(method, authtest.BaseURL+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Accept", "application/json")
		return authtest.NewClient(t, app).Do(r)
	}
	call("POST", "Bearer "+token).Want(http.StatusOK, ann.Email)
	for _, other := range []string{"", "Bearer shop_nonsense", "Bearer " + token[1:]} {
		if r := call("GET", other); r.Status != http.StatusUnauthorized {
			t.Errorf("%q: %d", other, r.Status)
		}
	}
	if kept, err := store.Credentials(t.Context(), ann.ID, tokenKind); err != nil || len(kept) != 1 || kept[0].ID == token {
		t.Errorf("kept: %v, %v", kept, err)
	}
	if err := revokeTokens(t.Context(), store, ann); err != nil {
		t.Fatal(err)
	}
	if r := call("GET", "Bearer "+token); r.Status != http.StatusUnauthorized {
		t.Errorf("after its end: %d", r.Status)
	}
}
