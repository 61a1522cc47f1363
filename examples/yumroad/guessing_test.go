package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/vestibule-go/auth/authtest"
)

// What people see of limits, and of a password that others may know, in a browser.
func TestGuessingInBrowser(t *testing.T) {
	db := filepath.Join(t.TempDir(), "shop.db")
	owner, guesser := startChromium(t), startChromium(t)
	server := startServer(t, buildShop(t), "-addr", "127.0.0.1:0", "-db", db)
	owner.base, guesser.base = server.url, server.url
	signUp(owner)

	guesser.open("/login", "/login", http.StatusOK)
	for range 5 {
		guesser.fill("email", ann, "password", "let me guess this one")
		guesser.submit("/login", "/login", http.StatusUnprocessableEntity)
	}
	guesser.fill("email", ann, "password", authtest.Password)
	guesser.submit("/login", "/login", http.StatusTooManyRequests)
	guesser.wantText("There were too many attempts. Please try again in 1 second.")
	guesser.shoot("throttled")

	owner.submit("/logout", "/", http.StatusOK)
	owner.open("/login", "/login", http.StatusOK)
	owner.fill("email", ann, "password", authtest.Password)
	owner.submit("/login", "/dashboard", http.StatusOK)

	s := newShop(t, db, nil)
	u, err := s.users.UserByLogin(t.Context(), ann)
	if err == nil {
		err = s.auth.MarkCompromised(t.Context(), u)
	}
	if err != nil {
		t.Fatal(err)
	}
	owner.open("/dashboard", "/login", http.StatusOK)
	for owner.path() == "/login" { // their browser is not known any more, so they may have to wait a second
		owner.fill("email", ann, "password", authtest.Password)
		owner.load(press("/login"))
	}
	owner.wantPage("/account/password", http.StatusOK, http.StatusOK)
	owner.wantText("Others may know the password that you have now.")
	owner.shoot("compromised")
	owner.fill("current", authtest.Password, "password", newPassword, "confirm", newPassword)
	owner.submit("/account/password", "/account/password", http.StatusOK)
	owner.wantText("Your password is changed")
}
