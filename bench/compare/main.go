// Compare runs the benchmarks of package bench, and prints the ratios that matter:
//
//	go run ./bench/compare
//
// It visits all applications in turn, again and again, so that what else the machine does hits each
// of them alike, and compares them round by round. What it writes beside the table, to the file that -o names, is
// what "go test -bench" prints, for benchstat:
//
//	benchstat -col /app -row .name,/store,/walk bench.txt
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	o := options{}
	flag.StringVar(&o.pattern, "bench", "Walk|Loopback", "which benchmarks to run, as for go test")
	flag.StringVar(&o.benchtime, "benchtime", "2000x", "how long each runs in each round, as for go test")
	flag.IntVar(&o.rounds, "rounds", 10, "how often each is visited")
	flag.StringVar(&o.out, "o", "", "`file` for what the benchmarks print")
	flag.Parse()
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

type options struct {
	pattern, benchtime, out string
	rounds                  int
}

func run(o *options) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "bench.test")
	if said, err := exec.Command("go", "test", "-c", "-o", program, "github.com/vestibule-go/auth/bench").CombinedOutput(); err != nil {
		return fmt.Errorf("build the benchmarks: %w\n%s", err, said)
	}
	var all bytes.Buffer
	for round := range o.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, o.rounds)
		cmd := exec.Command(program, "-test.run", "^$", "-test.bench", o.pattern, "-test.benchtime", o.benchtime)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		cmd.Stdout = &all
		if err := cmd.Run(); err != nil {
			return errors.Join(err, errors.New(tail(all.String())))
		}
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, all.Bytes(), 0o644); err != nil {
			return err
		}
	}
	results, err := parse(&all)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d processors, %s, %d rounds of %s\n\n", runtime.Version(), runtime.NumCPU(), processor(), o.rounds, o.benchtime)
	return results.print(os.Stdout)
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// processor returns the name of the machine's processor, where the system tells.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
