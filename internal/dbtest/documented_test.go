package dbtest

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table in docs/stores.md anew")

// columns are the stores of TestStore, and what docs/stores.md calls them.
var columns = []struct{ store, title string }{
	{"memstore", "memory"},
	{"sqlite-modernc", "SQLite, modernc"},
	{"sqlite-mattn", "SQLite, mattn"},
	{"postgres-pgx", "PostgreSQL, pgx"},
	{"postgres-pq", "PostgreSQL, pq"},
	{"mysql", "MariaDB"},
	{"redis", "Redis"},
	{"scs-memory", "scs, memory"},
	{"scs-redis", "scs, Redis"},
}

// The table in docs/stores.md says of every store and every clause of the contract what
// the suite says.
func TestDocumentedStores(t *testing.T) {
	const file, heading = "../../docs/stores.md", "\n| clause |"
	doc, err := os.ReadFile(file)
	must(t, err)
	before, table, ok := strings.Cut(string(doc), heading)
	if !ok {
		t.Fatal(file, " has no table")
	}
	table, after, _ := strings.Cut(table, "\n\n")
	want := contractTable(t, verdicts(t), cells(table))
	if *update {
		must(t, os.WriteFile(file, []byte(before+"\n"+want+"\n"+after), 0o644))
	} else if got := heading[1:] + table + "\n"; got != want {
		t.Errorf("%s is not what the suite says; go test -run %s -update . writes it anew\n%s", file, t.Name(), difference(got, want))
	}
}

// verdict is what one property says of one store.
type verdict struct{ clause, store, word string }

// verdicts runs the suite in a process of its own, and reads what it prints.
func verdicts(t *testing.T) (list []verdict) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStore$", "-test.v").CombinedOutput()
	if err != nil {
		t.Errorf("TestStore: %v", err)
	}
	words := map[string]string{"PASS": "yes", "SKIP": "skipped", "FAIL": "no"}
	line := regexp.MustCompile(`--- (PASS|SKIP|FAIL): TestStore/([^/\s]+)/(\w+/\w+) `)
	for _, m := range line.FindAllStringSubmatch(string(out), -1) {
		list = append(list, verdict{m[3], m[2], words[m[1]]})
	}
	return list
}

// contractTable has a row for each clause. Of stores that could not be tried here it
// repeats what the documentation says.
func contractTable(t *testing.T, list []verdict, documented map[verdict]bool) string {
	t.Helper()
	words, tried := make(map[[2]string]string), make(map[string]bool)
	var clauses []string
	for _, v := range list {
		words[[2]string{v.clause, v.store}] = v.word
		tried[v.store] = true
		if !slices.Contains(clauses, v.clause) {
			clauses = append(clauses, v.clause)
		}
	}
	for v := range documented {
		if !tried[v.store] {
			words[[2]string{v.clause, v.store}] = v.word
		}
	}
	rows, rule := "| clause |", "| --- |"
	for _, c := range columns {
		rows += " " + c.title + " |"
		rule += " --- |"
		if !tried[c.store] {
			t.Logf("%s could not be tried here", c.store)
		}
	}
	rows += "\n" + rule + "\n"
	for _, clause := range clauses {
		rows += "| " + clause + " |"
		for _, c := range columns {
			rows += " " + words[[2]string{clause, c.store}] + " |"
		}
		rows += "\n"
	}
	return rows
}

// cells reads a table, but for its first row.
func cells(table string) map[verdict]bool {
	set := make(map[verdict]bool)
	for line := range strings.Lines(table) {
		row := strings.Split(strings.Trim(line, "| \n"), " | ")
		for i, c := range columns {
			if len(row) > i+1 {
				set[verdict{row[0], c.store, row[i+1]}] = true
			}
		}
	}
	return set
}

// difference returns the lines that only one of two texts has.
func difference(got, want string) string {
	var b strings.Builder
	for _, side := range []struct{ sign, text, other string }{{"-", got, want}, {"+", want, got}} {
		for line := range strings.Lines(side.text) {
			if !strings.Contains(side.other, line) {
				b.WriteString(side.sign + line)
			}
		}
	}
	return b.String()
}
