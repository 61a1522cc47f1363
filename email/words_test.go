package email_test

import (
	"context"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/lang"
)

// letters returns a mail of every kind, in a language.
func letters(t *testing.T, l *lang.Language, adjust func(*email.Config)) map[string]email.Message {
	t.Helper()
	mails := map[string]email.Message{}
	for _, user := range []func(*auth.User){nil, confirmed} {
		s := newSite(t, 0, adjust)
		u := s.user(user)
		ctx := lang.NewContext(t.Context(), l)
		f := func(address string) *auth.LoginForm { return &auth.LoginForm{Email: address} }
		for _, err := range []error{
			s.links.Signup(ctx, &auth.SignupForm{Email: ann, Password: another, Confirm: another}),
			s.links.Forgot(ctx, f(ann)), s.links.SendConfirmation(ctx, f(ann)),
			s.links.SendChange(ctx, u, f(newAddress)), s.links.SendChange(ctx, s.bob(s.visitor()), f(ann)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, kind := range []string{email.KindPasswordChanged, email.KindEmailChanged, email.KindDeleted, email.KindNewBrowser} {
			s.links.Notify(ctx, u, kind)
		}
		s.links.Close(t.Context())
		for _, m := range append(s.out.sent(), s.out.notices()...) {
			mails[m.Kind] = m
		}
	}
	if len(mails) != 10 {
		t.Errorf("%d kinds", len(mails))
	}
	return mails
}

const oddName = `Tom & <b>"Jerry"</b>`

// Every mail says the same as text and as HTML, in the language of the request.
func TestWords(t *testing.T) {
	for _, l := range lang.Builtin() {
		for kind, m := range letters(t, l, func(c *email.Config) { c.SiteName, c.Contact = oddName, "help@shop.example <at once>" }) {
			if !strings.HasPrefix(m.Text, l.Text("mail.greeting")+"\n\n") || strings.ContainsAny(m.Text+m.Subject, "{}") || strings.Contains(m.Text, "mail.") || m.Subject != l.Text("mail."+kind+".subject", "site", oddName) {
				t.Errorf("%s, %s: %s\n%s", l.Tag(), kind, m.Subject, m.Text)
			}
			if text, links := document(t, l.Tag(), kind, m.HTML), strings.Contains(m.Text, "token="); flat(text) != flat(m.Subject+" "+m.Text) && !links {
				t.Errorf("%s, %s: the HTML says\n%s\nand not\n%s", l.Tag(), kind, flat(text), flat(m.Subject+" "+m.Text))
			} else if links && flat(strings.Replace(text, l.Text("mail."+kind+".button")+"\n", "", 1)) != flat(m.Subject+" "+m.Text) {
				t.Errorf("%s, %s: the HTML says\n%s", l.Tag(), kind, flat(text))
			}
			if !strings.Contains(flat(m.Text), "help@shop.example <at once>") || !strings.Contains(flat(m.Text), oddName) {
				t.Errorf("%s, %s: %s", l.Tag(), kind, m.Text)
			}
			for line := range strings.Lines(m.Text) {
				if n := len([]rune(line)); n > 78 && !strings.Contains(line, "token=") {
					t.Errorf("%s, %s: a line of %d characters: %s", l.Tag(), kind, n, line)
				}
			}
		}
	}
}

// document returns the text of a document, which has nothing in it that is loaded or runs, and links to the site only.
func document(t *testing.T, tag, kind, page string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!doctype html>")))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta"}, xml.HTMLEntity
	var b strings.Builder
	var style bool
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v in\n%s", kind, err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			style = token.Name.Local == "style"
			element(t, tag, kind, token)
		case xml.EndElement:
			style = false
			b.WriteByte('\n')
		case xml.CharData:
			if !style {
				b.Write(token)
			}
			if strings.Contains(string(token), "url(") || strings.Contains(string(token), "@import") {
				t.Errorf("%s: loads something", kind)
			}
		}
	}
	return b.String()
}

func element(t *testing.T, tag, kind string, e xml.StartElement) {
	t.Helper()
	if !slices.Contains([]string{"html", "head", "meta", "title", "style", "body", "main", "p", "a"}, e.Name.Local) {
		t.Errorf("%s: element %s", kind, e.Name.Local)
	}
	attributes := map[string]string{}
	for _, a := range e.Attr {
		attributes[a.Name.Local] = a.Value
		if !slices.Contains([]string{"lang", "charset", "name", "content", "style", "dir", "href", "rel"}, a.Name.Local) || strings.Contains(a.Value, "url(") {
			t.Errorf("%s: attribute %s=%q", kind, a.Name.Local, a.Value)
		}
	}
	if e.Name.Local == "html" && attributes["lang"] != tag {
		t.Errorf("%s: the language is %q", kind, attributes["lang"])
	}
	if href, ok := attributes["href"]; ok && !strings.HasPrefix(href, "http://localhost/") {
		t.Errorf("%s: links to %q", kind, href)
	}
}

// The link is a button, too, where there is one.
func TestButtons(t *testing.T) {
	for kind, m := range letters(t, lang.English(), nil) {
		n := 0
		if found := link.FindString(m.Text); found != "" {
			if n = strings.Count(m.HTML, `href="`+found+`"`); !strings.Contains(m.HTML, ">"+found+"<") {
				t.Errorf("%s: the link is not shown: %s", kind, m.HTML)
			}
		}
		if want := map[bool]int{true: 2, false: 0}[strings.Contains(m.Text, "token=")]; n != want {
			t.Errorf("%s: the link is there %d times, want %d", kind, n, want)
		}
	}
}

// The language is that of the request, and not of one before.
func TestLanguageOfTheRequest(t *testing.T) {
	s := newSite(t, 0, nil)
	s.user(confirmed)
	for n, ctx := range []context.Context{lang.NewContext(t.Context(), lang.Builtin()[1]), t.Context()} {
		if err := s.links.Forgot(ctx, &auth.LoginForm{Email: ann}); err != nil {
			t.Fatal(err)
		}
		if m, _ := s.mail(n + 1); strings.HasPrefix(m.Subject, "Ein ") != (n == 0) {
			t.Errorf("mail %d: %s", n, m.Subject)
		}
	}
}
