package main

import (
	"strings"
	"testing"
)

func TestResults(t *testing.T) {
	res, err := parse(strings.NewReader(`goos: linux
BenchmarkWalk/store=sqlite/walk=signed-in/app=wired-2   	   300	 60000 ns/op	 18556 B/op	 302 allocs/op
BenchmarkWalk/store=sqlite/walk=signed-in/app=auth-2    	   300	 20000 ns/op	 13274 B/op	 100 allocs/op
BenchmarkWalk/store=sqlite/walk=signed-in/app=wired-2   	   300	 90000 ns/op	 18556 B/op	 302 allocs/op
BenchmarkWalk/store=sqlite/walk=signed-in/app=auth-2    	   300	 45000 ns/op	 13274 B/op	 100 allocs/op
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := res.print(&out); err != nil {
		t.Fatal(err)
	}
	// In the first round 3 times, in the second 2 times as much.
	for _, want := range []string{"75000  32500", "  -  2.50", "302    100", "  -  3.02"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), "  "), strings.Join(strings.Fields(want), "  ")) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestResultsBroken(t *testing.T) {
	if _, err := parse(strings.NewReader("BenchmarkWalk/app=auth-2 300 many ns/op\n")); err == nil {
		t.Error("a figure that is none was read")
	}
}
