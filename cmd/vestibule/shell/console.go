package shell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// console is whom the program talks to.
type console struct {
	stdin          *bufio.Reader
	stdout, stderr io.Writer
	terminal       *os.File // what stdin is, or nil if nobody sits there

	// secret reads a line without showing it. A test has its own.
	secret func() (string, error)
}

func (c *console) openInput(stdin io.Reader) {
	if stdin == nil {
		stdin = os.Stdin
	}
	c.stdin = bufio.NewReader(stdin)
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.terminal = f
		c.secret = func() (string, error) {
			line, err := term.ReadPassword(int(f.Fd()))
			return string(line), err
		}
	}
}

// asks reports whether there is somebody to ask.
func (c *console) asks() bool { return c.secret != nil }

// await returns what read returns, unless ctx ends before: then the terminal is as it was. What read goes on to wait for
// is nobody's any more.
func (c *console) await(ctx context.Context, read func() (string, error)) (string, error) {
	var before *term.State
	if c.terminal != nil {
		before, _ = term.GetState(int(c.terminal.Fd()))
	}
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := read()
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		if before != nil {
			term.Restore(int(c.terminal.Fd()), before)
		}
		fmt.Fprintln(c.stderr)
		return "", ctx.Err()
	}
}

// maxLine is how long a line of input may be.
const maxLine = 64 << 10

// line returns the next line of input, without its end. At the end of the input it returns io.EOF.
func (c *console) line() (string, error) {
	var b bytes.Buffer
	for {
		part, err := c.stdin.ReadSlice('\n')
		if b.Write(part); b.Len() > maxLine {
			return "", fmt.Errorf("a line of input is longer than %d bytes", maxLine)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil, errors.Is(err, io.EOF) && b.Len() > 0:
			return strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r"), nil
		default:
			return "", err
		}
	}
}

// confirm asks whether to do what cannot be undone, unless the flag -yes has answered.
func (c *console) confirm(ctx context.Context, yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	question := clean(fmt.Sprintf(format, args...))
	if !c.asks() {
		return fmt.Errorf("%s There is nobody to ask: say -yes", question)
	}
	fmt.Fprintf(c.stderr, "%s [y/N] ", question)
	answer, err := c.await(ctx, c.line)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// newPassword asks for a password, twice, without showing it. Where there is nobody to ask, or stdin is set, it is the
// next line of input, once.
func (c *console) newPassword(ctx context.Context, stdin bool) (password, again string, err error) {
	if stdin || !c.asks() {
		password, err = c.await(ctx, c.line)
		if errors.Is(err, io.EOF) {
			err = usage("no password: the input is empty")
		}
		return password, password, err
	}
	if password, err = c.askSecret(ctx, "New password: "); err != nil {
		return "", "", err
	}
	again, err = c.askSecret(ctx, "Again: ")
	return password, again, err
}

func (c *console) askSecret(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(c.stderr, prompt)
	line, err := c.await(ctx, c.secret)
	if errors.Is(err, io.EOF) {
		err = errDeclined
	}
	if err == nil {
		fmt.Fprintln(c.stderr) // the one that was typed is not shown either
	}
	return line, err
}
