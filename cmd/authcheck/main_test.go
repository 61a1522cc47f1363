package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
	"github.com/vestibule-go/auth/cmd/authcheck/internal/profile"
)

func TestUse(t *testing.T) {
	const nobody = "http://127.0.0.1:1"
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"-h", nothingFailed, "Exit codes"},
		{"init", nothingFailed, "base_url: http://127.0.0.1:5000"},
		{"list", nothingFailed, "session-fixation"},
		{"explain csrf-bound", nothingFailed, "Attackers have tokens"},
		{"explain", wrongUse, "needs the ID"},
		{"explain nothing", wrongUse, "needs the ID"},
		{"", wrongUse, "base_url is missing"},
		{"-unknown", wrongUse, "-unknown"},
		{"-profile rails " + nobody, wrongUse, "no profile"},
		{"-profile vestibule http://shop.example", wrongUse, "-allow shop.example"},
		{"-profile vestibule " + nobody + " -v", wrongUse, "flags come before"},
		{"-config /nowhere/authcheck.yaml " + nobody, wrongUse, "authcheck.yaml"},
		{"-profile vestibule -only nothing " + nobody, wrongUse, `no check is called "nothing"`},
		{"-profile vestibule -json /nowhere/report.json " + nobody, wrongUse, "/nowhere"},
		{"-profile vestibule -junit / " + nobody, wrongUse, "is a directory"},
		{"-profile vestibule " + nobody, couldNotRun, "cannot check"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), strings.Fields(test.args), &out, &out); code != test.code || !strings.Contains(out.String(), test.want) {
			t.Errorf("authcheck %s: exit code %d, want %d and %q\n%s", test.args, code, test.code, test.want, &out)
		}
	}
}

// The guide has what the program says of its checks, its profiles and its file.
func TestGuide(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "authcheck.md"))
	if err != nil {
		t.Fatal(err)
	}
	guide := string(data)
	table := "| Check | What should be | Source |\n| --- | --- | --- |\n"
	for _, c := range check.All() {
		source := strings.TrimPrefix(c.ASVS, "NIST SP ")
		if c.Optional {
			source += ", only if `-only` names it"
		}
		table += "| `" + c.ID + "` | " + c.Title + " | " + source + " |\n"
	}
	if !strings.Contains(guide, table) {
		t.Errorf("docs/authcheck.md lacks\n%s", table)
	}
	for _, name := range profile.Names() {
		if !strings.Contains(guide, "| `"+name+"` |") {
			t.Errorf("docs/authcheck.md says nothing of the profile %s", name)
		}
	}
}
