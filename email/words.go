package email

import (
	"context"
	_ "embed"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/vestibule-go/auth/lang"
)

// A paragraph of a letter. URL is a link in it, and Label what the button says which leads there, if there
// is one.
type paragraph struct{ Text, URL, Label string }

// Write is what Config.Write is by default: the texts are those of package lang, in the language of ctx
// or in English. For a kind that it does not know it returns a Message without words: a Config.Write of one's own
// may write that, and leave all others to Write.
func Write(ctx context.Context, l Letter) Message {
	words := lang.FromContext(ctx)
	subject := "mail." + l.Kind + ".subject"
	if !words.Has(subject) {
		return Message{} // a kind of somebody else
	}
	m := Message{Subject: words.Text(subject, "site", l.SiteName)}
	parts := paragraphs(words, l)
	m.Text, m.HTML = plain(parts), page(words.Tag(), m.Subject, parts)
	return m
}

// paragraphs returns those that the language has for letters of that kind.
func paragraphs(words *lang.Language, l Letter) (parts []paragraph) {
	say := func(key string) string {
		if !words.Has(key) {
			return ""
		}
		return words.Text(key, "site", l.SiteName, "time", words.Duration(l.For), "contact", l.Contact)
	}
	add := func(key, url, label string) {
		if text := say(key); text != "" {
			parts = append(parts, paragraph{text, url, label})
		}
	}
	kind := "mail." + l.Kind
	add("mail.greeting", "", "")
	add(kind+".text", l.Link, say(kind+".button"))
	if l.Link != "" {
		add("mail.once", "", "")
	}
	add(kind+".login", l.LoginURL, "")
	add(kind+".forgot", l.ForgotURL, "")
	add(kind+".not_you", "", "")
	if l.Contact != "" {
		add("mail.contact", "", "")
	}
	return parts
}

// plain returns a letter as text.
func plain(parts []paragraph) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(wrap(p.Text))
		if p.URL != "" {
			b.WriteString(p.URL + "\n")
		}
	}
	return b.String()
}

// lineLength is how long a line of text may be, but for words that are longer (RFC 5322, section 2.1.1, wants
// at most 78).
const lineLength = 72

// wrap breaks s into lines.
func wrap(s string) string {
	var b strings.Builder
	n := 0
	for _, word := range strings.Fields(s) {
		size := utf8.RuneCountInString(word)
		switch {
		case n == 0:
		case n+1+size > lineLength:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += size
	}
	return b.String() + "\n"
}

//go:embed letter.html
var letterHTML string

var letterTemplate = template.Must(template.New("letter").Parse(letterHTML))

// page returns a letter as an HTML document.
func page(tag, subject string, parts []paragraph) string {
	var b strings.Builder
	err := letterTemplate.Execute(&b, struct {
		Lang, Subject string
		Parts         []paragraph
	}{tag, subject, parts})
	if err != nil {
		return "" // the text says the same
	}
	return b.String()
}
