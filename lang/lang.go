// Package lang has every sentence that visitors read, on pages and in mails, in English and in
// German, and takes other languages.
//
//	french, err := lang.Parse("fr", file) // made from lang/en.json
//	…
//	site, err := pages.New(&pages.Config{Languages: append(lang.Builtin(), french)})
//
// A text has placeholders in braces, such as {site}. Where a number decides which text it is, the key
// ends in a plural category of Unicode CLDR: "other" always, and those of zero, one, two, few and
// many that the language has.
package lang

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

var (
	//go:embed en.json
	english []byte
	//go:embed de.json
	german []byte

	builtin = Catalog{mustParse("en", english), mustParse("de", german)}
)

// Language is all texts in one language. It is safe for concurrent use.
type Language struct {
	tag   language.Tag
	texts map[string]string
}

// Catalog is a choice of languages. The first is for those who understand none of them.
// It is a slice: its methods are safe for concurrent use as long as nobody changes it.
type Catalog []*Language

// English returns the language that the library was written in.
func English() *Language { return builtin[0] }

// Builtin returns the languages that come with the library: English and German.
func Builtin() Catalog { return slices.Clone(builtin) }

// Parse reads a language from JSON: an object of texts by their keys, as in the file lang/en.json.
// The tag is that of BCP 47, such as "pt-BR". The error names every key that is missing or unknown, and
// every placeholder that the English text does not have.
func Parse(tag string, data []byte) (*Language, error) {
	t, err := language.Parse(tag)
	if err != nil {
		return nil, fmt.Errorf("lang: %q: %w", tag, err)
	}
	l := &Language{tag: t}
	if err := json.Unmarshal(data, &l.texts); err != nil {
		return nil, fmt.Errorf("lang: %s: %w", tag, err)
	}
	var faults []string
	for key := range English().texts {
		if _, ok := l.texts[key]; !ok && !isForm(key) {
			faults = append(faults, key+" is missing")
		}
	}
	if faults = append(faults, l.check()...); len(faults) > 0 {
		slices.Sort(faults)
		return nil, fmt.Errorf("lang: %s: %s", tag, strings.Join(faults, "; "))
	}
	return l, nil
}

// With returns the language with some texts replaced. Errors are those of Parse.
func (l *Language) With(texts map[string]string) (*Language, error) {
	next := &Language{l.tag, maps.Clone(l.texts)}
	maps.Copy(next.texts, texts)
	if faults := (&Language{l.tag, texts}).check(); len(faults) > 0 {
		slices.Sort(faults)
		return nil, fmt.Errorf("lang: %s: %s", l.tag, strings.Join(faults, "; "))
	}
	return next, nil
}

// Extend returns the language with texts of the application's own, under keys that the library does not
// have, such as "mail.KIND.subject" and "mail.KIND.text" for a notice of its own in package email. It returns an error
// that names every key which is taken. Languages that lack such a text show its key.
func (l *Language) Extend(texts map[string]string) (*Language, error) {
	next := &Language{l.tag, maps.Clone(l.texts)}
	var faults []string
	for key, text := range texts {
		if _, taken := English().texts[key]; taken || l.Has(key) {
			faults = append(faults, key+" is taken")
		}
		next.texts[key] = text
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		return nil, fmt.Errorf("lang: %s: %s", l.tag, strings.Join(faults, "; "))
	}
	return next, nil
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// check compares the texts that are there with English.
func (l *Language) check() (faults []string) {
	for key, text := range l.texts {
		original, ok := English().texts[key]
		if !ok {
			original, ok = English().texts[stem(key)+".other"]
		}
		if !ok {
			faults = append(faults, key+" is unknown")
			continue
		}
		for _, p := range placeholder.FindAllString(text, -1) {
			if !strings.Contains(original, p) {
				faults = append(faults, key+" has "+p)
			}
		}
	}
	return faults
}

// forms are the plural categories of CLDR.
var forms = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

// isForm reports whether key is that of a plural which a language may do without.
func isForm(key string) bool {
	_, category := cutLast(key)
	return category != "other" && slices.Contains(slices.Collect(maps.Values(forms)), category)
}

// stem returns key without its plural category, or "" if it has none.
func stem(key string) string {
	before, category := cutLast(key)
	if category != "other" && !isForm(key) {
		return ""
	}
	return before
}

func cutLast(key string) (before, last string) {
	i := strings.LastIndexByte(key, '.')
	return key[:max(i, 0)], key[i+1:]
}

func mustParse(tag string, data []byte) *Language {
	l := &Language{tag: language.MustParse(tag)}
	if err := json.Unmarshal(data, &l.texts); err != nil {
		panic("lang: " + tag + ": " + err.Error()) // TestBuiltin
	}
	return l
}

// Tag returns the language's name, for the attribute "lang" of a page.
func (l *Language) Tag() string { return l.tag.String() }

// Has reports whether there is a text of that key.
func (l *Language) Has(key string) bool { _, ok := l.texts[key]; return ok }

// Keys returns all keys, sorted.
func (l *Language) Keys() []string { return slices.Sorted(maps.Keys(l.texts)) }

// Text returns the text of that key, or the key itself if there is none. Args are pairs of the name
// of a placeholder and what to put there.
func (l *Language) Text(key string, args ...any) string {
	text, ok := l.texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, fmt.Sprint("{", args[i], "}"), fmt.Sprint(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Count is Text for one of the plurals under that key, and puts n in the place of {n}.
func (l *Language) Count(key string, n int, args ...any) string {
	form := forms[plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)]
	if !l.Has(key + "." + form) {
		form = "other"
	}
	return l.Text(key+"."+form, append(args, "n", n)...)
}

// Duration returns d in words: in seconds, minutes or hours, rounded up.
func (l *Language) Duration(d time.Duration) string {
	seconds := int((d + time.Second - 1) / time.Second)
	switch minutes := (seconds + 59) / 60; {
	case seconds <= 90:
		return l.Count("duration.seconds", seconds)
	case minutes >= 120 && minutes%60 == 0:
		return l.Count("duration.hours", minutes/60)
	default:
		return l.Count("duration.minutes", minutes)
	}
}

// maxAccept is the longest header that is read, in bytes: browsers send less than 200.
const maxAccept = 1000

// Match returns the language that suits the header Accept-Language best.
func (c Catalog) Match(accept string) *Language { return c.Matcher()(accept) }

// Matcher returns Match of the languages that are in c now, for many calls.
func (c Catalog) Matcher() func(accept string) *Language {
	if len(c) == 0 {
		c = Catalog{English()}
	}
	all := slices.Clone(c)
	tags := make([]language.Tag, len(all))
	for i, l := range all {
		tags[i] = l.tag
	}
	matcher := language.NewMatcher(tags)
	return func(accept string) *Language {
		if len(all) == 1 || accept == "" || len(accept) > maxAccept {
			return all[0]
		}
		wanted, _, err := language.ParseAcceptLanguage(accept)
		if err != nil {
			return all[0]
		}
		_, i, _ := matcher.Match(wanted...) // the first if none suits
		return all[i]
	}
}

type contextKey struct{}

// NewContext returns a context in which FromContext finds l: for the mails that a request asks for.
func NewContext(ctx context.Context, l *Language) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// FromContext returns the language of NewContext, or English.
func FromContext(ctx context.Context) *Language {
	if l, ok := ctx.Value(contextKey{}).(*Language); ok && l != nil {
		return l
	}
	return English()
}
