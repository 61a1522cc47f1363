package main

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vestibule-go/auth"
)

// homeProducts is how many products the first page shows, the newest ones.
const homeProducts = 60

func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	list, err := s.products.newest(r.Context(), homeProducts)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "home", view{Heading: "Good things, made by people", Products: list})
}

func (s *shop) product(w http.ResponseWriter, r *http.Request) {
	p, err := s.products.byID(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, errNoProduct):
		s.fail(w, r, http.StatusNotFound)
	case err != nil:
		s.broken(w, r, err)
	default:
		s.render(w, r, http.StatusOK, "product", view{Heading: p.Name, Products: []product{p}})
	}
}

func (s *shop) dashboard(w http.ResponseWriter, r *http.Request) {
	s.showDashboard(w, r, http.StatusOK, view{Notice: s.announced(r), Form: productForm{}})
}

// showDashboard shows the products of the user, and only theirs.
func (s *shop) showDashboard(w http.ResponseWriter, r *http.Request, status int, v view) {
	list, err := s.products.of(r.Context(), auth.CurrentUser(r.Context()).ID)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	v.Heading, v.Products = "Your products", list
	s.render(w, r, status, "dashboard", v)
}

// addProduct puts a product on the shelf. Whose it is comes from the session, and
// never from the form.
func (s *shop) addProduct(w http.ResponseWriter, r *http.Request) {
	f := readProductForm(r)
	p, errs := f.validate()
	if len(errs) > 0 {
		s.showDashboard(w, r, http.StatusUnprocessableEntity, view{Form: f, Errors: errs})
		return
	}
	p.Owner = auth.CurrentUser(r.Context()).ID
	if err := s.products.add(r.Context(), p); err != nil {
		s.broken(w, r, err)
		return
	}
	s.announce(r, "“"+p.Name+"” is on the shelf.")
	http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
}

// productForm is what the form on the dashboard submits, as it was typed.
type productForm struct {
	Name, Description, Price string
}

func readProductForm(r *http.Request) productForm {
	return productForm{
		Name:        strings.TrimSpace(r.PostFormValue("name")),
		Description: strings.TrimSpace(r.PostFormValue("description")),
		Price:       strings.TrimSpace(r.PostFormValue("price")),
	}
}

const (
	maxName        = 100 // characters
	maxDescription = 2000
)

// validate returns the product that the form describes, or everything that is wrong
// with it.
func (f productForm) validate() (p product, errs auth.FormErrors) {
	fault := func(field, code, message string) {
		errs = append(errs, auth.FieldError{Field: field, Code: code, Message: message})
	}
	switch {
	case !strings.ContainsFunc(f.Name, unicode.IsGraphic):
		fault("name", auth.CodeRequired, "Please give it a name.")
	case !printable(f.Name) || strings.ContainsAny(f.Name, "\r\n\t"):
		fault("name", auth.CodeInvalid, "Please use plain text in one line.")
	case utf8.RuneCountInString(f.Name) > maxName:
		fault("name", auth.CodeTooLong, fmt.Sprintf("Please use at most %d characters.", maxName))
	}
	switch {
	case !printable(f.Description):
		fault("description", auth.CodeInvalid, "Please use plain text.")
	case utf8.RuneCountInString(f.Description) > maxDescription:
		fault("description", auth.CodeTooLong, fmt.Sprintf("Please use at most %d characters.", maxDescription))
	}
	cents, ok := parsePrice(f.Price)
	switch {
	case f.Price == "":
		fault("price", auth.CodeRequired, "Please give it a price. 0 means that it is free.")
	case !ok:
		fault("price", auth.CodeInvalid, "Please enter a price such as 12.50.")
	}
	return product{Name: f.Name, Description: f.Description, Cents: cents}, errs
}

// printable reports whether s is text: UTF-8 without control characters, except
// for tabs and ends of lines.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\n' || unicode.Is(unicode.Bidi_Control, r)
	})
}

var pricePattern = regexp.MustCompile(`^([0-9]{1,6})(?:\.([0-9]{1,2}))?$`)

// parsePrice reads a price such as "12.50". Money is counted in cents: as a
// fraction it would be rounded sooner or later.
func parsePrice(s string) (cents int64, ok bool) {
	m := pricePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	cents, err := strconv.ParseInt(m[1]+(m[2] + "00")[:2], 10, 64)
	return cents, err == nil
}
