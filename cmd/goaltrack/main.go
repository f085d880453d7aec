// Command goaltrack checks and tries out rule files, puts the middleware in
// front of a site that is not written in Go, and stands in for the CDP while
// you develop.
//
//	goaltrack check goals.yaml
//	goaltrack try goals.yaml 'POST /contact topic=sales -> 303 /thanks'
//	goaltrack replay goals.yaml access.log access.log.1.gz
//	goaltrack diff old.yaml new.yaml --log access.log
//	goaltrack schema >goals.schema.json
//	goaltrack proxy --to http://127.0.0.1:9000 --rules goals.yaml \
//	    --region eu --client-key KEY --pos shop
//	goaltrack spool ls /var/lib/goaltrack
//	goaltrack doctor --region eu --client-key KEY --pos shop
//	goaltrack cdp
//
// The first six read files and print, for people or with --json for programs;
// doctor asks a tenant, and prints likewise.
//
// The commands proxy and cdp print one line, "listening on http://HOST:PORT", when they are
// ready, and log to standard error. SIGINT and SIGTERM end them in order:
// requests finish, goals are delivered, and proxy prints the account. A second
// signal ends them at once.
//
// The exit code is 0 when all is well, and after a signal to proxy or cdp; 2
// when the settings, the rules or the settings file have faults (all are
// listed) or a file is not there; and 1 when anything else fails. The one
// difference is check, for which faults in rules are what it looks for: 1.
// For doctor, 1 means that goals would not arrive.
package main

import (
	"context"
	"encoding/json"
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
	stdout, stderr io.Writer
	logger         *slog.Logger // to stderr
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
		{"check", "look for faults in rule files", newChecker()},
		{"try", "explain what the goals make of a request", newTrial()},
		{"replay", "count what an access log would have counted", newReplayer()},
		{"diff", "tell what changes between two rule files", newComparison()},
		{"schema", "print the JSON Schema of rule files, for editors", newSchemaPrinter()},
		{"proxy", "count goals in front of a site in any language", newProxyProgram()},
		{"spool", "look into a spool, and send dead letters again", newSpoolLooker()},
		{"doctor", "ask a tenant whether goals would arrive", newDoctor()},
		{"cdp", "stand in for the CDP, for development", newStandIn()},
	}
}

// usageError is an error that the user mends in the settings, not by trying again.
type usageError struct{ error }

// errSaid ends a command that failed and has said why.
var errSaid = errors.New("said already")

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
		say(stdout, "goaltrack %s: %s\n\nUsage: %s\n\n%s", c.name, c.summary, table.usage(c.name), table.help())
		return exitOK
	}
	if err = errors.Join(err, c.check()); err != nil {
		err = usageError{err}
	} else {
		err = c.run(ctx, console{stdout, stderr, slog.New(slog.NewTextHandler(stderr, nil))})
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSaid):
		return exitFailed
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

// sayJSON writes a value in JSON, on a line of its own.
func sayJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // an arrow in a message is an arrow
	return encoder.Encode(v)
}

// jsonSwitch is the setting that every command for files has.
func jsonSwitch(on *bool) setting {
	return setting{name: "json", on: on, about: "print JSON, as below"}
}

// prefixSetting is where visitors see the site, for trying rules out.
func prefixSetting(into *string) setting {
	return setting{name: "path-prefix", into: into, value: "PATH", about: "where visitors see the site, such as /shop, as for the proxy"}
}

// checkPrefix returns what is wrong with a prefix.
func checkPrefix(text string) error {
	if text != "" && (text[0] != '/' || strings.ContainsAny(text, ",?#{}*")) {
		return fmt.Errorf("--path-prefix: %q is not a path such as /shop", text)
	}
	return nil
}

// counted is a number and a word, "1 goal" or "2 goals".
func counted[N int | int64 | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
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
