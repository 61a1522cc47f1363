package main

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// inline is what the policy of headers.go forbids, and what would show nothing
// but an error in the browser's console.
var inline = regexp.MustCompile(`(?i)<script|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|https?://|//[a-z]|<base|<iframe|<object|<embed`)

// templateNames returns the files of all templates.
func templateNames(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"templates/*.html", "templates/frame/*.html"} {
		some, err := fs.Glob(templateFiles, pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("%s: %v, %v", pattern, some, err)
		}
		names = append(names, some...)
	}
	return names
}

func TestNothingInline(t *testing.T) {
	for _, name := range templateNames(t) {
		text, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.FindString(string(text)); found != "" {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestPicturesAreOnlyPictures(t *testing.T) {
	for name, f := range statics {
		if !strings.HasSuffix(name, ".svg") {
			continue
		}
		text := strings.Replace(string(f.content), `xmlns="http://www.w3.org/2000/svg"`, "", 1)
		if found := inline.FindString(text); found != "" {
			t.Errorf("%s: %q", name, found)
		}
	}
}

var formTag = regexp.MustCompile(`(?s)<form method="post" action="/[a-z/-]+">\s*{{template "csrf" (\.|\$)}}`)

func TestEveryFormHasToken(t *testing.T) {
	for _, name := range templateNames(t) {
		text, _ := fs.ReadFile(templateFiles, name)
		if forms, good := strings.Count(string(text), "<form"), len(formTag.FindAllString(string(text), -1)); forms != good {
			t.Errorf("%s: %d of %d forms post to the shop with a token", name, good, forms)
		}
		if strings.Contains(string(text), "maxlength") {
			t.Errorf("%s: maxlength cuts off what people paste", name)
		}
	}
}
