package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"github.com/vestibule-go/auth/cmd/vestibule/internal/importer"
)

func (o *operator) importCommand() *cli.Command {
	return o.command("import", "bring users of another application along, with the passwords they have", "FILE", `
FILE is CSV with a header, JSON with one object a line, or the SQLite file of an application of Flask or Django,
which is only read. Everything is checked first: if a line is wrong, nobody is imported. Nobody is overwritten. An
import that was interrupted goes on when the same command runs again. The guide is docs/import.md.

  vestibule import app.db -check
  vestibule import app.db -mapping ids.csv
  vestibule import users.csv -columns email=login,hash=pw,created=- -skip-bad

With -json there is a line for each line that is wrong: line, reason; and, unless it failed, one at the end.`, o.importUsers,
		&cli.BoolFlag{Name: "check", Usage: "only say what would be done; without -db, only look at the file"},
		&cli.StringFlag{Name: "format", Usage: "csv, jsonl or sqlite, if the `FORMAT` is not recognized"},
		&cli.StringFlag{Name: "table", Usage: "the `TABLE` of users in a SQLite file, if there are several"},
		&cli.StringFlag{Name: "columns", Usage: "`WHAT=COLUMN,…` for what is not found by its name, COLUMN - for what is not to be read; WHAT is " +
			strings.Join(importer.Roles(), ", ")},
		&cli.BoolFlag{Name: "confirmed", Usage: "take every address for confirmed; right only if the old application let nobody in before"},
		&cli.BoolFlag{Name: "keep-existing", Usage: "leave users alone who are there with another password; else each is an error"},
		&cli.BoolFlag{Name: "keep-ids", Usage: "give users the IDs that they had"},
		&cli.StringFlag{Name: "mapping", Usage: "write a CSV `FILE` of old and new IDs"},
		&cli.BoolFlag{Name: "reset-unreadable", Usage: "take along without a password whose hash nothing reads; else each is an error"},
		&cli.BoolFlag{Name: "skip-bad", Usage: "leave lines out that are wrong, and write them to the file of -rejects"},
		&cli.StringFlag{Name: "rejects", Usage: "`FILE` for the lines that are wrong, with hashes in it; by default FILE.rejected"},
		&cli.IntFlag{Name: "max-errors", Value: 20, Usage: "show no more than `NUMBER` lines that are wrong"})
}

// importing is one run of the command import.
type importing struct {
	*operator
	*importer.Plan
	cmd    *cli.Command
	source string
	shown  int // how many faults were shown
	report
}

// report is what is said at the end, as JSON.
type report struct {
	Did   string `json:"did"`
	Check bool   `json:"check"`
	importer.Result
	Format   string            `json:"format"`
	Table    string            `json:"table,omitempty"`
	Columns  map[string]string `json:"columns"`
	NotRead  []string          `json:"not_read"`
	Hashes   map[string]int    `json:"hashes"` // how many need which Verifier of package password
	Rejects  string            `json:"rejects,omitempty"`
	Mapping  string            `json:"mapping,omitempty"`
	compared bool
}

func (o *operator) importUsers(ctx context.Context, cmd *cli.Command, args []string) error {
	opts, err := importOptions(cmd)
	if err != nil {
		return err
	}
	im := &importing{operator: o, cmd: cmd, source: args[0]}
	if err := im.distinct(); err != nil {
		return err
	}
	if im.Plan, err = importer.Read(ctx, im.source, opts); err != nil {
		return early(err)
	}
	defer im.Plan.Close()
	if err := im.compare(ctx); err != nil {
		return early(err)
	}
	if err := im.judge(); err != nil {
		return err
	}
	if !cmd.Bool("check") {
		if err := im.add(ctx); err != nil {
			return err
		}
	}
	if err := im.finish(); err != nil {
		return err
	}
	if bad := im.report.Bad; bad > 0 && !cmd.Bool("skip-bad") { // they were good when the import began
		return fmt.Errorf("%d of %s left out", bad, im.units(im.report.Read))
	}
	return nil
}

// early is for what happens before anybody is imported.
func early(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted: nobody was imported")
	}
	return err
}

func importOptions(cmd *cli.Command) (importer.Options, error) {
	opts := importer.Options{
		Format: cmd.String("format"), Table: cmd.String("table"), Columns: map[string]string{},
		Confirmed: cmd.Bool("confirmed"), KeepIDs: cmd.Bool("keep-ids"), NeedIDs: cmd.String("mapping") != "",
		KeepExisting: cmd.Bool("keep-existing"), ResetUnreadable: cmd.Bool("reset-unreadable"),
	}
	for pair := range strings.SplitSeq(cmd.String("columns"), ",") {
		role, column, ok := strings.Cut(pair, "=")
		if cmd.String("columns") != "" && (!ok || column == "") {
			return opts, usage("-columns is a list such as email=login,hash=pw,created=-")
		} else if ok {
			opts.Columns[strings.TrimSpace(role)] = column
		}
	}
	return opts, nil
}

// distinct refuses to write a file over the one that is read, over the database, over what is no file, or two files to one
// place.
func (im *importing) distinct() error {
	for _, file := range []string{im.cmd.String("mapping"), im.cmd.String("rejects")} {
		if err := importer.Replaceable(file); err != nil {
			return usage("%w", err)
		}
	}
	files := []string{im.source, im.cmd.String("mapping"), im.rejectsFile()}
	if db := im.cmd.String("db"); !im.embedded() && !strings.Contains(db, "://") {
		for _, file := range files[1:] {
			if file != "" && db != "" && same(file, db) {
				return usage("%s is the database", file)
			}
		}
	}
	for i, a := range files {
		for _, b := range files[:i] {
			if a != "" && b != "" && same(a, b) {
				return usage("two files are one: %s", a)
			}
		}
	}
	return nil
}

func same(a, b string) bool {
	ia, errA := os.Stat(a)
	ib, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(ia, ib) || filepath.Clean(a) == filepath.Clean(b)
}

func (im *importing) rejectsFile() string {
	if file := im.cmd.String("rejects"); file != "" {
		return file
	}
	return im.source + ".rejected"
}

// compare looks who is there already. A check can do without a database.
func (im *importing) compare(ctx context.Context) error {
	if im.cmd.Bool("check") && !im.embedded() && im.db == nil && im.cmd.String("db") == "" {
		return nil
	}
	if err := im.ready(ctx, im.cmd); err != nil {
		return err
	}
	im.compared = true
	done := im.progress("looking for users")
	defer done()
	return im.Plan.Compare(ctx, im.store())
}

// judge shows what is wrong, and says whether to go on.
func (im *importing) judge() error {
	im.showFaults()
	n, all := im.shown, im.Plan.Result().Read
	switch {
	case n == 0, im.cmd.Bool("check") && im.cmd.Bool("skip-bad"):
		return nil
	case im.cmd.Bool("check"):
		return fmt.Errorf("%d of %s wrong; mend the source, or say -skip-bad to leave them out", n, im.units(all))
	case !im.cmd.Bool("skip-bad"):
		return fmt.Errorf("%d of %s wrong, and nobody was imported; mend the source, or say -skip-bad to leave them out", n, im.units(all))
	}
	return im.reject()
}

func (im *importing) units(n int) string {
	if n == 1 {
		return "1 " + im.Unit() + " is"
	}
	return fmt.Sprint(n, " ", im.Unit(), "s are")
}

// reject keeps the lines that are wrong.
func (im *importing) reject() error {
	if err := im.WriteRejects(im.rejectsFile()); err != nil {
		return fmt.Errorf("cannot keep the lines that are wrong: %w", err)
	}
	im.Rejects = im.rejectsFile()
	return nil
}

// showFaults shows those that were not shown before.
func (im *importing) showFaults() {
	faults := im.Faults()
	for i, f := range faults[im.shown:] {
		switch {
		case im.asJSON:
			writeJSON(im.stdout, f)
		case im.shown+i == im.cmd.Int("max-errors"):
			fmt.Fprintf(im.stderr, "and %d more; -max-errors shows more of them\n", len(faults)-im.shown-i)
		case im.shown+i < im.cmd.Int("max-errors"):
			fmt.Fprintf(im.stderr, "%s %d: %s\n", im.Unit(), f.Line, clean(f.Reason))
		}
	}
	im.shown = len(faults)
}

// add imports.
func (im *importing) add(ctx context.Context) error {
	var bulk importer.Bulk
	if im.app.Store == nil {
		bulk = im.sql().CreateUsers
	}
	done := im.progress("importing")
	err := im.Plan.Import(ctx, im.store(), bulk)
	done()
	res := im.Plan.Result()
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted: %d of %s imported; the same command goes on from there", res.Imported, areUsers(res.New))
	case err != nil:
		return fmt.Errorf("%d of %s imported; the same command goes on from there: %w", res.Imported, areUsers(res.New), err)
	}
	if late := len(im.Faults()) > im.shown; late { // they have come in meanwhile
		im.showFaults()
		if err := im.reject(); err != nil {
			return err
		}
	}
	if file := im.cmd.String("mapping"); file != "" {
		if err := im.WriteMapping(file); err != nil {
			return fmt.Errorf("all are imported, but the mapping is not written; the same command writes it: %w", err)
		}
		im.Mapping = file
	}
	return nil
}

func areUsers(n int) string {
	if n == 1 {
		return "1 user is"
	}
	return fmt.Sprint(n, " users are")
}

// finish says what was done, or would be.
func (im *importing) finish() error {
	r := &im.report
	r.Did, r.Check, r.Result, r.Hashes = "import", im.cmd.Bool("check"), im.Plan.Result(), im.Plan.Hashes()
	r.Format, r.Table, r.Columns, r.NotRead = im.Plan.Format, im.Plan.Table, im.Plan.Columns, im.Plan.Ignored
	if im.asJSON {
		return writeJSON(im.stdout, r)
	}
	if err := fields(im.stdout, im.summary()...); err != nil {
		return err
	}
	if code := importer.Code(r.Hashes); code != "" {
		fmt.Fprintf(im.stdout, "\nFor their passwords to fit the application needs, from package password:\n\n%s", code)
	}
	return nil
}

func (im *importing) summary() []string {
	r := im.report
	from := im.source
	if r.Table != "" {
		from = "table " + r.Table + " of " + from
	}
	pairs := []string{"read", count(r.Read, "user") + " from " + from, "columns", im.chosen()}
	if len(r.NotRead) > 0 {
		pairs = append(pairs, "not read", strings.Join(r.NotRead, ", "))
	}
	switch {
	case r.Check && im.compared:
		pairs = append(pairs, "to import", count(r.New, "user"))
	case r.Check:
		pairs = append(pairs, "good", count(r.Read-r.Bad, "user")+"; name a database for who is there already")
	default:
		pairs = append(pairs, "imported", count(r.Imported, "user"))
	}
	for _, line := range []struct {
		n          int
		name, note string
	}{
		{r.Already, "already", " there, with the same password hash"},
		{r.Kept, "kept", " who were there with another password hash"},
		{r.Changed, "", " of them whose password seems to have changed in the source since it was imported: here it has not"},
		{r.WithoutPassword, "no password", ": they need a new one by mail"},
		{r.Unreadable, "", " of them whose hash nothing reads"},
		{r.Confirmed, "confirmed", ""},
		{r.Disabled, "disabled", ""},
		{r.Bad, "left out", rejected(r.Rejects)},
	} {
		if line.n > 0 {
			pairs = append(pairs, line.name, count(line.n, "user")+line.note)
		}
	}
	if r.Mapping != "" {
		pairs = append(pairs, "mapping", r.Mapping)
	}
	return pairs
}

func rejected(file string) string {
	if file == "" {
		return ""
	}
	return ": " + file + " has them, and their hashes"
}

// chosen says which column was taken for what.
func (im *importing) chosen() string {
	var list []string
	for _, role := range importer.Roles() {
		if column, ok := im.Plan.Columns[role]; ok {
			list = append(list, role+"="+column)
		}
	}
	return strings.Join(list, ", ")
}

// progress shows how far the plan has come, if somebody looks. The function that it returns takes it away.
func (im *importing) progress(what string) (done func()) {
	if !isTerminal(im.stderr) || im.asJSON {
		im.Plan.Progress = nil
		return func() {}
	}
	im.Plan.Progress = func(n, total int) { fmt.Fprint(im.stderr, "\r"+bar(what, n, total)) }
	return func() { fmt.Fprint(im.stderr, "\r\x1b[K") }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// bar draws a line of less than 80 characters.
func bar(what string, n, total int) string {
	const width = 30
	full := width
	if total > 0 {
		full = width * n / total
	}
	return fmt.Sprintf("%-17s [%s] %d of %d", what, strings.Repeat("#", full)+strings.Repeat(".", width-full), n, total)
}
