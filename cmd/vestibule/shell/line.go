package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"
)

func (o *operator) shell() *cli.Command {
	return o.command("shell", "read commands, one a line, with one open database", "", `
At a terminal it has a prompt, a history of its lines, and completes the names of commands with the tab key. From a pipe or a
file it stops at the first command that fails, with its exit code. Lines that begin with # are not read.

  vestibule shell
  vestibule shell < commands.txt`, o.converse)
}

// converse reads commands, and runs them. The last failure is that of the whole, where it reads a file.
func (o *operator) converse(_ context.Context, cmd *cli.Command, _ []string) error {
	ctx := o.outer
	if err := o.ready(ctx, cmd); err != nil {
		return err
	}
	if _, err := o.managed(cmd); err != nil { // with the flags that only the first line has
		return err
	}
	o.inShell = true
	next := o.line
	if o.terminal != nil {
		fmt.Fprintln(o.stderr, "help lists the commands, quit or Ctrl-D ends.")
		next = o.prompt()
	}
	for {
		text, err := o.await(ctx, next)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		words, err := split(text)
		switch {
		case err == nil && len(words) == 0:
			continue
		case err == nil && (words[0] == "quit" || words[0] == "exit"):
			return nil
		case err == nil:
			err = o.do(ctx, words)
		}
		if err != nil && (o.terminal == nil || ctx.Err() != nil) {
			return err
		}
		o.exit(err)
	}
}

// split splits a line into words, at spaces that no quotes surround.
func split(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range strings.TrimSpace(line) {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ' || r == '\t':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		case r == '#' && len(words) == 0 && !begun:
			return nil, nil
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, usage("a quote is not closed")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// prompt returns what reads a line from the terminal. Between two lines the terminal is as it was.
func (o *operator) prompt() func() (string, error) {
	fd := int(o.terminal.Fd())
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&keys{o.terminal}, o.stdout}, o.name+"> ")
	t.AutoCompleteCallback = o.complete
	return func() (string, error) {
		before, err := term.MakeRaw(fd)
		if err != nil {
			return "", err
		}
		defer term.Restore(fd, before)
		if width, height, err := term.GetSize(fd); err == nil && width > 0 {
			t.SetSize(width, height)
		}
		return t.ReadLine()
	}
}

// keys are those of a terminal. Ctrl-C empties the line, which for package term would end the input.
type keys struct{ f *os.File }

func (k *keys) Read(b []byte) (int, error) {
	n, err := k.f.Read(b)
	for i := range b[:n] {
		if b[i] == 3 {
			b[i] = 21 // Ctrl-U
		}
	}
	return n, err
}

// complete completes the name of a command at the tab key.
func (o *operator) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' || pos != len(line) {
		return "", 0, false
	}
	group := o.root()
	words := strings.Fields(line)
	last := ""
	if len(words) > 0 && !strings.HasSuffix(line, " ") {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	for _, word := range words {
		i := slices.IndexFunc(group.Commands, func(c *cli.Command) bool { return c.Name == word })
		if i < 0 {
			return "", 0, false
		}
		group = group.Commands[i]
	}
	var names []string
	for _, c := range group.Commands {
		if strings.HasPrefix(c.Name, last) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return "", 0, false
	}
	line = strings.TrimSuffix(line, last) + common(names)
	if len(names) == 1 {
		line += " "
	}
	return line, len(line), true
}

// common returns what all names begin with.
func common(names []string) string {
	prefix := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
