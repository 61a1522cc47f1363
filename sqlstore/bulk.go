package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/vestibule-go/auth"
)

// CreateUsers adds users, each as [Store.CreateUser] does, in one transaction: it is for an import, which would
// otherwise wait for the disk once for each. It returns those who were not added since their Email or their ID is
// taken, also by another of them, in any order; that is no error. After any error none was added, or the outcome is unknown. Others
// who write wait for the transaction: some hundred users are a good number.
func (s *Store) CreateUsers(ctx context.Context, users []*auth.User) (taken []*auth.User, err error) {
	for _, u := range users {
		if u.ID == "" {
			return nil, errNoID
		}
	}
	// In one order, for transactions that add the same users would else wait for each other.
	users = slices.Clone(users)
	slices.SortStableFunc(users, func(a, b *auth.User) int { return cmp.Compare(a.Email, b.Email) })
	var added []*auth.User
	err = s.atomically(ctx, func(tx transaction) error {
		added, taken = nil, nil
		for _, u := range users {
			n, err := s.insert(ctx, tx, insertUser, newRow(u)...)
			switch {
			case err != nil:
				return err
			case n == 0:
				taken = append(taken, u)
			default:
				added = append(added, u)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, u := range added {
		u.Version = 1
	}
	return taken, nil
}

// newRow returns what insertUser stores of a user.
func newRow(u *auth.User) []any {
	return []any{u.ID, u.Email, u.PasswordHash, u.Stamp, 1,
		u.Created.UnixMicro(), u.Updated.UnixMicro(), timeOrNull(u.Confirmed), timeOrNull(u.Disabled)}
}
