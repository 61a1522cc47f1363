package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/storetest"
)

func testDatabase(t *testing.T) *sql.DB {
	t.Helper()
	db, err := openSQLite(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func testStores(t *testing.T, db *sql.DB) (*members, auth.Store) {
	t.Helper()
	own, store, err := openStores(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return own, store
}

// The application's table, and ours for the rest, are held to the contract together.
func TestStore(t *testing.T) {
	_, store := testStores(t, testDatabase(t))
	storetest.Run(t, func(*testing.T) auth.Store { return store })
}

// So is the table that an earlier application has left.
func TestAdoptedStore(t *testing.T) {
	db := testDatabase(t)
	must(t, bringAlong(t.Context(), db))
	_, store := testStores(t, db)
	storetest.Run(t, func(*testing.T) auth.Store { return store })
}

// Each user who was there before gets a stamp that nobody knows.
func TestAdoptedStamps(t *testing.T) {
	db := testDatabase(t)
	must(t, bringAlong(t.Context(), db))
	own, _ := testStores(t, db)
	ann, err := own.UserByID(t.Context(), "7")
	must(t, err)
	bob, err := own.UserByID(t.Context(), "9")
	must(t, err)
	if len(ann.Stamp) != 32 || len(bob.Stamp) != 32 || ann.Stamp == bob.Stamp {
		t.Errorf("the stamps are %q and %q", ann.Stamp, bob.Stamp)
	}
}

// What the contract says nothing of: the application's own columns.
func TestMember(t *testing.T) {
	own, _ := testStores(t, testDatabase(t))
	want := Member{DisplayName: "Ann", Plan: "pro", CreatedBy: "admin"}
	u := &auth.User{Email: "ann@example.com", Stamp: "stamp", Value: &want}
	must(t, own.CreateUser(t.Context(), u))
	if u.ID != "1" {
		t.Errorf("the database chose the ID %q", u.ID)
	}
	wantMember(t, own, u.ID, want)

	must(t, own.UpdateUser(t.Context(), &auth.User{ID: u.ID, Version: 1, Email: u.Email, Stamp: "changed"}))
	wantMember(t, own, u.ID, want)
	if err := own.save(t.Context(), u, &Member{DisplayName: "Eve", Plan: "free"}); !errors.Is(err, auth.ErrConflict) {
		t.Errorf("save with the version of before the update: got error %v", err)
	}
	wantMember(t, own, u.ID, want)

	u.Version = 2
	want = Member{DisplayName: "Ann Lee", Plan: "free", CreatedBy: "admin"}
	must(t, own.save(t.Context(), u, &Member{DisplayName: "Ann Lee", Plan: "free", CreatedBy: "nobody"}))
	wantMember(t, own, u.ID, want)
	got, err := own.UserByID(t.Context(), u.ID)
	must(t, err)
	if got.Stamp != "changed" || got.Version != 3 {
		t.Errorf("after save: Stamp %q, Version %d", got.Stamp, got.Version)
	}
	must(t, own.DeleteUser(t.Context(), u.ID))
	if err := own.save(t.Context(), got, &want); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("save for a deleted user: got error %v", err)
	}
}

func wantMember(t *testing.T, own *members, id string, want Member) {
	t.Helper()
	u, err := own.UserByID(t.Context(), id)
	must(t, err)
	if got, _ := u.Value.(*Member); got == nil || *got != want {
		t.Errorf("the member is %+v, want %+v", got, want)
	}
}

// Of several who save over the same version, one does.
func TestSaveOfOneOfMany(t *testing.T) {
	own, _ := testStores(t, testDatabase(t))
	u := &auth.User{Email: "ann@example.com"}
	must(t, own.CreateUser(t.Context(), u))
	won := make(chan bool)
	for i := range 20 {
		go func() {
			won <- own.save(context.WithoutCancel(t.Context()), u, &Member{DisplayName: strconv.Itoa(i), Plan: "free"}) == nil
		}()
	}
	n := 0
	for range 20 {
		if <-won {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of 20 saved over the same version", n)
	}
}

// Addresses that are one now, and were two before, are for somebody to decide: nothing is changed.
func TestAdoptIsAllOrNothing(t *testing.T) {
	db := testDatabase(t)
	_, err := db.ExecContext(t.Context(), earlier+", (11, ' bob@example.com', NULL, 'Bobby', 0, 0, 1609502400)")
	must(t, err)
	if err := adopt(t.Context(), db); err == nil {
		t.Fatal("two users with one address were adopted")
	}
	var n int
	must(t, db.QueryRowContext(t.Context(), "SELECT count(password) + count(*) FROM users").Scan(&n))
	if n != 4 {
		t.Errorf("the earlier table has changed: %d", n)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
