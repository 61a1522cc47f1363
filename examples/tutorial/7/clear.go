package main

import (
	"net/http"

	"github.com/vestibule-go/auth"
)

func (s *shop) clearPage(w http.ResponseWriter, r *http.Request) {
	show(w, r, http.StatusOK, "clear.html", &page{Title: "Clear your shelf"})
}

func (s *shop) clear(w http.ResponseWriter, r *http.Request) {
	if err := s.forget(r.Context(), auth.CurrentUser(r.Context())); err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, "/shelf", http.StatusSeeOther)
}
