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

With --write, a file is replaced at once, and stays as it was if anything goes wrong.

The exit code is 0, also with --list if there are such files. It is 1 with --diff
if anything would change, and if something cannot be written, and 2 if a file cannot
be read.
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
	var unread, unwritten []error
	differ := false
	for _, file := range f.files {
		text, laidOut, err := layOut(file)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		differ = differ || !bytes.Equal(text, laidOut)
		unwritten = append(unwritten, f.show(file, text, laidOut, out.stdout))
	}
	if err := errors.Join(append(unread, unwritten...)...); len(unread) == 0 && err != nil {
		return err
	} else if err != nil {
		return usageError{err}
	}
	if f.diff && differ {
		return errSaid
	}
	return nil
}

// layOut reads a file, and lays it out.
func layOut(file string) (text, laidOut []byte, err error) {
	if text, err = readRules(file); err != nil {
		return nil, nil, err
	}
	if laidOut, err = format.Format(text); err != nil {
		return nil, nil, faultOf(file, text, err)
	}
	return text, laidOut, nil
}

// show prints or writes what the flags ask for.
func (f *formatter) show(file string, text, laidOut []byte, w io.Writer) error {
	if !f.list && !f.diff && !f.write {
		_, err := w.Write(laidOut)
		return err
	}
	if bytes.Equal(text, laidOut) {
		return nil
	}
	if f.list {
		say(w, "%s\n", file)
	}
	if f.diff {
		say(w, "%s", diff.Diff(file+".orig", text, file, laidOut))
	}
	if !f.write {
		return nil
	}
	if err := replaceFile(file, text, laidOut); err != nil {
		return fmt.Errorf("%s stays as it was: %w", file, err)
	}
	return nil
}

// maxRuleFile is more than a rule file may have. Of a longer one nothing is laid out: the rest
// would be lost.
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
	text, err := io.ReadAll(io.LimitReader(in, maxRuleFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	case len(text) > maxRuleFile:
		return nil, fmt.Errorf("%s: it is larger than %d MiB, and no rule file", file, maxRuleFile>>20)
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

// errChanged says that somebody else wrote into a file.
var errChanged = errors.New("somebody has changed it in the meantime; run it again")

// replaceFile puts text in the place of a file, at once, and keeps whose it is and who may read
// it. The file must still be as it was read.
func replaceFile(file string, was, text []byte) error {
	target, err := filepath.EvalSymlinks(file) // what a link names is replaced, not the link
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file that can be replaced", file)
	}
	old, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return err // who may not write into a file may not replace it, either
	}
	_ = old.Close() // nothing was written into it
	next, err := os.CreateTemp(filepath.Dir(target), ".goaltrack-*")
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	err = errors.Join(err, keepOwner(next, info))
	err = errors.Join(err, next.Chmod(info.Mode().Perm()), next.Sync(), next.Close())
	var now []byte
	if err == nil {
		now, err = os.ReadFile(target)
	}
	switch {
	case err != nil:
	case bytes.Equal(now, was):
		if err = os.Rename(next.Name(), target); err == nil {
			return nil
		}
	case !bytes.Equal(now, text): // else another fmt was faster, and nothing is left to do
		err = errChanged
	}
	_ = os.Remove(next.Name()) // it is of no use
	return err
}
