package guides

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

const tokenKind = "token" // of the credentials that tokens are kept as

// newToken returns a token by which a program may act as u for 90 days. The store gets its hash; show it once.
func newToken(ctx context.Context, store auth.CredentialStore, u *auth.User, name string) (string, error) {
	token, now := "shop_"+rand.Text()+rand.Text(), time.Now()
	return token, store.PutCredential(ctx, &auth.Credential{
		Kind: tokenKind, ID: hashToken(token), UserID: u.ID, Name: name,
		Created: now, Expires: now.Add(90 * 24 * time.Hour),
	})
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// tokenHooks finds the user by the header "Authorization: Bearer …". Put it into auth.Config.Hooks.
func tokenHooks(store auth.Store) auth.Hooks {
	return auth.Hooks{Load: func(r *http.Request) (*auth.User, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer shop_")
		if !ok {
			return nil, nil // not one of ours
		}
		c, err := store.Credential(r.Context(), tokenKind, hashToken("shop_"+token))
		if err != nil {
			return nil, err // ErrNotFound: unknown, revoked or expired
		}
		return store.UserByID(r.Context(), c.UserID)
	}}
}

// revokeTokens ends all tokens of u.
func revokeTokens(ctx context.Context, store auth.CredentialStore, u *auth.User) error {
	return store.DeleteCredentials(ctx, u.ID, tokenKind)
}
