// Package onetime makes secrets that count once: those in links that are sent by mail.
//
// A secret is 256 random bits in base64url. The store has the SHA-256 of them as the ID of a
// credential, so a copy of the database opens nothing. The credential's Kind is the purpose, and its
// Data a digest of what the user was like, followed by the payload, which the digest covers. Once the email, the stamp or the confirmation is
// another, every secret from before is as good as none, the unused ones and those that are
// being used at that moment. So issuing another keeps the earlier ones alive, and the first use
// that changes the user ends them all: nobody can keep a link from working by asking for more.
package onetime

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
)

// Secrets are the secrets of one purpose. They are safe for concurrent use.
type Secrets struct {
	Store auth.Store
	Kind  string        // the purpose
	For   time.Duration // how long each is good
}

// Secret is one that was found good.
type Secret struct {
	User    *auth.User // whose it is, as the store has them now
	Payload string     // what was issued with it

	credential *auth.Credential
}

// encoding is strict, so that a secret is written in one way only.
var encoding = base64.RawURLEncoding.Strict()

// size is the length of a secret in bytes (OWASP ASVS 5.0, 11.5.1 asks for 128 bits).
const size = 32

// Issue stores a new secret for u, and returns it. The payload says what it is for beyond its purpose, and
// may be empty; the store has it in plain. For a nil u Issue does the same work, keeps nothing of
// the payload but its length, and returns a secret that is nobody's and no good.
func (s Secrets) Issue(ctx context.Context, u *auth.User, payload string) (string, error) {
	var secret [size]byte
	rand.Read(secret[:])
	holder := u
	if holder == nil {
		holder, payload = new(auth.User), strings.Repeat("-", len(payload))
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	err := s.Store.PutCredential(ctx, &auth.Credential{
		Kind: s.Kind, ID: id(secret[:]), UserID: holder.ID, Data: append(state(holder, payload), payload...), Created: now, Expires: now.Add(s.For),
	})
	if err != nil {
		return "", fmt.Errorf("onetime: issue: %w", err)
	}
	return encoding.EncodeToString(secret[:]), nil
}

// Peek returns what the secret stands for, and changes nothing. It is for pages that are
// asked for by GET. One that is malformed, unknown, used, expired or of another purpose, one whose user
// has changed, is gone or disabled: all are auth.ErrNotFound.
func (s Secrets) Peek(ctx context.Context, secret string) (*Secret, error) {
	return s.open(ctx, secret, s.Store.Credential)
}

// Redeem is Peek, and uses the secret up. Of any number of concurrent calls one succeeds.
func (s Secrets) Redeem(ctx context.Context, secret string) (*Secret, error) {
	return s.open(ctx, secret, s.Store.TakeCredential)
}

// Restore makes a secret good again that was redeemed for nothing. Call it only if the user
// has not changed.
func (s Secrets) Restore(ctx context.Context, spent *Secret) error {
	return s.Store.PutCredential(ctx, spent.credential)
}

func (s Secrets) open(ctx context.Context, secret string, find func(ctx context.Context, kind, id string) (*auth.Credential, error)) (*Secret, error) {
	raw, err := encoding.DecodeString(secret) // skips line breaks
	if err != nil || len(raw) != size || len(secret) != encoding.EncodedLen(size) {
		return nil, auth.ErrNotFound
	}
	c, err := find(ctx, s.Kind, id(raw))
	if err != nil {
		return nil, fault(err)
	}
	u, err := s.Store.UserByID(ctx, c.UserID)
	if err != nil {
		return nil, fault(err)
	}
	digest, payload := split(c.Data)
	if !u.Disabled.IsZero() || subtle.ConstantTimeCompare(digest, state(u, payload)) != 1 {
		return nil, auth.ErrNotFound
	}
	return &Secret{u, payload, c}, nil
}

// split takes the data of a credential apart.
func split(data []byte) (digest []byte, payload string) {
	n := min(len(data), sha256.Size)
	return data[:n], string(data[n:])
}

// fault keeps apart what the visitor can bring about and what they cannot.
func fault(err error) error {
	if errors.Is(err, auth.ErrNotFound) {
		return auth.ErrNotFound
	}
	return fmt.Errorf("onetime: %w", err)
}

func id(secret []byte) string {
	sum := sha256.Sum256(secret)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// state returns a digest of the payload, and of everything whose change ends the secrets of u.
func state(u *auth.User, payload string) []byte {
	h := sha256.New()
	for _, part := range []string{u.ID, u.Email, u.Stamp, payload} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(binary.AppendVarint(nil, u.Confirmed.UnixMicro()))
	return h.Sum(nil)
}
