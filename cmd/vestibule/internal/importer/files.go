package importer

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteRejects writes the lines that have faults to a file, as they are in the source, so that they can be mended
// and imported; rows of a table become JSON lines. They hold hashes: the file is for its owner only. What is there is
// replaced, all at once.
func (p *Plan) WriteRejects(path string) error {
	var places []place
	for _, f := range p.Faults() {
		if len(places) == 0 || places[len(places)-1].line != f.Line {
			places = append(places, f.place)
		}
	}
	return writePrivate(path, func(w io.Writer) error { return p.source.reject(w, places) })
}

// WriteMapping writes a CSV file of two columns: which user of the source is which user here. It has those who
// were imported, now or before, and those who were kept. What is there is replaced, all at once.
func (p *Plan) WriteMapping(path string) error {
	return writePrivate(path, func(w io.Writer) error {
		c := csv.NewWriter(w)
		c.Write([]string{"old_id", "new_id"})
		for _, r := range p.in(imported, already, kept, changed) {
			c.Write([]string{r.oldID, r.newID})
		}
		c.Flush()
		return c.Error()
	})
}

// Replaceable returns an error if what is at a path is no regular file. Root would put a file in the place of /dev/null.
func Replaceable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	return nil // nothing is there, or writing says what is wrong
}

// writePrivate writes a file that only its owner may read, and puts it in place when it is whole.
func writePrivate(path string, write func(io.Writer) error) error {
	if err := Replaceable(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
