// Command goaltrack checks and tries out rule files. It puts the middleware in
// front of a site that is not written in Go. It stands in for the CDP while you
// develop.
//
//	goaltrack check goals.yaml
//	goaltrack try goals.yaml 'POST /contact topic=sales -> 303 /thanks'
//	goaltrack replay goals.yaml access.log access.log.1.gz
//	goaltrack proxy --to http://127.0.0.1:9000 --rules goals.yaml \
//	    --region eu --client-key KEY --pos shop
//	goaltrack help
//
// Each command is in the file of its name: check.go, try.go, proxy.go. commands.go
// lists them all, and calls the one that was asked for; tree.go makes cobra's commands
// of them. docs/settings.md lists the settings of each. They are one table, in
// table.go.
//
// What a running proxy is made of: frontend.go takes connections, proxy_server.go has
// the tracker, reload.go replaces it, and reverse.go passes requests on to the site.
// admin.go shows to those who run it how it is doing.
//
// Commands that only look print for people, or with --json for programs.
//
// When they are ready, the commands proxy and cdp print one line, "listening on
// http://HOST:PORT". They log to standard error. SIGINT and SIGTERM end them in
// order: requests finish, goals are delivered, and proxy prints the account. A
// second signal ends them at once, and so does the first one all other commands but
// doctor. SIGHUP has proxy read its settings and rules again.
//
// The exit codes are:
//
//   - 0: all is well, or a signal ended proxy or cdp
//   - 1: something else failed, such as a disk without room for what is printed; check found faults in rules; proxy --check found
//     any faults; doctor found that goals would not arrive
//   - 2: the settings, the rules or the settings file have faults, which are all
//     listed, or a file does not exist
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	log.SetFlags(0)
	log.SetOutput(&ofProcess)
	in := invocation{args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, untilSignal: untilSignal}
	os.Exit(carryOut(context.Background(), commands(), &in))
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM.
func untilSignal(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		told := <-signals
		signal.Stop(signals) // a second signal ends the process, as without this program's doing
		cancel(&signalled{told})
	}()
	return ctx
}

// isTold reports whether a command ends because a signal tells it to leave, as an
// orchestrator does, and not a person who waits at a terminal.
func isTold(ctx context.Context) bool {
	told, ok := errors.AsType[*signalled](context.Cause(ctx))
	return ok && told.Signal == syscall.SIGTERM
}

// signalled is why a command ends.
type signalled struct{ os.Signal }

// Error implements error.
func (s *signalled) Error() string { return s.String() }

// console is where a command writes.
type console struct {
	stdout, stderr io.Writer
	logger         *slog.Logger // to stderr
}

// usageError is an error that the user mends in the settings, and not by
// another try.
type usageError struct{ error }

// errSaid ends a command that failed and has already said why.
var errSaid = errors.New("said already")

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

// sayJSON writes a value in JSON, on a line of its own.
func sayJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // an arrow in a message is an arrow
	return encoder.Encode(v)
}

// counted returns a number and a word, such as "1 goal" or "2 goals".
func counted[N int | int64 | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// say writes to a console. It ignores errors: if nobody is there any more,
// nobody can be told.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format, args...)
}

// version returns what the go command wrote into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	return fmt.Sprintf("%s (%s)", info.Main.Version, info.GoVersion)
}
