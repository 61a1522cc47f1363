package storetest_test

import (
	"context"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/memstore"
	"github.com/vestibule-go/auth/storetest"
)

// deaf does not hear that a context has ended, which the contract allows.
type deaf struct{ auth.Store }

func (s deaf) CreateUser(ctx context.Context, u *auth.User) error {
	return s.Store.CreateUser(context.WithoutCancel(ctx), u)
}

func (s deaf) UpdateUser(ctx context.Context, u *auth.User) error {
	return s.Store.UpdateUser(context.WithoutCancel(ctx), u)
}

func (s deaf) DeleteUser(ctx context.Context, id string) error {
	return s.Store.DeleteUser(context.WithoutCancel(ctx), id)
}

func TestStoreThatIgnoresContexts(t *testing.T) {
	storetest.Run(t, func(*testing.T) auth.Store { return deaf{memstore.New()} })
}
