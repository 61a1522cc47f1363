package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// maxJoined is how many lines one quoted record may have.
const maxJoined = 100

// csvSource reads CSV (RFC 4180), with commas, semicolons or tabs, whichever its header has.
type csvSource struct {
	*lines
	first place // the header
	names []string
	comma rune
}

func openCSV(path string) (source, error) {
	l, err := openLines(path)
	if err != nil {
		return nil, err
	}
	c := &csvSource{lines: l}
	if err := c.readHeader(); err != nil {
		l.close()
		return nil, err
	}
	return c, nil
}

func (c *csvSource) header() []string { return c.names }

func (c *csvSource) readHeader() error {
	first, err := c.lines.next()
	if err != nil {
		return err
	}
	if first.err != nil {
		return fmt.Errorf("line 1: %w", first.err)
	}
	c.first, c.comma = first.place, comma(first.text)
	if c.names, err = c.parse(first.text); err != nil {
		return fmt.Errorf("line 1: the header cannot be read: %w", err)
	}
	return nil
}

// comma returns what separates the names of a header.
func comma(header []byte) rune {
	for _, r := range ",;\t" {
		if bytes.ContainsRune(header, r) {
			return r
		}
	}
	return ','
}

func (c *csvSource) next() (record, error) {
	for {
		first, err := c.lines.next()
		if err != nil {
			return record{}, err
		}
		if first.err != nil {
			return record{place: first.place}, first.err
		}
		if len(bytes.TrimSpace(first.text)) > 0 {
			return c.record(first)
		}
	}
}

// record reads the record that begins with a line. If that fails the fault is the first line's only, and the
// next ones are read on their own: a quote too many takes no good lines along.
func (c *csvSource) record(first line) (record, error) {
	text, rest, err := c.join(first)
	if err != nil {
		return record{}, err
	}
	rec := record{place: first.place, names: c.names}
	if rec.values, err = c.parse(text); err == nil && len(rec.values) != len(c.names) {
		err = lineError(fmt.Sprintf("%d fields, where the header has %d", len(rec.values), len(c.names)))
	}
	if err != nil {
		c.putBack(rest)
		return rec, err
	}
	for _, l := range rest {
		rec.size += l.size
	}
	return rec, nil
}

// join returns the text of a record, and which lines were needed beside the first to end its quotes.
func (c *csvSource) join(first line) (text []byte, rest []line, err error) {
	text = first.text
	for quotes := bytes.Count(text, []byte(`"`)); quotes%2 == 1 && len(rest) < maxJoined && len(text) < maxLine; {
		l, err := c.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		rest = append(rest, l)
		if l.err != nil {
			break
		}
		text = append(append(text, '\n'), l.text...)
		quotes += bytes.Count(l.text, []byte(`"`))
	}
	return text, rest, nil
}

// parse reads one record.
func (c *csvSource) parse(text []byte) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = c.comma, -1
	fields, err := r.Read()
	if err != nil {
		return nil, lineError("the quotes do not match")
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, lineError("the quotes do not match")
	}
	return fields, nil
}

func (c *csvSource) reject(w io.Writer, places []place) error {
	return c.copy(w, append([]place{c.first}, places...))
}
