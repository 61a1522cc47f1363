package storetest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What a failure quotes must be what the contract says: every sentence in the
// properties stands in the comments of store.go.
func TestQuotesAreFromTheContract(t *testing.T) {
	contract := comments(t, "../store.go")
	quotes := 0
	for _, name := range []string{"users.go", "credentials.go", "sessions.go", "races.go"} {
		ast.Inspect(parse(t, name), func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			quote, err := strconv.Unquote(lit.Value)
			if err != nil || !strings.HasSuffix(quote, ".") || !strings.Contains(quote, " ") {
				return true
			}
			if quotes++; !strings.Contains(contract, quote) {
				t.Errorf("%s quotes what store.go does not say: %q", name, quote)
			}
			return true
		})
	}
	if quotes < 50 {
		t.Errorf("found %d quotes only: does this test still see them?", quotes)
	}
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(name), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// comments returns the text of all comments of a file, with single spaces.
func comments(t *testing.T, name string) string {
	t.Helper()
	var words []string
	for _, group := range parse(t, name).Comments {
		words = append(words, strings.Fields(group.Text())...)
	}
	return strings.Join(words, " ")
}
