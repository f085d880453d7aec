package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"go.yaml.in/yaml/v4"
)

// A setting can be given as a flag, in the environment and in a file, under
// one name: --client-key, GOALTRACK_CLIENT_KEY, client-key.
type setting struct {
	name  string
	into  *string  // holds the default until load
	on    *bool    // in place of into: a switch, such as --watch or watch: true
	value string   // what stands for the value in the help, such as FILE
	oneOf []string // the values allowed; empty: any
	path  bool     // a file name: in the settings file it is relative to that file
	many  bool     // values between commas, or a list in the settings file
	about string   // for the help

	source string // where the value came from, as messages name it
}

// operands are the words that belong to no flag, such as the files to read.
type operands struct {
	into     *[]string
	value    string // what stands for them in the help, such as FILE...
	min, max int    // how many there must be; a max of 0 is no limit
	about    string // for the help
}

// settings is the table of a command. It alone drives flags, operands,
// environment, file and help.
type settings struct {
	prefix   string // of the variables; empty: the command listens to flags alone
	list     []setting
	operands operands
	others   []string // settings of other commands, which the file may hold too
	// sections are what the file alone can hold: more than a value.
	sections map[string]func(n *yaml.Node, file string)
	note     string // what else the help says
}

// errHelp is what load returns when the flags ask for help.
var errHelp = errors.New("help asked for")

// value is what was given for a setting, and where.
type value struct{ text, source string }

// load fills in every setting: a flag wins over the environment, that over
// the file, that over the default. An empty value brings back the default,
// whatever a weaker source says. The error holds every fault.
func (s *settings) load(args []string, getenv func(string) string) error {
	flags, faults := s.flags(args)
	if slices.Contains(faults, errHelp) {
		return errHelp
	}
	given := map[string]value{}
	if s.prefix != "" {
		environment := s.environment(getenv)
		file, err := s.file(cmp.Or(flags["config"], environment["config"]))
		faults = append(faults, err)
		maps.Copy(given, file)
		maps.Copy(given, environment)
	}
	maps.Copy(given, flags)

	for i := range s.list {
		setting := &s.list[i]
		setting.source = "--" + setting.name
		v, ok := given[setting.name]
		if ok {
			setting.source = v.source
		}
		switch {
		case v.text == "":
		case setting.on != nil:
			var err error
			if *setting.on, err = strconv.ParseBool(v.text); err != nil {
				faults = append(faults, fmt.Errorf("%s: %q is neither true nor false", v.source, v.text))
			}
		case len(setting.oneOf) > 0 && !slices.Contains(setting.oneOf, v.text):
			faults = append(faults, fmt.Errorf("%s: %q is not one of: %s",
				v.source, v.text, strings.Join(setting.oneOf, ", ")))
			*setting.into = setting.oneOf[0] // so that nothing else complains about it
		default:
			*setting.into = v.text
		}
	}
	return errors.Join(faults...)
}

// flags reads --name value, --name=value and --switch, and the operands, which
// may stand anywhere between them; behind "--" there are only operands. The flag
// package would stop at the first fault, and at the first operand; this goes
// on, so that all faults can be mended at once.
func (s *settings) flags(args []string) (map[string]value, []error) {
	given, faults := map[string]value{}, []error(nil)
	var words []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			words = append(words, args[i+1:]...)
			break
		}
		if !isFlag(args[i]) {
			words = append(words, args[i])
			continue
		}
		dashes, text, hasText := strings.Cut(args[i], "=")
		name := strings.TrimPrefix(strings.TrimPrefix(dashes, "-"), "-")
		if name == "h" || name == "help" {
			return nil, []error{errHelp}
		}
		setting := s.find(name)
		isSwitch := setting != nil && setting.on != nil
		switch {
		case hasText:
		case isSwitch:
			text, hasText = "true", true
		case i+1 < len(args) && !isFlag(args[i+1]) && (setting != nil || s.operands.into == nil):
			i++ // an unknown flag takes no operand with it
			text, hasText = args[i], true
		}
		switch {
		case setting == nil:
			faults = append(faults, fmt.Errorf("there is no flag %s%s", dashes, didYouMean("--", name, s.names())))
		case !hasText:
			faults = append(faults, fmt.Errorf("--%s needs a value: %s", name, setting.value))
		default:
			given[name] = value{text, "--" + name}
		}
	}
	return given, append(faults, s.operands.take(words)...)
}

// isFlag reports whether an argument is a flag. A single dash is an operand or
// a value: the standard input.
func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

// take keeps the words, and returns what is wrong with their number.
func (o *operands) take(words []string) (faults []error) {
	limit := len(words)
	switch {
	case o.into == nil:
		limit = 0
	case o.max > 0:
		limit = min(limit, o.max)
	}
	for _, word := range words[limit:] {
		faults = append(faults, fmt.Errorf("%q belongs to no flag", word))
	}
	if limit < o.min {
		faults = append(faults, fmt.Errorf("%s is needed: %s", o.value, o.about))
	}
	if o.into != nil {
		*o.into = words[:limit]
	}
	return faults
}

// environment reads the variables that belong to a setting. Others are no
// fault: Kubernetes, for one, adds GOALTRACK_SERVICE_HOST for a service of
// that name. An empty variable is none, as in a compose file.
func (s *settings) environment(getenv func(string) string) map[string]value {
	given := map[string]value{}
	for _, setting := range s.list {
		variable := s.variable(setting.name)
		if text := getenv(variable); text != "" {
			given[setting.name] = value{text, variable}
		}
	}
	return given
}

// file reads the settings file, if one is given.
func (s *settings) file(config value) (map[string]value, error) {
	if config.text == "" {
		return nil, nil
	}
	given, err := readFile(config.text, s)
	for name, v := range given {
		if s.find(name).path && v.text != "" && !filepath.IsAbs(v.text) {
			v.text = filepath.Join(filepath.Dir(config.text), v.text)
			given[name] = v
		}
	}
	return given, err
}

// from says where a setting came from, for messages.
func (s *settings) from(name string) string { return s.find(name).source }

func (s *settings) variable(name string) string {
	return s.prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (s *settings) find(name string) *setting {
	i := slices.IndexFunc(s.list, func(setting setting) bool { return setting.name == name })
	if i < 0 {
		return nil
	}
	return &s.list[i]
}

func (s *settings) names() []string {
	names := make([]string, len(s.list))
	for i, setting := range s.list {
		names[i] = setting.name
	}
	return names
}

// usage is how the command called name is written.
func (s *settings) usage(name string) string {
	words := "[FLAGS]"
	if s.operands.value != "" {
		words += " " + s.operands.value
	}
	return "goaltrack " + name + " " + words
}

// help is a line for each operand and setting, and a word on where to give them.
func (s *settings) help() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if s.operands.value != "" {
		say(table, "  %s\t%s\n", s.operands.value, s.operands.about)
	}
	for _, setting := range s.list {
		say(table, "  --%s\t%s\n", strings.TrimSpace(setting.name+" "+setting.placeholder()), setting.described())
	}
	_ = table.Flush() // a strings.Builder takes everything
	if s.note != "" {
		b.WriteString("\n" + s.note)
	}
	if s.prefix != "" {
		first := s.list[0].name
		fmt.Fprintf(&b, "\nEach setting can also be given in the environment (%s for --%s) or in the\n"+
			"file that --config names (%s: ...). Flags win over the environment, and that\nover the file.\n",
			s.variable(first), first, first)
	}
	return b.String()
}

// placeholder stands for the value in the help.
func (s *setting) placeholder() string {
	if len(s.oneOf) > 0 {
		return strings.Join(s.oneOf, "|")
	}
	return s.value
}

// described is what the help says about the setting.
func (s *setting) described() string {
	if s.into == nil || *s.into == "" {
		return s.about
	}
	return s.about + " (default " + *s.into + ")"
}
