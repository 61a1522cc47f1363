package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vestibule-go/auth"
)

var users = []property{
	{"EveryFieldIsKept", userFields},
	{"TimesAreKept", userTimes},
	{"LongValuesAreKept", userLongValues},
	{"VersionBeginsAtOne", userVersion},
	{"EmailIsUnique", userEmailUnique},
	{"IDIsUnique", userIDUnique},
	{"IDIsComparedByteForByte", userIDBytes},
	{"IDIsNeverUsedAgain", userIDReuse},
	{"UnknownIsNotFound", userUnknown},
	{"LoginIsComparedByteForByte", userLoginBytes},
	{"LookalikesAreDifferentUsers", userLookalikes},
	{"UpdateReplacesAndCounts", userUpdate},
	{"UpdateFreesTheOldEmail", userUpdateEmail},
	{"UpdateKeepsCreated", userUpdateCreated},
	{"UpdateOfAnotherVersionConflicts", userUpdateConflict},
	{"UpdateToATakenEmailExists", userUpdateTaken},
	{"UpdateNeverAdds", userUpdateDeleted},
	{"DeleteLeavesNothing", userDelete},
	{"DeleteTakesSessionsAlong", userDeleteSessions},
	{"DeleteTakesCredentialsAlong", userDeleteCredentials},
	{"NoMemoryIsShared", userMemory},
	{"CancellationNeverLies", userCancelled},
}

// newUser returns a user with something in every field but Disabled.
func (c *check) newUser(name string) *auth.User {
	return &auth.User{
		ID: c.id(name), Email: c.email(name),
		PasswordHash: "$2a$04$" + name + "/ä\U0001F511", Stamp: "stamp of " + name,
		Created: past, Updated: past.AddDate(0, 1, 0), Confirmed: past.AddDate(0, 0, 1),
	}
}

// addUser adds a new user to the store.
func (c *check) addUser(name string) *auth.User {
	c.Helper()
	u := c.newUser(name)
	c.ok("CreateUser", c.s.CreateUser(c.Context(), u))
	return u
}

func userText(u *auth.User) string {
	if u == nil {
		return "no user"
	}
	return fmt.Sprintf("ID %q\nEmail %q\nPasswordHash %q\nStamp %q\nVersion %d\nCreated %s\nUpdated %s\nConfirmed %s\nDisabled %s",
		u.ID, u.Email, u.PasswordHash, u.Stamp, u.Version,
		stamp(u.Created), stamp(u.Updated), stamp(u.Confirmed), stamp(u.Disabled))
}

// hasUser checks that the store has exactly want, by ID and by login.
func (c *check) hasUser(want *auth.User) {
	c.Helper()
	u, err := c.s.UserByID(c.Context(), want.ID)
	c.ok("UserByID", err)
	c.same("UserByID", userText(u), userText(want))
	u, err = c.s.UserByLogin(c.Context(), want.Email)
	c.ok("UserByLogin", err)
	c.same("UserByLogin", userText(u), userText(want))
}

// noUser checks that no user has the ID or the login.
func (c *check) noUser(id, login string) {
	c.Helper()
	_, err := c.s.UserByID(c.Context(), id)
	c.is("UserByID", err, auth.ErrNotFound)
	_, err = c.s.UserByLogin(c.Context(), login)
	c.is("UserByLogin", err, auth.ErrNotFound)
}

func userFields(c *check) {
	c.says("UserByID returns the user with that ID, or ErrNotFound.")
	u := c.addUser("ann")
	c.addUser("bob")
	c.hasUser(u)
}

func userTimes(c *check) {
	c.says("Times come back equal to the microsecond; the zero time stays zero.")
	for i, t := range instants {
		u := c.newUser(fmt.Sprint("ann", i))
		u.Created, u.Updated, u.Confirmed, u.Disabled = t, t, t, t
		c.ok("CreateUser", c.s.CreateUser(c.Context(), u))
		got, err := c.s.UserByID(c.Context(), u.ID)
		c.ok("UserByID", err)
		c.sameTime("Created", got.Created, t)
		c.sameTime("Updated", got.Updated, t)
		c.sameTime("Confirmed", got.Confirmed, t)
		c.sameTime("Disabled", got.Disabled, t)
	}
}

func userLongValues(c *check) {
	c.says("Stores share no memory with their callers: what they are given they copy, and what they return is the caller's to change.")
	domain := "." + c.unique + "@example.com"
	u, v := c.newUser("ann"), c.newUser("bob")
	u.Email = strings.Repeat("a", 254-len(domain)) + domain // the longest that CanonicalEmail lets through
	v.Email = strings.Repeat("a", 253-len(domain)) + "b" + domain
	u.PasswordHash = strings.Repeat("$0123456789abcde", 64)
	c.ok("CreateUser", c.s.CreateUser(c.Context(), u))
	c.ok("CreateUser", c.s.CreateUser(c.Context(), v))
	c.hasUser(u)
	c.hasUser(v)
}

func userVersion(c *check) {
	c.says("CreateUser adds u, with Version 1 whatever u.Version says.")
	u := c.newUser("ann")
	u.Version = 41
	c.ok("CreateUser", c.s.CreateUser(c.Context(), u))
	if u.Version != 1 {
		c.broken("CreateUser: u.Version is %d, want 1", u.Version)
	}
	c.hasUser(u)
}

func userEmailUnique(c *check) {
	c.says("It returns ErrExists if the Email or the ID is taken.")
	ann, thief := c.addUser("ann"), c.newUser("thief")
	thief.Email = ann.Email
	id := thief.ID
	c.is("CreateUser", c.s.CreateUser(c.Context(), thief), auth.ErrExists)
	_, err := c.s.UserByID(c.Context(), id)
	c.is("UserByID after the refused CreateUser", err, auth.ErrNotFound)
	c.hasUser(ann)
}

func userIDUnique(c *check) {
	c.says("It returns ErrExists if the Email or the ID is taken.")
	ann, thief := c.addUser("ann"), c.newUser("thief")
	thief.ID = ann.ID
	err := c.s.CreateUser(c.Context(), thief)
	if err == nil && thief.ID != ann.ID {
		c.Skip("the store chooses its own IDs")
	}
	c.is("CreateUser", err, auth.ErrExists)
	_, err = c.s.UserByLogin(c.Context(), thief.Email)
	c.is("UserByLogin after the refused CreateUser", err, auth.ErrNotFound)
	c.hasUser(ann)
}

// An ID that is a number in the database is found by other spellings of the number, if the database
// converts what it is asked for. Then DeleteUser leaves the sessions of the other spelling alone.
func userIDBytes(c *check) {
	c.says(`IDs are text, and compared byte for byte: a store that counts its users does not find "7" by "07".`)
	u := c.addUser("ann")
	for _, id := range []string{
		"0" + u.ID, "+" + u.ID, " " + u.ID, u.ID + " ", u.ID + ".0", u.ID + "x", u.ID + "\x00", strings.ToUpper(u.ID), "%" + u.ID, u.ID + "\n",
	} {
		if id == u.ID {
			continue
		}
		_, err := c.s.UserByID(c.Context(), id)
		c.is(fmt.Sprintf("UserByID(%q) for %q", id, u.ID), err, auth.ErrNotFound)
		other := *u
		other.ID, other.Stamp = id, "stolen"
		c.is(fmt.Sprintf("UpdateUser of %q for %q", id, u.ID), c.s.UpdateUser(c.Context(), &other), auth.ErrNotFound)
		c.is(fmt.Sprintf("DeleteUser(%q) for %q", id, u.ID), c.s.DeleteUser(c.Context(), id), auth.ErrNotFound)
	}
	c.hasUser(u)
}

func userIDReuse(c *check) {
	c.says("A store that chooses its own IDs replaces u.ID, by one that no user has ever had: what was left of a deleted user would be the new one's.")
	gone := c.addUser("ann")
	c.ok("DeleteUser", c.s.DeleteUser(c.Context(), gone.ID))
	if next := c.addUser("bob"); next.ID == gone.ID {
		c.broken("CreateUser: the new user has the ID %q, which a deleted user had", next.ID)
	}
}

func userUnknown(c *check) {
	c.says("UserByLogin returns the user who logs in with login, or ErrNotFound.")
	c.addUser("ann")
	for _, login := range strangeLogins {
		_, err := c.s.UserByLogin(c.Context(), login)
		c.is(fmt.Sprintf("UserByLogin(%.20q)", login), err, auth.ErrNotFound)
	}
	c.says("UserByID returns the user with that ID, or ErrNotFound.")
	for _, id := range []string{"", "nobody", c.id("nobody")} {
		_, err := c.s.UserByID(c.Context(), id)
		c.is("UserByID", err, auth.ErrNotFound)
	}
	c.says("It returns ErrNotFound if there is no such user.")
	c.is("DeleteUser", c.s.DeleteUser(c.Context(), c.id("nobody")), auth.ErrNotFound)
	c.is("DeleteUser", c.s.DeleteUser(c.Context(), ""), auth.ErrNotFound)
}

func userLoginBytes(c *check) {
	c.says("It is compared byte for byte: no folding of case or accents, or else one visitor reaches another's account.")
	u := c.addUser("ann")
	for _, login := range []string{
		strings.ToUpper(u.Email), "A" + u.Email[1:], u.Email + " ", " " + u.Email, u.Email + "\x00",
		u.Email[:len(u.Email)-1], u.Email[:3] + "%", strings.Replace(u.Email, ".", "_", 1), "\ufeff" + u.Email,
	} {
		_, err := c.s.UserByLogin(c.Context(), login)
		c.is(fmt.Sprintf("UserByLogin(%q) for %q", login, u.Email), err, auth.ErrNotFound)
	}
	for i, pair := range lookalikes {
		u := c.newUser(fmt.Sprint("lookalike", i))
		u.Email = c.email(fmt.Sprint(i, pair[0]))
		c.ok("CreateUser", c.s.CreateUser(c.Context(), u))
		_, err := c.s.UserByLogin(c.Context(), c.email(fmt.Sprint(i, pair[1])))
		c.is(fmt.Sprintf("UserByLogin(%q) for %q", pair[1], pair[0]), err, auth.ErrNotFound)
	}
}

func userLookalikes(c *check) {
	c.says("It is compared byte for byte: no folding of case or accents, or else one visitor reaches another's account.")
	for i, pair := range lookalikes {
		a, b := c.newUser(fmt.Sprint("a", i)), c.newUser(fmt.Sprint("b", i))
		a.Email, b.Email = c.email(fmt.Sprint(i, pair[0])), c.email(fmt.Sprint(i, pair[1]))
		if s, err := auth.CanonicalEmail(b.Email); err != nil || s != b.Email {
			continue // no user has it
		}
		c.ok("CreateUser", c.s.CreateUser(c.Context(), a))
		c.ok(fmt.Sprintf("CreateUser with %q beside %q", pair[1], pair[0]), c.s.CreateUser(c.Context(), b))
		c.hasUser(a)
		c.hasUser(b)
	}
}

func userUpdate(c *check) {
	c.says("UpdateUser replaces the stored user that has u's ID, if its Version is u.Version, and then adds one to both.")
	u, other := c.addUser("ann"), c.addUser("bob")
	for version := int64(2); version < 5; version++ {
		u.PasswordHash, u.Stamp = fmt.Sprint("hash", version), fmt.Sprint("stamp", version)
		u.Updated, u.Confirmed, u.Disabled = past.AddDate(1, 0, 0), u.Disabled, past.AddDate(int(version), 0, 0)
		c.ok("UpdateUser", c.s.UpdateUser(c.Context(), u))
		if u.Version != version {
			c.broken("UpdateUser: u.Version is %d, want %d", u.Version, version)
		}
		c.hasUser(u)
	}
	c.hasUser(other)
}

func userUpdateEmail(c *check) {
	c.says("UpdateUser replaces the stored user that has u's ID, if its Version is u.Version, and then adds one to both.")
	u := c.addUser("ann")
	old := u.Email
	u.Email = c.email("ann.lee")
	c.ok("UpdateUser", c.s.UpdateUser(c.Context(), u))
	c.hasUser(u)
	_, err := c.s.UserByLogin(c.Context(), old)
	c.is("UserByLogin with the old Email", err, auth.ErrNotFound)
	next := c.newUser("bob")
	next.Email = old
	c.ok("CreateUser with an Email that was given up", c.s.CreateUser(c.Context(), next))
}

func userUpdateCreated(c *check) {
	c.says("Created is not changed.")
	u := c.addUser("ann")
	created := u.Created
	u.Created = future()
	c.ok("UpdateUser", c.s.UpdateUser(c.Context(), u))
	got, err := c.s.UserByID(c.Context(), u.ID)
	c.ok("UserByID", err)
	c.sameTime("Created", got.Created, created)
}

func userUpdateConflict(c *check) {
	c.says("It returns ErrConflict if the Version differs, ErrNotFound if there is no such user, ErrExists if another user has the Email.")
	u := c.addUser("ann")
	c.ok("UpdateUser", c.s.UpdateUser(c.Context(), u))
	for _, version := range []int64{0, 1, 3} {
		stale := *u
		stale.Version, stale.Email, stale.Stamp = version, c.email("stale"), "stale"
		c.is("UpdateUser", c.s.UpdateUser(c.Context(), &stale), auth.ErrConflict)
		if stale.Version != version {
			c.broken("UpdateUser that failed: u.Version is %d, want %d", stale.Version, version)
		}
		c.hasUser(u)
	}
}

func userUpdateTaken(c *check) {
	c.says("It returns ErrConflict if the Version differs, ErrNotFound if there is no such user, ErrExists if another user has the Email.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	thief := *bob
	thief.Email, thief.Stamp = ann.Email, "stolen"
	c.is("UpdateUser", c.s.UpdateUser(c.Context(), &thief), auth.ErrExists)
	if thief.Version != 1 {
		c.broken("UpdateUser that failed: u.Version is %d, want 1", thief.Version)
	}
	c.hasUser(ann)
	c.hasUser(bob)
}

func userUpdateDeleted(c *check) {
	c.says("It returns ErrConflict if the Version differs, ErrNotFound if there is no such user, ErrExists if another user has the Email.")
	u := c.addUser("ann")
	c.ok("DeleteUser", c.s.DeleteUser(c.Context(), u.ID))
	c.is("UpdateUser of a deleted user", c.s.UpdateUser(c.Context(), u), auth.ErrNotFound)
	c.noUser(u.ID, u.Email)
}

func userDelete(c *check) {
	c.says("DeleteUser removes the user and whatever credentials and sessions of the user this store keeps.")
	u, other := c.addUser("ann"), c.addUser("bob")
	c.ok("DeleteUser", c.s.DeleteUser(c.Context(), u.ID))
	c.noUser(u.ID, u.Email)
	c.hasUser(other)
	next := c.newUser("carl")
	next.Email = u.Email
	c.ok("CreateUser with the Email of a deleted user", c.s.CreateUser(c.Context(), next))
	c.says("It returns ErrNotFound if there is no such user.")
	c.is("DeleteUser again", c.s.DeleteUser(c.Context(), u.ID), auth.ErrNotFound)
}

// whole skips the check if the store leaves users to another one.
func (c *check) whole(session string) {
	c.Helper()
	_, u, err := c.s.Session(c.Context(), session)
	c.ok("Session", err)
	if u == nil {
		c.Skip("Session returns no user: users are kept elsewhere, and nothing can be removed along with them")
	}
}

func userDeleteSessions(c *check) {
	c.says("DeleteUser removes the user and whatever credentials and sessions of the user this store keeps.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addSession("ann1", ann.ID)
	c.addSession("ann2", ann.ID)
	other, guest := c.addSession("bob1", bob.ID), c.addSession("guest", "")
	c.whole(c.id("ann1"))
	c.ok("DeleteUser", c.s.DeleteUser(c.Context(), ann.ID))
	c.noSession(c.id("ann1"))
	c.noSession(c.id("ann2"))
	c.hasSession(other)
	c.hasSession(guest)
}

func userDeleteCredentials(c *check) {
	c.says("DeleteUser removes the user and whatever credentials and sessions of the user this store keeps.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addCredential("reset", "ann1", ann.ID)
	c.addCredential("totp", "ann2", ann.ID)
	other := c.addCredential("reset", "bob1", bob.ID)
	c.addSession("ann1", ann.ID)
	c.whole(c.id("ann1"))
	c.ok("DeleteUser", c.s.DeleteUser(c.Context(), ann.ID))
	c.noCredential("reset", c.id("ann1"))
	c.noCredential("totp", c.id("ann2"))
	c.hasCredential(other)
}

func userMemory(c *check) {
	c.says("Stores share no memory with their callers: what they are given they copy, and what they return is the caller's to change.")
	u := c.addUser("ann")
	want := *u
	u.Email, u.Stamp, u.Version = "changed", "changed", 7
	c.hasUser(&want)
	got, err := c.s.UserByID(c.Context(), want.ID)
	c.ok("UserByID", err)
	got.Email, got.Stamp, got.Version = "changed", "changed", 7
	c.hasUser(&want)
	got, err = c.s.UserByLogin(c.Context(), want.Email)
	c.ok("UserByLogin", err)
	got.Email, got.Stamp, got.Version = "changed", "changed", 7
	c.hasUser(&want)
}

// cancelled returns a context that is over.
func (c *check) cancelled() context.Context {
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	return ctx
}

// sentinels are the errors that say what the store holds.
var sentinels = []error{auth.ErrNotFound, auth.ErrExists, auth.ErrConflict}

// honest checks what a cancelled call returned: success, or an error that does
// not pretend to know what the store holds.
func (c *check) honest(what string, err error) {
	c.Helper()
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			c.broken("%s with a cancelled context: got error %v, which is not true", what, err)
		}
	}
}

const outcomeUnknown = "An error that is none of the sentinels named below means that the outcome is unknown; nothing is ever half written."

func userCancelled(c *check) {
	c.says(outcomeUnknown)
	u, over := c.addUser("ann"), c.cancelled()
	_, err := c.s.UserByID(over, u.ID)
	c.honest("UserByID", err)
	_, err = c.s.UserByLogin(over, u.Email)
	c.honest("UserByLogin", err)
	first, changed := u.Email, *u
	changed.Email, changed.Stamp = c.email("changed"), "changed"
	if err = c.s.UpdateUser(over, &changed); err == nil {
		u = &changed
	}
	c.honest("UpdateUser", err)
	c.wholeUser(u.ID, first, changed.Email)
	b := c.newUser("bob")
	c.honest("CreateUser", c.s.CreateUser(over, b))
	c.wholeUser(b.ID, b.Email)
	c.honest("DeleteUser", c.s.DeleteUser(over, u.ID))
	c.wholeUser(u.ID, first, changed.Email)
}

// wholeUser checks that a user is there by ID and by exactly one of the logins,
// or by none of them.
func (c *check) wholeUser(id string, logins ...string) {
	c.Helper()
	found := 0
	for _, login := range logins {
		if u, err := c.s.UserByLogin(c.Context(), login); err == nil {
			found, id = found+1, u.ID
		}
	}
	u, err := c.s.UserByID(c.Context(), id)
	if found > 1 || (found == 1) != (err == nil) {
		c.broken("after a cancelled call, %d of %q find a user, and UserByID finds %v (%v)", found, logins, u, err)
	}
}
