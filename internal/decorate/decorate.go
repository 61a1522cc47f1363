// Package decorate has what those share who put something around an [auth.Store].
package decorate

import "github.com/vestibule-go/auth"

// Store returns the store that next is, be it given by value or by a pointer, and reports whether something may be put
// around it. What [auth.New] refuses may not: it would not be seen any more, and has to be handed on as it is.
func Store(next auth.Store) (auth.Store, bool) {
	if p, ok := next.(*auth.Stores); ok && p != nil {
		next = *p
	}
	switch n := next.(type) {
	case nil, *auth.Stores:
		return next, false
	case auth.Stores:
		return next, n.UserStore != nil && n.CredentialStore != nil && n.SessionStore != nil
	}
	return next, true
}
