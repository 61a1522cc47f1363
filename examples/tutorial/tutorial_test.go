// Package tutorial holds docs/tutorial.md to what it says: each folder beside this file is what a reader has after the
// chapter of that number, and a test in it, walk_test.go, does what the chapter tells to do.
package tutorial

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const document = "../../docs/tutorial.md"

// block is what stands between two fences in the document.
type block struct {
	chapter string
	line    int
	lang    string
	from    string // "": no comment says where it is from
	text    string
}

func (b block) String() string { return fmt.Sprintf("docs/tutorial.md:%d", b.line) }

// name is the file that a listing is of, in the reader's folder. What is only shown, and not written, is of none.
func (b block) name() string {
	dir, name, _ := strings.Cut(strings.TrimPrefix(b.from, "examples/tutorial/"), "/")
	if dir != b.chapter || name == "walk_test.go" {
		return ""
	}
	return name
}

var (
	heading = regexp.MustCompile(`^## (\d+)\. `)
	source  = regexp.MustCompile(`^<!-- from ([\w./-]+) -->$`)
)

func blocks(t *testing.T) (all []block) {
	t.Helper()
	doc, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	chapter, from, open := "", "", false
	for n, line := range strings.Split(string(doc), "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open:
			open, from = false, ""
		case fence:
			open, all = true, append(all, block{chapter: chapter, line: n + 1, lang: lang, from: from})
		case open:
			all[len(all)-1].text += line + "\n"
		case source.MatchString(line):
			from = source.FindStringSubmatch(line)[1]
		case heading.MatchString(line):
			chapter = heading.FindStringSubmatch(line)[1]
		case line != "":
			from = ""
		}
	}
	return all
}

// chapters are the folders beside this file.
func chapters(t *testing.T) (all []string) {
	t.Helper()
	list, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.IsDir() {
			all = append(all, e.Name())
		}
	}
	return all
}

// Every listing stands, word by word, in the file that is named before it.
func TestListings(t *testing.T) {
	seen := map[string]int{}
	for _, b := range blocks(t) {
		seen[b.lang]++
		switch b.lang {
		case "sh", "text":
		case "go", "html", "css":
			file, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(b.from)))
			if err != nil {
				t.Errorf("%v: %v", b, err)
			} else if !contains(string(file), b.text, b.lang == "go") {
				t.Errorf("%v: this is not in %s:\n%s", b, b.from, b.text)
			}
		default:
			t.Errorf("%v: a block of %q", b, b.lang)
		}
	}
	if seen["go"] < 10 || seen["html"] < 5 || seen["css"] < 1 || seen["sh"] < 8 {
		t.Errorf("there are %v: does this test still see them?", seen)
	}
}

// contains reports whether text is the file or, if parts may be shown, lines of it, which may be indented there.
func contains(file, text string, parts bool) bool {
	if !parts {
		return file == text
	}
	for indent := ""; len(indent) < 4; indent += "\t" {
		if indented := "\n" + regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(text, indent+"$1"); strings.Contains("\n"+file, indented) {
			return true
		}
	}
	return false
}

func TestContains(t *testing.T) {
	const file = "a\n\tb\n\n\tc\nd\n"
	for text, want := range map[string]bool{file: true, "b\n\nc\n": true, "d\n": true, "b\nc\n": false, "b\n\n\tc\n": false, "x\n": false} {
		if contains(file, text, true) != want || contains(file, text, false) != (text == file) {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

// Who writes what the document says has, after each chapter, what is in its folder.
func TestTutorialLeadsToEachFolder(t *testing.T) {
	dir, all := t.TempDir(), blocks(t)
	for _, chapter := range chapters(t) {
		for _, b := range all {
			if b.chapter == chapter {
				write(t, dir, b)
			}
		}
		got, want := files(t, dir), files(t, chapter)
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("chapter %s leads to another %s:\n%s", chapter, name, got[name])
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("chapter %s leads to %s, which is not in its folder", chapter, name)
			}
		}
	}
}

// files returns what is in the files of dir, without what the reader has not got, or has from elsewhere.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "walk_test.go" {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// write does with a listing what the document tells to do with it.
func write(t *testing.T, dir string, b block) {
	t.Helper()
	if b.name() == "" {
		return
	}
	name := filepath.Join(dir, filepath.FromSlash(b.name()))
	text := b.text
	if b.lang == "go" && !strings.HasPrefix(text, "package ") {
		old, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v: %v", b, err)
		}
		if text, err = edit(string(old), text); err != nil {
			t.Fatalf("%v: %v", b, err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit puts the declarations of part in the places of those with the same names. A new one goes after the one which
// is before it in part, or to the end. If part is a statement, it takes the place of the one that defines the same variables.
func edit(file, part string) (string, error) {
	if vars, _, ok := strings.Cut(part, " := "); ok && strings.Count(part, "\n") == 1 {
		line := regexp.MustCompile(`(?m)^(\t+)` + regexp.QuoteMeta(vars) + ` := .*\n`)
		if len(line.FindAllString(file, -1)) != 1 {
			return "", fmt.Errorf("no single line, or several, define %s", vars)
		}
		return line.ReplaceAllString(file, "${1}"+strings.ReplaceAll(part, "$", "$$")), nil
	}
	const header = "package main\n"
	added, err := declarations(header + part)
	if err != nil {
		return "", err
	}
	before := ""
	for _, d := range added {
		now, err := declarations(file)
		if err != nil {
			return "", err
		}
		find := func(name string) int {
			return slices.IndexFunc(now, func(o declaration) bool { return o.name == name })
		}
		begin, end, text := len(file), len(file), "\n"+d.text+"\n"
		if i := find(d.name); i >= 0 {
			begin, end, text = now[i].begin, now[i].end, d.text
		} else if i := find(before); i >= 0 {
			begin, end, text = now[i].end, now[i].end, "\n\n"+d.text
		}
		file, before = file[:begin]+text+file[end:], d.name
	}
	text, err := format.Source([]byte(file))
	return string(text), err
}

type declaration struct {
	name       string
	begin, end int // with its comment
	text       string
}

func declarations(file string) (all []declaration, err error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "", file, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, d := range parsed.Decls {
		name, doc := "import", (*ast.CommentGroup)(nil)
		switch d := d.(type) {
		case *ast.FuncDecl:
			name, doc = d.Name.Name, d.Doc
		case *ast.GenDecl:
			doc = d.Doc
			switch s := d.Specs[0].(type) {
			case *ast.TypeSpec:
				name = s.Name.Name
			case *ast.ValueSpec:
				name = s.Names[0].Name
			}
		}
		begin := d.Pos()
		if doc != nil {
			begin = doc.Pos()
		}
		b, e := set.Position(begin).Offset, set.Position(d.End()).Offset
		all = append(all, declaration{name, b, e, file[b:e]})
	}
	return all, nil
}

func TestEdit(t *testing.T) {
	const file = "package main\n\nimport \"a\"\n\n// f is old.\nfunc f() {\n\tx, err := 1, 2\n}\n\ntype t int\n"
	for part, want := range map[string]string{
		"x, err := 3, 4\n":                       strings.Replace(file, "1, 2", "3, 4", 1),
		"func (s *s) f() {}\n":                   strings.Replace(file, "// f is old.\nfunc f() {\n\tx, err := 1, 2\n}", "func (s *s) f() {}", 1),
		"import \"b\"\n":                         strings.Replace(file, `"a"`, `"b"`, 1),
		"func g() {}\n":                          file + "\nfunc g() {}\n",
		"// t is new.\ntype t bool\n\nvar v t\n": strings.Replace(file, "type t int\n", "// t is new.\ntype t bool\n\nvar v t\n", 1),
		"func f() {}\n\nvar v = 1\n":             "package main\n\nimport \"a\"\n\nfunc f() {}\n\nvar v = 1\n\ntype t int\n",
		"y := 1\n":                               "",
		"f(\n":                                   "",
	} {
		if got, err := edit(file, part); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %v\n%s", part, err, got)
		}
	}
}

// A newcomer follows the document in an empty folder, with this checkout in the place of the clone, and what a proxy
// has of the drivers. Programs are built, and not run: walk_test.go has run them.
func TestTutorialFromAnEmptyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs from an empty folder, and -short is set")
	}
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	desk := t.TempDir()
	if err := os.Symlink(checkout, filepath.Join(desk, "auth")); err != nil {
		skip(t, err.Error())
	}
	dir, built := desk, 0
	for _, b := range blocks(t) {
		if b.lang != "sh" {
			write(t, dir, b)
			continue
		}
		for command := range strings.Lines(b.text) {
			args := strings.Fields(command)
			for strings.Contains(args[0], "=") { // an address, for when it runs
				args = args[1:]
			}
			switch {
			case args[0] == "mkdir":
				if err := os.Mkdir(filepath.Join(dir, args[1]), 0o700); err != nil {
					t.Fatal(err)
				}
				continue
			case args[0] == "cd":
				dir = filepath.Join(dir, args[1])
				continue
			case slices.Equal(args, []string{"go", "run", "."}):
				args, built = []string{"go", "build", "-o", os.DevNull, "."}, built+1
			}
			follow(t, b, dir, args)
		}
	}
	if n := len(chapters(t)) - 1; built != n { // one has a test instead
		t.Errorf("%d programs are built, want %d", built, n)
	}
}

// follow runs a command of the document.
func follow(t *testing.T, b block, dir string, args []string) {
	t.Helper()
	if args[0] != "go" {
		t.Fatalf("%v: what does %q do?", b, args)
	}
	cmd := exec.CommandContext(t.Context(), "go", args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	if slices.Equal(args, []string{"go", "mod", "tidy"}) && unreachable.Match(out) {
		skip(t, "modules cannot be downloaded: "+string(bytes.TrimSpace(out)))
	}
	t.Fatalf("%v: %s: %v\n%s", b, strings.Join(args, " "), err, out)
}

var unreachable = regexp.MustCompile(`dial tcp|no such host|connection refused|i/o timeout|TLS handshake|module lookup disabled|403 Forbidden|50\d `)

// skip skips a test for want of what it needs, where that is allowed.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") == "1" {
		t.Fatal("AUTH_TEST_REQUIRE_ALL is 1, but", why)
	}
	t.Skip(why)
}

// Links in the document lead somewhere.
func TestLinks(t *testing.T) {
	doc, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([\w./-]+)\)`).FindAllStringSubmatch(string(doc), -1)
	if len(links) < 10 {
		t.Errorf("%d links: does this test still see them?", len(links))
	}
	for _, l := range links {
		if _, err := os.Stat(filepath.Join("../../docs", l[1])); err != nil {
			t.Error(err)
		}
	}
}
