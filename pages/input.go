package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vestibule-go/auth"
)

// maxBody is how much of a JSON body is read: as much as auth.Config.MaxForm is of a form by default.
const maxBody = 64 << 10

// maxFaults is how many wrong fields are named. There are fewer right ones, and a body has room for thousands.
const maxFaults = 16

// Codes of field errors in JSON, beside those of package auth.
const (
	codeUnknown = "unknown_field"
	codeType    = "type"
)

// input is what a request has sent: a form, or a JSON object with the same fields.
type input struct {
	r    *http.Request
	json map[string]any // of strings, and one boolean; nil: it was a form
}

// read returns what r has sent. A form is read by package auth, which also says what is wrong with it; what is
// neither is ErrFormType. Of JSON the errors are returned here: FormErrors for fields that are none of those, or of another type, ErrForm, and
// http.MaxBytesError. No body at all is an object with nothing in it, for there is nothing that it could be
// mistaken for. The input is good for showing the form again in any case.
func read(w http.ResponseWriter, r *http.Request, fields ...string) (*input, error) {
	switch t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t {
	case "application/json":
	case "application/x-www-form-urlencoded":
		return &input{r: r}, nil
	default:
		return &input{r: r}, auth.ErrFormType
	}
	in := &input{r, map[string]any{}}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return in, fmt.Errorf("%w: %w", auth.ErrForm, err)
	}
	if len(body) > 0 {
		err = in.decode(body, fields)
	}
	r.PostForm = url.Values{"next": {in.text("next")}} // where wanted looks for it
	return in, err
}

// decode reads the one object in body, strictly: a field that is there twice would be read
// in one way here, and in another by whoever looks at the request before.
func (in *input) decode(body []byte, fields []string) error {
	if !utf8.Valid(body) {
		return fmt.Errorf("%w: not UTF-8", auth.ErrForm)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // else one that is too large would pass for malformed
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%w: not a JSON object", auth.ErrForm)
	}
	var faults auth.FormErrors
	for d.More() && len(faults) < maxFaults {
		name, err := d.Token()
		var value any
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return fmt.Errorf("%w: malformed JSON", auth.ErrForm)
		}
		in.set(name.(string), value, fields, &faults)
	}
	if len(faults) >= maxFaults {
		return faults
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: malformed JSON", auth.ErrForm)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more than one JSON value", auth.ErrForm)
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// set notes the value of one field, or what is wrong with it.
func (in *input) set(name string, value any, fields []string, faults *auth.FormErrors) {
	_, again := in.json[name]
	s, text := value.(string)
	_, flag := value.(bool)
	switch {
	case !slices.Contains(fields, name):
		faults.Add(name, codeUnknown, 0)
	case again:
		faults.Add(name, auth.CodeRepeated, 0)
	case strings.ContainsRune(s, utf8.RuneError): // what encoding/json makes of half a surrogate pair, whichever it is
		faults.Add(name, auth.CodeInvalid, 0)
	case name == "remember" && flag, name != "remember" && text:
		in.json[name] = value
	default:
		faults.Add(name, codeType, 0)
	}
}

// text returns the value of a field, or "".
func (in *input) text(field string) string {
	if in.json != nil {
		value, _ := in.json[field].(string)
		return value
	}
	if values := in.r.PostForm[field]; len(values) == 1 {
		return values[0]
	}
	return ""
}

func (in *input) signup() *auth.SignupForm {
	if in.json == nil {
		return auth.ParseSignup(in.r)
	}
	return &auth.SignupForm{Email: strings.TrimSpace(in.text("email")), Password: in.text("password"), Confirm: in.text("confirm"), Next: in.text("next")}
}

func (in *input) login() *auth.LoginForm {
	if in.json == nil {
		return auth.ParseLogin(in.r)
	}
	remember, _ := in.json["remember"].(bool)
	return &auth.LoginForm{Email: strings.TrimSpace(in.text("email")), Password: in.text("password"), Remember: remember, Next: in.text("next")}
}

func (in *input) password() *auth.PasswordForm {
	if in.json == nil {
		return auth.ParsePassword(in.r)
	}
	return &auth.PasswordForm{Current: in.text("current"), Password: in.text("password"), Confirm: in.text("confirm")}
}
