// Scale is the plan past one machine, in numbers: it takes what one operation costs, as docs/performance.md measured it,
// and a site, and says for the site as it is and for ten, a hundred and a thousand times as much what each part has to do,
// and which gives way first.
//
//	go run ./bench/scale
//
// The queues for a seat and for a connection are simulated, event by event.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

func main() {
	s, c := defaultSite, defaultCosts
	flag.Float64Var(&s.pages, "pages", s.pages, "signed-in `pages/s` at the busiest time")
	flag.Float64Var(&s.logins, "logins", s.logins, "`logins/s` at the busiest time")
	flag.Float64Var(&s.sessions, "sessions", s.sessions, "`rows` of sessions that have not expired")
	flag.DurationVar(&c.page, "page", c.page, "processor time of a signed-in page, on the web server")
	flag.DurationVar(&c.hash, "hash", c.hash, "processor time of hashing a password")
	flag.DurationVar(&c.read, "read", c.read, "time of the database for a session and its user, on one processor")
	flag.DurationVar(&c.write, "write", c.write, "time of the database for one small transaction, on one processor")
	flag.Parse()
	report(os.Stdout, s, c)
}

// site is what a site has to do at its busiest time.
type site struct {
	pages, logins float64 // per second
	sessions      float64 // rows
}

// defaultSite is a shop with some 100,000 users, of which a thousand look around at once.
var defaultSite = site{pages: 100, logins: 1, sessions: 50_000}

func (s site) times(n float64) site {
	return site{s.pages * n, s.logins * n, s.sessions * n}
}

// costs is what things cost. What is not named elsewhere is in docs/performance.md, and how to measure it.
type costs struct {
	page, hash, read, write time.Duration

	writesPerLogin float64 // transactions
	walPerLogin    float64 // bytes
	touches        float64 // share of pages that note the use of the session: one a minute for each session
	walPerTouch    float64 // bytes
	row            float64 // bytes of a session with its indexes
}

var defaultCosts = costs{
	page: 50 * time.Microsecond, hash: 280 * time.Millisecond, read: 45 * time.Microsecond, write: 120 * time.Microsecond,
	writesPerLogin: 5, walPerLogin: 2900, touches: 1.0 / 6, walPerTouch: 500, row: 430,
}

// machine is one of those that there are.
const (
	processors = 8.0  // of a machine
	busy       = 0.6  // of a processor's time, at most: above, queues grow faster than load
	disk       = 50e6 // bytes of WAL per second that a common disk and a replica take without trouble
	memory     = 16e9 // bytes that a database keeps its rows in
)

// need is what the parts have to do.
type need struct {
	web, hash float64 // machines
	primary   float64 // machines: above one, one is not enough
	wal       float64 // of what a disk takes
	rows      float64 // of what memory holds
}

func (c costs) need(s site) need {
	perMachine := processors * busy
	writes := s.logins*c.writesPerLogin + s.pages*c.touches
	return need{
		web:     s.pages * c.page.Seconds() / perMachine,
		hash:    s.logins * c.hash.Seconds() / perMachine,
		primary: (s.pages*c.read.Seconds() + writes*c.write.Seconds()) / perMachine,
		wal:     (s.logins*c.walPerLogin + s.pages*c.touches*c.walPerTouch) / disk,
		rows:    s.sessions * c.row / memory,
	}
}

// first names the part that cannot be had more of by adding web servers and asks for the most, or "nothing".
func (n need) first() string {
	name, most := "nothing", 1.0
	for _, part := range []struct {
		name string
		of   float64
	}{{"the primary's processors", n.primary}, {"the primary's WAL", n.wal}, {"the primary's memory", n.rows}} {
		if part.of > most {
			name, most = part.name, part.of
		}
	}
	return name
}

func report(out io.Writer, s site, c costs) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "times\tpages/s\tlogins/s\tsessions\tmachines for pages\tfor hashing\tprimary\tWAL\tmemory\tgives way first\t")
	for _, n := range []float64{1, 10, 100, 1000} {
		at := s.times(n)
		need := c.need(at)
		fmt.Fprintf(t, "%.0f\t%.0f\t%.0f\t%.0f\t%.3f\t%.2f\t%.3f\t%.3f\t%.3f\t%s\t\n",
			n, at.pages, at.logins, at.sessions, need.web, need.hash, need.primary, need.wal, need.rows, need.first())
	}
	t.Flush()

	fmt.Fprintf(out, "\nWaiting for one of %.0f seats, %v each, at most 2 s:\n", processors, c.hash)
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "load\tlogins/s\tp50\tp99\trefused\t")
	for _, load := range []float64{0.5, 0.8, 0.95, 1.1, 2} {
		q := queue{servers: int(processors), service: constant(c.hash), patience: 2 * time.Second}
		rate := load * processors / c.hash.Seconds()
		r := q.run(rate, 20_000, 1)
		fmt.Fprintf(t, "%.0f %%\t%.1f\t%v\t%v\t%.1f %%\t\n", load*100, rate, r.waited(0.5), r.waited(0.99), 100*r.refused())
	}
	t.Flush()

	fmt.Fprintf(out, "\nWaiting for a connection, of which each is taken for %v on average, with 4,000 pages/s:\n", 4*c.read)
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "connections\tload\tp50\tp99\t")
	for _, n := range []int{1, 2, 4, 8, 16} {
		q := queue{servers: n, service: exponential(4 * c.read), patience: 10 * time.Second}
		r := q.run(4000, 50_000, 1)
		fmt.Fprintf(t, "%d\t%.0f %%\t%v\t%v\t\n", n, 100*4000*(4*c.read).Seconds()/float64(n), r.waited(0.5), r.waited(0.99))
	}
	t.Flush()
}
