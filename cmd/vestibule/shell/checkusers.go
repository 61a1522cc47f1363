package shell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vestibule-go/auth"
)

// tally counts users of whom something is to be said, and keeps the IDs of the first few.
type tally struct {
	n   int
	ids []string
}

func (t *tally) add(u *auth.User) {
	if t.n++; t.n <= 3 {
		t.ids = append(t.ids, u.ID)
	}
}

func (t *tally) String() string {
	ids := strings.Join(t.ids, ", ")
	if t.n > len(t.ids) {
		ids += " and others"
	}
	return fmt.Sprintf("%s (%s)", count(t.n, "user"), ids)
}

// ward is what checkUsers knows while it looks at one user after another.
type ward struct {
	odd, clash, noEmail, noPassword, unknown tally
	weak                                     map[string]*tally // by what is weak
	seen                                     map[string]bool   // canonical forms of addresses that are not
}

// checkUsers looks at every user once, and keeps of them what is wrong only.
func (o *operator) checkUsers(ctx context.Context, x *examination) error {
	w := &ward{weak: map[string]*tally{}, seen: map[string]bool{}}
	err := o.everybody(ctx, func(u *auth.User) error {
		x.users++
		w.checkHash(u, x)
		return o.checkEmail(ctx, u, w)
	})
	if err != nil {
		return err
	}
	w.tell(x, o.name)
	return nil
}

func (w *ward) checkHash(u *auth.User, x *examination) {
	if u.PasswordHash == "" {
		x.schemes["no password"]++
		w.noPassword.add(u)
		return
	}
	s := schemeOf(u.PasswordHash)
	x.schemes[s.String()]++
	if s.name == "" {
		w.unknown.add(u)
	}
	if s.weak != "" {
		key := s.String() + ": " + s.weak
		if w.weak[key] == nil {
			w.weak[key] = &tally{}
		}
		w.weak[key].add(u)
	}
}

// checkEmail finds addresses by which nobody is found, and those that two have.
func (o *operator) checkEmail(ctx context.Context, u *auth.User, w *ward) error {
	canonical, err := auth.CanonicalEmail(u.Email)
	if err != nil {
		w.noEmail.add(u)
		return nil
	}
	if canonical == u.Email {
		return nil
	}
	other, err := o.store().UserByLogin(ctx, canonical)
	switch {
	case err == nil && other.ID != u.ID, w.seen[canonical]:
		w.clash.add(u)
	case err == nil || errors.Is(err, auth.ErrNotFound):
		w.odd.add(u)
	default:
		return err
	}
	w.seen[canonical] = true
	return nil
}

func (w *ward) tell(x *examination, program string) {
	add := func(t *tally, level, check, what, why, do string) {
		if t.n > 0 {
			x.add(level, check, t.String()+" "+what, why, do)
		}
	}
	add(&w.clash, levelError, "email-clash", "whose address is another user's, but for how it is written",
		"one of the two cannot log in", "find out whose the address is; delete one of the two, or change its address by SQL")
	add(&w.odd, levelError, "email-form", "whose address is not in its canonical form",
		"an address is put into that form before it is looked for: they cannot log in", "put it into the form of auth.CanonicalEmail, by SQL")
	add(&w.noEmail, levelWarning, "email-none", "without a valid address",
		"they get no mail, and so no new password", "ask them for one")
	add(&w.unknown, levelWarning, "hash-unknown", "whose password's hash is of a scheme that this program does not know",
		"unless the application's Hasher reads it they cannot log in", program+" users set-password, or a password.Migrating in the application")
	for _, key := range slices.Sorted(maps.Keys(w.weak)) {
		add(w.weak[key], levelWarning, "hash-weak", "whose password's hash is weak: "+key,
			"whoever has a copy of the database guesses such passwords first", "nothing, if the application's Hasher replaces it at the next login; else raise its cost")
	}
	add(&w.noPassword, levelNote, "no-password", "without a password",
		"they log in with something else, or not at all", program+" users set-password")
}
