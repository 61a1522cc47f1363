package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// A known browser is one in which a user has logged in before. Wrong passwords
// from there are counted apart, so that others who guess cannot lock the user
// out of it: what OWASP calls a device cookie.
//
// Its cookie holds a random ID and, for each of its last users, a mark: the HMAC of the
// ID under the user's Stamp. So it needs no key, no row, and no longer counts when the
// user's credentials have changed. It logs nobody in.

const (
	markSize   = 16                       // bytes of the ID and of each mark
	maxMarks   = 4                        // users of one browser who are known
	browserAge = 400 * 24 * 60 * 60       // seconds; RFC 6265bis, section 5.5, allows no more
	browserTag = "vestibule/auth/browser" // separates these marks from other uses of a Stamp
)

// browserCookieName returns the name of the cookie.
func (m *Manager) browserCookieName() string { return m.cookieName(m.cfg.CookieName + "_browser") }

// browser returns the ID and the marks in the cookie of the request, or nil.
func (st *state) browser() (id []byte, marks [][]byte) {
	cookies := st.r.CookiesNamed(st.m.browserCookieName())
	if len(cookies) != 1 {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil || len(b)%markSize != 0 || len(b) < markSize || len(b) > markSize*(1+maxMarks) {
		return nil, nil
	}
	for rest := b[markSize:]; len(rest) > 0; rest = rest[markSize:] {
		marks = append(marks, rest[:markSize])
	}
	return b[:markSize], marks
}

// browserMark returns the mark of a user in the browser with that ID. A user without a Stamp,
// who would have no secret, has none, and nor has nobody; to find that out takes as long.
func (m *Manager) browserMark(id []byte, u *User) (mark []byte, ok bool) {
	if u == nil {
		u = new(User)
	}
	mac := hmac.New(sha256.New, []byte(u.Stamp))
	mac.Write([]byte(browserTag + "\x00" + m.cfg.CookieName + "\x00" + u.ID + "\x00"))
	mac.Write(id)
	return mac.Sum(nil)[:markSize], u.Stamp != ""
}

// knownBrowser returns the mark of u in the client's browser, if it is known there, or "".
func (st *state) knownBrowser(u *User) string {
	id, marks := st.browser()
	if id == nil {
		return ""
	}
	own, ok := st.m.browserMark(id, u)
	for _, mark := range marks {
		if hmac.Equal(mark, own) && ok {
			return base64.RawURLEncoding.EncodeToString(own)
		}
	}
	return ""
}

// KnownBrowser reports whether u has logged in before in the browser that makes the request which ctx
// belongs to, since u's credentials last changed. Ask before Login, if you tell users of logins in
// browsers that are new to them (OWASP ASVS 5.0, 6.3.5). Who deletes cookies is new every time. It is
// false outside [Manager.Handler].
func (m *Manager) KnownBrowser(ctx context.Context, u *User) bool {
	st := m.state(ctx)
	return st != nil && st.knownBrowser(u) != ""
}

// rememberBrowser makes u known in the client's browser, in which u has just proved who they are. Without that
// proof whoever got hold of a session would have guesses of their own, and
// fresh ones with every new Stamp.
func (st *state) rememberBrowser(u *User) {
	if st.knownBrowser(u) != "" {
		return
	}
	id, marks := st.browser()
	if id == nil {
		id = make([]byte, markSize)
		rand.Read(id)
	}
	own, ok := st.m.browserMark(id, u)
	if !ok {
		return
	}
	value := append(id[:markSize:markSize], own...)
	for _, mark := range marks[:min(len(marks), maxMarks-1)] {
		value = append(value, mark...)
	}
	c := st.m.newCookie(st.m.browserCookieName(), base64.RawURLEncoding.EncodeToString(value))
	c.MaxAge = browserAge
	st.mu.Lock()
	defer st.mu.Unlock()
	st.browserCookie = c
}
