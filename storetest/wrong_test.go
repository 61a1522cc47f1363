package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

// wrong are stores with one mistake each, and a property that must find it.
var wrong = []struct {
	name  string
	store func() auth.Store
	found string
}{
	{"UpdateSessionAdds", func() auth.Store { return updateAdds{memstore.New()} }, "Sessions/UpdateNeverAdds"},
	{"UpdateSessionResurrects", func() auth.Store { return updateAdds{memstore.New()} }, "Races/DeletedStaysDeleted"},
	{"UpdateSessionErasesData", func() auth.Store { return updateErases{memstore.New()} }, "Sessions/UpdateKeepsDataIfNil"},
	{"TakeHasTwoWinners", func() auth.Store { return takeTwice{memstore.New()} }, "Races/OneTakes"},
	{"UserVersionIgnored", func() auth.Store { return anyVersion{memstore.New()} }, "Users/UpdateOfAnotherVersionConflicts"},
	{"UserVersionRace", func() auth.Store { return checkThenUpdate{memstore.New()} }, "Races/OneUpdatePerVersionOfAUser"},
	{"CredentialVersionIgnored", func() auth.Store { return anyCredentialVersion{memstore.New()} }, "Credentials/UpdateOfAnotherVersionConflicts"},
	{"LoginFoldsCase", func() auth.Store { return foldedLogin{memstore.New(), strings.ToLower} }, "Users/LoginIsComparedByteForByte"},
	{"LoginNormalized", func() auth.Store { return foldedLogin{memstore.New(), norm.NFC.String} }, "Users/LoginIsComparedByteForByte"},
	{"LoginTrimmed", func() auth.Store { return foldedLogin{memstore.New(), strings.TrimSpace} }, "Users/LoginIsComparedByteForByte"},
	{"SessionIDFoldsCase", func() auth.Store { return foldedSession{memstore.New()} }, "Sessions/IDIsComparedByteForByte"},
	{"IDIsANumber", func() auth.Store { return looseID{memstore.New()} }, "Users/IDIsComparedByteForByte"},
	{"IDUsedAgain", func() auth.Store { return &lowestID{Store: memstore.New()} }, "Users/IDIsNeverUsedAgain"},
	{"NothingWorks", func() auth.Store { return nothingWorks() }, "Users/EveryFieldIsKept"},
	{"CredentialsNeedAUser", func() auth.Store { return needsUser{memstore.New()} }, "Credentials/NobodyHasNoCredentials"},
	{"NobodyIsDeleted", func() auth.Store { return &deletesNobody{Store: memstore.New()} }, "Credentials/NobodyHasNoCredentials"},
	{"EmailTwice", func() auth.Store { return secondUserSucceeds{memstore.New()} }, "Users/EmailIsUnique"},
	{"EmailRace", func() auth.Store { return secondUserSucceeds{memstore.New()} }, "Races/OneUserPerEmail"},
	{"SharedSession", func() auth.Store { return &sharedSession{Store: memstore.New()} }, "Sessions/NoMemoryIsShared"},
	{"SharedUser", func() auth.Store { return &sharedUser{Store: memstore.New()} }, "Users/NoMemoryIsShared"},
	{"StaleUser", func() auth.Store { return &staleUser{Store: memstore.New()} }, "Sessions/UserIsCurrent"},
	{"PutOverwrites", func() auth.Store { return putOverwrites{memstore.New()} }, "Credentials/IDIsUniqueWithinTheKind"},
	{"PutKeepsVersion", func() auth.Store { return putKeepsVersion{memstore.New()} }, "Credentials/VersionBeginsAtOne"},
	{"ExpiredCredentialLives", func() auth.Store { return neverExpires{memstore.New()} }, "Credentials/ExpiredIsNone"},
	{"ReplacesAfterwards", func() auth.Store { return replacesAfterwards{memstore.New()} }, "Sessions/ReplacesNothingThatIsGone"},
	{"ReplacesFirst", func() auth.Store { return replacesFirst{memstore.New()} }, "Sessions/ReplacesNothingIfTheIDIsTaken"},
	{"ReplaceHasTwoWinners", func() auth.Store { return replacesAfterwards{memstore.New()} }, "Races/OneReplacesASession"},
	{"WholeSeconds", func() auth.Store { return wholeSeconds{memstore.New()} }, "Users/TimesAreKept"},
	{"ExceptIgnored", func() auth.Store { return exceptIgnored{memstore.New()} }, "Sessions/DeleteAllButOne"},
	{"KindIgnored", func() auth.Store { return kindIgnored{memstore.New()} }, "Credentials/DeleteByKind"},
	{"DeleteTwiceFails", func() auth.Store { return deleteTwiceFails{memstore.New()} }, "Sessions/DeleteIsFinal"},
	{"ListBackwards", func() auth.Store { return backwards{memstore.New()} }, "Sessions/ListIsLastSeenFirst"},
	{"CredentialsBackwards", func() auth.Store { return backwards{memstore.New()} }, "Credentials/ListIsOldestFirst"},
	{"CancelledIsNotFound", func() auth.Store { return cancelledIsNotFound{memstore.New()} }, "Users/CancellationNeverLies"},
	{"DeletedUserKeepsSessions", func() auth.Store { return keepsSessions{memstore.New()} }, "Users/DeleteTakesSessionsAlong"},
}

// runWrong says that the test binary runs as a child of itself, in which the
// wrong stores may fail.
const runWrong = "STORETEST_RUN_WRONG"

func TestWrongStore(t *testing.T) {
	if os.Getenv(runWrong) == "" {
		t.Skip("TestWrongStoresFail runs this in a process of its own")
	}
	for _, w := range wrong {
		t.Run(w.name, func(t *testing.T) {
			storetest.Run(t, func(*testing.T) auth.Store { return w.store() })
		})
	}
}

func TestWrongStoresFail(t *testing.T) {
	out := failing(t, "TestWrongStore")
	for _, w := range wrong {
		if !strings.Contains(out, "--- FAIL: TestWrongStore/"+w.name+"/"+w.found+" ") {
			t.Errorf("%s does not fail on %s", w.found, w.name)
		}
	}
}

// A failure names the fields that differ, and no others.
func TestFailuresNameTheField(t *testing.T) {
	out := failing(t, "TestWrongStore/WholeSeconds")
	want := "UserByID:\n\tgot  Created 2024-02-29T23:59:59Z\n\twant Created 2024-02-29T23:59:59.123456Z\n\tThe contract: "
	if !strings.Contains(unindent(out), want) {
		t.Errorf("no failure says %q:\n%s", want, out)
	}
}

// unindent takes out what package testing puts before the lines of a failure.
func unindent(out string) string { return regexp.MustCompile(`\n +`).ReplaceAllString(out, "\n") }

// failing runs a test that must fail in a process of its own, and returns what it
// prints.
func failing(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), runWrong+"=1")
	b, err := cmd.CombinedOutput()
	out := string(b)
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		t.Fatalf("%s: got error %v, want that of a test that fails:\n%s", name, err, out)
	}
	if strings.Contains(out, `The contract: ""`) {
		t.Errorf("a failure quotes no sentence:\n%s", out)
	}
	return out
}

// A store may be unable to list and delete the sessions of a user.
func TestUnsupported(t *testing.T) {
	storetest.Run(t, func(*testing.T) auth.Store { return unsupported{memstore.New()} })
}

type unsupported struct{ auth.Store }

func (unsupported) Sessions(context.Context, string) ([]*auth.SessionRecord, error) {
	return nil, errors.ErrUnsupported
}

func (unsupported) DeleteSessions(context.Context, string, string) (int, error) {
	return 0, errors.ErrUnsupported
}

type updateAdds struct{ auth.Store }

func (s updateAdds) UpdateSession(ctx context.Context, rec *auth.SessionRecord) error {
	err := s.Store.UpdateSession(ctx, rec)
	if errors.Is(err, auth.ErrNotFound) {
		return s.Store.CreateSession(ctx, rec, "")
	}
	return err
}

type updateErases struct{ auth.Store }

func (s updateErases) UpdateSession(ctx context.Context, rec *auth.SessionRecord) error {
	c := *rec
	c.Data = append([]byte{}, rec.Data...)
	return s.Store.UpdateSession(ctx, &c)
}

// window is how long a wrong store lets others in between its look and its deed:
// long enough for several of fifty to come, also on a busy machine.
const window = 20 * time.Millisecond

type takeTwice struct{ auth.Store }

func (s takeTwice) TakeCredential(ctx context.Context, kind, id string) (*auth.Credential, error) {
	c, err := s.Store.Credential(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	time.Sleep(window)
	s.Store.TakeCredential(ctx, kind, id)
	return c, nil
}

type anyVersion struct{ auth.Store }

func (s anyVersion) UpdateUser(ctx context.Context, u *auth.User) error {
	old, err := s.Store.UserByID(ctx, u.ID)
	if err != nil {
		return err
	}
	u.Version = old.Version
	return s.Store.UpdateUser(ctx, u)
}

type checkThenUpdate struct{ auth.Store }

func (s checkThenUpdate) UpdateUser(ctx context.Context, u *auth.User) error {
	old, err := s.Store.UserByID(ctx, u.ID)
	if err != nil {
		return err
	}
	if old.Version != u.Version {
		return auth.ErrConflict
	}
	time.Sleep(window)
	for {
		if err := anyVersion(s).UpdateUser(ctx, u); !errors.Is(err, auth.ErrConflict) {
			return err
		}
	}
}

type anyCredentialVersion struct{ auth.Store }

func (s anyCredentialVersion) UpdateCredential(ctx context.Context, c *auth.Credential) error {
	old, err := s.Store.Credential(ctx, c.Kind, c.ID)
	if err != nil {
		return err
	}
	c.Version = old.Version
	return s.Store.UpdateCredential(ctx, c)
}

type foldedLogin struct {
	auth.Store
	fold func(string) string
}

func (s foldedLogin) UserByLogin(ctx context.Context, login string) (*auth.User, error) {
	u, err := s.Store.UserByLogin(ctx, login)
	if errors.Is(err, auth.ErrNotFound) {
		return s.Store.UserByLogin(ctx, s.fold(login))
	}
	return u, err
}

type foldedSession struct{ auth.Store }

func (s foldedSession) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	return s.Store.Session(ctx, strings.ToLower(id))
}

// looseID finds users as a database does that makes a number of what it is asked for.
type looseID struct{ auth.Store }

func (s looseID) UserByID(ctx context.Context, id string) (*auth.User, error) {
	return s.Store.UserByID(ctx, strings.TrimLeft(strings.TrimSpace(id), "+0"))
}

// lowestID gives a user the lowest number that is free.
type lowestID struct {
	auth.Store
	mu sync.Mutex
}

func (s *lowestID) CreateUser(ctx context.Context, u *auth.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 1; ; n++ {
		if _, err := s.Store.UserByID(ctx, strconv.Itoa(n)); errors.Is(err, auth.ErrNotFound) {
			u.ID = strconv.Itoa(n)
			return s.Store.CreateUser(ctx, u)
		} else if err != nil {
			return err
		}
	}
}

// nothingWorks is a store of which nothing is written yet. Its failures quote the contract, too.
func nothingWorks() auth.Store {
	return &storetest.Faulty{Store: memstore.New(), Before: func(string) error { return errors.New("not yet") }}
}

// needsUser is what a foreign key does.
type needsUser struct{ auth.Store }

func (s needsUser) PutCredential(ctx context.Context, c *auth.Credential) error {
	if _, err := s.Store.UserByID(ctx, c.UserID); err != nil {
		return errors.New("foreign key constraint failed")
	}
	return s.Store.PutCredential(ctx, c)
}

// deletesNobody takes nobody for a user.
type deletesNobody struct {
	auth.Store
	nobodys sync.Map
}

func (s *deletesNobody) PutCredential(ctx context.Context, c *auth.Credential) error {
	if c.UserID == "" {
		s.nobodys.Store(c.ID, c.Kind)
	}
	return s.Store.PutCredential(ctx, c)
}

func (s *deletesNobody) DeleteCredentials(ctx context.Context, userID, kind string) error {
	if userID == "" {
		s.nobodys.Range(func(id, kind any) bool {
			s.Store.TakeCredential(ctx, kind.(string), id.(string))
			return true
		})
	}
	return s.Store.DeleteCredentials(ctx, userID, kind)
}

type secondUserSucceeds struct{ auth.Store }

func (s secondUserSucceeds) CreateUser(ctx context.Context, u *auth.User) error {
	if err := s.Store.CreateUser(ctx, u); !errors.Is(err, auth.ErrExists) {
		return err
	}
	return nil
}

// sharedSession keeps what it is given, and returns that.
type sharedSession struct {
	auth.Store
	records sync.Map
}

func (s *sharedSession) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	s.records.Store(rec.ID, rec)
	return s.Store.CreateSession(ctx, rec, replaces)
}

func (s *sharedSession) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	rec, u, err := s.Store.Session(ctx, id)
	if shared, ok := s.records.Load(id); ok && err == nil {
		rec = shared.(*auth.SessionRecord)
	}
	return rec, u, err
}

// sharedUser returns the same user to all who ask.
type sharedUser struct {
	auth.Store
	users sync.Map
}

func (s *sharedUser) UserByID(ctx context.Context, id string) (*auth.User, error) {
	u, err := s.Store.UserByID(ctx, id)
	if err != nil {
		return nil, err
	}
	shared, _ := s.users.LoadOrStore(id, u)
	return shared.(*auth.User), nil
}

// staleUser remembers who a session belongs to.
type staleUser struct {
	auth.Store
	users sync.Map
}

func (s *staleUser) Session(ctx context.Context, id string) (*auth.SessionRecord, *auth.User, error) {
	rec, u, err := s.Store.Session(ctx, id)
	if u == nil {
		return rec, u, err
	}
	first, _ := s.users.LoadOrStore(u.ID, *u)
	c := first.(auth.User)
	return rec, &c, err
}

type putOverwrites struct{ auth.Store }

func (s putOverwrites) PutCredential(ctx context.Context, c *auth.Credential) error {
	s.Store.TakeCredential(ctx, c.Kind, c.ID)
	return s.Store.PutCredential(ctx, c)
}

type putKeepsVersion struct{ auth.Store }

func (s putKeepsVersion) PutCredential(ctx context.Context, c *auth.Credential) error {
	copied := *c
	return s.Store.PutCredential(ctx, &copied)
}

type neverExpires struct{ auth.Store }

func (s neverExpires) PutCredential(ctx context.Context, c *auth.Credential) error {
	copied := *c
	copied.Expires = time.Time{}
	err := s.Store.PutCredential(ctx, &copied)
	c.Version = copied.Version
	return err
}

type replacesAfterwards struct{ auth.Store }

func (s replacesAfterwards) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	if err := s.Store.CreateSession(ctx, rec, ""); err != nil {
		return err
	}
	return s.Store.DeleteSession(ctx, replaces)
}

type replacesFirst struct{ auth.Store }

func (s replacesFirst) CreateSession(ctx context.Context, rec *auth.SessionRecord, replaces string) error {
	if replaces == "" {
		return s.Store.CreateSession(ctx, rec, "")
	}
	if _, _, err := s.Store.Session(ctx, replaces); err != nil {
		return err
	}
	s.Store.DeleteSession(ctx, replaces)
	return s.Store.CreateSession(ctx, rec, "")
}

type wholeSeconds struct{ auth.Store }

func (s wholeSeconds) UserByID(ctx context.Context, id string) (*auth.User, error) {
	u, err := s.Store.UserByID(ctx, id)
	if err == nil {
		u.Created = u.Created.Truncate(time.Second)
	}
	return u, err
}

type exceptIgnored struct{ auth.Store }

func (s exceptIgnored) DeleteSessions(ctx context.Context, userID, _ string) (int, error) {
	return s.Store.DeleteSessions(ctx, userID, "")
}

type kindIgnored struct{ auth.Store }

func (s kindIgnored) DeleteCredentials(ctx context.Context, userID, _ string) error {
	return s.Store.DeleteCredentials(ctx, userID, "")
}

type deleteTwiceFails struct{ auth.Store }

func (s deleteTwiceFails) DeleteSession(ctx context.Context, id string) error {
	if _, _, err := s.Store.Session(ctx, id); err != nil {
		return err
	}
	return s.Store.DeleteSession(ctx, id)
}

type backwards struct{ auth.Store }

func (s backwards) Sessions(ctx context.Context, userID string) ([]*auth.SessionRecord, error) {
	list, err := s.Store.Sessions(ctx, userID)
	slices.Reverse(list)
	return list, err
}

func (s backwards) Credentials(ctx context.Context, userID, kind string) ([]*auth.Credential, error) {
	list, err := s.Store.Credentials(ctx, userID, kind)
	slices.Reverse(list)
	return list, err
}

type cancelledIsNotFound struct{ auth.Store }

func (s cancelledIsNotFound) UserByID(ctx context.Context, id string) (*auth.User, error) {
	u, err := s.Store.UserByID(ctx, id)
	if err != nil {
		return nil, auth.ErrNotFound
	}
	return u, nil
}

type keepsSessions struct{ auth.Store }

func (s keepsSessions) DeleteUser(ctx context.Context, id string) error {
	list, _ := s.Store.Sessions(ctx, id)
	err := s.Store.DeleteUser(ctx, id)
	for _, rec := range list {
		s.Store.CreateSession(ctx, rec, "")
	}
	return err
}
