package lang_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-go/auth/lang"
)

// Every text is there in both languages, with the same placeholders, and once.
func TestBuiltin(t *testing.T) {
	for _, l := range lang.Builtin() {
		file := "en.json"
		if l.Tag() != "en" {
			file = l.Tag() + ".json"
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lang.Parse(l.Tag(), data); err != nil {
			t.Error(err)
		}
		if n := bytes.Count(data, []byte("\": \"")); n != len(l.Keys()) {
			t.Errorf("%s has %d lines and %d keys: one is there twice", file, n, len(l.Keys()))
		}
		for _, key := range l.Keys() {
			if text := l.Text(key); strings.TrimSpace(text) != text || text == "" {
				t.Errorf("%s: %s is %q", file, key, text)
			}
		}
	}
	for _, key := range lang.English().Keys() {
		e, d := lang.English().Text(key), lang.Builtin()[1].Text(key)
		if strings.Count(e, "{") != strings.Count(d, "{") {
			t.Errorf("%s: %q has other placeholders than %q", key, d, e)
		}
	}
}

func texts(t *testing.T, l *lang.Language) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, key := range l.Keys() {
		m[key] = l.Text(key)
	}
	return m
}

func parse(t *testing.T, tag string, m map[string]string) (*lang.Language, error) {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return lang.Parse(tag, data)
}

func TestParseNamesEveryFault(t *testing.T) {
	m := texts(t, lang.English())
	delete(m, "error.wrong")
	delete(m, "duration.hours.other")
	delete(m, "duration.hours.one") // a language may have no such form
	m["error.taken"] = "{who}"
	m["surplus"] = "?"
	m["duration.hours.few"] = "{n} godziny"
	_, err := parse(t, "pl", m)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"error.wrong is missing", "duration.hours.other is missing", "error.taken has {who}", "surplus is unknown"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "one is missing") || strings.Contains(err.Error(), "few") {
		t.Error(err)
	}
	for tag, data := range map[string]string{"no tag": "{}", "fr": "[]"} {
		if _, err := lang.Parse(tag, []byte(data)); err == nil {
			t.Errorf("%s, %s: no error", tag, data)
		}
	}
}

func TestPlurals(t *testing.T) {
	m := texts(t, lang.English())
	m["duration.hours.few"], m["duration.hours.many"] = "{n} godziny", "{n} godzin"
	polish, err := parse(t, "pl", m)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{1: "1 hour", 3: "3 godziny", 5: "5 godzin", 22: "22 godziny"} {
		if got := polish.Count("duration.hours", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Millisecond: "1 second", time.Minute: "60 seconds", 91 * time.Second: "2 minutes",
		time.Hour: "60 minutes", 90 * time.Minute: "90 minutes", 2 * time.Hour: "2 hours", 24 * time.Hour: "24 hours",
	} {
		if got := lang.English().Duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := lang.Builtin()[1].Duration(time.Second); got != "1 Sekunde" {
		t.Errorf("German: %q", got)
	}
}

func TestText(t *testing.T) {
	l, err := lang.English().With(map[string]string{"error.taken": "<{limit}>"})
	if err == nil {
		t.Errorf("%v: no error for a placeholder that is never filled", l)
	}
	if l, err = lang.English().With(map[string]string{"error.wrong": "No."}); err != nil || l.Text("error.wrong") != "No." || lang.English().Text("error.wrong") == "No." {
		t.Errorf("%v", err)
	}
	if got := lang.English().Text("error.too_long", "limit", 7); got != "Please use at most 7 bytes." {
		t.Error(got)
	}
	// What is put in is not searched for placeholders.
	if got := lang.English().Text("error.throttled", "wait", "{wait}"); !strings.HasSuffix(got, "{wait}.") {
		t.Error(got)
	}
	if got := lang.English().Text("no such text"); got != "no such text" {
		t.Error(got)
	}
}

func TestExtend(t *testing.T) {
	l, err := lang.English().Extend(map[string]string{"mail.own.subject": "News for {site}"})
	if err != nil || l.Text("mail.own.subject", "site", "all") != "News for all" || lang.English().Has("mail.own.subject") {
		t.Errorf("%v", err)
	}
	if _, err := l.With(map[string]string{"error.wrong": "No."}); err != nil {
		t.Errorf("an extended language: %v", err)
	}
	for _, texts := range []map[string]string{{"error.wrong": "No."}, {"mail.own.subject": "again"}} {
		if l, err := l.Extend(texts); err == nil {
			t.Errorf("%v: no error but %v", texts, l)
		}
	}
}

func TestMatch(t *testing.T) {
	c := lang.Builtin()
	for accept, want := range map[string]string{
		"": "en", "de": "de", "de-AT,en;q=0.5": "de", "fr, de;q=0.4": "de", "fr": "en", "en-GB": "en", "en;q=0.1, de;q=0.2": "de",
		"*": "en", "; ; ;": "en", strings.Repeat("de,", 100000): "en",
	} {
		if got := c.Match(accept).Tag(); got != want && len(accept) < 100 {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
	if got := (lang.Catalog{}).Match("de").Tag(); got != "en" {
		t.Errorf("an empty catalog: %s", got)
	}
	slices.Reverse(c)
	if got := c.Match("fr").Tag(); got != "de" {
		t.Errorf("the first is %s", got)
	}
}

func TestContext(t *testing.T) {
	german := lang.Builtin()[1]
	if lang.FromContext(lang.NewContext(t.Context(), german)) != german || lang.FromContext(t.Context()) != lang.English() || lang.FromContext(lang.NewContext(t.Context(), nil)) != lang.English() {
		t.Error("the language of a context")
	}
}
