package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Errors of a form that cannot be read at all. [Status] makes 415 and 400 of
// them. A body that is too large is an *http.MaxBytesError, and 413.
var (
	// ErrFormType reports a body that is not application/x-www-form-urlencoded.
	ErrFormType = errors.New("auth: not a form")

	// ErrForm reports a body that claims to be a form and cannot be decoded.
	ErrForm = errors.New("auth: malformed form")
)

// Codes of field errors.
const (
	CodeRequired  = "required"  // nothing was entered
	CodeRepeated  = "repeated"  // the field was sent more than once
	CodeInvalid   = "invalid"   // not UTF-8, or not an email address
	CodeTaken     = "taken"     // another user has the email
	CodeTooShort  = "too_short" // fewer than Limit code points
	CodeTooLong   = "too_long"  // more than Limit bytes
	CodeCommon    = "common"    // among the first that anyone guesses
	CodeSimilar   = "similar"   // too close to the email
	CodeBreached  = "breached"  // has leaked, says Policy.Breaches
	CodeMismatch  = "mismatch"  // the two passwords differ
	CodeWrong     = "wrong"     // not the current password
	CodeBadLogin  = "bad_login" // of the whole form: unknown user or wrong password
	CodeThrottled = "throttled" // of the whole form: too many attempts; the next one in Limit seconds
)

// FieldError is what is wrong with one field of a form.
type FieldError struct {
	Field   string `json:"field"`           // name of the field; empty: the whole form
	Code    string `json:"code"`            // one of the constants, for programs and translators
	Message string `json:"message"`         // in English, for the visitor
	Limit   int    `json:"limit,omitempty"` // the number in the message, if there is one
}

// FormErrors is everything that is wrong with a form, at most one entry a field,
// in the order of the fields. It is the only error whose text is meant for
// visitors. To speak another language replace the messages, by their codes.
type FormErrors []FieldError

// Error implements error.
func (e FormErrors) Error() string {
	var b strings.Builder
	b.WriteString("auth: form refused")
	for _, f := range e {
		fmt.Fprintf(&b, "; %s: %s", f.Field, f.Code)
	}
	return b.String()
}

// Get returns the message for a field, or "". The empty name is that of the
// whole form.
func (e FormErrors) Get(field string) string {
	for _, f := range e {
		if f.Field == field {
			return f.Message
		}
	}
	return ""
}

// Add notes what is wrong with a field, unless something is noted already.
func (e *FormErrors) Add(field, code string, limit int) {
	if e.Get(field) == "" {
		*e = append(*e, FieldError{field, code, message(field, code, limit), limit})
	}
}

func message(field, code string, limit int) string {
	switch code {
	case CodeRequired:
		return "Please fill in this field."
	case CodeRepeated:
		return "This field was sent more than once."
	case CodeInvalid:
		if field == "email" {
			return "Please enter an email address, such as ann@example.com."
		}
		return "This is not valid text."
	case CodeTaken:
		return "Someone has signed up with this email already. Log in instead?"
	case CodeTooShort:
		return fmt.Sprintf("Please use at least %d characters. Four or five words that have nothing to do with each other make a good password.", limit)
	case CodeTooLong:
		return fmt.Sprintf("Please use at most %d bytes.", limit)
	case CodeCommon:
		return "This password is among the first that anyone would guess. Four or five words that have nothing to do with each other make a good one."
	case CodeSimilar:
		return "This password is too close to your email. Four or five words that have nothing to do with it make a good one."
	case CodeBreached:
		return "This password has leaked somewhere, so it is among those that are tried. Please choose another one, and change it wherever else you use it."
	case CodeMismatch:
		return "The two passwords are not the same."
	case CodeWrong:
		return "This is not your current password."
	case CodeBadLogin:
		return "The email or the password is wrong."
	case CodeThrottled:
		return fmt.Sprintf("There were too many attempts. Please try again in %s.", inWords(limit))
	}
	return "This cannot be accepted."
}

// inWords returns a number of seconds as people say it.
func inWords(seconds int) string {
	n, unit := seconds, "second"
	if seconds > 90 {
		n, unit = (seconds+59)/60, "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprint(n, " ", unit)
}

// Status returns the HTTP status that an error of this package asks for: 422 for
// forms to be corrected, 400, 413 and 415 for those that cannot be read, 401 where no
// one is logged in, 403 for a disabled account, 404 for ErrNotFound, 409 for
// ErrConflict and ErrExists, 429 for ErrThrottled, 503 for ErrBusy, ErrUnchecked, ErrUnavailable,
// deadlines that have passed and connections that broke, and 500 for everything else.
func Status(err error) int {
	var fields FormErrors
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &fields), errors.Is(err, ErrBadLogin):
		return http.StatusUnprocessableEntity
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrFormType):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, ErrForm):
		return http.StatusBadRequest
	case errors.Is(err, ErrNotLoggedIn), errors.Is(err, ErrSecondFactor), errors.Is(err, ErrNewPassword):
		return http.StatusUnauthorized
	case errors.Is(err, ErrDisabled):
		return http.StatusForbidden
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrConflict), errors.Is(err, ErrExists):
		return http.StatusConflict
	case errors.Is(err, ErrThrottled):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrBusy), errors.Is(err, ErrUnchecked), errors.Is(err, ErrUnavailable), away(err):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// away reports whether err says that another program does not answer, whatever driver says so.
func away(err error) bool {
	var network net.Error
	var file *fs.PathError // the number in which passes for a net.Error, too
	return errors.As(err, &network) && !errors.As(err, &file) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// SignupForm is what a signup page submits: fields "email", "password", "confirm"
// and, if the visitor was on the way somewhere, "next". After a refusal, Errors says why; show Email again, and never the
// passwords. The zero SignupForm is an empty one. It belongs to one request, and is not safe for concurrent use; nor are
// [LoginForm] and [PasswordForm].
type SignupForm struct {
	Email    string     // as typed; see CanonicalEmail
	Password string     `json:"-"` // as typed
	Confirm  string     `json:"-"` // the password once more
	Next     string     // where the visitor wanted to go; for Redirect alone to judge
	Errors   FormErrors // what is wrong with it; empty: nothing is known to be

	err error // why the body could not be read
}

// LoginForm is what a login page submits: fields "email", "password", "remember"
// and "next". A page that asks for the password again submits "password" and
// "next" only. The zero LoginForm is an empty one. It is not safe for concurrent use.
type LoginForm struct {
	Email    string     // or whatever else UserByLogin finds users by
	Password string     `json:"-"` // as typed
	Remember bool       // stay logged in when the browser is closed
	Next     string     // where the visitor wanted to go; for Redirect alone to judge
	Errors   FormErrors // what is wrong with it; empty: nothing is known to be

	err error
}

// PasswordForm is what a page to change the password submits: fields "current",
// "password" and "confirm". The zero PasswordForm is an empty one. It is not safe for concurrent use.
type PasswordForm struct {
	Current  string     `json:"-"` // the password that counts until now
	Password string     `json:"-"` // the new one, as typed
	Confirm  string     `json:"-"` // the new one once more
	Errors   FormErrors // what is wrong with it; empty: nothing is known to be

	err error
}

// Format implements [fmt.Formatter]: no verb prints a password.
func (f SignupForm) Format(s fmt.State, verb rune) { fmt.Fprint(s, "signup form ", f.Errors) }

// Format implements [fmt.Formatter]: no verb prints a password.
func (f LoginForm) Format(s fmt.State, verb rune) { fmt.Fprint(s, "login form ", f.Errors) }

// Format implements [fmt.Formatter]: no verb prints a password.
func (f PasswordForm) Format(s fmt.State, verb rune) { fmt.Fprint(s, "password form ", f.Errors) }

// ParseSignup reads a SignupForm from the body of r, and nothing from its URL.
// What cannot be read is reported by Signup.
func ParseSignup(r *http.Request) *SignupForm {
	b := readBody(r)
	return &SignupForm{
		Email:    strings.TrimSpace(b.one("email")),
		Password: b.one("password"),
		Confirm:  b.one("confirm"),
		Next:     b.one("next"),
		Errors:   b.errors, err: b.err,
	}
}

// ParseLogin reads a LoginForm from the body of r, and nothing from its URL. What
// cannot be read is reported by Authenticate and Reauthenticate.
func ParseLogin(r *http.Request) *LoginForm {
	b := readBody(r)
	return &LoginForm{
		Email:    strings.TrimSpace(b.one("email")),
		Password: b.one("password"),
		Remember: b.checked("remember"),
		Next:     b.one("next"),
		Errors:   b.errors, err: b.err,
	}
}

// ParsePassword reads a PasswordForm from the body of r, and nothing from its
// URL. What cannot be read is reported by ChangePassword.
func ParsePassword(r *http.Request) *PasswordForm {
	b := readBody(r)
	return &PasswordForm{
		Current:  b.one("current"),
		Password: b.one("password"),
		Confirm:  b.one("confirm"),
		Errors:   b.errors, err: b.err,
	}
}

// A body is a form as it arrived.
type body struct {
	values url.Values
	errors FormErrors
	err    error
}

func readBody(r *http.Request) *body {
	if !isForm(r) {
		return &body{err: ErrFormType}
	}
	if err := parseForm(r); err != nil {
		return &body{err: err}
	}
	return &body{values: r.PostForm}
}

// isForm reports whether the body of r is an urlencoded form.
func isForm(r *http.Request) bool {
	return mediaType(r) == "application/x-www-form-urlencoded"
}

// mediaType returns the media type of the body of r, as net/http and so nosurf
// understand it: whatever its parameters are worth.
func mediaType(r *http.Request) string {
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return t
}

// maxMemory is how much of a multipart body net/http keeps in memory. Handler
// lets no more than MaxForm of it through.
const maxMemory = 1 << 20

// parseForm parses the body of r. It finds fault with the body only: a query that
// cannot be decoded is the application's business.
func parseForm(r *http.Request) error {
	if r.PostForm != nil {
		return nil
	}
	query := r.URL.RawQuery
	r.URL.RawQuery = ""
	err := r.ParseForm()
	if isMultipart(r) {
		err = r.ParseMultipartForm(maxMemory)
	}
	r.URL.RawQuery = query
	r.Form = nil // to be made anew, with the query, when someone asks for it
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		err = fmt.Errorf("%w: %w", ErrForm, err)
	}
	return err
}

// one returns the value of a field. A field that was sent twice has none, since
// whoever checks one value might use the other.
func (b *body) one(field string) string {
	values := b.values[field]
	if len(values) == 0 {
		return ""
	}
	if len(values) > 1 {
		b.errors.Add(field, CodeRepeated, 0)
		return ""
	}
	if !utf8.ValidString(values[0]) {
		b.errors.Add(field, CodeInvalid, 0)
		return ""
	}
	return values[0]
}

func (b *body) checked(field string) bool {
	switch strings.ToLower(b.one(field)) {
	case "", "0", "false", "off", "no":
		return false
	}
	return true
}

// validate completes f.Errors and returns the email by which the user will be
// known.
func (f *SignupForm) validate(p *policy) (email string) {
	email, err := CanonicalEmail(f.Email)
	switch {
	case f.Email == "":
		f.Errors.Add("email", CodeRequired, 0)
	case err != nil:
		f.Errors.Add("email", CodeInvalid, 0)
	}
	p.check(&f.Errors, f.Password, email)
	confirm(&f.Errors, f.Password, f.Confirm)
	return email
}

// validate completes f.Errors.
func (f *PasswordForm) validate(p *policy, email string) {
	if f.Current == "" {
		f.Errors.Add("current", CodeRequired, 0)
	}
	p.check(&f.Errors, f.Password, email)
	confirm(&f.Errors, f.Password, f.Confirm)
}

func confirm(e *FormErrors, password, again string) {
	switch {
	case again == "":
		e.Add("confirm", CodeRequired, 0)
	case again != password:
		e.Add("confirm", CodeMismatch, 0)
	}
}

// refuse notes in f that the password is wrong, or that there were too many.
func (f *LoginForm) refuse(err error, field, code string) {
	if errors.Is(err, ErrBadLogin) {
		f.Errors.Add(field, code, 0)
		return
	}
	f.Errors.addThrottled(err)
}

// addThrottled notes that there were too many attempts, if that is what err says.
func (e *FormErrors) addThrottled(err error) {
	if errors.Is(err, ErrThrottled) {
		e.Add("", CodeThrottled, RetryAfter(err))
	}
}

func (f *LoginForm) require(field, value string) {
	if value == "" {
		f.Errors.Add(field, CodeRequired, 0)
	}
}
