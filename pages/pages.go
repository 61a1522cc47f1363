// Package pages has ready pages for the whole life of an account: to sign up, log in and log out,
// to confirm an address, to replace a forgotten password, to change password and address, to see where one is logged
// in, and to take one's data along or leave for good. Every page speaks HTML to people and JSON to
// programs.
//
//	m, err := auth.New(store, &auth.Config{BaseURL: base, CSRFRefused: http.HandlerFunc(pages.CSRFRefused)})
//	…
//	mux.Handle("/", pages.Handler(m))
//	mux.Handle("GET /{$}", m.RequireLogin(home))
//	http.ListenAndServe(addr, m.Handler(mux))
//
// The pages are
//
//	GET, POST  /signup                         for guests
//	GET, POST  /login                          for guests
//	POST       /logout                         for everyone
//	GET, POST  /reauth                         for users
//	GET, POST  /account/password               for users who have just proved who they are, or who must
//	GET        /account/sessions               for users who have just proved who they are, and so on
//	POST       /account/sessions/{id}/revoke
//	POST       /account/sessions/revoke-others
//	POST       /account/sessions/revoke-all
//	GET        /account/export                 JSON, as a file
//	GET, POST  /account/delete
//	GET        /session                        JSON: who is logged in, and the CSRF token
//	GET        /vestibule.css                  the style sheet, light and dark
//
// and, with [email.Links],
//
//	GET, POST  /confirm           where links to confirm an address lead to
//	GET, POST  /confirm/resend    to ask for another one
//	GET, POST  /password/forgot   to ask for a new password
//	GET, POST  /password/reset    where links to set one lead to
//	GET, POST  /account/email     for users who have just proved who they are
//
// These are the defaults of auth.Config and email.Config for the paths they name: leave
// them as they are, and do not mount the pages under a prefix. Who needs a second
// factor is sent to Config.SecondFactorURL. Whatever else
// they are asked for they answer by 404, whatever method they do not know by 405.
//
// # Other pages, other words
//
// Everything can be replaced. A pattern of the application's
// own that is more specific than the one the pages are mounted under, such as
// "/login" or "GET /vestibule.css", takes the place of a handler; what a page does is a
// method of [auth.Manager] or [email.Links], so that such a handler is a few lines.
// [Config.Templates] replaces templates one by one, "layout.html" first of all, which is the frame
// around all of them; each is executed with a [*Page]. [Config.Languages] replaces the words.
//
// The forms work without JavaScript, with a keyboard and with a screen reader:
// every field has its label, says what is wrong with it, and tells password
// managers what it is for. After a refusal the email is still there, and the
// passwords are not.
//
// # Links in mails
//
// A link is opened by programs, too, that look for viruses, and its address is kept in histories and sent along to other
// sites. So the pages move the token from the address into a cookie at once, show a form,
// and use the token up only when that is sent.
//
// # JSON
//
// A client that prefers JSON (see [auth.PrefersJSON]) gets it from the same paths, and sends the
// fields of the forms as an object of strings, "remember" as a boolean, with the CSRF token of
// GET /session in the header X-CSRF-Token. JSON with anything else in it is refused. Errors are problems of
// RFC 9457 with a code. No answer to such a client redirects to a page. The file docs/openapi.yaml of this module
// describes it all.
//
// # Headers
//
// The pages are never stored by caches, and load nothing but the style sheet. That,
// and that no other site frames them or takes forms from them, is what their
// Content-Security-Policy says; they send it unless the application has set
// another before.
package pages

import (
	"cmp"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/lang"
)

// Config adjusts the pages to an application. The zero Config is ready for use.
type Config struct {
	// Name is what the application is called, in titles and above the forms.
	Name string

	// Fresh is how long ago a user may have proved who they are to change the
	// password and the like without being asked again; zero means 15 minutes. Who finds a browser
	// unattended can do all of it for so long, but for the password, which has to be known.
	Fresh time.Duration

	// SignupLogsIn logs in at once who signs up where there are email.Links, and mails the link to
	// confirm the address meanwhile: for applications that give a time of grace (see email.Hooks). The
	// price is that anybody learns whether an address has an account, by signing up with it. Without
	// Links that is always so.
	SignupLogsIn bool

	// TellNewBrowsers tells users by mail when they log in with their password in a browser that is new to them (OWASP
	// ASVS 5.0, 6.3.5; see Manager.KnownBrowser), but for the first hour of an account or of an address.
	// It is off since who deletes cookies gets mails for logins, up to three an hour.
	TellNewBrowsers bool

	// Account are further links for the menu of a user's account, such as one to the application's profile page.
	Account []Link

	// Templates has templates that take the place of those with the same name, and others that they
	// use: all files of it whose name ends in ".html". Those of this package are in its folder
	// "templates"; each is executed with a [*Page]. Among them is "style", which is empty, for links to style sheets of
	// the application's own: it stands in the head of every page.
	Templates fs.FS

	// Funcs are further functions for the templates.
	Funcs template.FuncMap

	// Languages are those that the pages speak; nil means lang.Builtin().
	Languages lang.Catalog

	// Language chooses one of them for a request; nil means by the header Accept-Language.
	Language func(r *http.Request) *lang.Language
}

// Site is the pages of an application. Make one with [New]. It is safe for concurrent use.
type Site struct {
	cfg       Config // complete
	templates *template.Template
	match     func(accept string) *lang.Language
	mail      atomic.Bool // there are pages for mail
}

// New returns the pages that cfg asks for; nil means the zero Config. It returns an error if a
// template cannot be parsed, or not be executed with a Page.
func New(cfg *Config) (*Site, error) {
	s := new(Site)
	if cfg != nil {
		s.cfg = *cfg
	}
	s.cfg.Fresh = cmp.Or(s.cfg.Fresh, 15*time.Minute)
	if len(s.cfg.Languages) == 0 {
		s.cfg.Languages = lang.Builtin()
	}
	s.match = s.cfg.Languages.Matcher()
	var err error
	if s.templates, err = parse(s.cfg.Templates, s.cfg.Funcs); err != nil {
		return nil, err
	}
	if err := s.try(); err != nil {
		return nil, err
	}
	return s, nil
}

// plain returns the pages of the zero Config.
var plain = sync.OnceValue(func() *Site {
	s, err := New(nil)
	if err != nil {
		panic(err) // our own templates: TestPlain
	}
	return s
})

// Handler returns the pages of the zero Config for m, without those for mail. Mount it under "/".
func Handler(m *auth.Manager) http.Handler { return plain().Handler(m, nil) }

// CSRFRefused is for auth.Config.CSRFRefused, as an [http.HandlerFunc], and shows
// the pages of the zero Config. See [Site.CSRFRefused].
func CSRFRefused(w http.ResponseWriter, r *http.Request) { plain().CSRFRefused(w, r) }

// Handler returns the pages for m. With a nil links there are none for mail. Mount it under "/".
// Without a Manager.Handler around it, it brings its own. A Site is for one Manager.
func (s *Site) Handler(m *auth.Manager, links *email.Links) http.Handler {
	p := &pages{s, m, links}
	s.mail.Store(links != nil)
	guarded := m.Handler(p.routes())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if r.URL.Path == "/vestibule.css" {
			s.style(w, r) // asks for no session
			return
		}
		guarded.ServeHTTP(w, s.localize(w, r))
	})
}

// Localize lets handlers of the application's own speak the visitor's language: the mails that they ask for are written in
// it, and lang.FromContext returns it. The handler of all pages does so by itself.
func (s *Site) Localize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, s.localize(w, r)) })
}

// localize puts the language into the context, for mails that the request asks for.
func (s *Site) localize(w http.ResponseWriter, r *http.Request) *http.Request {
	if s.cfg.Language == nil && len(s.cfg.Languages) > 1 {
		w.Header().Add("Vary", "Accept-Language")
	}
	return r.WithContext(lang.NewContext(r.Context(), s.language(r)))
}

// language returns the one to speak to r's visitor.
func (s *Site) language(r *http.Request) *lang.Language {
	if s.cfg.Language != nil {
		if l := s.cfg.Language(r); l != nil {
			return l
		}
	}
	return s.match(r.Header.Get("Accept-Language"))
}

// pages is a Site of a Manager.
type pages struct {
	*Site
	m     *auth.Manager
	links *email.Links // nil: no mail
}
