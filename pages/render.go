package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/vestibule-go/auth"
)

//go:embed templates style.css
var files embed.FS

var (
	templates = template.Must(template.ParseFS(files, "templates/*.html"))
	sheet, _  = files.ReadFile("style.css")
	sheetTag  = tag(sheet)
)

// Page is what a [Site.Layout] is executed with.
type Page struct {
	Title  string        // for the title element; the Body has a heading of its own
	Name   string        // Site.Name
	Status int           // of the response
	User   *auth.User    // who is logged in; nil: nobody
	Body   template.HTML // one section element, of class "vestibule"

	ctx context.Context // of the request
}

// Token returns the CSRF token, for forms in the frame, such as one to log out.
func (p *Page) Token() string { return auth.CSRFToken(p.ctx) }

// content is what fills a page.
type content interface {
	// body returns the name of the template, and the title of the page.
	body() (template, title string)
}

func (f *form) body() (string, string) {
	if len(f.Errors) > 0 {
		return "form.html", "Error: " + f.Title
	}
	return "form.html", f.Title
}

// message is a page without a form.
type message struct {
	Title, Text string
	Link        link
}

func (m *message) body() (string, string) { return "message.html", m.Title }

// form sends a form, ready to be filled in.
func (s Site) form(w http.ResponseWriter, r *http.Request, status int, f *form) {
	f.Token = auth.CSRFToken(r.Context())
	if f.Next == "" {
		f.Next = wanted(r)
	}
	if f.Link.Path != "" {
		f.Link.Path = withNext(f.Link.Path, f.Next)
	}
	for _, in := range f.Fields {
		if in.Chosen {
			in.Hint = auth.PasswordHint(r.Context())
		}
	}
	f.markErrors()
	s.page(w, r, status, f)
}

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

// markErrors tells the fields what is wrong with them, and puts the cursor into
// the first. What is wrong with the whole form is wrong with all of them, unless it
// only came too soon.
func (f *form) markErrors() {
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
func (f *form) tooSoon() bool {
	return slices.ContainsFunc(f.Errors, func(e auth.FieldError) bool { return e.Code == auth.CodeThrottled })
}

// Label returns the label of a field, for the summary, or "" if there is no such field.
func (f *form) Label(name string) string {
	for _, in := range f.Fields {
		if in.Name == name {
			return in.Label
		}
	}
	return ""
}

// message sends a page that says what the status means.
func (s Site) message(w http.ResponseWriter, r *http.Request, status int) {
	s.page(w, r, status, messageFor(status))
}

func messageFor(status int) *message {
	home := link{Label: "To the start page", Path: "/"}
	switch status {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return &message{"This form cannot be read", "It arrived damaged, or is not a form at all. Please go back, reload the page and send it again.", home}
	case http.StatusRequestEntityTooLarge:
		return &message{"This form is too large", "Please go back and send less.", home}
	case http.StatusUnauthorized:
		return &message{"You are not logged in", "Please log in to go on.", link{Label: "Log in", Path: "/login"}}
	case http.StatusForbidden:
		return &message{"This is not possible", "The form is too old, or was sent from another site. Please go back, reload the page and send it again.", home}
	case http.StatusNotFound:
		return &message{"There is no such page", "Perhaps the address has a slip in it, or the page has moved.", home}
	case http.StatusMethodNotAllowed:
		return &message{"This is no page to open", "This address only takes forms that are sent to it.", home}
	}
	return &message{"Something went wrong", "It is not your fault. Please try again in a moment.", home}
}

// page sends a page. Nothing of it goes out before it is complete, so that a
// mistake in a template gives a clean 500.
func (s Site) page(w http.ResponseWriter, r *http.Request, status int, c content) {
	name, title := c.body()
	p := &Page{Title: title, Name: s.Name, Status: status, User: auth.CurrentUser(r.Context()), ctx: r.Context()}
	layout := s.Layout
	if layout == nil {
		layout = templates.Lookup("layout.html")
	}
	var body, whole bytes.Buffer
	err := templates.ExecuteTemplate(&body, name, c)
	if err == nil {
		p.Body = template.HTML(body.String())
		err = layout.Execute(&whole, p)
	}
	if err != nil {
		slog.ErrorContext(r.Context(), "auth/pages: render", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(whole.Bytes())
}

// style sends the style sheet.
func (s Site) style(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		s.message(w, r, http.StatusMethodNotAllowed)
		return
	}
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", sheetTag)
	http.ServeContent(w, r, "style.css", time.Time{}, bytes.NewReader(sheet))
}

func tag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}
