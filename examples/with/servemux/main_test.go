package main

import (
	"testing"

	"github.com/vestibule-go/auth/examples/with/internal/walk"
)

// The pages are a pattern for every method, so they answer where ServeMux would say 405.
func TestWalk(t *testing.T) { walk.Through(t, app, 404) }
