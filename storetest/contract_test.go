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
// properties stands in the comments of store.go, or of throttle.go.
func TestQuotesAreFromTheContract(t *testing.T) {
	for _, c := range []struct {
		contract   string
		properties []string
		least      int
	}{
		{"../store.go", []string{"users.go", "credentials.go", "sessions.go", "races.go"}, 50},
		{"../throttle/throttle.go", []string{"throttle.go"}, 3},
	} {
		contract, quotes := comments(t, c.contract), 0
		for _, name := range c.properties {
			for _, quote := range sentences(t, name) {
				if quotes++; !strings.Contains(contract, quote) {
					t.Errorf("%s quotes what %s does not say: %q", name, c.contract, quote)
				}
			}
		}
		if quotes < c.least {
			t.Errorf("found %d quotes of %s only: does this test still see them?", quotes, c.contract)
		}
	}
}

// sentences returns the strings in a file that look like one.
func sentences(t *testing.T, name string) (quotes []string) {
	t.Helper()
	ast.Inspect(parse(t, name), func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		quote, err := strconv.Unquote(lit.Value)
		if err == nil && strings.HasSuffix(quote, ".") && strings.Contains(quote, " ") {
			quotes = append(quotes, quote)
		}
		return true
	})
	return quotes
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
