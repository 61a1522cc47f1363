package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

var sessions = []property{
	{"EveryFieldIsKept", sessionFields},
	{"TimesAreKept", sessionTimes},
	{"DataIsKept", sessionData},
	{"LongValuesAreKept", sessionLongValues},
	{"UserComesAlong", sessionUser},
	{"UserIsCurrent", sessionUserCurrent},
	{"GuestHasNoUser", sessionGuest},
	{"UnknownUserIsNoError", sessionUnknownUser},
	{"UnknownIsNotFound", sessionUnknown},
	{"IDIsUnique", sessionUnique},
	{"IDIsComparedByteForByte", sessionBytes},
	{"ReplacesBoth", sessionReplaces},
	{"ReplacesNothingThatIsGone", sessionReplacesGone},
	{"ReplacesNothingIfTheIDIsTaken", sessionReplacesTaken},
	{"UpdateStoresThreeFields", sessionUpdate},
	{"UpdateOfNothingIsNoError", sessionUpdateSame},
	{"UpdateKeepsDataIfNil", sessionUpdateNil},
	{"UpdateNeverAdds", sessionUpdateDeleted},
	{"ExpiredIsNone", sessionExpired},
	{"ExpiredIDMayBeUsedAgain", sessionReuse},
	{"UpdateMayExpire", sessionUpdateExpires},
	{"ListIsLastSeenFirst", sessionList},
	{"DeleteIsFinal", sessionDelete},
	{"DeleteAllButOne", sessionDeleteExcept},
	{"DeleteAll", sessionDeleteAll},
	{"NobodyHasNoSessions", sessionNobody},
	{"NoMemoryIsShared", sessionMemory},
	{"CancellationNeverLies", sessionCancelled},
}

// newSession returns a session with something in every field.
func (c *check) newSession(name, userID string) *auth.SessionRecord {
	return &auth.SessionRecord{
		ID: c.id(name), UserID: userID, Created: past, LastSeen: past.AddDate(0, 1, 0), Expires: future(),
		Address: "2001:db8::1", Agent: "Mozilla/5.0 (" + name + "; ä\U0001F511)", Data: []byte("data of " + name),
	}
}

// addSession adds a new session to the store.
func (c *check) addSession(name, userID string) *auth.SessionRecord {
	c.Helper()
	rec := c.newSession(name, userID)
	c.ok("CreateSession", c.s.CreateSession(c.Context(), rec, ""))
	return rec
}

// addOver adds a session that expired long ago.
func (c *check) addOver(name, userID string) *auth.SessionRecord {
	c.Helper()
	rec := c.newSession(name, userID)
	rec.Expires = past
	c.ok("CreateSession", c.s.CreateSession(c.Context(), rec, ""))
	return rec
}

func sessionText(s *auth.SessionRecord) string {
	if s == nil {
		return "no session"
	}
	return fmt.Sprintf("ID %q\nUserID %q\nCreated %s\nLastSeen %s\nExpires %s\nAddress %q\nAgent %q\nData %.60q (%d bytes)",
		s.ID, s.UserID, stamp(s.Created), stamp(s.LastSeen), stamp(s.Expires), s.Address, s.Agent, s.Data, len(s.Data))
}

// hasSession checks that the store has exactly want.
func (c *check) hasSession(want *auth.SessionRecord) {
	c.Helper()
	got, _, err := c.s.Session(c.Context(), want.ID)
	c.ok("Session", err)
	c.same("Session", sessionText(got), sessionText(want))
	if got != nil && !bytes.Equal(got.Data, want.Data) {
		c.broken("Session: Data of %d bytes changed", len(want.Data))
	}
}

// noSession checks that there is no session with that ID.
func (c *check) noSession(id string) {
	c.Helper()
	_, _, err := c.s.Session(c.Context(), id)
	c.is("Session", err, auth.ErrNotFound)
}

// noUpdate checks that a session that is gone or expired stays so, with and
// without Data.
func (c *check) noUpdate(rec *auth.SessionRecord) {
	c.Helper()
	given := *rec
	given.Expires = future()
	for _, data := range [][]byte{[]byte("back again"), nil} {
		given.Data = data
		c.is("UpdateSession of a session that is over", c.s.UpdateSession(c.Context(), &given), auth.ErrNotFound)
		c.noSession(rec.ID)
	}
}

// listsSessions checks the IDs of the user's sessions, if the store can list them.
func (c *check) listsSessions(userID string, names ...string) {
	c.Helper()
	list, err := c.s.Sessions(c.Context(), userID)
	if !c.supported("Sessions", err) {
		return
	}
	var got, want []string
	for _, rec := range list {
		got = append(got, rec.ID)
	}
	for _, name := range names {
		want = append(want, c.id(name))
	}
	c.same("Sessions", fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
}

// supported ends the check if err is not nil, unless the store says that it cannot do
// this, and then reports false.
func (c *check) supported(what string, err error) bool {
	c.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		return false
	}
	c.ok(what, err)
	return true
}

// needs is like supported, but skips a check that is about nothing else.
func (c *check) needs(what string, err error) {
	c.Helper()
	if !c.supported(what, err) {
		c.Skip(what, "is not supported by this store:", err)
	}
}

func sessionFields(c *check) {
	c.says("It returns ErrNotFound if there is no such session.")
	u := c.addUser("ann")
	one, two, guest := c.addSession("one", u.ID), c.addSession("two", u.ID), c.addSession("guest", "")
	c.hasSession(one)
	c.hasSession(two)
	c.hasSession(guest)
	list, err := c.s.Sessions(c.Context(), u.ID)
	if !c.supported("Sessions", err) {
		return
	}
	if len(list) != 2 {
		c.broken("Sessions: got %d, want 2", len(list))
		return
	}
	c.same("Sessions", sessionText(list[0]), sessionText(one))
}

func sessionTimes(c *check) {
	c.says("Times come back equal to the microsecond; the zero time stays zero.")
	for i, t := range instants {
		rec := c.newSession(fmt.Sprint("session", i), "")
		rec.Created, rec.LastSeen, rec.Expires = t, t, future().Add(time.Microsecond)
		c.ok("CreateSession", c.s.CreateSession(c.Context(), rec, ""))
		got, _, err := c.s.Session(c.Context(), rec.ID)
		c.ok("Session", err)
		c.sameTime("Created", got.Created, t)
		c.sameTime("LastSeen", got.LastSeen, t)
		c.sameTime("Expires", got.Expires, rec.Expires)
	}
}

func sessionData(c *check) {
	c.says("UpdateSession stores LastSeen and Expires, and Data unless it is nil, in the session that has s's ID; other fields do not change.")
	for _, blob := range blobs {
		rec := c.newSession(blob.name, "")
		rec.Data = blob.data
		c.ok("CreateSession with "+blob.name+" Data", c.s.CreateSession(c.Context(), rec, ""))
		c.hasSession(rec)
		for _, next := range blobs[1:] { // nil comes in sessionUpdateNil
			rec.Data = next.data
			c.ok("UpdateSession with "+next.name+" Data", c.s.UpdateSession(c.Context(), rec))
			c.hasSession(rec)
		}
	}
}

func sessionLongValues(c *check) {
	c.says("It returns ErrExists if s.ID is taken.")
	one := c.newSession(strings.Repeat("x", 100), "")
	one.Address = "fe80:0000:0000:0000:0000:0000:192.168.100.228%enp0s31f6.1000"
	one.Agent = strings.Repeat("Mozilla/5.0 ", 40)
	two := c.newSession(strings.Repeat("x", 99)+"y", "")
	two.Address, two.Agent, two.Data = "", "", nil
	c.ok("CreateSession", c.s.CreateSession(c.Context(), one, ""))
	c.ok("CreateSession with an ID that differs at its end", c.s.CreateSession(c.Context(), two, ""))
	c.hasSession(one)
	c.hasSession(two)
}

const sessionReturns = "Session returns the session, and with it the user it belongs to if the store keeps users too: both in one round trip, for this is asked at every request."

// hasSessionUser checks the user that comes with a session, if one does.
func (c *check) hasSessionUser(id string, want *auth.User) {
	c.Helper()
	_, u, err := c.s.Session(c.Context(), id)
	c.ok("Session", err)
	if u != nil {
		c.same("Session's user", userText(u), userText(want))
	}
}

func sessionUser(c *check) {
	c.says(sessionReturns)
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addSession("one", ann.ID)
	c.addSession("two", bob.ID)
	c.hasSessionUser(c.id("one"), ann)
	c.hasSessionUser(c.id("two"), bob)
}

func sessionUserCurrent(c *check) {
	c.says(sessionReturns)
	u := c.addUser("ann")
	c.addSession("one", u.ID)
	c.hasSessionUser(c.id("one"), u)
	u.Stamp, u.Disabled, u.Confirmed = "changed", past, time.Time{}
	c.ok("UpdateUser", c.s.UpdateUser(c.Context(), u))
	c.hasSessionUser(c.id("one"), u)
}

func sessionGuest(c *check) {
	c.says("A nil user means: ask the UserStore.")
	c.addUser("ann")
	c.addSession("guest", "")
	c.hasSessionUser(c.id("guest"), nil)
}

func sessionUnknownUser(c *check) {
	c.says("A nil user means: ask the UserStore.")
	rec := c.newSession("one", c.id("nobody"))
	if err := c.s.CreateSession(c.Context(), rec, ""); err != nil {
		c.Skip("the store keeps no session of a user it does not know:", err)
	}
	c.hasSession(rec)
	c.hasSessionUser(rec.ID, nil)
}

func sessionUnknown(c *check) {
	c.says("It returns ErrNotFound if there is no such session.")
	c.addSession("one", "")
	for _, id := range []string{"", c.id("two"), c.id("on_"), c.id("%"), c.id("one\x00")} {
		c.noSession(id)
	}
	c.says("It returns ErrNotFound if there is no such session, and then adds none.")
	c.noUpdate(c.newSession("two", ""))
	c.says("One that is gone already is no error.")
	c.ok("DeleteSession", c.s.DeleteSession(c.Context(), c.id("two")))
	c.says("None is no error.")
	c.listsSessions(c.id("nobody"))
	n, err := c.s.DeleteSessions(c.Context(), c.id("nobody"), "")
	if c.supported("DeleteSessions", err) && n != 0 {
		c.broken("DeleteSessions of an unknown user: removed %d", n)
	}
}

func sessionUnique(c *check) {
	c.says("It returns ErrExists if s.ID is taken.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	rec := c.addSession("one", ann.ID)
	again := c.newSession("one", bob.ID)
	again.Data = []byte("other")
	c.is("CreateSession", c.s.CreateSession(c.Context(), again, ""), auth.ErrExists)
	c.hasSession(rec)
}

func sessionBytes(c *check) {
	c.says("It returns ErrNotFound if there is no such session.")
	rec := c.addSession("kiwi", "")
	for _, name := range []string{"KIWI", "kiwi ", " kiwi", "\u212aiwi", "k_wi"} {
		c.noSession(c.id(name))
		c.ok("DeleteSession", c.s.DeleteSession(c.Context(), c.id(name)))
	}
	other := c.addSession("Kiwi", "")
	c.hasSession(rec)
	c.hasSession(other)
}

const replaces = "If replaces is not empty it also deletes the session with that ID, both or neither, and returns ErrNotFound if that one is gone or expired."

func sessionReplaces(c *check) {
	c.says(replaces)
	u := c.addUser("ann")
	old, other := c.addSession("old", ""), c.addSession("other", u.ID)
	next := c.newSession("new", u.ID)
	c.ok("CreateSession", c.s.CreateSession(c.Context(), next, old.ID))
	c.hasSession(next)
	c.hasSession(other)
	c.noSession(old.ID)
	c.noUpdate(old)
}

func sessionReplacesGone(c *check) {
	c.says(replaces)
	c.addOver("over", "")
	for _, old := range []string{c.id("never"), c.id("over")} {
		c.is("CreateSession", c.s.CreateSession(c.Context(), c.newSession("new", ""), old), auth.ErrNotFound)
		c.noSession(c.id("new"))
	}
	old := c.addSession("old", "")
	c.ok("DeleteSession", c.s.DeleteSession(c.Context(), old.ID))
	c.is("CreateSession", c.s.CreateSession(c.Context(), c.newSession("new", ""), old.ID), auth.ErrNotFound)
	c.noSession(c.id("new"))
	c.noSession(old.ID)
}

func sessionReplacesTaken(c *check) {
	c.says(replaces)
	u := c.addUser("ann")
	old, taken := c.addSession("old", ""), c.addSession("taken", u.ID)
	c.is("CreateSession", c.s.CreateSession(c.Context(), c.newSession("taken", ""), old.ID), auth.ErrExists)
	c.hasSession(old)
	c.hasSession(taken)
}

func sessionUpdate(c *check) {
	c.says("UpdateSession stores LastSeen and Expires, and Data unless it is nil, in the session that has s's ID; other fields do not change.")
	ann, bob := c.addUser("ann"), c.addUser("bob")
	rec, other := c.addSession("one", ann.ID), c.addSession("two", ann.ID)
	rec.LastSeen, rec.Expires, rec.Data = past.AddDate(1, 0, 0), future().AddDate(0, 1, 0), []byte("changed")
	given := *rec
	given.UserID, given.Created, given.Address, given.Agent = bob.ID, future(), "changed", "changed"
	c.ok("UpdateSession", c.s.UpdateSession(c.Context(), &given))
	c.hasSession(rec)
	c.hasSession(other)
	c.hasSessionUser(rec.ID, ann)
	c.listsSessions(bob.ID)
}

func sessionUpdateSame(c *check) {
	c.says("It returns ErrNotFound if there is no such session, and then adds none.")
	rec := c.addSession("one", "")
	for range 2 {
		c.ok("UpdateSession that changes nothing", c.s.UpdateSession(c.Context(), rec))
	}
	c.hasSession(rec)
}

func sessionUpdateNil(c *check) {
	c.says("UpdateSession stores LastSeen and Expires, and Data unless it is nil, in the session that has s's ID; other fields do not change.")
	rec := c.addSession("one", "")
	rec.LastSeen = past.AddDate(1, 0, 0)
	given := *rec
	given.Data = nil
	c.ok("UpdateSession with nil Data", c.s.UpdateSession(c.Context(), &given))
	c.hasSession(rec)
	given.Data = []byte{}
	c.ok("UpdateSession with empty Data", c.s.UpdateSession(c.Context(), &given))
	c.hasSession(&given)
}

func sessionUpdateDeleted(c *check) {
	c.says("A session that was deleted never comes back: no method but CreateSession adds one.")
	u := c.addUser("ann")
	rec := c.addSession("one", u.ID)
	c.ok("DeleteSession", c.s.DeleteSession(c.Context(), rec.ID))
	c.noUpdate(rec)
	c.listsSessions(u.ID)
}

const expiredSession = "An expired session is as good as none."

func sessionExpired(c *check) {
	c.says(expiredSession)
	u := c.addUser("ann")
	rec := c.addOver("over", u.ID)
	c.addSession("live", u.ID)
	c.noSession(rec.ID)
	c.noUpdate(rec)
	c.ok("DeleteSession of an expired one", c.s.DeleteSession(c.Context(), rec.ID))
	c.addOver("over again", u.ID)
	c.listsSessions(u.ID, "live")
	n, err := c.s.DeleteSessions(c.Context(), u.ID, "")
	if c.supported("DeleteSessions", err) && n != 1 {
		c.broken("DeleteSessions of one session and an expired one: removed %d, want 1", n)
	}
}

func sessionReuse(c *check) {
	c.says(expiredSession)
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addOver("one", ann.ID)
	rec := c.newSession("one", bob.ID)
	c.ok("CreateSession over an expired one", c.s.CreateSession(c.Context(), rec, ""))
	c.hasSession(rec)
	c.addOver("two", ann.ID)
	next := c.newSession("two", bob.ID)
	c.ok("CreateSession over an expired one", c.s.CreateSession(c.Context(), next, rec.ID))
	c.hasSession(next)
	c.noSession(rec.ID)
	c.listsSessions(ann.ID)
	c.listsSessions(bob.ID, "two")
}

func sessionUpdateExpires(c *check) {
	c.says(expiredSession)
	u := c.addUser("ann")
	rec := c.addSession("one", u.ID)
	rec.Expires = past
	c.ok("UpdateSession", c.s.UpdateSession(c.Context(), rec))
	c.noSession(rec.ID)
	c.is("CreateSession that replaces it", c.s.CreateSession(c.Context(), c.newSession("two", u.ID), rec.ID), auth.ErrNotFound)
	c.listsSessions(u.ID)
}

func sessionList(c *check) {
	c.says("Sessions returns the user's sessions, the last seen first, and by ID where they were seen at one time.")
	_, err := c.s.Sessions(c.Context(), c.id("nobody"))
	c.needs("Sessions", err)
	ann, bob := c.addUser("ann"), c.addUser("bob")
	for i, name := range []string{"e", "c", "a", "d", "b"} {
		rec := c.newSession(name, ann.ID)
		rec.LastSeen = past.Add(time.Duration(i/2) * time.Microsecond)
		c.ok("CreateSession", c.s.CreateSession(c.Context(), rec, ""))
	}
	c.addSession("f", bob.ID)
	c.addSession("g", "")
	c.listsSessions(ann.ID, "b", "a", "d", "c", "e")
	c.listsSessions(bob.ID, "f")
	seen := c.newSession("e", ann.ID)
	c.ok("UpdateSession", c.s.UpdateSession(c.Context(), seen))
	c.listsSessions(ann.ID, "e", "b", "a", "d", "c")
}

func sessionDelete(c *check) {
	c.says("DeleteSession removes the session.")
	u := c.addUser("ann")
	rec, other := c.addSession("one", u.ID), c.addSession("two", u.ID)
	c.ok("DeleteSession", c.s.DeleteSession(c.Context(), rec.ID))
	c.noSession(rec.ID)
	c.hasSession(other)
	c.says("One that is gone already is no error.")
	c.ok("DeleteSession again", c.s.DeleteSession(c.Context(), rec.ID))
	c.listsSessions(u.ID, "two")
}

// deleteSessions checks how many sessions of the user DeleteSessions removes.
func (c *check) deleteSessions(userID, except string, want int) {
	c.Helper()
	n, err := c.s.DeleteSessions(c.Context(), userID, except)
	c.needs("DeleteSessions", err)
	if n != want {
		c.broken("DeleteSessions: removed %d, want %d", n, want)
	}
}

const deleteSessions = "DeleteSessions removes the user's sessions but the one with the ID except, which may be empty, and returns how many it removed."

func sessionDeleteExcept(c *check) {
	c.says(deleteSessions)
	ann, bob := c.addUser("ann"), c.addUser("bob")
	kept := c.addSession("one", ann.ID)
	c.addSession("two", ann.ID)
	c.addSession("three", ann.ID)
	other, guest := c.addSession("four", bob.ID), c.addSession("five", "")
	c.deleteSessions(ann.ID, kept.ID, 2)
	c.hasSession(kept)
	c.noSession(c.id("two"))
	c.noSession(c.id("three"))
	c.hasSession(other)
	c.hasSession(guest)
	c.deleteSessions(ann.ID, kept.ID, 0)
	c.hasSession(kept)
}

func sessionDeleteAll(c *check) {
	c.says(deleteSessions)
	ann, bob := c.addUser("ann"), c.addUser("bob")
	c.addSession("one", ann.ID)
	c.addSession("two", ann.ID)
	other := c.addSession("three", bob.ID)
	c.deleteSessions(ann.ID, other.ID, 2)
	c.noSession(c.id("one"))
	c.noSession(c.id("two"))
	c.hasSession(other)
	c.deleteSessions(bob.ID, "", 1)
	c.noSession(other.ID)
}

func sessionNobody(c *check) {
	c.says(deleteSessions)
	guest := c.addSession("guest", "") // "empty: nobody is logged in"
	c.listsSessions("")
	c.deleteSessions("", "", 0)
	c.hasSession(guest)
}

func sessionMemory(c *check) {
	c.says("Stores share no memory with their callers: what they are given they copy, and what they return is the caller's to change.")
	u := c.addUser("ann")
	rec := c.addSession("one", u.ID)
	want := *rec
	want.Data = bytes.Clone(rec.Data)
	scribbleSession(rec)
	c.hasSession(&want)
	got, user, err := c.s.Session(c.Context(), want.ID)
	c.ok("Session", err)
	scribbleSession(got)
	if user != nil {
		user.Stamp, user.Email = "changed", "changed"
	}
	c.hasSession(&want)
	c.hasSessionUser(want.ID, u)
	c.updateSessionMemory(&want)
}

func (c *check) updateSessionMemory(want *auth.SessionRecord) {
	c.Helper()
	given := *want
	given.Data = []byte("updated")
	c.ok("UpdateSession", c.s.UpdateSession(c.Context(), &given))
	want.Data = []byte("updated")
	scribbleSession(&given)
	c.hasSession(want)
	list, err := c.s.Sessions(c.Context(), want.UserID)
	if !c.supported("Sessions", err) {
		return
	}
	for _, got := range list {
		scribbleSession(got)
	}
	c.hasSession(want)
}

// scribbleSession changes what a store must have copied.
func scribbleSession(s *auth.SessionRecord) {
	for i := range s.Data {
		s.Data[i] = '!'
	}
	s.UserID, s.Agent, s.Expires = "changed", "changed", past
}

func sessionCancelled(c *check) {
	c.says(outcomeUnknown)
	old, over := c.addSession("old", ""), c.cancelled()
	_, _, err := c.s.Session(over, old.ID)
	c.honest("Session", err)
	c.honest("UpdateSession", c.s.UpdateSession(over, old))
	c.honest("CreateSession", c.s.CreateSession(over, c.newSession("new", ""), old.ID))
	_, _, errOld := c.s.Session(c.Context(), old.ID)
	_, _, errNew := c.s.Session(c.Context(), c.id("new"))
	if (errOld == nil) == (errNew == nil) {
		c.broken("after a cancelled CreateSession: the old session says %v, the new one %v, want exactly one of them", errOld, errNew)
	}
	c.honest("DeleteSession", c.s.DeleteSession(over, old.ID))
}
