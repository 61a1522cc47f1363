package email

import (
	"context"
	"net/http"
	"time"

	"github.com/vestibule-go/auth"
)

// Hooks keeps users out who have not confirmed their address: put it into auth.Config.Hooks. It
// lets them in for the time of grace after they signed up; zero lets nobody in. In that time
// whoever signed up with somebody else's address acts in that name until its owner resets the
// password, and by logging in anyone learns whether an address had an account.
//
// After it the right password is answered as a wrong one, by an ErrUnconfirmed, other ways in by the same,
// and sessions from before make guests, until the address is confirmed. Users who come by a header (auth.Hooks.Load) are not asked. Those who were there
// before the application took this package are not confirmed either: set User.Confirmed for those
// that you trust.
func Hooks(grace time.Duration) auth.Hooks {
	check := func(u *auth.User) error {
		if u.Confirmed.IsZero() && time.Since(u.Created) >= grace {
			return ErrUnconfirmed
		}
		return nil
	}
	return auth.Hooks{
		Authenticate: func(_ context.Context, u *auth.User) error { return check(u) },

		Login: func(_ http.ResponseWriter, _ *http.Request, u *auth.User, _ *auth.Session) error { return check(u) },
		Check: func(_ *http.Request, u *auth.User, _ *auth.Session) error { return check(u) },
	}
}
