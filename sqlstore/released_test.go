package sqlstore_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A released migration has been applied, and is never edited: a database made by the old one would be unlike one made by the
// new one, and atlas would refuse to go on. The hashes of all files are in testdata/migrations.sha256, as sha256sum writes
// them. A new migration adds its lines; a line that was released never changes. Who changes one all the same, along with its
// file, is found by .ci/api, which compares the files with those of the last tag.
func TestReleasedMigrations(t *testing.T) {
	golden, err := os.ReadFile("testdata/migrations.sha256")
	if err != nil {
		t.Fatal(err)
	}
	want := string(golden)
	names, err := filepath.Glob("migrations/*/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("got %q, error %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		end := fmt.Sprintf("  %s\n", filepath.ToSlash(name))
		line := fmt.Sprintf("%x%s", sha256.Sum256(text), end)
		switch {
		case strings.Contains(want, line):
			want = strings.Replace(want, line, "", 1)
		case strings.Contains(want, end):
			t.Errorf("%s has been edited: add another migration instead", name)
		default:
			t.Errorf("testdata/migrations.sha256 lacks the line of a new migration:\n%s", line)
		}
	}
	if want != "" {
		t.Errorf("these are gone, or were others:\n%s", want)
	}
}
