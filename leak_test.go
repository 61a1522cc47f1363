package auth_test

import (
	"os"
	"testing"

	"github.com/vestibule-go/auth/internal/leak"
)

// watch sees what the sites of all tests do, but for those that are unwatched.
var watch leak.Watch

// No secret of any test is in the log, an event, a redirect, or a URL that stays.
func TestMain(m *testing.M) { os.Exit(watch.Run(m)) }
