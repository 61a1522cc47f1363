package dbtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/vestibule-go/auth"
)

// many returns users with the numbers from first to last, whose IDs begin with who.
func many(who string, first, last int) (users []*auth.User) {
	for n := first; n <= last; n++ {
		u := ann()
		u.ID, u.Email, u.Version = fmt.Sprint(who, n), fmt.Sprintf("%d@example.com", n), 0
		users = append(users, u)
	}
	return users
}

// What is taken is returned, and the rest is as CreateUser would have added it.
func TestCreateUsers(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s, ctx := src.store(t, src.open(t)), t.Context()
		must(t, s.CreateUser(ctx, many("old", 3, 3)[0]))
		users := many("new", 1, 6)
		users[3].ID = "old3"             // taken by the one above
		users[5].Email = "1@example.com" // taken by the first of these
		taken, err := s.CreateUsers(ctx, users)
		must(t, err)
		if len(taken) != 3 || !slices.Contains(taken, users[2]) || !slices.Contains(taken, users[3]) || !slices.Contains(taken, users[5]) {
			t.Errorf("taken: %v", taken)
		}
		for i, u := range users {
			if got, err := s.UserByID(ctx, u.ID); !slices.Contains(taken, u) && (err != nil || *got != *u || u.Version != 1) {
				t.Errorf("user %d: got %+v, %v, want %+v", i, got, err, u)
			}
		}
		if taken, err := s.CreateUsers(ctx, nil); len(taken) > 0 || err != nil {
			t.Errorf("nobody: %v, %v", taken, err)
		}
	})
}

// All are added, or none.
func TestCreateUsersIsOneTransaction(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s, ctx := src.store(t, src.open(t)), t.Context()
		users := many("new", 1, 3)
		users[2].ID = ""
		if _, err := s.CreateUsers(ctx, users); err == nil {
			t.Error("a user without an ID was added")
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := s.CreateUsers(cancelled, many("new", 1, 3)); err == nil {
			t.Error("no error, though the context has ended")
		}
		db := src.open(t)
		if _, err := db.ExecContext(ctx, "DROP TABLE auth_users"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateUsers(ctx, many("new", 1, 3)); err == nil {
			t.Error("no error, though there is no table")
		}
	})
}

// Of those who add the same users at once, in any order, one adds each.
func TestCreateUsersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s, ctx := src.store(t, src.open(t)), t.Context()
		var wg sync.WaitGroup
		var mu sync.Mutex
		added := 0
		for n := range 4 {
			users := many(fmt.Sprint("of", n, "-"), 1, 40)
			if n%2 == 1 {
				slices.Reverse(users)
			}
			wg.Go(func() {
				taken, err := s.CreateUsers(ctx, users)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				added += len(users) - len(taken)
			})
		}
		wg.Wait()
		if added != 40 {
			t.Errorf("%d users were added, want 40", added)
		}
		for _, u := range many("", 1, 40) {
			if _, err := s.UserByLogin(ctx, u.Email); err != nil {
				t.Errorf("%s: %v", u.Email, err)
			}
		}
	})
}
