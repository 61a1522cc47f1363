package pages

import (
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/lang"
)

// Page is what every template is executed with. It belongs to one request, and is not safe for concurrent use. Make one of the
// application's own with [Site.NewPage]; the zero Page has no words.
type Page struct {
	Template string     // its name, such as "login.html"
	Site     string     // Config.Name
	Status   int        // of the response
	Path     string     // of the request
	User     *auth.User // who is logged in; nil: nobody

	Heading string // of the page; Title has more
	Lead    string // a sentence under it
	Notice  string // a sentence about what has just happened

	Form     *Form    // nil: the page has none
	Onward   *Link    // where to go on, for pages without a form; nil: nowhere
	Links    []Link   // to other pages, below the form
	Sessions []Device // of the page "sessions.html"
	Unlisted bool     // on that page: the store cannot tell which there are
	Value    any      // of a page of the application's own: whatever its template needs

	Body template.HTML // what the frame "layout.html" is around: one section element, of class "vestibule"

	s *Site
	l *lang.Language
	r *http.Request
}

// Form is a form of a page.
type Form struct {
	Action   string          // the path that it is sent to
	Fields   []*Field        // in their order
	Checkbox *Checkbox       // "remember"; nil: there is none
	Button   string          // what it says
	Danger   bool            // what it does cannot be undone
	Errors   auth.FormErrors // in the visitor's language
	Next     string          // where the visitor goes on to; empty: nowhere in particular
	Link     string          // the token of a link in a mail, to be sent along as "token"; empty: none
}

// Field is an input with its label.
type Field struct {
	// Name, Type, Autocomplete and Value are the attributes of the input. Label stands beside it, and Hint, which may be empty,
	// says what it has to be like.
	Name, Label, Type, Autocomplete, Value, Hint string

	Fixed       bool   // not to be edited
	Invalid     bool   // what it holds was refused
	Focus       bool   // the cursor belongs here
	Error       string // what is wrong with it; empty: nothing, or nothing of it alone
	DescribedBy string // the ID of what explains the error, or else of the hint

	chosen bool // a new password, with a hint that says what it has to be like
}

// Checkbox is the one that asks to be remembered.
type Checkbox struct {
	Checked bool // as it was sent
}

// Link leads to another page.
type Link struct {
	Text  string // before it; may be empty
	Label string // what is clicked on
	Path  string // where it leads to
}

// Device is a session as its user sees it.
type Device struct {
	*auth.Session
	Device  string `json:"device"`  // what the browser says it is, in words
	Current bool   `json:"current"` // the session that asks
}

// Title is for the title element.
func (p *Page) Title() string {
	if p.Form != nil && len(p.Form.Errors) > 0 {
		return p.Text("form.error", "title", p.Heading)
	}
	return p.Heading
}

// Text returns a text of the visitor's language: see [lang.Language.Text].
func (p *Page) Text(key string, args ...any) string { return p.l.Text(key, args...) }

// Lang is the name of the visitor's language.
func (p *Page) Lang() string { return p.l.Tag() }

// Token returns the CSRF token, for the field "csrf_token" of every form on the page. Who asks for it
// gets a cookie, so ask only where there is a form.
func (p *Page) Token() string { return auth.CSRFToken(p.r.Context()) }

// Account returns links to the pages of the user's account, or nil for guests.
func (p *Page) Account() []Link {
	if p.User == nil {
		return nil
	}
	links := []Link{{Label: p.Text("account.sessions"), Path: "/account/sessions"}, {Label: p.Text("account.password"), Path: "/account/password"}}
	if p.s.mail.Load() {
		links = append(links, Link{Label: p.Text("account.email"), Path: "/account/email"})
	}
	links = append(links, p.s.cfg.Account...)
	return append(links, Link{Label: p.Text("account.export"), Path: "/account/export"}, Link{Label: p.Text("account.delete"), Path: "/account/delete"})
}

// Time returns t as all languages write it.
func (p *Page) Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Machine returns t for the attribute "datetime".
func (p *Page) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Label returns the label of a field of the form, or "" if there is no such field.
func (p *Page) Label(name string) string {
	if p.Form == nil {
		return ""
	}
	for _, in := range p.Form.Fields {
		if in.Name == name {
			return in.Label
		}
	}
	return ""
}

// markErrors tells the fields what is wrong with them, and puts the cursor into
// the first. What is wrong with the whole form is wrong with all of them, unless it
// only came too soon.
func (f *Form) markErrors() {
	whole, focused := f.Errors.Get("") != "" && !f.tooSoon(), false
	for _, in := range f.Fields {
		if in.Fixed {
			continue
		}
		in.Error = f.Errors.Get(in.Name)
		in.Invalid = in.Error != "" || whole
		switch {
		case in.Error != "":
			in.DescribedBy = in.Name + "-error"
		case whole:
			in.DescribedBy = "summary"
		case in.Hint != "":
			in.DescribedBy = in.Name + "-hint"
		}
		in.Focus = !focused && (in.Error != "" || whole && in.Value == "")
		focused = focused || in.Focus
	}
}

// tooSoon reports whether the form may be sent again as it is, if a little later.
func (f *Form) tooSoon() bool {
	return slices.ContainsFunc(f.Errors, func(e auth.FieldError) bool { return e.Code == auth.CodeThrottled })
}
