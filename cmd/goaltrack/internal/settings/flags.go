package settings

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// flag keeps the text of a setting; Load reads it.
type flag struct {
	setting *Setting
	text    string
}

// String returns the text that was given, or the default.
func (f *flag) String() string { return f.text }

// Set keeps the text.
func (f *flag) Set(text string) error {
	f.text = text
	return nil
}

// Type returns the word that stands for the value in the help.
func (f *flag) Type() string {
	if f.setting.Kind == Switch {
		return "bool" // for which the help shows nothing
	}
	return f.setting.placeholder()
}

// Define adds the flags of a command. Flags returns their values.
func (t *Table) Define(command string, flags *pflag.FlagSet) {
	flags.SortFlags = false
	rows := t.of(command)
	for i := range rows {
		s := &rows[i]
		if s.Kind == Group {
			continue
		}
		f := flags.VarPF(&flag{setting: s, text: cmp.Or(s.Default, s.Unset)}, s.Name, s.Short, s.About)
		if s.Kind == Switch {
			f.NoOptDefVal = "true"
		}
	}
}

// Flags returns what was given for each flag of Define, by name.
func Flags(flags *pflag.FlagSet) map[string]string {
	given := map[string]string{}
	flags.Visit(func(f *pflag.Flag) {
		if own, ok := f.Value.(*flag); ok {
			given[f.Name] = own.text
		}
	})
	return given
}

// Of returns the setting of a flag, nil if it has none.
func Of(f *pflag.Flag) *Setting {
	if own, ok := f.Value.(*flag); ok {
		return own.setting
	}
	return nil
}

// Spell writes arguments as pflag reads them. It turns -name, --name and --name
// value into --name=value. It leaves out arguments with faults and returns the
// faults. pflag would stop at the first fault, and take a flag for the value of
// another. If an argument asks for help, that is all it returns.
func Spell(flags *pflag.FlagSet, args []string, takesOperands bool) (plain []string, faults []error) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(plain, args[i:]...), faults
		}
		if !isFlag(args[i]) {
			plain = append(plain, args[i])
			continue
		}
		dashes, text, hasText := strings.Cut(args[i], "=")
		name := strings.TrimPrefix(strings.TrimPrefix(dashes, "-"), "-")
		if name == "h" || name == "help" {
			return []string{"--help"}, nil
		}
		f := flags.Lookup(name)
		if f == nil && len(name) == 1 && flags.ShorthandLookup(name) != nil {
			f = flags.ShorthandLookup(name)
			name = f.Name
		}
		switch {
		case hasText:
		case f != nil && f.NoOptDefVal != "":
			text, hasText = f.NoOptDefVal, true
		case i+1 < len(args) && !isFlag(args[i+1]) && (f != nil || !takesOperands):
			i++ // an unknown flag takes no operand with it
			text, hasText = args[i], true
		}
		switch {
		case f == nil:
			faults = append(faults, fmt.Errorf("there is no flag %s%s", dashes, DidYouMean("--", name, namesIn(flags))))
		case !hasText:
			faults = append(faults, fmt.Errorf("--%s needs a value: %s", name, f.Value.Type()))
		default:
			plain = append(plain, "--"+name+"="+text)
		}
	}
	return plain, faults
}

// isFlag reports whether an argument is a flag. A single dash is an operand or
// a value, which means the standard input.
func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

func namesIn(flags *pflag.FlagSet) (names []string) {
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
