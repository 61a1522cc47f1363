// Package storetest checks stores against the contracts of package auth.
//
// A store that passes is fit for an [auth.Manager]: it keeps no two users of one
// email, lets a secret be used once, and never brings an ended session back.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) auth.Store { return mystore.New(db) })
//	}
//
// # To write a store
//
// Most applications need one of three parts of their own, and that is the users. Let another
// store do the rest, in the test as in the application:
//
//	rest := memstore.New()
//	store := auth.Stores{UserStore: own, CredentialStore: rest, SessionStore: rest}
//	storetest.Run(t, func(*testing.T) auth.Store { return store })
//
// CreateUser and UserByID come first, for every check of the users begins with them; let the other
// methods return an error meanwhile, and no panic, which would end the whole run. Go on in this order:
//
//	go test -run 'TestStore/Users/(EveryField|Times|Long|Version)' .   CreateUser, UserByID, UserByLogin
//	go test -run 'TestStore/Users/(EmailIs|IDIsUnique|Login|Look)' .   ErrExists; nothing is folded
//	go test -run 'TestStore/Users' .                                   UpdateUser, DeleteUser, ErrNotFound
//	go test -race -run 'TestStore' .                                   all of it, and the races
//
// Give Run the database that the application has, with its collation, its isolation level and as many
// connections: that is where most goes wrong. The guide docs/own-store.md goes through an example, and says
// what each check protects from.
//
// # To read a failure
//
// A failure names the call, what came of it, and the sentence of the contract that is broken, which
// stands in the comment of the method, or of its interface:
//
//	--- FAIL: TestStore/Users/TimesAreKept
//	    Created: got 2024-02-29 23:59:59 +0000 UTC, want 2024-02-29 23:59:59.123456 +0000 UTC
//	        The contract: "Times come back equal to the microsecond; the zero time stays zero."
//
// Of records that differ only the fields are shown that do. A check that is skipped says why, and is none of
// the store's faults: it is about what a store may lack, or may decide. Those of a store of users alone are
// Users/DeleteTakesSessionsAlong and Users/DeleteTakesCredentialsAlong, since they are kept elsewhere
// and the Manager deletes them there, and, where the store chooses its own IDs, Users/IDIsUnique.
//
// # When a store fails
//
// [Faulty] makes any store fail at the step that a test names, and so shows what becomes of the
// application then.
package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth"
)

// Run runs the whole suite, each check as a subtest with a store from newStore.
//
// The stores may be one and the same and need not be empty: every check makes
// users, credentials and sessions of its own, and leaves some behind. They may
// be mixed, as [auth.Stores] are. What a store may lack, such as a list of a
// user's sessions, is skipped with the reason.
//
// No verdict depends on the time a call takes. Run the suite with the race
// detector: that is how it finds memory that a store shares unguarded.
func Run(t *testing.T, newStore func(t *testing.T) auth.Store) {
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, p := range group.properties {
				t.Run(p.name, func(t *testing.T) {
					p.check(&check{T: t, s: newStore(t), unique: strings.ToLower(rand.Text()[:10])})
				})
			}
		})
	}
}

// property is what a store must have.
type property struct {
	name  string
	check func(*check)
}

var groups = []struct {
	name       string
	properties []property
}{
	{"Users", users},
	{"Credentials", credentials},
	{"Sessions", sessions},
	{"Races", races},
}

// check is one run of one property.
type check struct {
	*testing.T
	s        auth.Store
	unique   string // makes the records of this run differ from all others
	contract string // the sentence being checked
}

// says quotes the sentence of the contract that the following lines check.
func (c *check) says(sentence string) { c.contract = sentence }

// broken reports that the store does not do as the contract says.
func (c *check) broken(format string, args ...any) {
	c.Helper()
	c.Errorf("%s\n\tThe contract: %q", fmt.Sprintf(format, args...), c.contract)
}

// is checks an error that the contract names.
func (c *check) is(what string, got, want error) {
	c.Helper()
	if !errors.Is(got, want) {
		c.broken("%s: got error %v, want %v", what, got, want)
	}
}

// ok ends the check if err is not nil.
func (c *check) ok(what string, err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: got error %v, want none\n\tThe contract: %q", what, err, c.contract)
	}
}

// same compares two records as text, a line for each field: see userText and its like.
func (c *check) same(what, got, want string) {
	c.Helper()
	if got != want {
		got, want = differing(got, want)
		c.broken("%s:\n\tgot  %s\n\twant %s", what, got, want)
	}
}

// differing returns the lines of two texts that differ, or all if there is not one for one.
func differing(got, want string) (string, string) {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(a) == len(b) {
		var onlyA, onlyB []string
		for i := range a {
			if a[i] != b[i] {
				onlyA, onlyB = append(onlyA, a[i]), append(onlyB, b[i])
			}
		}
		a, b = onlyA, onlyB
	}
	return strings.Join(a, ", "), strings.Join(b, ", ")
}

// id returns an ID that no other run uses.
func (c *check) id(name string) string { return c.unique + "-" + name }

// email returns an email that no other run uses.
func (c *check) email(name string) string { return name + "." + c.unique + "@example.com" }

// past is a time at which something has expired, whatever the clock of a
// database says. So are the other times for Created and the like.
var past = time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)

// future returns a time at which nothing has expired yet.
func future() time.Time { return time.Now().Add(24 * time.Hour).Truncate(time.Microsecond) }

// instants are times that stores are known to lose something of.
var instants = []time.Time{
	past,
	past.In(time.FixedZone("east", 5*3600+1800)),
	past.In(time.FixedZone("west", -9*3600)),
	past.Truncate(time.Second),
	past.Add(999 * time.Nanosecond),
	time.Date(1969, 7, 20, 20, 17, 40, 1000, time.UTC),
	time.Unix(0, 0),
	time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), // more nanoseconds than an int64 counts
	{},
}

// sameTime compares two times to the microsecond.
func (c *check) sameTime(what string, got, want time.Time) {
	c.Helper()
	if d := got.Sub(want); d <= -time.Microsecond || d >= time.Microsecond || got.IsZero() != want.IsZero() {
		c.broken("%s: got %v, want %v", what, got, want)
	}
}

// stamp writes a time so that equal ones look equal, in any zone.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "zero"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// lookalikes are pairs of different addresses that some comparison takes for
// one: of case, accents, compatibility, or width.
var lookalikes = [][2]string{
	{"rené", "rene"},
	{"rené", "renÉ"},
	{"rené", "rene\u0301"},
	{"straße", "strasse"},
	{"kim", "\u212aim"}, // the Kelvin sign
	{"i", "ı"},
	{"office", "oﬃce"},
	{"ann", "ａnn"},
	{"anna", "аnna"}, // a Cyrillic letter
	{"ο", "o"},
	{"zero\u200bwidth", "zerowidth"},
}

// strangeLogins are what visitors type who have no account, or who look for one
// that is not theirs.
var strangeLogins = []string{
	"", " ", "nobody", "%", "_", "*", "' OR ''='", "\x00", "\xff\xfe@example.com", "\U0001F511",
	strings.Repeat("a", 70_000),
}

// blobs are contents of Data.
var blobs = []struct {
	name string
	data []byte
}{
	{"nil", nil},
	{"empty", []byte{}},
	{"zero byte", []byte{0}},
	{"no text", []byte("\x00\xff'\"\\\xed\xa0\x80\n")},
	{"long", []byte(strings.Repeat("0123456789", 10_000))},
}
