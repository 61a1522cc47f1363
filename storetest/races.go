package storetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/vestibule-go/auth"
)

var races = []property{
	{"OneUserPerEmail", raceCreateUser},
	{"OneUpdatePerVersionOfAUser", raceUpdateUser},
	{"OneUserChangesToAnEmail", raceUpdateEmail},
	{"OneCredentialPerID", racePut},
	{"OneCredentialInPlaceOfAnExpiredOne", racePutExpired},
	{"OneUpdatePerVersionOfACredential", raceUpdateCredential},
	{"OneTakes", raceTake},
	{"TakenStaysTaken", raceTakeUpdate},
	{"OneSessionPerID", raceCreateSession},
	{"OneReplacesASession", raceReplace},
	{"DeletedStaysDeleted", raceDeleteSession},
	{"DeletedIsNotReplaced", raceDeleteReplace},
}

// racers is how many calls run at once.
const racers = 50

// race calls f at once with 0 to racers-1. One call must succeed; the others
// must return the error lost.
func (c *check) race(lost error, f func(i int) error) {
	c.Helper()
	won := 0
	for i, err := range c.together(f) {
		if err == nil {
			won++
		} else if !errors.Is(err, lost) {
			c.broken("call %d of %d: got error %v, want none or %v", i, racers, err, lost)
		}
	}
	if won != 1 {
		c.broken("of %d concurrent calls %d succeeded, want 1", racers, won)
	}
}

// together calls f at once with 0 to racers-1 and returns the errors.
func (c *check) together(f func(i int) error) []error {
	errs := make([]error, racers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func raceCreateUser(c *check) {
	c.says("Of any number of concurrent calls with one Email, one succeeds.")
	email := c.email("ann")
	c.race(auth.ErrExists, func(i int) error {
		u := c.newUser(fmt.Sprint("ann", i))
		u.Email = email
		return c.s.CreateUser(c.Context(), u)
	})
}

func raceUpdateUser(c *check) {
	c.says("Of any number of concurrent calls with one Version, one succeeds.")
	u := c.addUser("ann")
	c.race(auth.ErrConflict, func(i int) error {
		mine := *u
		mine.Stamp = fmt.Sprint("stamp", i)
		return c.s.UpdateUser(c.Context(), &mine)
	})
	got, err := c.s.UserByID(c.Context(), u.ID)
	c.ok("UserByID", err)
	if got.Version != 2 {
		c.broken("UserByID: Version is %d, want 2", got.Version)
	}
}

func raceUpdateEmail(c *check) {
	c.says("It returns ErrConflict if the Version differs, ErrNotFound if there is no such user, ErrExists if another user has the Email.")
	var all [racers]*auth.User
	for i := range all {
		all[i] = c.addUser(fmt.Sprint("ann", i))
	}
	c.race(auth.ErrExists, func(i int) error {
		mine := *all[i]
		mine.Email = c.email("wanted")
		return c.s.UpdateUser(c.Context(), &mine)
	})
}

func racePut(c *check) {
	c.says("Of any number of concurrent calls with one Kind and ID, one succeeds.")
	u := c.addUser("ann")
	c.race(auth.ErrExists, func(i int) error {
		return c.s.PutCredential(c.Context(), c.newCredential("oidc", "subject", u.ID))
	})
}

func racePutExpired(c *check) {
	c.says("Of any number of concurrent calls with one Kind and ID, one succeeds.")
	u := c.addUser("ann")
	c.addExpired("oidc", "subject", u.ID)
	c.race(auth.ErrExists, func(i int) error {
		return c.s.PutCredential(c.Context(), c.newCredential("oidc", "subject", u.ID))
	})
}

func raceUpdateCredential(c *check) {
	c.says("UpdateCredential replaces Name, Data, Used and Expires, if the stored Version is c.Version, and then adds one to both.")
	cred := c.addCredential("totp", "one", c.addUser("ann").ID)
	c.race(auth.ErrConflict, func(i int) error {
		mine := *cred
		mine.Data = []byte{byte(i)}
		return c.s.UpdateCredential(c.Context(), &mine)
	})
}

func raceTake(c *check) {
	c.says("Of any number of concurrent calls for one credential, one succeeds: this is what makes a secret good for one use.")
	u := c.addUser("ann")
	for round := range 5 {
		cred := c.addCredential("reset", fmt.Sprint("link", round), u.ID)
		c.race(auth.ErrNotFound, func(int) error {
			_, err := c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
			return err
		})
	}
}

func raceTakeUpdate(c *check) {
	c.says("TakeCredential removes the credential and returns it, or ErrNotFound.")
	u := c.addUser("ann")
	for round := range 5 {
		cred := c.addCredential("reset", fmt.Sprint("link", round), u.ID)
		for i, err := range c.together(func(i int) error {
			if i == racers/2 {
				_, err := c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
				return err
			}
			mine := *cred
			if err := c.s.UpdateCredential(c.Context(), &mine); !errors.Is(err, auth.ErrConflict) && !errors.Is(err, auth.ErrNotFound) {
				return err
			}
			return nil
		}) {
			c.ok(fmt.Sprint("call ", i), err)
		}
		c.noCredential(cred.Kind, cred.ID)
	}
}

func raceCreateSession(c *check) {
	c.says("It returns ErrExists if s.ID is taken.")
	c.race(auth.ErrExists, func(i int) error {
		return c.s.CreateSession(c.Context(), c.newSession("one", ""), "")
	})
}

func raceReplace(c *check) {
	c.says(replaces)
	u := c.addUser("ann")
	old := c.addSession("old", "")
	c.race(auth.ErrNotFound, func(i int) error {
		return c.s.CreateSession(c.Context(), c.newSession(fmt.Sprint("new", i), u.ID), old.ID)
	})
	c.noSession(old.ID)
	live := 0
	for i := range racers {
		if _, _, err := c.s.Session(c.Context(), c.id(fmt.Sprint("new", i))); err == nil {
			live++
		}
	}
	if live != 1 {
		c.broken("%d sessions replaced one, want 1", live)
	}
}

const deletedStaysDeleted = "A session that was deleted never comes back: no method but CreateSession adds one."

func raceDeleteSession(c *check) {
	c.says(deletedStaysDeleted)
	u := c.addUser("ann")
	for round := range 5 {
		rec := c.addSession(fmt.Sprint("one", round), u.ID)
		for i, err := range c.together(func(i int) error {
			if i == racers/2 {
				return c.s.DeleteSession(c.Context(), rec.ID)
			}
			mine := *rec
			if i%2 == 0 {
				mine.Data = nil
			}
			if err := c.s.UpdateSession(c.Context(), &mine); !errors.Is(err, auth.ErrNotFound) {
				return err
			}
			return nil
		}) {
			c.ok(fmt.Sprint("call ", i), err)
		}
		c.noSession(rec.ID)
	}
	c.listsSessions(u.ID)
}

// raceDeleteReplace is a logout while a login renews the session: whichever
// comes first, the old session is gone, and there is a new one only if the login
// says so.
func raceDeleteReplace(c *check) {
	c.says(replaces)
	for round := range 10 {
		old, next := c.addSession(fmt.Sprint("old", round), ""), c.newSession(fmt.Sprint("new", round), "")
		errs := c.together(func(i int) error {
			if i == 0 {
				return c.s.CreateSession(c.Context(), next, old.ID)
			}
			return c.s.DeleteSession(c.Context(), old.ID)
		})
		c.noSession(old.ID)
		if errs[0] == nil {
			c.hasSession(next)
			continue
		}
		c.is("CreateSession", errs[0], auth.ErrNotFound)
		c.noSession(next.ID)
	}
}
