package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/format"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/rule"
)

// formatter is the fmt command. It lays out rule files, as gofmt does with Go.
type formatter struct {
	files             []string
	list, diff, write bool
}

func fmtCommand() command {
	return command{
		name: "fmt", summary: "lay out rule files in one way, as gofmt does",
		operands: operands{value: "FILE...", about: "the rule files; without one, or as -, the standard input"},
		note: `Without a flag, the files are printed as they should be. Comments stay, and so do
the order of keys and what the file says. The flags are those of gofmt.

The exit code is 0, also with --list if there are such files. It is 1 with --diff
if anything would change, and 2 if a file cannot be read.
`,
		program: &formatter{},
	}
}

func (f *formatter) check(v *settings.Values, files []string) error {
	f.list, f.diff, f.write = v.On("list"), v.On("diff"), v.On("write")
	if f.files = files; len(files) == 0 {
		f.files = []string{standardInput}
	}
	for _, file := range f.files {
		if f.write && file == standardInput {
			return errors.New("--write: the standard input is no file to write into")
		}
	}
	return nil
}

func (f *formatter) run(_ context.Context, out console) error {
	var unread []error
	differ := false
	for _, file := range f.files {
		changed, err := f.one(file, out.stdout)
		unread, differ = append(unread, err), differ || changed
	}
	if err := errors.Join(unread...); err != nil {
		return usageError{err}
	}
	if f.diff && differ {
		return errSaid
	}
	return nil
}

// one lays out a file, and reports whether it had another layout.
func (f *formatter) one(file string, w io.Writer) (changed bool, err error) {
	text, err := readRules(file)
	if err != nil {
		return false, err
	}
	laidOut, err := format.Format(text)
	if err != nil {
		return false, faultOf(file, text, err)
	}
	changed = !bytes.Equal(text, laidOut)
	if !f.list && !f.diff && !f.write {
		_, err = w.Write(laidOut)
		return changed, err
	}
	if changed && f.list {
		say(w, "%s\n", file)
	}
	if changed && f.diff {
		say(w, "%s", diff.Diff(file+".orig", text, file, laidOut))
	}
	if changed && f.write {
		return true, replaceFile(file, laidOut)
	}
	return changed, nil
}

// maxRuleFile is more than a rule file may have.
const maxRuleFile = 8 << 20

// readRules reads the text of a rule file, or of the standard input.
func readRules(file string) ([]byte, error) {
	in := os.Stdin
	if file != standardInput {
		opened, err := os.Open(file) //nolint:gosec // The user says which file.
		if err != nil {
			return nil, err
		}
		defer func() { _ = opened.Close() }() // it was only read
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, maxRuleFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return text, nil
}

// faultOf says what is wrong with a file that has no layout. What check says of it has a
// place and advice.
func faultOf(file string, text []byte, err error) error {
	if _, faulty := rule.ParseFile(file, text); faulty != nil {
		return faulty
	}
	return fmt.Errorf("%s: %w", file, err)
}

// replaceFile puts text in the place of a file, at once, and keeps who may read it.
func replaceFile(file string, text []byte) error {
	target, err := filepath.EvalSymlinks(file) // what a link names is replaced, not the link
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(target), ".goaltrack-*")
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(info.Mode().Perm()), next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), target)
	}
	if err != nil {
		_ = os.Remove(next.Name()) // it is of no use
	}
	return err
}
