package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/lang"
)

//go:embed templates style.css
var files embed.FS

var (
	sheet, _ = files.ReadFile("style.css")
	sheetTag = tag(sheet)
)

// names are the templates that are executed: all pages, and the frame.
var names = []string{
	"signup.html", "login.html", "logout.html", "reauth.html", "password.html", "confirm.html", "resend.html", "forgot.html",
	"reset.html", "email.html", "sessions.html", "delete.html", "message.html", "layout.html",
}

// parse returns the templates of this package, with those of the application in their places.
func parse(own fs.FS, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New("").Funcs(funcs).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if own == nil {
		return t, nil
	}
	err = fs.WalkDir(own, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".html") {
			return err
		}
		text, err := fs.ReadFile(own, path)
		if err != nil {
			return err
		}
		_, err = t.New(path).Parse(string(text))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pages: Templates: %w", err)
	}
	return t, nil
}

// try executes every template once, so that a mistake shows before there are visitors.
func (s *Site) try() error {
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		return err
	}
	for _, name := range names {
		for _, user := range []*auth.User{nil, {ID: "1", Email: "ann@example.com"}} {
			p := s.page(r, name, "login", form("/", "login.button", emailField("")))
			p.User, p.Onward, p.Body = user, &Link{Label: "a", Path: "/"}, "body"
			p.Sessions = []Device{{&auth.Session{ID: "1"}, "a", true}}
			p.Form.Errors.Add("email", auth.CodeRequired, 0)
			p.Form.markErrors()
			if err := s.templates.ExecuteTemplate(new(bytes.Buffer), name, p); err != nil {
				return fmt.Errorf("pages: %w", err)
			}
		}
	}
	return nil
}

// page returns a page with the texts under key.
func (s *Site) page(r *http.Request, name, key string, f *Form) *Page {
	p := &Page{Template: name, Site: s.cfg.Name, Path: r.URL.Path, User: auth.CurrentUser(r.Context()), Form: f, s: s, l: s.language(r), r: r}
	p.Heading = p.Text(key + ".title")
	if p.l.Has(key + ".lead") {
		p.Lead = p.Text(key + ".lead")
	}
	if f != nil {
		p.finish(f)
	}
	return p
}

// NewPage returns a page of the application's own, which looks like the others: template is the name of one in
// Config.Templates, or of this package's, and heading is what stands above it. Its labels, as all texts of a Form, may be
// keys of package lang. Set what else there is to be seen, and call Show.
func (s *Site) NewPage(r *http.Request, template, heading string) *Page {
	p := s.page(r, template, "", nil)
	p.Heading = p.Text(heading)
	return p
}

// Show sends a page of NewPage with that status, in the frame of all pages and with their headers: for handlers
// inside Manager.Handler. Errors of p.Form are translated, and marked at their fields.
func (s *Site) Show(w http.ResponseWriter, status int, p *Page) {
	setHeaders(w.Header())
	if p.Form != nil {
		p.finish(p.Form)
	}
	s.show(w, status, p)
}

// finish puts the visitor's language into f, and where they go on to.
func (p *Page) finish(f *Form) {
	f.Button = p.Text(f.Button)
	if f.Next == "" {
		f.Next = wanted(p.r)
	}
	for _, in := range f.Fields {
		in.Label, in.Hint = p.Text(in.Label), p.Text(in.Hint)
		if in.chosen {
			in.Hint = p.Text("password.hint", "limit", auth.MinPassword(p.r.Context()))
		}
	}
}

// withLinks adds links to other pages by the keys of their texts, which keep where the visitor goes on to.
func (p *Page) withLinks(pairs ...string) *Page {
	for i := 0; i+1 < len(pairs); i += 2 {
		key, path := pairs[i], pairs[i+1]
		l := Link{Label: p.Text("link." + key), Path: withNext(path, p.Form.Next)}
		if p.l.Has("ask." + key) {
			l.Text = p.Text("ask." + key)
		}
		p.Links = append(p.Links, l)
	}
	return p
}

// show sends a page with a form, ready to be filled in.
func (s *Site) show(w http.ResponseWriter, status int, p *Page) {
	if p.Form != nil {
		p.Form.Errors = translate(p.l, p.Form.Errors)
		p.Form.markErrors()
	}
	s.send(w, status, p)
}

// send sends a page. Nothing of it goes out before it is complete, so that a
// mistake in a template gives a clean 500.
func (s *Site) send(w http.ResponseWriter, status int, p *Page) {
	p.Status = status
	var body, whole bytes.Buffer
	err := s.templates.ExecuteTemplate(&body, p.Template, p)
	if err == nil {
		p.Body = template.HTML(body.String())
		err = s.templates.ExecuteTemplate(&whole, "layout.html", p)
	}
	if err != nil {
		slog.ErrorContext(p.r.Context(), "pages: render", "template", p.Template, "error", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang())
	w.WriteHeader(status)
	w.Write(whole.Bytes())
}

// translate returns what is wrong in the visitor's language. What has no text there, or what the application has
// said in words of its own, stays as it is.
func translate(l *lang.Language, errors auth.FormErrors) auth.FormErrors {
	var all auth.FormErrors
	for _, e := range errors {
		for _, key := range []string{"error." + e.Code + "." + e.Field, "error." + e.Code} {
			if l.Has(key) {
				if !ownWords(e, key) {
					e.Message = text(l, key, e.Limit)
				}
				break
			}
		}
		all = append(all, e)
	}
	return all
}

func text(l *lang.Language, key string, limit int) string {
	return l.Text(key, "limit", limit, "wait", l.Duration(time.Duration(limit)*time.Second))
}

// ownWords reports whether the message of e is neither that of package auth nor that of lang: a wrong code is no
// wrong password, though auth.CodeWrong is for both.
func ownWords(e auth.FieldError, key string) bool {
	var usual auth.FormErrors
	usual.Add(e.Field, e.Code, e.Limit)
	return e.Message != "" && e.Message != usual[0].Message && e.Message != text(lang.English(), key, e.Limit)
}

// policy lets a page load its style sheet and images from the application, send
// its forms there, and do nothing else (OWASP ASVS 5.0, 3.4.3 and 3.4.6).
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// setHeaders sets what every page is sent with.
func setHeaders(h http.Header) {
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", policy)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// style sends the style sheet.
func (s *Site) style(w http.ResponseWriter, r *http.Request) {
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
