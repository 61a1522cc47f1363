package auth_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vestibule-go/auth"

func goCommand(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// Promise 9: importing the root brings these packages from elsewhere, and no others.
func TestDependencies(t *testing.T) {
	var got []string
	for p := range strings.FieldsSeq(goCommand(t, ".", []string{"GOWORK=off"}, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")) {
		got = append(got, p)
	}
	slices.Sort(got)
	golden, err := os.ReadFile("testdata/deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields(string(golden)); !slices.Equal(got, want) {
		t.Errorf("the root depends on\n%s\ntestdata/deps.txt says\n%s", strings.Join(got, "\n"), golden)
	}
	var modules []string
	for line := range strings.Lines(goCommand(t, ".", []string{"GOWORK=off"}, "list", "-m", "all")) {
		modules = append(modules, strings.Fields(line)[0])
	}
	if want := []string{module, "github.com/alexedwards/scs/v2", "github.com/justinas/nosurf", "golang.org/x/crypto", "golang.org/x/text"}; !slices.Equal(modules, want) {
		// x/crypto asks for others in packages that nobody here imports; a build fetches none of them.
		allowed := append(want, "golang.org/x/net", "golang.org/x/sys", "golang.org/x/term", "golang.org/x/mod", "golang.org/x/sync", "golang.org/x/tools")
		for _, m := range modules {
			if !slices.Contains(allowed, m) {
				t.Errorf("the main module knows of %s", m)
			}
		}
	}
}

// mayImport says which packages of this module each folder may import. A folder
// that is missing may import nothing of it.
var mayImport = map[string][]string{
	"":          {"throttle", "internal/guess"},
	"memstore":  {""},
	"metrics":   {"", "internal/decorate"},
	"sqlstore":  {""},
	"storetest": {"", "throttle"},
	"authtest":  {"", "email", "memstore"},
	"pages":     {"", "email", "lang"},
	"password":  {""},
	"audit":     {""},
	"email":     {"", "lang", "throttle", "internal/onetime"},

	"internal/guess/gen": {"internal/guess"},
	"internal/decorate":  {""},
	"internal/onetime":   {""},
	"internal/leak":      {""},

	"internal/leak/leakmail": {"email", "internal/leak"},
}

func TestImports(t *testing.T) {
	out := goCommand(t, ".", []string{"GOWORK=off"}, "list", "-json=ImportPath,Imports", "./...")
	dec := json.NewDecoder(strings.NewReader(out))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		folder := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, i := range p.Imports {
			if i != module && !strings.HasPrefix(i, module+"/") {
				continue
			}
			if to := strings.TrimPrefix(strings.TrimPrefix(i, module), "/"); !slices.Contains(mayImport[folder], to) {
				t.Errorf("%q imports %q", folder, to)
			}
		}
	}
}

// A module that imports the root gets at most eight lines of go.sum.
func TestConsumer(t *testing.T) {
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":  "module consumer\n\ngo 1.26.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n",
		"main.go": "package main\n\nimport \"" + module + "\"\n\nfunc main() { println(auth.Bcrypt(0)) }\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod"}
	goCommand(t, dir, env, "mod", "tidy")
	goCommand(t, dir, env, "build", "./...")
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(sum, []byte("\n")); n > 8 {
		t.Errorf("%d lines of go.sum, want at most 8:\n%s", n, sum)
	}
}
