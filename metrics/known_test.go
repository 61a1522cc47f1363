package metrics_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/email"
	"github.com/vestibule-go/auth/metrics"
	"github.com/vestibule-go/auth/throttle"
)

// Every event and every reason that stands in the source of this module is known.
func TestKnown(t *testing.T) {
	found, audits := 0, 0
	knows := func(e auth.Event) {
		t.Helper()
		found++
		e.Err = errors.New("x")
		if event, reason := metrics.Labels(e); event == "other" || reason == "other" {
			t.Errorf("event %q, reason %q is counted as %q, %q: add it to known in labels.go, and to docs/metrics.md", e.Name, e.Reason, event, reason)
		}
	}
	for _, f := range sources(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) && regexp.MustCompile(`^(Event|Kind)[A-Z]`).MatchString(name.Name) && literal(n.Values[i]) != "" {
						eachName(f.Name.Name, name.Name, literal(n.Values[i]), knows)
					}
					if f.Name.Name == "audit" && name.Name == "reason" {
						knows(auth.Event{Name: auth.EventFailure, Reason: literal(n.Values[i])})
						audits++
					}
				}
			case *ast.CallExpr:
				if what := callee(n); len(n.Args) == 3 && (what == "failed" || what == "reject") && literal(n.Args[1])+literal(n.Args[2]) != "" {
					name := map[string]string{"failed": auth.EventFailure, "reject": auth.EventSessionRejected}[what]
					knows(auth.Event{Name: name, Reason: literal(n.Args[1]) + literal(n.Args[2])})
				}
			}
			return true
		})
	}
	for _, action := range []string{throttle.Account, throttle.Browser, throttle.Network, throttle.WideNetwork, throttle.Signup, throttle.Mail, throttle.MailNetwork} {
		knows(auth.Event{Name: auth.EventThrottled, Reason: action})
	}
	if found < 60 || audits != 1 {
		t.Errorf("only %d were found in the source, %d of package audit", found, audits)
	}
}

// eachName calls knows with the event of that name, or with those that tell of a kind of mail.
func eachName(pkg, name, value string, knows func(auth.Event)) {
	notices := []string{email.KindPasswordChanged, email.KindEmailChanged, email.KindDeleted, email.KindNewBrowser}
	switch {
	case strings.HasPrefix(name, "Event"):
		for _, reason := range []string{"wrong password", "not fresh", "other site", "user is gone", "pwd", "mail", "find user", "confirm", "new_browser"} {
			if _, got := metrics.Labels(auth.Event{Name: value, Reason: reason}); got != "other" {
				knows(auth.Event{Name: value, Reason: reason})
				return
			}
		}
		knows(auth.Event{Name: value})
	case pkg == "email" && slices.Contains(notices, value):
		knows(auth.Event{Name: email.EventNotified, Reason: value})
	case pkg == "email":
		knows(auth.Event{Name: email.EventAsked, Reason: value})
	}
}

// sources returns the source of the packages of this module that applications import.
func sources(t *testing.T) (files []*ast.File) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if d != nil && slices.Contains([]string{"examples", "testdata", "internal", "authtest", "storetest", "cmd"}, d.Name()) {
			return fs.SkipDir
		}
		if path != ".." && d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return fs.SkipDir // a module of its own
			}
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	return ""
}

func callee(c *ast.CallExpr) string {
	if s, ok := c.Fun.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	return ""
}
