package main

import (
	"cmp"
	"net/http"

	"github.com/vestibule-go/auth"
)

// accountForm is what the templates of the account pages show again after a
// refusal. There is no password in it.
type accountForm struct {
	Email    string
	Remember bool
	Next     string // where the visitor goes on to
}

func (s *shop) signupPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "signup", view{Title: "Sign up", Form: accountForm{Next: next(r)}})
}

// signup makes an account, and logs its user in.
func (s *shop) signup(w http.ResponseWriter, r *http.Request) {
	f := auth.ParseSignup(r)
	u, err := s.auth.Signup(r.Context(), f)
	if err == nil {
		err = s.auth.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword})
	}
	if err != nil {
		s.refuse(w, r, err, "signup", view{Title: "Sign up", Form: accountForm{Email: f.Email, Next: next(r)}, Errors: f.Errors})
		return
	}
	s.auth.Redirect(w, r)
}

func (s *shop) loginPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "login", view{Title: "Log in", Form: accountForm{Next: next(r)}})
}

func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	f := auth.ParseLogin(r)
	u, err := s.auth.Authenticate(r.Context(), f)
	if err == nil {
		err = s.auth.Login(w, r, u, auth.Proof{Factor: auth.FactorPassword, Remember: f.Remember})
	}
	if err != nil {
		form := accountForm{Email: f.Email, Remember: f.Remember, Next: next(r)}
		s.refuse(w, r, err, "login", view{Title: "Log in", Form: form, Errors: f.Errors})
		return
	}
	s.auth.Redirect(w, r)
}

// logout needs no login around it: who is logged out already is where they
// wanted to be.
func (s *shop) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.auth.Logout(w, r); err != nil {
		s.fail(w, r, http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *shop) logoutEverywhere(w http.ResponseWriter, r *http.Request) {
	if err := s.auth.LogoutEverywhere(w, r); err != nil {
		s.fail(w, r, http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// reauthPage asks for the password once more. RequireFresh sends people here.
func (s *shop) reauthPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "reauth", view{Title: "Is it you?", Form: accountForm{Next: next(r)}})
}

func (s *shop) reauth(w http.ResponseWriter, r *http.Request) {
	f := auth.ParseLogin(r)
	if err := s.auth.Reauthenticate(w, r, f); err != nil {
		v := view{Title: "Is it you?", Form: accountForm{Next: next(r)}, Errors: f.Errors}
		s.refuse(w, r, err, "reauth", v)
		return
	}
	s.auth.Redirect(w, r)
}

func (s *shop) passwordPage(w http.ResponseWriter, r *http.Request) {
	v := view{Title: "Change your password"}
	if auth.PendingPassword(r.Context()) != nil {
		v.Notice = "Others may know your password. Choose a new one to go on, please."
	}
	s.render(w, r, http.StatusOK, "password", v)
}

// changePassword also ends the user's other sessions.
func (s *shop) changePassword(w http.ResponseWriter, r *http.Request) {
	f := auth.ParsePassword(r)
	u := cmp.Or(auth.CurrentUser(r.Context()), auth.PendingPassword(r.Context()))
	if err := s.auth.ChangePassword(r.Context(), u, f); err != nil {
		s.refuse(w, r, err, "password", view{Title: "Change your password", Errors: f.Errors})
		return
	}
	s.announce(r, "Your password is changed. On other devices you are logged out.")
	http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
}

// next returns where the visitor wants to go afterwards, or "". It reads what has
// been parsed already, and no body that is not a form.
func next(r *http.Request) string {
	target, _ := auth.SafeNext(cmp.Or(r.PostForm.Get("next"), r.URL.Query().Get("next")))
	return target
}
