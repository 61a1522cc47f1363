package auth

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// User is one account: who someone is, and how they prove it.
//
// A User prints, logs and marshals to JSON without PasswordHash and Stamp. Keep
// Users in unexported fields by pointer: package fmt prints what is there by value
// field by field, and nobody can prevent it.
//
// What a store or the Manager returns is the caller's own copy. It has no lock: it is safe for concurrent use as
// long as nobody changes it, and methods of Manager that are given a User change it where they say so.
type User struct {
	// ID is unique, never reused, and never changes. Those made by Signup sort
	// by the time they were made. It is no secret.
	ID string

	// Email is canonical: see CanonicalEmail.
	Email string

	// PasswordHash is what the Hasher made of the password, a string that
	// describes itself. Empty: the user has no password, and none fits.
	PasswordHash string `json:"-" xml:"-"`

	// Stamp is random, and changes with every change of credentials. A session
	// carries the Stamp of its beginning, and ends when they differ.
	Stamp string `json:"-" xml:"-"`

	// Version counts updates; UpdateUser compares and swaps by it.
	Version int64

	Created time.Time // when the user signed up
	Updated time.Time // when the Manager last changed the user

	// Confirmed is when the user proved to read mail sent to Email; zero: not yet.
	Confirmed time.Time

	// Disabled is when an administrator switched the account off; zero: it is
	// on. A disabled user cannot log in, and their sessions end.
	Disabled time.Time

	// Value is the application's own record of the user, if its UserStore puts
	// one here. UserValue reads it with its type.
	Value any `json:"-" xml:"-"`
}

// String returns the user's ID and email.
func (u User) String() string { return "user " + u.ID + " <" + u.Email + ">" }

// Format implements [fmt.Formatter]: no verb prints the hash or the stamp.
func (u User) Format(f fmt.State, verb rune) { fmt.Fprint(f, u.String()) }

// LogValue implements [slog.LogValuer] for a pointer, as CurrentUser returns it, and holds the ID
// only: logs are read by more people than should learn who the users are.
func (u *User) LogValue() slog.Value {
	if u == nil {
		return slog.StringValue("nobody")
	}
	return slog.GroupValue(slog.String("id", u.ID))
}

var errEmail = errors.New("auth: not an email address")

// maxEmail is the longest address that mail can reach, in bytes: RFC 5321,
// section 4.5.3.1.3, less the two angle brackets.
const maxEmail = 254

// CanonicalEmail returns the one spelling of an email address by which a user
// is stored and found: surrounding spaces removed, ASCII letters in lower case. It returns an error
// if that is longer than 254 bytes, or no plain address such as "ann@example.com".
//
// Beyond ASCII nothing is folded, and what Unicode normalization (NFC) would
// change is refused, so that an address that only looks like another's, or
// turns into it, never reaches the other's account.
func CanonicalEmail(s string) (string, error) {
	s = strings.Trim(s, " \t\r\n")
	if len(s) > maxEmail || strings.ContainsAny(s, "\"(),:;<>[\\] \t\r\n") || !norm.NFC.IsNormalString(s) {
		return "", errEmail
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return "", errEmail
	}
	at := strings.LastIndexByte(s, '@')
	if strings.ContainsFunc(s[:at], hidden) || strings.ContainsFunc(s[at+1:], notDomain) {
		return "", errEmail
	}
	return lowerASCII(s), nil
}

// hidden reports whether a character leaves no mark, or stands for a space.
func hidden(r rune) bool { return !unicode.IsPrint(r) }

// notDomain reports whether a character is in no name of a host, internationalized
// ones included.
func notDomain(r rune) bool {
	return r != '-' && r != '.' && !unicode.In(r, unicode.Letter, unicode.Digit, unicode.Mark)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// newID returns 48 bits of time and 80 of chance, in characters that sort like
// the time.
func newID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:])
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// newStamp returns 128 random bits.
func newStamp() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
