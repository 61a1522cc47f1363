package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// record is one user as the source has it: values by the names of their columns.
type record struct {
	place
	names  []string
	values []string
}

// source reads one kind of file.
type source interface {
	// header returns the names of the columns of all records; nil: each has names of its own.
	header() []string

	// next returns the next record. An error that is a fault concerns that record only, whose place is
	// returned, too; io.EOF is the end, and any other error ends the import.
	next() (record, error)

	// reject writes what the source has at these places, so that it can be mended and read again.
	reject(w io.Writer, places []place) error

	close() error
}

// lineError is what is wrong with one line.
type lineError string

func (e lineError) Error() string { return string(e) }

// open opens a file, and says of which format it is.
func open(ctx context.Context, path string, o Options) (source, string, error) {
	if path == "" || path == "-" {
		return nil, "", errors.New("a file is needed, since it is read more than once; save what comes from a pipe first")
	}
	format, err := format(path, o.Format)
	if err != nil {
		return nil, "", err
	}
	if o.Table != "" && format != "sqlite" {
		return nil, "", fmt.Errorf("a table was named, but the file is %s", format)
	}
	var s source
	switch format {
	case "csv":
		s, err = openCSV(path)
	case "jsonl":
		s, err = openJSONL(path)
	case "sqlite":
		s, err = openSQLite(ctx, path, o)
	}
	return s, format, err
}

// format returns what path looks like, unless wanted says what it is.
func format(path, wanted string) (string, error) {
	head, err := head(path)
	if err != nil {
		return "", err
	}
	switch wanted {
	case "csv", "jsonl", "sqlite":
		return wanted, nil
	case "":
	default:
		return "", fmt.Errorf("unknown format %q: csv, jsonl or sqlite", wanted)
	}
	switch text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(bom)), " \t\r\n"); {
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return "sqlite", nil
	case bytes.HasPrefix(text, []byte("{")):
		return "jsonl", nil
	case bytes.HasPrefix(text, []byte("[")):
		return "", errors.New("this is one array of JSON; what is read is one object a line: jq -c '.[]' makes that of it")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "", errors.New("the file is compressed, or a spreadsheet; save it as plain CSV")
	}
	return "csv", nil
}

// head returns how a file begins, which must be a regular one and not empty.
func head(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; it is read more than once", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 512)
	n, err := io.ReadFull(f, b)
	switch {
	case n == 0:
		return nil, fmt.Errorf("%s is empty", path)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%s is UTF-16; make it UTF-8: iconv -f UTF-16 -t UTF-8", path)
	}
	return b[:n], nil
}
