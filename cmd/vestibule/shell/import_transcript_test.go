package shell_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/import.md shows of a terminal is what the command writes, where "…" stands for anything. Each section has a
// database of its own.
func TestImportTranscripts(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/import.md")
	must(t, err)
	sources(t)
	t.Setenv("VESTIBULE_DB", "app.db")
	runs := 0
	for _, section := range strings.Split(string(doc), "\n## ") {
		os.Remove("app.db")
		if !strings.Contains(section, "migrate up -create") {
			run(t, "vestibule migrate up -create")
		}
		for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(section, -1) {
			for part := range strings.SplitSeq("\n"+block[1], "\n$ ") {
				command, want, _ := strings.Cut(part, "\n")
				if !strings.HasPrefix(command, "vestibule ") {
					continue
				}
				pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(plain(want)), "…", "(?s:.*)") + "$"
				if got := run(t, command); !regexp.MustCompile(pattern).MatchString(plain(got)) {
					t.Errorf("$ %s\n%s\nthe document has\n%s", command, got, want)
				}
				runs++
			}
		}
	}
	if runs != 7 {
		t.Errorf("%d commands; does this test still see them?", runs)
	}
}

// sources goes to a folder with what the document imports.
func sources(t *testing.T) {
	t.Helper()
	testdata, err := filepath.Abs("../internal/importer/testdata")
	must(t, err)
	t.Chdir(t.TempDir())
	for _, name := range []string{"flask", "django"} {
		dump, err := os.ReadFile(filepath.Join(testdata, name+".sql"))
		must(t, err)
		db, err := sql.Open("sqlite", name+".db")
		must(t, err)
		_, err = db.ExecContext(t.Context(), string(dump))
		must(t, err)
		must(t, db.Close())
	}
	const hash = "$2y$10$OcDFKboJbLiVE5QpBdHGPuoDriJrkK77Ga9hDPn3E5cYJL9.9RKhm"
	must(t, os.WriteFile("users.csv", []byte("Login;Pw;Registered\nann@example.com;"+hash+";2021-03-04 05:06:07\n"+
		"bob@example;5f4dcc3b5aa765d61d8327deb882cf99;2021-02-30\nAnn@Example.com;;2022-01-01\nzoe@example.com;"+hash+";2021-03-04 05:06:07\n"), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
