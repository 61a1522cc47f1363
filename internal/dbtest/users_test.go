package dbtest

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// All users are seen once, in the order of their IDs byte for byte, whatever the size of a page.
func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, src source) {
		s, ctx := src.store(t, src.open(t)), t.Context()
		if got, err := s.Users(ctx, "", 10); err != nil || len(got) != 0 {
			t.Fatalf("of an empty table: got %v, error %v", got, err)
		}
		ids := []string{"b", "a", "B", "10", "9", "é", "a ", "z"}
		for i, id := range ids {
			u := ann()
			u.ID, u.Email = id, fmt.Sprintf("%d@example.com", i)
			u.Disabled = time.UnixMicro(int64(i) * 1000).UTC()
			must(t, s.CreateUser(ctx, u))
		}
		slices.Sort(ids)
		for n := 1; n <= len(ids)+1; n++ {
			var got []string
			for after := ""; ; {
				page, err := s.Users(ctx, after, n)
				must(t, err)
				for _, u := range page {
					got = append(got, u.ID)
				}
				if len(page) > n {
					t.Fatalf("a page of %d has %d", n, len(page))
				}
				if len(page) < n {
					break
				}
				after = page[n-1].ID
			}
			if !slices.Equal(got, ids) {
				t.Errorf("in pages of %d: got %q, want %q", n, got, ids)
			}
		}
		if got, err := s.Users(ctx, "", 0); err != nil || len(got) != 0 {
			t.Errorf("a page of 0: got %v, error %v", got, err)
		}
		page, err := s.Users(ctx, "9", 1)
		must(t, err)
		one, err := s.UserByID(ctx, "B")
		must(t, err)
		if len(page) != 1 || *page[0] != *one {
			t.Errorf("got %+v, want what UserByID returns, %+v", page, one)
		}
	})
}
