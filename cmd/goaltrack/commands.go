package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// command is one command of goaltrack.
type command struct {
	name, summary string
	operands      operands
	note          string // what else the help says
	inOrder       bool   // a signal ends it in order, and others at once
	program
}

// program is what a command does. check takes the settings and the operands and
// returns all their faults. Then run does the work.
type program interface {
	check(v *settings.Values, words []string) error
	run(ctx context.Context, c console) error
}

// reloadable is a program that reads its settings again when the process gets SIGHUP.
type reloadable interface {
	reloadOn(hangups <-chan os.Signal, again func() (*settings.Values, error))
}

func commands() []command {
	return []command{
		initCommand(), checkCommand(), tryCommand(), replayCommand(), diffCommand(), fmtCommand(), docsCommand(), announceCommand(), schemaCommand(),
		proxyCommand(), settingsCommand(), spoolCommand(), forgetCommand(), reportCommand(), doctorCommand(), cdpCommand(),
	}
}

// operands are the words that belong to no flag, such as the files to read.
type operands struct {
	value    string // what stands for them in the help, such as FILE...
	min, max int    // how many there must be; a max of 0 is no limit
	about    string // for the help
}

// take returns the words that it can take, and what is wrong with their number.
func (o *operands) take(words []string) (taken []string, faults []error) {
	limit := len(words)
	switch {
	case o.value == "":
		limit = 0
	case o.max > 0:
		limit = min(limit, o.max)
	}
	for _, word := range words[limit:] {
		faults = append(faults, fmt.Errorf("%q is one word too many: a switch has no value behind it, and a text with blanks needs quotes", word))
	}
	if limit < o.min {
		faults = append(faults, fmt.Errorf("%s is needed: %s", o.value, o.about))
	}
	return words[:limit], faults
}

// invocation says how the program was called, and what came of it.
type invocation struct {
	args, environ  []string
	stdout, stderr io.Writer
	untilSignal    func(context.Context) context.Context // for commands that end in order; nil in tests

	faults  []error // of the arguments
	code    int
	ran     bool    // a command of ours, which says itself what went wrong
	printed *outlet // what went to stdout
}

// outlet is where a command prints what it was asked for. Most commands ignore an error of
// one line, so that it is noted here: a full disk must not look as if all were well.
type outlet struct {
	to io.Writer

	mu  sync.Mutex
	err error // the first one
}

// Write implements [io.Writer].
func (p *outlet) Write(text []byte) (int, error) {
	n, err := p.to.Write(text)
	if err != nil {
		p.mu.Lock()
		p.err = cmp.Or(p.err, err)
		p.mu.Unlock()
	}
	return n, err
}

// fault says that something could not be printed.
func (p *outlet) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("not all that it prints could be written: %w", p.err)
}

// carryOut finds the command in the arguments and runs it.
func carryOut(ctx context.Context, list []command, in *invocation) int {
	in.printed = &outlet{to: in.stdout}
	in.stdout = in.printed
	root := in.tree(list)
	if len(in.args) == 0 {
		say(in.stderr, "%s", help(root))
		return exitUsage
	}
	args, err := in.spell(root)
	if err == nil {
		root.SetArgs(args)
		_, err = root.ExecuteContextC(ctx)
	}
	if full := in.printed.fault(); full != nil && !in.ran { // of the help and the like
		say(in.stderr, "goaltrack: %s\n", full)
		return exitFailed
	}
	if err != nil { // of cobra's own commands, or of words that call none
		say(in.stderr, "goaltrack: %s\nRun \"goaltrack help\" for the commands.\n", err)
		return exitUsage
	}
	return in.code
}

// spell writes the arguments as cobra reads them. It keeps what is wrong with
// the flags of the command.
func (in *invocation) spell(root *cobra.Command) ([]string, error) {
	args := in.args
	if args[0] == "help" && len(args) > 1 {
		args = []string{args[1], "--help"}
	}
	name := args[0]
	if strings.HasPrefix(name, "-") {
		spelled, faults := settings.Spell(root.Flags(), args, false)
		return spelled, errors.Join(faults...)
	}
	called := find(root, name)
	switch {
	case strings.HasPrefix(name, cobra.ShellCompRequestCmd): // what a shell asks
		return args, nil
	case called == nil:
		return nil, fmt.Errorf("there is no command %q%s", name, settings.DidYouMean("goaltrack ", name, namesOf(root)))
	case called.Annotations == nil: // one of cobra's, or version
		return args, checkShell(called, args[1:])
	}
	spelled, faults := settings.Spell(called.Flags(), args[1:], called.Annotations[operandsKey] != "")
	in.faults = faults
	return append([]string{name}, spelled...), nil
}

// checkShell returns what is wrong with the word after "completion". For an
// unknown shell, cobra would show the help, as if all were well.
func checkShell(called *cobra.Command, words []string) error {
	if !called.HasSubCommands() || len(words) == 0 || strings.HasPrefix(words[0], "-") || find(called, words[0]) != nil {
		return nil
	}
	return fmt.Errorf("there is no completion for %q%s", words[0], settings.DidYouMean("", words[0], namesOf(called)))
}

// find returns the command of that name, nil if there is none.
func find(root *cobra.Command, name string) *cobra.Command {
	i := slices.IndexFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
	if i < 0 {
		return nil
	}
	return root.Commands()[i]
}

func namesOf(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return names
}

// eachOnce leaves out lines that were there before: a file of settings can be read for two
// purposes, with the same faults.
func eachOnce(lines []string) (list []string) {
	for _, line := range lines {
		if !slices.Contains(list, line) {
			list = append(list, line)
		}
	}
	return list
}

// runCommand reads the settings of a command and runs it.
func (in *invocation) runCommand(ctx context.Context, c *command, flags *pflag.FlagSet, words []string) {
	load := func() (*settings.Values, error) { return table.Load(c.name, settings.Flags(flags), in.environ) }
	in.ran = true
	if c.inOrder && in.untilSignal != nil {
		ctx = in.untilSignal(ctx)
	}
	r, serves := c.program.(reloadable)
	if serves {
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP) // before anything is read, and until the process ends
		signal.Ignore(syscall.SIGPIPE)         // the site goes on if nobody reads the log any more
		r.reloadOn(hangups, load)
	}
	v, err := load()
	words, faults := c.operands.take(words)
	found := slices.Concat(in.faults, faults, []error{err})
	if _, unread := errors.AsType[settings.Unread](err); !unread {
		found = append(found, c.check(v, words))
	}
	err = errors.Join(found...)
	if err != nil {
		err = usageError{err}
	} else {
		err = c.run(ctx, console{in.stdout, in.stderr, newLogger(in.stderr, v)})
		if unsaid := err == nil || errors.Is(err, errSaid); unsaid && !serves {
			err = cmp.Or(in.printed.fault(), err)
		}
	}
	in.code = exitOK
	switch {
	case err == nil:
		return
	case errors.Is(err, errSaid):
		in.code = exitFailed
		return
	}
	say(in.stderr, "goaltrack %s:\n  %s\n", c.name, strings.Join(eachOnce(strings.Split(err.Error(), "\n")), "\n  "))
	in.code = exitFailed
	if v.Has("check") && v.On("check") {
		return
	}
	if _, ok := errors.AsType[usageError](err); ok {
		say(in.stderr, "Run \"goaltrack %s --help\" for the settings.\n", c.name)
		in.code = exitUsage
	}
}

// newLogger returns the log of a command, as its settings say if it has such
// settings.
func newLogger(w io.Writer, v *settings.Values) *slog.Logger {
	level := slog.LevelInfo
	if !v.Has("log-level") {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	_ = level.UnmarshalText([]byte(v.Text("log-level"))) // the table has no other words
	options := &slog.HandlerOptions{Level: level}
	if v.Text("log-format") == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
