// Command goaltrack puts the middleware in front of a site that is not
// written in Go, and stands in for the CDP while you develop.
//
//	goaltrack proxy --to http://127.0.0.1:9000 --rules goals.yaml \
//	    --region eu --client-key KEY --pos shop
//	goaltrack cdp
//
// Both print one line, "listening on http://HOST:PORT", when they are ready,
// and log to standard error. SIGINT and SIGTERM end them in order: requests
// finish, goals are delivered, and proxy prints the account. A second signal
// ends them at once.
//
// The exit code is 0 after a signal, 2 when the settings, the rules or the
// settings file have faults (all are listed), and 1 when anything else fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process, as without this program's doing
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// console is where a command writes.
type console struct {
	stdout io.Writer
	logger *slog.Logger
}

// command is one of the things goaltrack does.
type command struct {
	name, summary string
	program
}

// program is what a command does: table is filled in first, then check
// returns every fault of what was filled in, then run does the work.
type program interface {
	table() *settings
	check() error
	run(ctx context.Context, c console) error
}

func commands() []command {
	return []command{
		{"proxy", "count goals in front of a site in any language", newProxyProgram()},
		{"cdp", "stand in for the CDP, for development", newStandIn()},
	}
}

// usageError is an error that the user mends in the settings, not by trying again.
type usageError struct{ error }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

// run is the whole program: it returns the exit code, and ends when ctx does.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		say(stderr, "%s", usage())
		return exitUsage
	case "help", "-h", "-help", "--help":
		if len(args) == 0 {
			say(stdout, "%s", usage())
			return exitOK
		}
		name, args = args[0], []string{"--help"}
	case "version", "-version", "--version":
		say(stdout, "goaltrack %s\n", version())
		return exitOK
	}

	names := []string{"help", "version"}
	for _, c := range commands() {
		if c.name == name {
			return c.carryOut(ctx, args, getenv, stdout, stderr)
		}
		names = append(names, c.name)
	}
	say(stderr, "goaltrack: there is no command %q%s\nRun \"goaltrack help\" for the commands.\n",
		name, didYouMean("goaltrack ", name, names))
	return exitUsage
}

// carryOut reads the settings of a command and runs it.
func (c command) carryOut(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	table := c.table()
	err := table.load(args, getenv)
	if errors.Is(err, errHelp) {
		say(stdout, "goaltrack %s: %s\n\n%s", c.name, c.summary, table.help())
		return exitOK
	}
	if err = errors.Join(err, c.check()); err != nil {
		err = usageError{err}
	} else {
		err = c.run(ctx, console{stdout, slog.New(slog.NewTextHandler(stderr, nil))})
	}
	if err == nil {
		return exitOK
	}
	lines := strings.ReplaceAll(err.Error(), "\n", "\n  ")
	say(stderr, "goaltrack %s:\n  %s\n", c.name, lines)
	if _, ok := errors.AsType[usageError](err); ok {
		say(stderr, "Run \"goaltrack %s --help\" for the settings.\n", c.name)
		return exitUsage
	}
	return exitFailed
}

// usage is the help of the program.
func usage() string {
	var b strings.Builder
	b.WriteString("goaltrack turns what already happens on a site into Sitecore CDP goals.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  goaltrack %-8s %s\n", c.name, c.summary)
	}
	b.WriteString("  goaltrack version  say which version this is\n\n" +
		"Run \"goaltrack COMMAND --help\" for the settings of a command.\n")
	return b.String()
}

// say writes to a console. Should nobody be there any more, nobody is left to
// be told so either.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format, args...)
}

// version is what the go command wrote into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	return fmt.Sprintf("%s (%s)", info.Main.Version, info.GoVersion)
}
