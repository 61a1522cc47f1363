package guess

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
)

// words holds words that the most used passwords are made of, one a line. A
// password that consists of up to three of them, repeated or dressed up with
// digits, is refused.
//
//go:embed words.txt
var words string

// passwords holds leaked passwords, folded and sorted, one a line. Package gen
// makes it.
//
//go:embed passwords.txt.gz
var passwords []byte

var common = sync.OnceValue(func() map[string]bool { return set(words) })

var leaked = sync.OnceValue(func() map[string]bool {
	r, err := gzip.NewReader(bytes.NewReader(passwords))
	if err != nil {
		panic("guess: passwords.txt.gz: " + err.Error()) // the build is broken
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("guess: passwords.txt.gz: " + err.Error())
	}
	return set(string(text))
})

func set(lines string) map[string]bool {
	m := make(map[string]bool, strings.Count(lines, "\n"))
	for w := range strings.FieldsSeq(lines) {
		m[w] = true
	}
	return m
}
