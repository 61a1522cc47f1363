package storetest_test

import (
	"errors"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

func TestFaultyWithoutFaults(t *testing.T) {
	storetest.Run(t, func(t *testing.T) auth.Store { return &storetest.Faulty{Store: memstore.New()} })
}

func TestFaulty(t *testing.T) {
	broken, lost := errors.New("broken"), errors.New("lost")
	store := &storetest.Faulty{Store: memstore.New()}
	u := &auth.User{ID: "1", Email: "ann@example.com", Stamp: "s"}
	store.Before = func(method string) error {
		if method == "CreateUser" {
			return broken
		}
		return nil
	}
	if err := store.CreateUser(t.Context(), u); err != broken {
		t.Errorf("CreateUser: %v", err)
	}
	if _, err := store.UserByID(t.Context(), "1"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("a call that broke before had an effect: %v", err)
	}
	store.Before, store.After = nil, func(string) error { return lost }
	if err := store.CreateUser(t.Context(), u); err != lost {
		t.Errorf("CreateUser: %v", err)
	}
	if got, err := store.UserByID(t.Context(), "1"); got != nil || err != lost {
		t.Errorf("UserByID: %v, %v", got, err)
	}
	store.After = nil
	if _, err := store.UserByID(t.Context(), "1"); err != nil {
		t.Errorf("a call whose answer was lost had no effect: %v", err)
	}
}
