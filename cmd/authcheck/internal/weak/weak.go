// Package weak is the application that authcheck is tried on. It has accounts, and does right what authcheck checks,
// but for the weaknesses that a test asks for by name.
//
// It is plain net/http and imports nothing of the library, so that authcheck is proved on what others write. Its hashes are cheap
// and its store is a map: it is not to be copied.
package weak

import (
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Setup says what is wrong with an application. The zero Setup is one with which nothing is, on plain http and without mails.
type Setup struct {
	Weak  []string // names out of Weaknesses
	Mails string   // the folder of the mails, as files .eml; empty means that there are no resets
	TLS   bool

	Rounds int // of hashing a password: what it costs
}

// An app is one application. What is below mu is behind it, but for key, which never changes.
type app struct {
	Setup
	url string

	mu        sync.Mutex
	users     map[string]*user
	sessions  map[string]*session
	resets    map[string]*reset
	misses    map[string]int  // by user and by address
	forgotten map[string]bool // cookies to be remembered by, after the logout
	key       []byte
	made      int // tokens, so that a weak one can count
}

// Start serves an application on the loopback interface. Close it after use.
func Start(c Setup) (*httptest.Server, error) {
	for _, name := range c.Weak {
		if _, ok := Weaknesses[name]; !ok {
			return nil, fmt.Errorf("weak: there is no weakness %q", name)
		}
	}
	a := &app{
		Setup: c, key: []byte(rand.Text()),
		users: map[string]*user{}, sessions: map[string]*session{}, resets: map[string]*reset{},
		misses: map[string]int{}, forgotten: map[string]bool{},
	}
	s := httptest.NewUnstartedServer(a.routes())
	s.Config.ReadHeaderTimeout = 10 * time.Second
	if c.TLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	a.url = s.URL
	return s, nil
}

// is reports whether the application has the weakness.
func (a *app) is(name string) bool { return slices.Contains(a.Weak, name) }
