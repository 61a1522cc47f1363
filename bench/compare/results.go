package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// row is one thing that was measured of all applications: a benchmark, storage, walk and unit.
type row struct{ bench, store, walk, unit string }

// results has the figure of each round, by application.
type results struct {
	order []row
	found map[row]map[string][]float64
}

// apps are the columns, and the last is compared with each of the others.
var apps = []string{"bare", "lookup", "wired", "auth"}

// units are those that are shown; requests per second are the time once more.
var units = map[string]bool{"ns/op": true, "cpu-ns/op": true, "allocs/op": true}

// parse reads what "go test -bench" prints.
func parse(r io.Reader) (*results, error) {
	res := &results{found: make(map[row]map[string][]float64)}
	for in := bufio.NewScanner(r); in.Scan(); {
		if fields := strings.Fields(in.Text()); len(fields) >= 4 && strings.HasPrefix(fields[0], "Benchmark") {
			if err := res.add(fields); err != nil {
				return nil, fmt.Errorf("%q: %w", in.Text(), err)
			}
		}
	}
	return res, nil
}

func (res *results) add(fields []string) error {
	name := fields[0]
	if i := strings.LastIndex(name, "-"); i > 0 {
		name = name[:i] // without the number of threads
	}
	parts := strings.Split(name, "/")
	k := row{bench: strings.TrimPrefix(parts[0], "Benchmark")}
	var app string
	for _, part := range parts[1:] {
		switch key, value, _ := strings.Cut(part, "="); key {
		case "store":
			k.store = value
		case "walk":
			k.walk = value
		case "app":
			app = value
		}
	}
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return err
		}
		if k.unit = fields[i+1]; units[k.unit] {
			res.put(k, app, value)
		}
	}
	return nil
}

func (res *results) put(k row, app string, value float64) {
	if res.found[k] == nil {
		res.found[k] = make(map[string][]float64)
		res.order = append(res.order, k)
	}
	res.found[k][app] = append(res.found[k][app], value)
}

// print writes a table: the medians, and how many times the last application does what each other does.
func (res *results) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "benchmark\tstore\twalk\tunit\tbare\tlookup\twired\tauth\tof bare\tof lookup\tof wired\t")
	for _, k := range res.order {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s", k.bench, k.store, k.walk, k.unit)
		for _, app := range apps {
			fmt.Fprintf(t, "\t%s", figure(res.found[k][app]))
		}
		for _, app := range apps[:3] {
			fmt.Fprintf(t, "\t%s", times(res.found[k]["auth"], res.found[k][app]))
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}

func figure(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	return strconv.FormatFloat(median(values), 'f', 0, 64)
}

// times returns the median of how much more other takes than own, round by round: how many
// times as much is done in the same time.
func times(own, other []float64) string {
	if len(own) == 0 || len(own) != len(other) {
		return "-"
	}
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = other[i] / own[i]
	}
	return strconv.FormatFloat(median(ratios), 'f', 2, 64)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
