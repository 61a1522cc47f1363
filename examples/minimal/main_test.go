package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

func TestEvening(t *testing.T) {
	c := authtest.NewClient(t, app(authtest.New(t, nil)))
	r := c.Get("/").Follow()
	if r.URL != "http://localhost/login?next=%2F" || r.Status != 200 {
		t.Fatalf("a guest gets %s: status %d", r.URL, r.Status)
	}
	r = c.Signup("ann@example.com", authtest.Password).Follow()
	if !strings.Contains(r.Body, "Hello, ann@example.com") {
		t.Fatalf("after the signup: %s", r.Body)
	}
	if r = c.Logout().Follow(); r.URL != "http://localhost/login?next=%2F" {
		t.Errorf("after the logout: %s", r.URL)
	}
	if r = c.Login("ann@example.com", "wrong"); r.Status != 422 {
		t.Errorf("with a wrong password: status %d", r.Status)
	}
	if r = c.Login("ann@example.com", authtest.Password); r.Location != "/" {
		t.Errorf("after the login: %d to %s", r.Status, r.Location)
	}
}

// TestSize keeps the promise of the example's name.
func TestSize(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > 40 {
		t.Errorf("main.go has %d lines", n)
	}
}
