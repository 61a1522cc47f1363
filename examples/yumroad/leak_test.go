package main

import (
	"os"
	"testing"

	"github.com/vestibule-go/auth/internal/leak"
)

// watch sees what the shops and their visitors do in all tests that need no process of its own.
var watch leak.Watch

// No secret of any of these tests is in the log, with which come the events, in a redirect, or in a URL that stays.
func TestMain(m *testing.M) { os.Exit(watch.Run(m)) }
