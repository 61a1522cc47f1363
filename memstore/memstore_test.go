package memstore_test

import (
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) auth.Store { return memstore.New() })
}

func TestZeroStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) auth.Store { return new(memstore.Store) })
}

func TestMixedStores(t *testing.T) {
	storetest.Run(t, func(*testing.T) auth.Store {
		return auth.Stores{UserStore: memstore.New(), CredentialStore: memstore.New(), SessionStore: memstore.New()}
	})
}

func TestOneStoreForAll(t *testing.T) {
	s := memstore.New()
	storetest.Run(t, func(*testing.T) auth.Store { return s })
}
