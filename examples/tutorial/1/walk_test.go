package main

import (
	"net/http"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

func TestWalk(t *testing.T) {
	m := authtest.New(t, nil)
	c := authtest.NewClient(t, newApp(m))
	c.Get("/").WantLogin(m, "/")
	c.Signup("ann@example.com", "short").Want(http.StatusUnprocessableEntity)
	c.Signup("ann@example.com", authtest.Password).Follow().Want(http.StatusOK, "Hello, ann@example.com", "Log out")
	c.Logout()
	c.Get("/").WantLogin(m, "/")
	c.Login("ann@example.com", authtest.Password).WantRedirect("/")
}
