package email_test

import (
	"os"
	"testing"

	"github.com/vestibule-go/auth/internal/leak"
)

// watch sees everything that the sites of all tests do.
var watch leak.Watch

// No secret of any test is in a log, an event, an error, a redirect or a URL that stays.
func TestMain(m *testing.M) { os.Exit(watch.Run(m)) }
