package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// jsonlSource reads one JSON object a line.
type jsonlSource struct{ *lines }

func openJSONL(path string) (source, error) {
	l, err := openLines(path)
	if err != nil {
		return nil, err
	}
	return jsonlSource{l}, nil
}

func (j jsonlSource) header() []string { return nil }

func (j jsonlSource) next() (record, error) {
	for {
		l, err := j.lines.next()
		if err != nil {
			return record{}, err
		}
		if l.err != nil {
			return record{place: l.place}, l.err
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		rec := record{place: l.place}
		rec.names, rec.values, err = object(l.text)
		return rec, err
	}
}

func (j jsonlSource) reject(w io.Writer, places []place) error { return j.copy(w, places) }

var errObject = lineError("this is no JSON object")

// object reads the members of an object. Those that are objects or arrays themselves hold nothing of a user.
func object(text []byte) (names, values []string, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, errObject
	}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		var raw json.RawMessage
		if err != nil || !ok || d.Decode(&raw) != nil {
			return nil, nil, errObject
		}
		value, ok := scalar(raw)
		if !ok {
			continue
		}
		if slices.Contains(names, name) {
			return nil, nil, lineError(fmt.Sprintf("the object has %s twice", printable(name)))
		}
		names, values = append(names, name), append(values, value)
	}
	if _, err := d.Token(); err != nil { // the brace
		return nil, nil, errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, lineError("something follows the JSON object")
	}
	return names, values, nil
}

// scalar returns a string as it is, a number or a boolean as it is written, and null as the empty string.
func scalar(raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '{', '[':
		return "", false
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case 'n':
		return "", true
	}
	return string(raw), true
}
