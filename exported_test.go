package auth_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// importable are the packages that applications import. TestImportable knows that none is missing.
var importable = []string{
	".", "audit", "authtest", "cmd/vestibule/shell", "email", "email/smtpmail", "lang", "memstore", "metrics",
	"otelauth", "pages", "password", "redisstore", "sqlstore", "storetest", "throttle", "throttle/redisthrottle",
}

// inOneGoroutine are the types with methods about whose concurrent use their comments need not say anything, and why.
var inOneGoroutine = map[string]string{
	"auth.FormErrors": "a list, part of a form, which says so",
}

// Whoever reads pkg.go.dev finds a comment at every exported name, and at every type with methods whether it is safe for
// concurrent use.
func TestExportedNamesAreDocumented(t *testing.T) {
	excused := map[string]bool{}
	for _, dir := range importable {
		p := documentation(t, dir)
		for _, fault := range undocumented(p) {
			t.Error(fault)
		}
		for _, name := range unsaid(p) {
			if excused[name] = true; inOneGoroutine[name] == "" {
				t.Errorf("%s: has methods, and its comment does not say whether it is safe for concurrent use", name)
			}
		}
	}
	for name := range inOneGoroutine {
		if !excused[name] {
			t.Errorf("%s is excused from saying what it says, or does not exist", name)
		}
	}
}

// documentation returns what pkg.go.dev shows of the package in a folder.
func documentation(t *testing.T, dir string) *doc.Package {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			var f *ast.File
			if f, err = parser.ParseFile(set, dir+"/"+e.Name(), nil, parser.ParseComments); err != nil {
				break
			}
			files = append(files, f)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := doc.NewFromFiles(set, files, "github.com/vestibule-go/auth/"+dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// undocumented returns what p lacks: a comment of a package, a function, a type, a method or a field, or one that does not
// begin with the name. Constants and variables may have one for the group or one each.
func undocumented(p *doc.Package) (faults []string) {
	named := func(name, comment string) {
		first, _, _ := strings.Cut(strings.TrimPrefix(comment, "Package "), " ")
		if short := name[strings.LastIndex(name, ".")+1:]; strings.TrimRight(first, ",.:'\n") != short && !strings.HasPrefix(comment, short+"\n") {
			faults = append(faults, fmt.Sprintf("%s: no comment that begins with the name", name))
		}
	}
	named(p.Name, p.Doc)
	values, funcs := slices.Concat(p.Consts, p.Vars), slices.Clone(p.Funcs)
	for _, typ := range p.Types {
		name := p.Name + "." + typ.Name
		named(name, typ.Doc)
		values, funcs = slices.Concat(values, typ.Consts, typ.Vars), append(funcs, typ.Funcs...)
		for _, m := range typ.Methods {
			named(name+"."+m.Name, m.Doc)
		}
		for _, member := range bare(typ.Decl) {
			faults = append(faults, fmt.Sprintf("%s.%s: no comment", name, member))
		}
	}
	for _, f := range funcs {
		named(p.Name+"."+f.Name, f.Doc)
	}
	for _, v := range values {
		for _, spec := range v.Decl.Specs {
			if s := spec.(*ast.ValueSpec); v.Doc == "" && s.Doc == nil && s.Comment == nil {
				faults = append(faults, fmt.Sprintf("%s.%s: no comment", p.Name, s.Names[0]))
			}
		}
	}
	return faults
}

// bare returns the exported fields and methods in a declaration of a struct or an interface that have no comment: neither
// above or beside them nor above the lines before them without a blank line between.
func bare(decl *ast.GenDecl) (names []string) {
	for _, spec := range decl.Specs {
		var list *ast.FieldList
		switch t := spec.(*ast.TypeSpec).Type.(type) {
		case *ast.StructType:
			list = t.Fields
		case *ast.InterfaceType:
			list = t.Methods
		default:
			continue
		}
		for _, f := range list.List {
			for _, name := range f.Names {
				if name.IsExported() && f.Doc == nil && f.Comment == nil {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// unsaid returns the types with methods whose comments do not speak of concurrent use.
func unsaid(p *doc.Package) (names []string) {
	for _, typ := range p.Types {
		methods := len(typ.Methods)
		if i, ok := typ.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.InterfaceType); ok {
			methods = len(i.Methods.List)
		}
		if methods > 0 && !strings.Contains(typ.Doc, "concurrent") {
			names = append(names, p.Name+"."+typ.Name)
		}
	}
	return names
}

// The list of packages is complete.
func TestImportable(t *testing.T) {
	found := map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && slices.Contains([]string{"authcheck", "bench", "examples", "internal", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		program := path.Base(name) == "main.go" // which nobody imports
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !program {
			found[path.Dir(name)] = true
		}
		return err
	})
	if got := slices.Sorted(maps.Keys(found)); err != nil || !slices.Equal(got, importable) {
		t.Errorf("found %q, error %v; the list has %q", got, err, importable)
	}
}

// The tests above notice what they are to notice.
func TestUndocumented(t *testing.T) {
	const source = `package shop
// Lamp gives light.
type Lamp struct { Colour string; Watts int // none: it is off
}
func (Lamp) On() {}
// Is it so? Lit tells.
func Lit() bool { return true }
const Max = 1
type Switch interface { Flip() }
type inner struct { Field int }
func inside() {}
`
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "shop.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	p, err := doc.NewFromFiles(set, []*ast.File{f}, "shop")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, fault := range undocumented(p) {
		name, _, _ := strings.Cut(fault, ":")
		names = append(names, name)
	}
	if want := []string{"shop", "shop.Lamp.On", "shop.Lamp.Colour", "shop.Switch", "shop.Switch.Flip", "shop.Lit", "shop.Max"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if got := unsaid(p); !slices.Equal(got, []string{"shop.Lamp", "shop.Switch"}) {
		t.Errorf("nothing said of %q", got)
	}
}
