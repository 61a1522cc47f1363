package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

var credentials = []property{
	{"EveryFieldIsKept", credentialFields},
	{"TimesAreKept", credentialTimes},
	{"DataIsKept", credentialData},
	{"LongValuesAreKept", credentialLongValues},
	{"VersionBeginsAtOne", credentialVersion},
	{"IDIsUniqueWithinTheKind", credentialUnique},
	{"UnknownIsNotFound", credentialUnknown},
	{"KindAndIDAreComparedByteForByte", credentialBytes},
	{"ListIsOldestFirst", credentialList},
	{"UpdateReplacesAndCounts", credentialUpdate},
	{"UpdateKeepsTheRest", credentialUpdateKeeps},
	{"UpdateOfAnotherVersionConflicts", credentialConflict},
	{"UpdateNeverAdds", credentialUpdateTaken},
	{"TakeRemovesAndReturns", credentialTake},
	{"DeleteByKind", credentialDelete},
	{"DeleteEveryKind", credentialDeleteAll},
	{"ExpiredIsNone", credentialExpired},
	{"ExpiredIDMayBeUsedAgain", credentialReuse},
	{"UpdateMayExpire", credentialUpdateExpires},
	{"NoExpiryIsNever", credentialForever},
	{"NobodyHasNoCredentials", credentialNobody},
	{"NoMemoryIsShared", credentialMemory},
	{"CancellationNeverLies", credentialCancelled},
}

// newCredential returns a credential with something in every field.
func (c *check) newCredential(kind, name, userID string) *auth.Credential {
	return &auth.Credential{
		Kind: kind, ID: c.id(name), UserID: userID, Name: name + "'s key, ä\U0001F511",
		Data: []byte("data of " + name), Created: past, Used: past.AddDate(0, 1, 0), Expires: future(),
	}
}

// addCredential adds a new credential to the store.
func (c *check) addCredential(kind, name, userID string) *auth.Credential {
	c.Helper()
	cred := c.newCredential(kind, name, userID)
	c.ok("PutCredential", c.s.PutCredential(c.Context(), cred))
	return cred
}

// addExpired adds a credential that expired long ago.
func (c *check) addExpired(kind, name, userID string) *auth.Credential {
	c.Helper()
	cred := c.newCredential(kind, name, userID)
	cred.Expires = past
	c.ok("PutCredential", c.s.PutCredential(c.Context(), cred))
	return cred
}

func credentialText(c *auth.Credential) string {
	if c == nil {
		return "no credential"
	}
	return fmt.Sprintf("Kind %q\nID %q\nUserID %q\nName %q\nData %.60q (%d bytes)\nCreated %s\nUsed %s\nExpires %s\nVersion %d",
		c.Kind, c.ID, c.UserID, c.Name, c.Data, len(c.Data), stamp(c.Created), stamp(c.Used), stamp(c.Expires), c.Version)
}

// hasCredential checks that the store has exactly want.
func (c *check) hasCredential(want *auth.Credential) {
	c.Helper()
	got, err := c.s.Credential(c.Context(), want.Kind, want.ID)
	c.ok("Credential", err)
	c.same("Credential", credentialText(got), credentialText(want))
	if got != nil && !bytes.Equal(got.Data, want.Data) {
		c.broken("Credential: Data of %d bytes changed", len(want.Data))
	}
}

// noCredential checks that no method finds the credential.
func (c *check) noCredential(kind, id string) {
	c.Helper()
	_, err := c.s.Credential(c.Context(), kind, id)
	c.is("Credential", err, auth.ErrNotFound)
}

// lists checks the IDs of the user's credentials of that kind.
func (c *check) lists(userID, kind string, names ...string) {
	c.Helper()
	list, err := c.s.Credentials(c.Context(), userID, kind)
	c.ok("Credentials", err)
	var got, want []string
	for _, cred := range list {
		got = append(got, cred.ID)
	}
	for _, name := range names {
		want = append(want, c.id(name))
	}
	c.same("Credentials of "+kind, fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
}

func credentialFields(c *check) {
	c.says("Credential returns the credential, or ErrNotFound.")
	u := c.addUser("ann")
	cred := c.addCredential("reset", "one", u.ID)
	c.addCredential("reset", "two", u.ID)
	c.hasCredential(cred)
	list, err := c.s.Credentials(c.Context(), u.ID, "reset")
	c.ok("Credentials", err)
	if len(list) != 2 {
		c.broken("Credentials: got %d, want 2", len(list))
		return
	}
	c.same("Credentials", credentialText(list[0]), credentialText(cred))
}

func credentialTimes(c *check) {
	c.says("Times come back equal to the microsecond; the zero time stays zero.")
	u := c.addUser("ann")
	for i, t := range instants {
		cred := c.newCredential("reset", fmt.Sprint("key", i), u.ID)
		cred.Created, cred.Used, cred.Expires = t, t, time.Time{}
		c.ok("PutCredential", c.s.PutCredential(c.Context(), cred))
		got, err := c.s.Credential(c.Context(), cred.Kind, cred.ID)
		c.ok("Credential", err)
		c.sameTime("Created", got.Created, t)
		c.sameTime("Used", got.Used, t)
		c.sameTime("Expires", got.Expires, time.Time{})
	}
}

func credentialData(c *check) {
	c.says("Stores share no memory with their callers: what they are given they copy, and what they return is the caller's to change.")
	u := c.addUser("ann")
	for _, blob := range blobs {
		cred := c.newCredential("reset", blob.name, u.ID)
		cred.Data = blob.data
		c.ok("PutCredential with "+blob.name+" Data", c.s.PutCredential(c.Context(), cred))
		c.hasCredential(cred)
		for _, next := range blobs {
			cred.Data = next.data
			c.ok("UpdateCredential with "+next.name+" Data", c.s.UpdateCredential(c.Context(), cred))
			c.hasCredential(cred)
		}
	}
}

func credentialLongValues(c *check) {
	c.says("It returns ErrExists if the Kind has the ID.")
	u := c.addUser("ann")
	one := c.newCredential("reset", strings.Repeat("x", 200), u.ID)
	one.Name = strings.Repeat("ä", 200)
	two := c.newCredential("reset", strings.Repeat("x", 199)+"y", u.ID)
	c.ok("PutCredential", c.s.PutCredential(c.Context(), one))
	c.ok("PutCredential with an ID that differs at its end", c.s.PutCredential(c.Context(), two))
	c.hasCredential(one)
	c.hasCredential(two)
}

func credentialVersion(c *check) {
	c.says("PutCredential adds c, with Version 1, and sets c.Version to 1.")
	cred := c.newCredential("reset", "one", c.addUser("ann").ID)
	cred.Version = 41
	c.ok("PutCredential", c.s.PutCredential(c.Context(), cred))
	if cred.Version != 1 {
		c.broken("PutCredential: c.Version is %d, want 1", cred.Version)
	}
	c.hasCredential(cred)
}

func credentialUnique(c *check) {
	c.says("It returns ErrExists if the Kind has the ID.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	cred := c.addCredential("oidc", "subject", ann.ID)
	again := c.newCredential("oidc", "subject", bob.ID)
	c.is("PutCredential", c.s.PutCredential(c.Context(), again), auth.ErrExists)
	again.UserID = ann.ID
	c.is("PutCredential", c.s.PutCredential(c.Context(), again), auth.ErrExists)
	c.hasCredential(cred)
	again.Kind = "passkey"
	c.ok("PutCredential of another kind", c.s.PutCredential(c.Context(), again))
	c.hasCredential(cred)
	c.hasCredential(again)
}

func credentialUnknown(c *check) {
	c.says("Credential returns the credential, or ErrNotFound.")
	cred := c.addCredential("reset", "one", c.addUser("ann").ID)
	c.noCredential("reset", c.id("two"))
	c.noCredential("totp", cred.ID)
	c.noCredential("", cred.ID)
	c.noCredential("reset", "")
	c.says("TakeCredential removes the credential and returns it, or ErrNotFound.")
	_, err := c.s.TakeCredential(c.Context(), "totp", cred.ID)
	c.is("TakeCredential", err, auth.ErrNotFound)
	c.says("None is no error.")
	c.lists(cred.UserID, "totp")
	c.lists(c.id("nobody"), "reset")
	c.ok("DeleteCredentials", c.s.DeleteCredentials(c.Context(), c.id("nobody"), ""))
	c.ok("DeleteCredentials", c.s.DeleteCredentials(c.Context(), cred.UserID, "totp"))
	c.hasCredential(cred)
}

func credentialBytes(c *check) {
	c.says("Credential returns the credential, or ErrNotFound.")
	u := c.addUser("ann")
	cred := c.addCredential("reset", "kiwi", u.ID)
	for _, name := range []string{"KIWI", "kiwi ", " kiwi", "\u212aiwi", "ki%", "k_wi", "kiwi\x00"} {
		c.noCredential("reset", c.id(name))
	}
	c.noCredential("Reset", cred.ID)
	c.noCredential("reset ", cred.ID)
	other := c.addCredential("reset", "Kiwi", u.ID)
	c.hasCredential(cred)
	c.hasCredential(other)
}

func credentialList(c *check) {
	c.says("Credentials returns the user's credentials of that kind, oldest first, and by ID where they are of one age.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	for i, name := range []string{"e", "c", "a", "d", "b"} {
		cred := c.newCredential("passkey", name, ann.ID)
		cred.Created = past.Add(time.Duration(3-i/2) * time.Microsecond)
		c.ok("PutCredential", c.s.PutCredential(c.Context(), cred))
	}
	c.addCredential("totp", "f", ann.ID)
	c.addCredential("passkey", "g", bob.ID)
	c.lists(ann.ID, "passkey", "b", "a", "d", "c", "e")
	c.lists(ann.ID, "totp", "f")
	c.lists(bob.ID, "passkey", "g")
	c.lists(ann.ID, "Passkey")
}

func credentialUpdate(c *check) {
	c.says("UpdateCredential replaces Name, Data, Used and Expires, if the stored Version is c.Version, and then adds one to both.")
	u := c.addUser("ann")
	cred, other := c.addCredential("passkey", "one", u.ID), c.addCredential("passkey", "two", u.ID)
	for version := int64(2); version < 5; version++ {
		cred.Name, cred.Data = fmt.Sprint("name", version), fmt.Append(nil, "data", version)
		cred.Used, cred.Expires = past.AddDate(int(version), 0, 0), future().AddDate(int(version), 0, 0)
		c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), cred))
		if cred.Version != version {
			c.broken("UpdateCredential: c.Version is %d, want %d", cred.Version, version)
		}
		c.hasCredential(cred)
	}
	cred.Name, cred.Used, cred.Expires = "", time.Time{}, time.Time{}
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), cred))
	c.hasCredential(cred)
	c.hasCredential(other)
}

func credentialUpdateKeeps(c *check) {
	c.says("UpdateCredential replaces Name, Data, Used and Expires, if the stored Version is c.Version, and then adds one to both.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	cred := c.addCredential("passkey", "one", ann.ID)
	changed := *cred
	changed.UserID, changed.Created = bob.ID, future()
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), &changed))
	cred.Version = 2
	c.hasCredential(cred)
	c.lists(ann.ID, "passkey", "one")
	c.lists(bob.ID, "passkey")
}

func credentialConflict(c *check) {
	c.says("It returns ErrConflict if the Version differs and ErrNotFound if there is no such credential.")
	cred := c.addCredential("totp", "one", c.addUser("ann").ID)
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), cred))
	for _, version := range []int64{0, 1, 3} {
		stale := *cred
		stale.Version, stale.Data = version, []byte("stale")
		c.is("UpdateCredential", c.s.UpdateCredential(c.Context(), &stale), auth.ErrConflict)
		if stale.Version != version {
			c.broken("UpdateCredential that failed: c.Version is %d, want %d", stale.Version, version)
		}
		c.hasCredential(cred)
	}
}

func credentialUpdateTaken(c *check) {
	c.says("It returns ErrConflict if the Version differs and ErrNotFound if there is no such credential.")
	cred := c.addCredential("reset", "one", c.addUser("ann").ID)
	_, err := c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
	c.ok("TakeCredential", err)
	c.is("UpdateCredential after TakeCredential", c.s.UpdateCredential(c.Context(), cred), auth.ErrNotFound)
	c.noCredential(cred.Kind, cred.ID)
	c.lists(cred.UserID, cred.Kind)
}

func credentialTake(c *check) {
	c.says("TakeCredential removes the credential and returns it, or ErrNotFound.")
	u := c.addUser("ann")
	cred, other := c.addCredential("reset", "one", u.ID), c.addCredential("reset", "two", u.ID)
	got, err := c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
	c.ok("TakeCredential", err)
	c.same("TakeCredential", credentialText(got), credentialText(cred))
	_, err = c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
	c.is("TakeCredential again", err, auth.ErrNotFound)
	c.noCredential(cred.Kind, cred.ID)
	c.lists(u.ID, "reset", "two")
	c.hasCredential(other)
	c.ok("PutCredential with an ID that was taken away", c.s.PutCredential(c.Context(), cred))
	c.hasCredential(cred)
}

func credentialDelete(c *check) {
	c.says("DeleteCredentials removes the user's credentials of that kind, and of every kind if kind is empty.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addCredential("reset", "one", ann.ID)
	c.addCredential("reset", "two", ann.ID)
	kept, other := c.addCredential("totp", "three", ann.ID), c.addCredential("reset", "four", bob.ID)
	c.ok("DeleteCredentials", c.s.DeleteCredentials(c.Context(), ann.ID, "reset"))
	c.noCredential("reset", c.id("one"))
	c.noCredential("reset", c.id("two"))
	c.lists(ann.ID, "reset")
	c.hasCredential(kept)
	c.hasCredential(other)
}

func credentialDeleteAll(c *check) {
	c.says("DeleteCredentials removes the user's credentials of that kind, and of every kind if kind is empty.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addCredential("reset", "one", ann.ID)
	c.addCredential("totp", "two", ann.ID)
	other := c.addCredential("reset", "three", bob.ID)
	c.ok("DeleteCredentials", c.s.DeleteCredentials(c.Context(), ann.ID, ""))
	c.noCredential("reset", c.id("one"))
	c.noCredential("totp", c.id("two"))
	c.hasCredential(other)
}

const expiredCredential = "An expired credential is as good as none: no method returns it, and its ID may be used again."

func credentialExpired(c *check) {
	c.says(expiredCredential)
	u := c.addUser("ann")
	cred := c.addExpired("reset", "one", u.ID)
	c.addCredential("reset", "two", u.ID)
	c.noCredential(cred.Kind, cred.ID)
	c.lists(u.ID, "reset", "two")
	_, err := c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
	c.is("TakeCredential", err, auth.ErrNotFound)
	cred.Expires = future()
	c.is("UpdateCredential", c.s.UpdateCredential(c.Context(), cred), auth.ErrNotFound)
	cred.Version = 7
	c.is("UpdateCredential", c.s.UpdateCredential(c.Context(), cred), auth.ErrNotFound)
	c.noCredential(cred.Kind, cred.ID)
}

func credentialReuse(c *check) {
	c.says(expiredCredential)
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addExpired("reset", "one", ann.ID)
	cred := c.newCredential("reset", "one", bob.ID)
	cred.Data = []byte("new")
	c.ok("PutCredential over an expired one", c.s.PutCredential(c.Context(), cred))
	c.hasCredential(cred)
	c.lists(ann.ID, "reset")
	c.lists(bob.ID, "reset", "one")
}

func credentialUpdateExpires(c *check) {
	c.says(expiredCredential)
	cred := c.addCredential("reset", "one", c.addUser("ann").ID)
	cred.Expires = past
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), cred))
	c.noCredential(cred.Kind, cred.ID)
	c.lists(cred.UserID, cred.Kind)
}

func credentialForever(c *check) {
	c.says("An expired credential is as good as none: no method returns it, and its ID may be used again.")
	cred := c.newCredential("passkey", "one", c.addUser("ann").ID)
	cred.Expires = time.Time{} // "zero: never"
	c.ok("PutCredential", c.s.PutCredential(c.Context(), cred))
	c.hasCredential(cred)
	c.lists(cred.UserID, cred.Kind, "one")
	again := *cred
	c.is("PutCredential", c.s.PutCredential(c.Context(), &again), auth.ErrExists)
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), cred))
	_, err := c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
	c.ok("TakeCredential", err)
}

// The counts of attempts are such credentials: a store that ties each to a user lets nobody log in.
func credentialNobody(c *check) {
	c.says("A credential without a UserID is nobody's, such as the count of somebody's attempts: it is kept like any other, but no list has it, and DeleteCredentials leaves it.")
	cred := c.addCredential("throttle", "one", "")
	c.hasCredential(cred)
	cred.Data = []byte("changed")
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), cred))
	list, err := c.s.Credentials(c.Context(), "", "throttle")
	c.ok("Credentials", err)
	if len(list) > 0 {
		c.broken("Credentials of nobody: got %d, want none", len(list))
	}
	c.ok("DeleteCredentials", c.s.DeleteCredentials(c.Context(), "", "throttle"))
	c.ok("DeleteCredentials", c.s.DeleteCredentials(c.Context(), "", ""))
	c.hasCredential(cred)
	_, err = c.s.TakeCredential(c.Context(), cred.Kind, cred.ID)
	c.ok("TakeCredential", err)
}

func credentialMemory(c *check) {
	c.says("Stores share no memory with their callers: what they are given they copy, and what they return is the caller's to change.")
	cred := c.addCredential("totp", "one", c.addUser("ann").ID)
	want := *cred
	want.Data = bytes.Clone(cred.Data)
	scribble(cred)
	c.hasCredential(&want)
	got, err := c.s.Credential(c.Context(), want.Kind, want.ID)
	c.ok("Credential", err)
	scribble(got)
	list, err := c.s.Credentials(c.Context(), want.UserID, want.Kind)
	c.ok("Credentials", err)
	for _, got := range list {
		scribble(got)
	}
	c.hasCredential(&want)
	c.updateMemory(&want)
}

func (c *check) updateMemory(want *auth.Credential) {
	c.Helper()
	given := *want
	given.Data = []byte("updated")
	c.ok("UpdateCredential", c.s.UpdateCredential(c.Context(), &given))
	want.Data, want.Version = []byte("updated"), 2
	scribble(&given)
	c.hasCredential(want)
}

// scribble changes what a store must have copied.
func scribble(c *auth.Credential) {
	for i := range c.Data {
		c.Data[i] = '!'
	}
	c.UserID, c.Name, c.Expires, c.Version = "changed", "changed", past, 7
}

func credentialCancelled(c *check) {
	c.says(outcomeUnknown)
	cred, over := c.addCredential("reset", "one", c.addUser("ann").ID), c.cancelled()
	_, err := c.s.Credential(over, cred.Kind, cred.ID)
	c.honest("Credential", err)
	list, err := c.s.Credentials(over, cred.UserID, cred.Kind)
	if err == nil && len(list) != 1 {
		c.broken("Credentials with a cancelled context: got %d and no error, want 1", len(list))
	}
	c.honest("PutCredential", c.s.PutCredential(over, c.newCredential("reset", "two", cred.UserID)))
	c.honest("UpdateCredential", c.s.UpdateCredential(over, cred))
	got, err := c.s.TakeCredential(over, cred.Kind, cred.ID)
	c.honest("TakeCredential", err)
	if err == nil {
		c.same("TakeCredential", credentialText(got), credentialText(cred))
		c.noCredential(cred.Kind, cred.ID)
	}
}
