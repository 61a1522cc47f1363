package main

import (
	"testing"

	"github.com/vestibule-go/auth/examples/with/internal/walk"
)

func TestWalk(t *testing.T) { walk.Through(t, app, 405) }
