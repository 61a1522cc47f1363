package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"unicode/utf8"
)

const (
	bom     = "\xef\xbb\xbf"
	maxLine = 1 << 20 // bytes; a user takes some hundred
)

// line is one line of a file, without its end.
type line struct {
	place
	text []byte
	err  error // why it cannot be read; then it has no text
}

// lines reads a file of text, line by line, and keeps account of where they are.
type lines struct {
	f    *os.File
	info os.FileInfo
	r    *bufio.Reader
	back []line // what was read, and put back
	n    int
	at   int64
}

func openLines(path string) (*lines, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &lines{f: f, info: info, r: bufio.NewReaderSize(f, 1<<16)}, nil
}

func (l *lines) close() error { return l.f.Close() }

// putBack makes next return ls once more.
func (l *lines) putBack(ls []line) { l.back = append(ls[:len(ls):len(ls)], l.back...) }

// next returns the next line, or an error of the file, or io.EOF.
func (l *lines) next() (line, error) {
	if len(l.back) > 0 {
		first := l.back[0]
		l.back = l.back[1:]
		return first, nil
	}
	text, size, err := l.read()
	if err != nil {
		return line{}, err
	}
	l.n++
	ln := line{place: place{line: l.n, at: l.at, size: size}, text: text}
	l.at += size
	if l.n == 1 {
		ln.text = bytes.TrimPrefix(ln.text, []byte(bom))
	}
	if ln.err = legible(ln.text, size); ln.err != nil {
		ln.text = nil
	}
	return ln, nil
}

// read returns a line, as much of it as is wanted, and how long it is with its end.
func (l *lines) read() (text []byte, size int64, err error) {
	for {
		part, err := l.r.ReadSlice('\n')
		size += int64(len(part))
		if size <= maxLine {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && size > 0, err == nil:
			return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")), size, nil
		}
		return nil, 0, err
	}
}

// legible says why a line is no text.
func legible(text []byte, size int64) error {
	switch {
	case size > maxLine:
		return lineError("the line is longer than 1 MiB")
	case bytes.IndexByte(text, 0) >= 0:
		return lineError("the line holds a NUL; a text of UTF-16 does: iconv -f UTF-16 -t UTF-8 makes UTF-8 of it")
	case bytes.IndexByte(text, '\r') >= 0:
		return lineError("the line holds a carriage return that does not end it")
	case !utf8.Valid(text):
		return lineError("the line is not UTF-8; of Latin-1, iconv -f ISO-8859-1 -t UTF-8 makes it")
	}
	return nil
}

// copy writes what the file has at these places, each as a line. The file must be what it was.
func (l *lines) copy(w io.Writer, places []place) error {
	info, err := l.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != l.info.Size() || !info.ModTime().Equal(l.info.ModTime()) {
		return errors.New("the file has changed since it was read")
	}
	for _, p := range places {
		if _, err := io.Copy(w, io.NewSectionReader(l.f, p.at, p.size)); err != nil {
			return err
		}
		if err := l.end(w, p.at+p.size); err != nil {
			return err
		}
	}
	return nil
}

// end writes the end of a line where the file has none.
func (l *lines) end(w io.Writer, at int64) error {
	last := make([]byte, 1)
	if _, err := l.f.ReadAt(last, at-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err := w.Write([]byte("\n"))
	return err
}
