// Command gen makes passwords.txt.gz of lists of leaked passwords. It reads the
// files that it is given, and no network.
//
//	go run ./internal/guess/gen OUTPUT RANKED [MORE...]
//
// A list is a JSON array of strings, or text with one password a line, compressed by
// gzip or not. Of all lists gen takes the passwords of 15 characters and more. Of
// RANKED, which is sorted with the most used first, it takes the first 20,000 of 8 to 14 characters
// too. docs/blocklist.md says which lists were used.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vestibule-go/auth/internal/guess"
)

const (
	short = 8      // the lowest that Policy.MinLength can be
	long  = 15     // what it is by default
	most  = 64     // longer ones are accidents: text, keys, markup
	many  = 20_000 // of the short ones
)

// unfit matches what points at a person, and what is no password but a remnant of
// the page that it was copied from.
var unfit = regexp.MustCompile(`(?i)[@~].+\.[a-z]{2,}|https?:|&[a-z]+;|&#|\x{FFFD}`)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: gen OUTPUT RANKED [MORE...]")
	}
	all := map[string]bool{}
	for i, name := range os.Args[2:] {
		list, err := read(name)
		if err != nil {
			log.Fatal(err)
		}
		if i == 0 {
			pick(all, list, short, many)
		}
		pick(all, list, long, len(list))
	}
	if err := write(os.Args[1], slices.Sorted(maps.Keys(all))); err != nil {
		log.Fatal(err)
	}
}

// pick adds passwords of the list to all, folded: at most so many, of at least
// min characters, and short ones only if min is short.
func pick(all map[string]bool, list []string, min, n int) {
	for _, password := range list {
		w := guess.Fold(password)
		size := utf8.RuneCountInString(w)
		fits := size >= min && size <= most && (min == long || size < long)
		if !fits || all[w] || unfit.MatchString(password) {
			continue
		}
		if n--; n < 0 {
			return
		}
		all[w] = true
	}
}

func read(name string) (list []string, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if data, err = io.ReadAll(r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if bytes.HasPrefix(data, []byte("[")) {
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return list, nil
	}
	for line := range strings.Lines(strings.ToValidUTF8(string(data), "\uFFFD")) {
		list = append(list, strings.TrimRight(line, "\r\n"))
	}
	return list, nil
}

func write(name string, passwords []string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	longs := 0
	for _, w := range passwords {
		fmt.Fprintln(z, w)
		if utf8.RuneCountInString(w) >= long {
			longs++
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	log.Printf("%d passwords, %d of %d characters and more, %d bytes", len(passwords), longs, long, b.Len())
	return os.WriteFile(name, b.Bytes(), 0o644)
}
