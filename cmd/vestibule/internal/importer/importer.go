// Package importer brings users of other applications along: from CSV, from JSON lines, and straight from the
// SQLite files of Flask-SQLAlchemy and Django.
//
// It goes in three steps, so that nothing is half done. [Read] reads the whole source and checks every line;
// [Plan.Compare] looks for each user in the store; [Plan.Import] adds those who are new. What is wrong with a line
// is a [Fault], of which there may be any number. No text of this package holds anything of a hash, nor a value
// of the source: where columns were mistaken for each other, any value may be a password.
package importer

import (
	"cmp"
	"slices"
	"sync"

	"github.com/vestibule-go/auth"
)

// Options say how a source is read, and what counts. The zero Options are the defaults of the command.
type Options struct {
	// Format is "csv", "jsonl" or "sqlite"; empty: what the file looks like.
	Format string

	// Table is that of a SQLite file; empty: the one that has users.
	Table string

	// Columns names columns for what they hold: "email", "hash", "id", "created", "confirmed", "disabled",
	// "active". "-" means none. What is not named here is found by its usual names.
	Columns map[string]string

	// Confirmed takes every address for confirmed, whatever the source says. Right only if the old
	// application let nobody in before: whoever signed up there with another's address keeps the account.
	Confirmed bool

	// KeepIDs makes the IDs of the source those of the users here.
	KeepIDs bool

	// NeedIDs makes a source without a column of IDs an error, as KeepIDs does.
	NeedIDs bool

	// KeepExisting leaves users alone who are in the store with another hash. Otherwise each is a Fault.
	KeepExisting bool

	// ResetUnreadable takes users along without a password whose hash nothing reads. Otherwise each is a Fault.
	ResetUnreadable bool
}

// Fault is what is wrong with one line of a source.
type Fault struct {
	Line   int    `json:"line"` // of the file, from 1; of a table, the row
	Reason string `json:"reason"`

	place place
}

// Result counts users, by what became of them.
type Result struct {
	Read      int `json:"read"`     // users in the source, good and bad
	Bad       int `json:"bad"`      // of them, those with a Fault
	New       int `json:"new"`      // of the good ones, those who were not in the store
	Imported  int `json:"imported"` // of the new ones, those who are in the store now
	Already   int `json:"already"`  // those who were there already, with the same hash
	Kept      int `json:"kept"`     // those who were there with another hash, and were left alone
	Changed   int `json:"changed"`  // of these, those whose password seems to have changed in the source since they were imported
	Confirmed int `json:"confirmed"`
	Disabled  int `json:"disabled"`

	WithoutPassword int `json:"without_password"` // of the good ones, those who have to choose a password anew
	Unreadable      int `json:"unreadable"`       // of these, those who had a hash that nothing reads
}

// Plan is a source that was read. It is for one caller at a time.
type Plan struct {
	Format  string            // "csv", "jsonl" or "sqlite"
	Table   string            // that of a SQLite file
	Columns map[string]string // what was taken from which column
	Ignored []string          // columns that were not read, as far as they are fit to print

	// Progress, if it is set, is called now and then by Compare and Import, by one goroutine.
	Progress func(done, total int)

	opts   Options
	source source
	rows   []*row // the good ones
	unread int    // those among them whose hash nothing reads

	mu     sync.Mutex // guards what follows, and the state of rows, while workers run
	faults []Fault
}

// place is where a user stands in the source.
type place struct {
	line     int
	at, size int64    // in a file of text
	names    []string // of a table: the columns that were read
	values   []string // of a table: what they hold, since a table may change
}

// state is what is known of a row, compared with the store.
type state int

const (
	unknown state = iota
	absent
	imported
	already
	kept
	changed // kept, and the password seems to have changed in the source
	bad
)

// row is a user of the source who may be imported.
type row struct {
	place
	oldID  string
	newID  string // known from the time when the user is in the store
	user   *auth.User
	reader string // which reader of package password the hash needs
	state  state
}

// Faults returns what is wrong, by line.
func (p *Plan) Faults() []Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(p.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return slices.Clone(p.faults)
}

// fault records what is wrong with the line at p.
func (p *Plan) fault(at place, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, Fault{at.line, reason, at})
}

// refuse records what is wrong with a row, which is not to be imported.
func (p *Plan) refuse(r *row, reason string) {
	if r.state != bad {
		r.state = bad
		p.fault(r.place, reason)
	}
}

// Result returns how far the import has come.
func (p *Plan) Result() Result {
	res := Result{Read: len(p.rows), Unreadable: p.unread}
	for _, r := range p.rows {
		res.count(r)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	res.Bad = len(p.faults)
	res.Read = res.Read - refused(p.rows) + res.Bad
	return res
}

func refused(rows []*row) (n int) {
	for _, r := range rows {
		if r.state == bad {
			n++
		}
	}
	return n
}

func (res *Result) count(r *row) {
	switch r.state {
	case bad:
		return
	case absent:
		res.New++
	case imported:
		res.New++
		res.Imported++
	case already:
		res.Already++
	case kept:
		res.Kept++
	case changed:
		res.Kept++
		res.Changed++
	}
	if r.user.PasswordHash == "" {
		res.WithoutPassword++
	}
	if !r.user.Confirmed.IsZero() {
		res.Confirmed++
	}
	if !r.user.Disabled.IsZero() {
		res.Disabled++
	}
}
