package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/throttle"
)

// This file is the factor, and knows no pages: what is kept, the hook that asks for a code, and what
// becomes of a code that somebody types.

const (
	// Factor is what the session says of who has shown a code. RFC 8176 calls a password that is good for
	// one use "otp", on paper or not. Its "swk" and "hwk" are keys, which a signature proves and which
	// nobody sees; a code is shown itself.
	Factor = "otp"

	// Action is what the limit on wrong codes goes by: see Rules.
	Action = "printed_code"

	// KindSheet is the credential that says which sheet counts, one a user. Who has it needs a code to log in.
	// Where an administrator deletes it, the second factor is off.
	KindSheet = "printed_sheet"

	// KindCode is a code that was not used yet. Its ID is a hash.
	KindCode = "printed_code"

	// KindDraft is a sheet that does not count yet, one a user.
	KindDraft = "printed_draft"
)

// Names of events. A wrong code is an auth.EventLoginFailed.
const (
	EventOn  = "printed_codes_on"  // a sheet counts from now on, perhaps in the place of another
	EventOff = "printed_codes_off" // none does any more
)

const (
	perSheet = 10
	draftFor = time.Hour

	// codeBytes makes 120 bits, and exactly 24 characters. With 112 and more a hash needs no salt, and none that is slow
	// (OWASP ASVS 5.0, 6.5.2; NIST SP 800-63B-4, section 3.1.2.2).
	codeBytes  = 15
	codeLength = 24
)

// Rules is for throttle.Rules.Others. Right codes count as well, so the number is that of a sheet: nobody
// needs more in a quarter of an hour. It is a limit in a window, and not one in a row, so that nobody who has
// the password and no sheet can keep the owner out for good.
func Rules() map[string]throttle.Rule {
	return map[string]throttle.Rule{Action: {Free: perSheet, Window: 15 * time.Minute}}
}

// Hooks asks for a code at every way in, from users who have a sheet. Put it into auth.Config.Hooks.
func Hooks(store auth.CredentialStore) auth.Hooks {
	return auth.Hooks{
		Login: func(_ http.ResponseWriter, r *http.Request, u *auth.User, s *auth.Session) error {
			sheet, err := sheetOf(r.Context(), store, u.ID)
			if err != nil {
				return err // in doubt nobody gets in
			}
			if sheet != nil && !s.Has(Factor) {
				return auth.ErrSecondFactor
			}
			return nil
		},
		Export: func(ctx context.Context, u *auth.User) (string, any, error) {
			left, on, err := (&Codes{store: store}).Left(ctx, u.ID)
			if err != nil || !on {
				return "printed_codes", nil, err
			}
			return "printed_codes", map[string]int{"left": left}, nil
		},
	}
}

// sheetOf returns the sheet that counts, or nil if the user has none.
func sheetOf(ctx context.Context, store auth.CredentialStore, userID string) (*auth.Credential, error) {
	sheet, err := store.Credential(ctx, KindSheet, userID)
	if errors.Is(err, auth.ErrNotFound) {
		return nil, nil
	}
	return sheet, err
}

// Codes makes sheets and takes codes. It is safe for concurrent use.
type Codes struct {
	m     *auth.Manager
	store auth.CredentialStore // that of m
}

// Draw returns the codes of a new sheet, to be printed. It counts once Activate gets one of them; until then, and
// after an hour without that, it is a draft, and nothing has changed. A draft takes the place of the one before.
func (c *Codes) Draw(ctx context.Context, u *auth.User) (codes []string, err error) {
	sheet := rand.Text()
	draft := []string{sheet}
	for range perSheet {
		b := make([]byte, codeBytes)
		rand.Read(b)
		code := base32.StdEncoding.EncodeToString(b)
		codes = append(codes, grouped(code))
		draft = append(draft, codeID(u.ID, sheet, code))
	}
	if err := c.store.DeleteCredentials(ctx, u.ID, KindDraft); err != nil {
		return nil, err
	}
	now := time.Now()
	return codes, c.store.PutCredential(ctx, &auth.Credential{
		Kind: KindDraft, ID: u.ID, UserID: u.ID, Data: []byte(strings.Join(draft, " ")), Created: now, Expires: now.Add(draftFor),
	})
}

// Drafted reports whether there is a sheet that does not count yet.
func (c *Codes) Drafted(ctx context.Context, userID string) bool {
	_, err := c.store.Credential(ctx, KindDraft, userID)
	return err == nil
}

// grouped returns a code as people can read it out.
func grouped(code string) string {
	var groups []string
	for part := range slices.Chunk([]byte(code), 4) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, " ")
}

// codeID returns the ID of a code. The user and the sheet are in it, so that a code of somebody else, or of an
// older sheet, is not found at all, and cannot be used up either.
func codeID(userID, sheet, code string) string {
	sum := sha256.Sum256([]byte(KindCode + "\x00" + userID + "\x00" + sheet + "\x00" + code))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// parse returns a code as it was drawn, however it was typed. What cannot be one is returned as FormErrors.
func parse(typed string) (string, error) {
	code := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return unicode.ToUpper(r)
	}, typed)
	code = strings.NewReplacer("0", "O", "1", "I", "8", "B").Replace(code) // base32 has none of these
	var faults auth.FormErrors
	switch {
	case code == "":
		faults.Add("code", auth.CodeRequired, 0)
	case len(code) != codeLength || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "":
		faults = auth.FormErrors{{Field: "code", Code: auth.CodeInvalid, Message: "A code has six groups of four letters and digits. Please compare it with your sheet."}}
	default:
		return code, nil
	}
	return "", faults
}

// Activate makes the drafted sheet the one that counts, if the code is on it, and uses the code up. Of any number of concurrent
// calls one succeeds. Errors are FormErrors for what can be no code, ErrBadLogin for one that is not on the draft, or if there is none,
// ErrConflict if there was another in the meantime, and failures of the store. After any of them the sheet from before counts.
func (c *Codes) Activate(ctx context.Context, u *auth.User, typed string) error {
	code, err := parse(typed)
	if err != nil {
		return err
	}
	draft, err := c.store.Credential(ctx, KindDraft, u.ID)
	if errors.Is(err, auth.ErrNotFound) {
		return auth.ErrBadLogin
	}
	if err != nil {
		return err
	}
	fields := strings.Fields(string(draft.Data))
	sheet, ids, used := fields[0], fields[1:], codeID(u.ID, fields[0], code)
	if !slices.Contains(ids, used) {
		return auth.ErrBadLogin
	}
	before, err := sheetOf(ctx, c.store, u.ID)
	if err != nil {
		return err
	}
	if err := c.claim(ctx, draft); err != nil {
		return err
	}
	if err := c.put(ctx, u.ID, sheet, slices.DeleteFunc(ids, func(id string) bool { return id == used })); err != nil {
		return err
	}
	if err := c.swap(ctx, u.ID, before, sheet); err != nil {
		return err
	}
	c.m.Record(ctx, auth.Event{Name: EventOn, UserID: u.ID})
	return nil
}

// claim uses a draft up, so that nobody else makes the same sheet of it, and a code that was used is not stored again.
func (c *Codes) claim(ctx context.Context, draft *auth.Credential) error {
	taken, err := c.store.TakeCredential(ctx, KindDraft, draft.ID)
	if errors.Is(err, auth.ErrNotFound) || err == nil && !bytes.Equal(taken.Data, draft.Data) {
		return auth.ErrConflict
	}
	return err
}

// put adds the codes of a sheet, which does not count yet.
func (c *Codes) put(ctx context.Context, userID, sheet string, ids []string) error {
	for _, id := range ids {
		err := c.store.PutCredential(ctx, &auth.Credential{Kind: KindCode, ID: id, UserID: userID, Data: []byte(sheet), Created: time.Now()})
		if err != nil {
			return err
		}
	}
	return nil
}

// swap puts a sheet in the place of the one before, in one step of the store, and then removes the codes that do not
// count: those of the other.
func (c *Codes) swap(ctx context.Context, userID string, before *auth.Credential, sheet string) error {
	next := auth.Credential{Kind: KindSheet, ID: userID, UserID: userID, Created: time.Now()}
	change, dead := c.store.PutCredential, ""
	if before != nil {
		next, change, dead = *before, c.store.UpdateCredential, string(before.Data)
	}
	next.Data = []byte(sheet)
	err := change(ctx, &next)
	if errors.Is(err, auth.ErrExists) || errors.Is(err, auth.ErrNotFound) {
		err = auth.ErrConflict
	}
	if errors.Is(err, auth.ErrConflict) {
		dead = sheet
	}
	if err == nil || errors.Is(err, auth.ErrConflict) { // of another failure nobody knows which sheet counts
		c.discard(ctx, userID, dead)
	}
	return err
}

// discard removes the codes of one sheet. They are harmless, since no code is looked for under that sheet any more, so
// that a failure is only recorded.
func (c *Codes) discard(ctx context.Context, userID, sheet string) {
	codes, err := c.store.Credentials(ctx, userID, KindCode)
	for _, code := range codes {
		if string(code.Data) == sheet && err == nil {
			_, err = c.store.TakeCredential(ctx, KindCode, code.ID)
		}
	}
	if err != nil {
		c.m.Record(ctx, auth.Event{Name: auth.EventFailure, UserID: userID, Reason: "remove printed codes", Err: err})
	}
}

// Redeem returns nil if the code is on u's sheet, and uses it up: of any number of concurrent calls one succeeds. Errors are
// FormErrors for what can be no code and counts as no attempt, ErrBadLogin, ErrThrottled, and failures of the store. A
// code that was used, of another sheet, of another user and of nobody cost the same, and so does that of a user without a sheet.
func (c *Codes) Redeem(ctx context.Context, u *auth.User, typed string) error {
	code, err := parse(typed)
	if err != nil {
		return err
	}
	if err := c.limit(ctx, u); err != nil {
		return err
	}
	sheet, err := sheetOf(ctx, c.store, u.ID)
	if err != nil {
		return fmt.Errorf("find sheet: %w", err)
	}
	name := ""
	if sheet != nil {
		name = string(sheet.Data)
	}
	_, err = c.store.TakeCredential(ctx, KindCode, codeID(u.ID, name, code))
	if errors.Is(err, auth.ErrNotFound) {
		c.m.Record(ctx, auth.Event{Name: auth.EventLoginFailed, UserID: u.ID, Reason: "wrong printed code"})
		return auth.ErrBadLogin
	}
	return err
}

// limit counts an attempt. Those from a browser where the user has logged in before count by themselves, so that
// somebody elsewhere who has the password cannot keep them out.
func (c *Codes) limit(ctx context.Context, u *auth.User) error {
	key := u.ID
	if c.m.KnownBrowser(ctx, u) {
		key += " in a known browser"
	}
	return c.m.Limit(ctx, Action, key)
}

// On reports whether the user has a sheet.
func (c *Codes) On(ctx context.Context, userID string) (bool, error) {
	sheet, err := sheetOf(ctx, c.store, userID)
	return sheet != nil, err
}

// Left returns how many codes are left on the user's sheet, and whether there is one: with none left a code is needed all the same.
func (c *Codes) Left(ctx context.Context, userID string) (left int, on bool, err error) {
	sheet, err := sheetOf(ctx, c.store, userID)
	if err != nil || sheet == nil {
		return 0, false, err
	}
	codes, err := c.store.Credentials(ctx, userID, KindCode)
	for _, code := range codes {
		if string(code.Data) == string(sheet.Data) {
			left++
		}
	}
	return left, true, err
}

// Remove switches the second factor off: for users who have shown both factors, and for administrators.
func (c *Codes) Remove(ctx context.Context, userID string) error {
	for _, kind := range []string{KindSheet, KindCode, KindDraft} {
		if err := c.store.DeleteCredentials(ctx, userID, kind); err != nil {
			return err
		}
	}
	c.m.Record(ctx, auth.Event{Name: EventOff, UserID: userID})
	return nil
}
