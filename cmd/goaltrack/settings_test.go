package main

import (
	"fmt"
	"strings"
	"testing"
)

// environ returns a lookup in these variables.
func environ(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
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
			p := newProxyProgram()
			if err := p.settings.load(test.args, environ(test.env)); err != nil {
				t.Fatal(err)
			}
			if p.pos != test.want {
				t.Errorf("pos is %q, want %q", p.pos, test.want)
			}
		})
	}
}

// TestEverySetting gives each setting in each of the three ways.
func TestEverySetting(t *testing.T) {
	for i, s := range newProxyProgram().settings.list {
		text := "text"
		if len(s.oneOf) > 0 {
			text = s.oneOf[len(s.oneOf)-1]
		}
		if s.on != nil {
			text = "true"
		}
		ways := map[string]struct {
			args []string
			env  map[string]string
		}{
			"flag":     {args: []string{"--" + s.name + "=" + text}},
			"variable": {env: map[string]string{"GOALTRACK_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_")): text}},
			"file":     {args: []string{"--config", write(t, "goaltrack.yaml", s.name+": "+text)}},
		}
		if s.name == "config" { // has to name a file, and cannot be given in one
			text = write(t, "goaltrack.yaml", "# nothing")
			ways["flag"].args[0] = "--config=" + text
			ways["variable"].env["GOALTRACK_CONFIG"] = text
			delete(ways, "file")
		}
		for way, given := range ways {
			p := newProxyProgram()
			if err := p.settings.load(given.args, environ(given.env)); err != nil {
				t.Errorf("%s as a %s: %v", s.name, way, err)
			}
			if s.on != nil {
				if !*p.settings.list[i].on {
					t.Errorf("%s as a %s is off", s.name, way)
				}
				continue
			}
			// A file name in the file is relative to the file.
			if got := *p.settings.list[i].into; got != text && (!s.path || !strings.HasSuffix(got, "/"+text)) {
				t.Errorf("%s as a %s is %q, want %q", s.name, way, got, text)
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
		p := newProxyProgram()
		if err := p.settings.load(test.args, environ(test.env)); err != nil || p.watch != test.want {
			t.Errorf("%s: watch is %v, want %v (%v)", test.name, p.watch, test.want, err)
		}
	}
	for _, args := range [][]string{{"--watch", "true"}, {"--watch=yes"}, {"--", "--watch"}} {
		if err := newProxyProgram().settings.load(args, noEnv); err == nil {
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
		c := newComparison()
		err := c.settings.load(strings.Fields(test.args), noEnv)
		if got := fmt.Sprint(c.files, " ", c.log); err != nil || got != test.want || c.json != test.json {
			t.Errorf("%s: %s, json %v, want %s, %v (%v)", test.args, got, c.json, test.want, test.json, err)
		}
	}
}

// TestWords that YAML takes for something else are read as they are written.
func TestWords(t *testing.T) {
	p := newProxyProgram()
	file := write(t, "goaltrack.yaml", "views: off\nlanguage: NO\npos: 0123\nclient-key: ~\nsite-name: \"\"\n")
	if err := p.settings.load([]string{"--config", file}, noEnv); err != nil {
		t.Fatal(err)
	}
	if p.views != "off" || p.language != "NO" || p.pos != "0123" || p.clientKey != "" || p.siteName != "" {
		t.Errorf("%+v", p.proxyOptions)
	}
}

// TestDidYouMean looks for the word that was meant.
func TestDidYouMean(t *testing.T) {
	names := newProxyProgram().settings.names()
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
		if got := didYouMean("--", name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
