package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// environ is an environment of these variables.
func environ(variables map[string]string) (list []string) {
	for name, text := range variables {
		list = append(list, name+"="+text)
	}
	return list
}

// TestPrecedence gives one setting in several places.
func TestPrecedence(t *testing.T) {
	file := write(t, "goaltrack.yaml", "pos: file\n")
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"nowhere", nil, nil, ""},
		{"file", []string{"--config", file}, nil, "file"},
		{"file named in the environment", nil, map[string]string{"GOALTRACK_CONFIG": file}, "file"},
		{"environment", nil, map[string]string{"GOALTRACK_POS": "env"}, "env"},
		{"environment over file", []string{"--config", file}, map[string]string{"GOALTRACK_POS": "env"}, "env"},
		{"an empty variable is none", []string{"--config", file}, map[string]string{"GOALTRACK_POS": ""}, "file"},
		{"flag over environment", []string{"--pos", "flag"}, map[string]string{"GOALTRACK_POS": "env"}, "flag"},
		{"flag over file", []string{"--config", file, "--pos", "flag"}, nil, "flag"},
		{"flag over all", []string{"--pos=flag", "--config=" + file}, map[string]string{"GOALTRACK_POS": "env"}, "flag"},
		{"the last flag", []string{"--pos", "first", "-pos", "last"}, nil, "last"},
		{"an empty flag is the default", []string{"--config", file, "--pos="}, map[string]string{"GOALTRACK_POS": "env"}, ""},
		{"a flag with signs", []string{"--pos=-a=b"}, nil, "-a=b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := proxyValues(test.args, environ(test.env))
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Text("pos"); got != test.want {
				t.Errorf("pos is %q, want %q", got, test.want)
			}
		})
	}
}

// TestEverySetting gives each setting in each of the three ways.
func TestEverySetting(t *testing.T) {
	for _, s := range table.Rows {
		if !slices.Contains(s.Commands, "proxy") || s.Kind == settings.Group {
			continue
		}
		text := cmp.Or(s.Like, "text")
		switch {
		case len(s.OneOf) > 0:
			text = s.OneOf[len(s.OneOf)-1]
		case s.Kind == settings.Switch:
			text = "true"
		}
		ways := map[string]struct {
			args []string
			env  map[string]string
		}{
			"flag":      {args: []string{"--" + s.Name + "=" + text}},
			"two words": {args: []string{"--" + s.Name, text}},
			"one dash":  {args: []string{"-" + s.Name + "=" + text}},
			"variable":  {env: map[string]string{"GOALTRACK_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_")): text}},
			"file":      {args: []string{"--config", write(t, "goaltrack.yaml", s.Name+": "+strconv.Quote(text))}},
		}
		switch {
		case s.Kind == settings.Switch:
			delete(ways, "two words")
		case s.Name == "config": // has to name a file, and cannot be given in one
			text = write(t, "goaltrack.yaml", "# nothing")
			ways["flag"].args[0], ways["one dash"].args[0], ways["two words"].args[1] = "--config="+text, "-config="+text, text
			ways["variable"].env["GOALTRACK_CONFIG"] = text
			delete(ways, "file")
		}
		for way, given := range ways {
			v, err := proxyValues(given.args, environ(given.env))
			if err != nil {
				t.Errorf("%s as a %s: %v", s.Name, way, err)
			}
			// A file name in the file is relative to the file.
			isPath := s.Kind == settings.File || s.Kind == settings.Dir
			if got := v.Written(s.Name); got != text && (!isPath || !strings.HasSuffix(got, "/"+text)) {
				t.Errorf("%s as a %s is %q, want %q", s.Name, way, got, text)
			}
			if !v.Given(s.Name) || v.From(s.Name) == "" {
				t.Errorf("%s as a %s was not given", s.Name, way)
			}
		}
	}
}

// TestSwitch gives a setting that is on or off.
func TestSwitch(t *testing.T) {
	on, off := write(t, "goaltrack.yaml", "watch: true\n"), write(t, "goaltrack.yaml", "watch: false\n")
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		want bool
	}{
		{"nowhere", nil, nil, false},
		{"flag", []string{"--watch"}, nil, true},
		{"flag before a flag", []string{"--watch", "--pos", "a"}, nil, true},
		{"flag with a value", []string{"--watch=true"}, nil, true},
		{"environment", nil, map[string]string{"GOALTRACK_WATCH": "1"}, true},
		{"file", []string{"--config", on}, nil, true},
		{"flag over environment", []string{"--watch=false"}, map[string]string{"GOALTRACK_WATCH": "true"}, false},
		{"flag over file", []string{"--config", off, "--watch"}, nil, true},
		{"an empty flag is the default", []string{"--config", on, "--watch="}, nil, false},
	} {
		v, err := proxyValues(test.args, environ(test.env))
		if got := v.On("watch"); err != nil || got != test.want {
			t.Errorf("%s: watch is %v, want %v (%v)", test.name, got, test.want, err)
		}
	}
	for _, args := range [][]string{{"--watch", "true"}, {"--watch=yes"}, {"--", "--watch"}} {
		if _, err := proxyValues(args, noEnv); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

// TestOperands mixes them with flags.
func TestOperands(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // operands, then the log
		json bool
	}{
		{"a b", "[a b] ", false},
		{"--json a b", "[a b] ", true},
		{"a --log c b", "[a b] c", false},
		{"a b --log=c --json", "[a b] c", true},
		{"--log - - b", "[- b] -", false},
		{"--log=c -- --json b", "[--json b] c", false},
		{"a -- --", "[a --] ", false},
	} {
		got := &heard{}
		code := carryOut(t.Context(), []command{{name: "diff", operands: operands{value: "OLD NEW", min: 2, max: 2}, program: got}},
			&invocation{args: append([]string{"diff"}, strings.Fields(test.args)...), stdout: io.Discard, stderr: io.Discard})
		if text := fmt.Sprint(got.words, " ", got.v.Text("log")); code != exitOK || text != test.want || got.v.On("json") != test.json {
			t.Errorf("%s: %s, json %v, want %s, %v (exit code %d)", test.args, text, got.v.On("json"), test.want, test.json, code)
		}
	}
}

// heard is a program that keeps what it is told.
type heard struct {
	v     *settings.Values
	words []string
}

func (h *heard) check(v *settings.Values, words []string) error {
	h.v, h.words = v, words
	return nil
}

func (*heard) run(context.Context, console) error { return nil }

// TestWords that YAML takes for something else are read as they are written.
func TestWords(t *testing.T) {
	file := write(t, "goaltrack.yaml", "views: off\nlanguage: NO\npos: 0123\nclient-key: ~\nsite-name: \"\"\n")
	v, err := proxyValues([]string{"--config", file}, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"views": "off", "language": "NO", "pos": "0123", "client-key": "", "site-name": ""} {
		if got := v.Text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestDidYouMean looks for the word that was meant.
func TestDidYouMean(t *testing.T) {
	flags := pflag.NewFlagSet("proxy", pflag.ContinueOnError)
	table.Define("proxy", flags)
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	for name, want := range map[string]string{
		"clientkey":  "; did you mean --client-key?",
		"client_key": "; did you mean --client-key?",
		"rule":       "; did you mean --rules?",
		"too":        "; did you mean --to?",
		"languge":    "; did you mean --language?",
		"verbose":    "",
		"x":          "",
		"":           "",
	} {
		if got := settings.DidYouMean("--", name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
