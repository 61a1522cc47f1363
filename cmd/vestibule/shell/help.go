package shell

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// helpFlag is ours, since that of the library writes flags with two dashes. Under the name help the library would take it
// for its own, so that is replaced.
func helpFlag() cli.Flag { return &cli.BoolFlag{Name: "h", Usage: "explain the command"} }

func shortHelp(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "-help" || arg == "--help" {
			args[i] = "-h"
		}
	}
	return args
}

// helpCommand is for those who write help users list.
func (o *operator) helpCommand() *cli.Command {
	c := o.command("help", "explain a command", "[COMMAND] [COMMAND]", "  vestibule help users create",
		func(_ context.Context, cmd *cli.Command, args []string) error {
			about := cmd.Root()
			for _, name := range args {
				sub := about.Command(name)
				if sub == nil {
					return o.noCommand(about, name)
				}
				about = sub
			}
			o.help(about, o.stdout)
			return nil
		})
	return c
}

// help writes what -h writes.
func (o *operator) help(cmd *cli.Command, w io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nusage: %s", cmd.FullName(), cmd.Usage, cmd.FullName())
	subs := cmd.VisibleCommands()
	if len(subs) > 0 {
		b.WriteString(" COMMAND")
	}
	b.WriteString(strings.TrimRight(" "+cmd.ArgsUsage, " ") + " [-flags]\n")
	if cmd.Description != "" {
		b.WriteString("\n" + o.renamed(cmd.Description) + "\n")
	}
	if len(subs) > 0 {
		var list [][2]string
		for _, sub := range subs {
			list = append(list, [2]string{sub.Name, sub.Usage})
		}
		b.WriteString("\nCommands:\n" + columns(list))
	}
	if cmd.Name != o.name {
		writeFlags(&b, "Flags", cmd.Flags)
	}
	writeFlags(&b, "Flags of all commands", cmd.Root().Flags)
	io.WriteString(w, b.String())
}

// renamed puts the program's name into examples.
func (o *operator) renamed(text string) string {
	if o.inShell {
		return strings.ReplaceAll(text, "  vestibule ", "  ")
	}
	return strings.ReplaceAll(text, "vestibule ", o.name+" ")
}

func writeFlags(b *strings.Builder, title string, flags []cli.Flag) {
	var list [][2]string
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		name, text := "-"+f.Names()[0], doc.GetUsage()
		if parts := strings.Split(text, "`"); len(parts) == 3 { // as in package flag: `FILE` is what the value is called
			name, text = name+" "+parts[1], strings.Join(parts, "")
		}
		for _, variable := range doc.GetEnvVars() {
			text += "; in the environment: " + variable
		}
		list = append(list, [2]string{name, text})
	}
	if len(list) > 0 {
		b.WriteString("\n" + title + ":\n" + columns(list))
	}
}

// columns writes names and what they mean under each other, wide enough for the terminals that there are.
func columns(list [][2]string) string {
	const width = 100
	name := 0
	for _, row := range list {
		name = max(name, len(row[0]))
	}
	var b strings.Builder
	for _, row := range list {
		for i, line := range wrap(row[1], width-name-4) {
			if i > 0 {
				row[0] = ""
			}
			fmt.Fprintf(&b, "  %-*s  %s\n", name, row[0], line)
		}
	}
	return b.String()
}

// wrap breaks text between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	return append(lines, line)
}

const about = `It works on the database of an application that keeps its users by package sqlstore: a file of SQLite, or
the address of a database of PostgreSQL, MySQL or MariaDB. Name it once:

  export VESTIBULE_DB=yumroad.db
  vestibule users list
  vestibule users show ann@example.com
  vestibule users set-password ann@example.com

Flags may stand before and after arguments. What cannot be undone asks first; -yes answers. Every command
has its own help: vestibule users create -h.

Exit codes: 0 it is done; 1 it failed or was refused, or doctor has found an error; 2 the command line
makes no sense; 3 there is no such user or session.`

const completionHelp = `For bash, zsh, fish and PowerShell (pwsh):

  source <(vestibule completion bash)
  vestibule completion fish > ~/.config/fish/completions/vestibule.fish`
