// Command conformance runs other people's tests, alone and with goaltrack around each
// request, and prints a table of what differs. Each module comes by the Go module proxy, at
// a pinned version. The same compiled tests run three times: bare, with goaltrack around
// each server ("server"), and also around each http.HandlerFunc, which puts up to three
// trackers between other people's middlewares ("between").
//
// The hooks are in a copy of two methods of net/http, which the Go command puts in the
// place of the original (-overlay). Nothing of the Go installation changes.
//
//	go run ./conformance [PART OF A MODULE'S NAME]
package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

//go:embed hook.go.txt
var hook string

const goaltrack = "github.com/goaltrack/goaltrack"

func main() {
	log.SetFlags(0)
	part := strings.Join(os.Args[1:], " ")
	work, err := os.MkdirTemp("", "conformance")
	if err != nil {
		log.Fatal(err)
	}
	failed, err := run(work, part) // failed: there are new failures of which nobody knows why
	if err := errors.Join(err, os.RemoveAll(work)); err != nil {
		log.Fatal(err)
	}
	if failed {
		os.Exit(1)
	}
}

// run runs the suites with part in their names. It reports whether one has new failures.
func run(work, part string) (failed bool, err error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return false, err
	}
	overlay, err := writeOverlay(work)
	if err != nil {
		return false, err
	}
	fmt.Printf("%s, %s %s/%s\n\n", time.Now().UTC().Format("2 January 2006"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Println("| module | requests | watched | bodies | tests that pass without | new failures, server | new failures, between |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, s := range suites {
		if !strings.Contains(s.module, part) {
			continue
		}
		c := checkout{suite: s, dir: filepath.Join(work, strings.ReplaceAll(s.module, "/", "_")), overlay: overlay}
		if err := c.prepare(root); err != nil {
			return false, fmt.Errorf("%s: %w", s.module, err)
		}
		bad, err := c.compare()
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.module, err)
		}
		failed = failed || bad
	}
	return failed, nil
}

// writeOverlay writes net/http's server.go with hooks, and the file that tells the Go
// command of it.
func writeOverlay(work string) (string, error) {
	out, err := exec.CommandContext(context.Background(), "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(out)), "src", "net", "http", "server.go")
	changed := filepath.Join(work, "server.go")
	if err := rewrite(original, changed,
		"\thandler.ServeHTTP(rw, req)\n}\n\nfunc badServeHTTP",
		"\tif GoaltrackServer != nil {\n\t\thandler = GoaltrackServer(handler)\n\t}\n\thandler.ServeHTTP(rw, req)\n}\n\nfunc badServeHTTP",

		"func (f HandlerFunc) ServeHTTP(w ResponseWriter, r *Request) {\n\tf(w, r)\n}",
		`func (f HandlerFunc) ServeHTTP(w ResponseWriter, r *Request) {
	if GoaltrackFunc != nil {
		GoaltrackFunc(f, w, r)
		return
	}
	f(w, r)
}

var (
	GoaltrackServer func(Handler) Handler
	GoaltrackFunc   func(HandlerFunc, ResponseWriter, *Request)
)
`); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(work, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// rewrite copies a file and replaces each old text, which must be there once, by the new.
func rewrite(from, to string, oldNew ...string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	text := string(b)
	for i := 0; i < len(oldNew); i += 2 {
		if strings.Count(text, oldNew[i]) != 1 {
			return fmt.Errorf("%s has not once %q", from, oldNew[i])
		}
		text = strings.Replace(text, oldNew[i], oldNew[i+1], 1)
	}
	return os.WriteFile(to, []byte(text), 0o600)
}

// checkout is a copy of a suite's module.
type checkout struct {
	suite
	dir, overlay string
}

// prepare fetches the module and puts the hook into its packages.
func (c checkout) prepare(root string) error {
	out, err := exec.CommandContext(context.Background(), "go", "mod", "download", "-json", c.module+"@"+c.version).Output()
	if err != nil {
		return err
	}
	var fetched struct{ Dir string }
	if err := json.Unmarshal(out, &fetched); err != nil {
		return err
	}
	if err := copyAll(fetched.Dir, c.dir); err != nil {
		return err
	}
	for _, e := range c.entries {
		file := filepath.Join(c.dir, e.file)
		head := fmt.Sprintf("func (%s) ServeHTTP(", e.receiver)
		name, _, _ := strings.Cut(e.receiver, " ")
		if err := rewrite(file, file, head, fmt.Sprintf(`%sw http.ResponseWriter, r *http.Request) {
	if http.GoaltrackServer != nil {
		http.GoaltrackServer(goaltrackBare{%s}).ServeHTTP(w, r)
		return
	}
	%s.serveBare(w, r)
}

type goaltrackBare struct{ to interface{ serveBare(http.ResponseWriter, *http.Request) } }

func (b goaltrackBare) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.to.serveBare(w, r) }

func (%s) serveBare(`, head, name, name, e.receiver)); err != nil {
			return err
		}
	}
	if err := c.command(nil, "go", "mod", "edit", "-require="+goaltrack+"@v0.0.0", "-replace="+goaltrack+"@v0.0.0="+root); err != nil {
		return err
	}
	for _, p := range c.packages {
		cmd := exec.CommandContext(context.Background(), "go", "list", "-mod=mod", "-overlay", c.overlay, "-f", "{{.Name}}", p)
		cmd.Dir, cmd.Stderr = c.dir, os.Stderr
		name, err := cmd.Output()
		if err != nil {
			return err
		}
		text := strings.Replace(hook, "PACKAGE", strings.TrimSpace(string(name)), 1)
		if err := os.WriteFile(filepath.Join(c.dir, p, "goaltrack_conformance_test.go"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// copyAll copies a folder of the module cache, whose files nobody may write to.
func copyAll(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
}

func (c checkout) command(out io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, out, os.Stderr
	return cmd.Run()
}

// outcome is what became of the tests of a run, by package and name.
type outcome map[string]string

// compare runs the tests in each mode and prints the row of the table. Behind it are the
// names of new failures: tests that pass without goaltrack, each time, and fail with it.
func (c checkout) compare() (bad bool, err error) {
	bare, _, err := c.test("bare", nil)
	if err != nil {
		return false, err
	}
	passing := 0
	for _, how := range bare {
		if how == "pass" {
			passing++
		}
	}
	if passing == 0 {
		return false, errors.New("no test passes without goaltrack")
	}
	var failures [2][]string
	var seen counts
	for i, mode := range []string{"server", "between"} {
		with, n, err := c.test(mode, nil)
		if err != nil {
			return false, err
		}
		seen = n // of the last mode, which has more
		failures[i], err = c.confirm(mode, bare, with)
		if err != nil {
			return false, err
		}
	}
	fmt.Printf("| %s %s | %d | %d | %d | %d | %d | %d |\n",
		c.module, c.version, seen.requests, seen.watched, seen.bodies, passing, len(failures[0]), len(failures[1]))
	for i, mode := range []string{"server", "between"} {
		for _, name := range failures[i] {
			why := c.reason(name)
			log.Printf("%s, %s: %s %s", c.module, mode, name, why)
			bad = bad || why == ""
		}
	}
	return bad, nil
}

// reason returns why a test is known to fail, "" if it is not.
func (c checkout) reason(name string) string {
	_, test, _ := strings.Cut(name, " ")
	for begin, why := range c.known {
		if strings.HasPrefix(test, begin) {
			return why
		}
	}
	return ""
}

// confirm returns the tests that fail with goaltrack and pass without. Tests that fail now
// and then, alone too, are many. So those are run again, in both ways.
func (c checkout) confirm(mode string, bare, with outcome) ([]string, error) {
	suspects := func(bare, with outcome) (list []string) {
		for _, name := range slices.Sorted(maps.Keys(bare)) {
			if bare[name] == "pass" && with[name] != "pass" {
				list = append(list, name)
			}
		}
		return list
	}
	list := suspects(bare, with)
	for range 2 {
		if len(list) == 0 {
			return nil, nil
		}
		again, _, err := c.test("bare", list)
		if err != nil {
			return nil, err
		}
		failing, _, err := c.test(mode, list)
		if err != nil {
			return nil, err
		}
		still := suspects(again, failing)
		list = slices.DeleteFunc(list, func(name string) bool { return !slices.Contains(still, name) })
	}
	return list, nil
}

// test runs the tests of the packages, or only those on a list.
func (c checkout) test(mode string, only []string) (outcome, counts, error) {
	dir, err := os.MkdirTemp(c.dir, "counts")
	if err != nil {
		return nil, counts{}, err
	}
	args := []string{"test", "-json", "-mod=mod", "-vet=off", "-count=1", "-timeout=10m", "-overlay", c.overlay}
	if len(only) > 0 {
		var tops []string
		for _, name := range only {
			_, test, _ := strings.Cut(name, " ")
			top, _, _ := strings.Cut(test, "/")
			tops = append(tops, top)
		}
		slices.Sort(tops)
		args = append(args, "-run", "^("+strings.Join(slices.Compact(tops), "|")+")$")
	}
	cmd := exec.CommandContext(context.Background(), "go", append(args, c.packages...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GOALTRACK_CONFORMANCE="+mode, "GOALTRACK_COUNTS="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return nil, counts{}, err
	}
	result := outcome{}
	var said strings.Builder
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		var e struct{ Action, Package, Test, Output string }
		if json.Unmarshal([]byte(line), &e) != nil || e.Test == "" {
			said.WriteString(e.Output)
			continue
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			result[e.Package+" "+e.Test] = e.Action
		}
	}
	_ = cmd.Wait() // failures are what is looked for
	if len(result) == 0 {
		return nil, counts{}, fmt.Errorf("no test ran: %s", said.String())
	}
	n, err := countsIn(dir)
	return result, n, err
}

// counts say what goaltrack has seen: requests, those whose answer it watched, and those
// whose body it copied.
type counts struct{ requests, watched, bodies int }

func countsIn(dir string) (sum counts, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "counts*"))
	if err != nil {
		return sum, err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return sum, err
		}
		var n counts
		if _, err := fmt.Sscan(string(b), &n.requests, &n.watched, &n.bodies); err == nil { // a package may have no request
			sum.requests, sum.watched, sum.bodies = sum.requests+n.requests, sum.watched+n.watched, sum.bodies+n.bodies
		}
	}
	return sum, nil
}
