package importer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-go/auth"
	"github.com/vestibule-go/auth/cmd/vestibule/internal/importer"
)

// Whatever a file holds, it is read to its end; what is good of it is good, what is rejected is rejected again, as it
// was, and no more than that.
func FuzzRead(f *testing.F) {
	for _, test := range faults {
		if len(test.text) < 1<<10 {
			f.Add([]byte(test.text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "source")
		must(t, os.WriteFile(path, text, 0o600))
		p, err := importer.Read(t.Context(), path, importer.Options{})
		if err != nil {
			return
		}
		defer p.Close()
		res := p.Result()
		if p.Format == "sqlite" || res.Bad != len(p.Faults()) || res.Read > bytes.Count(text, []byte("\n"))+1 {
			t.Fatalf("%s: %+v", p.Format, res)
		}
		store := &recorder{}
		must(t, p.Import(t.Context(), store, nil)) // nobody was looked up, so nobody is imported
		must(t, p.Compare(t.Context(), store))
		must(t, p.Import(t.Context(), store, store.add))
		for _, u := range store.users {
			if email, err := auth.CanonicalEmail(u.Email); err != nil || email != u.Email || u.ID == "" || u.Stamp == "" {
				t.Errorf("%q was imported", u.Email)
			}
			if strings.ContainsFunc(u.PasswordHash, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("the hash %q was imported", u.PasswordHash)
			}
		}
		if len(store.users) != res.Read-res.Bad {
			t.Errorf("%d imported of %+v", len(store.users), res)
		}
		rejected := path + ".rejected"
		must(t, p.WriteRejects(rejected))
		kept, err := os.ReadFile(rejected)
		must(t, err)
		if len(kept) > len(text)+1 || len(kept) == len(text)+1 && bytes.HasSuffix(text, []byte("\n")) {
			t.Errorf("%d bytes were rejected of %d", len(kept), len(text))
		}
		for line := range bytes.Lines(kept) {
			if !bytes.Contains(slices.Concat(text, []byte("\n")), line) {
				t.Errorf("%q was rejected, and never there", line)
			}
		}
	})
}
