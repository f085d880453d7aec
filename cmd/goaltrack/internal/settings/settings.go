// Package settings reads the settings of a program from its flags, from the
// environment and from a file. One table lists all settings. The help, the
// completion of a shell and the documentation are made from the same table.
package settings

import (
	"slices"
	"strings"
)

// Table is all settings of a program.
type Table struct {
	// Prefix is the beginning of the environment variables' names, such as
	// "GOALTRACK_".
	Prefix string
	// Config is the setting that names the settings file. A command with this
	// setting reads that file and the environment. Another command reads flags
	// alone.
	Config string
	// Main is the command whose settings may stand in the file of every
	// command.
	Main string
	Rows []Setting
}

// Setting is a row of the table. A name may have several rows, for different
// commands or for a group.
type Setting struct {
	// Name is the name of the setting: --client-key, GOALTRACK_CLIENT_KEY and
	// client-key in the file.
	Name string
	// Short is a letter that stands for the name as a flag, if there is one: -w.
	Short string
	Kind  Kind
	// Commands are the commands that take the setting. A setting that stands
	// only in a group has none.
	Commands []string
	// Group is the group in whose entries, and only there, the setting stands.
	Group string
	// By is, of a Group, the setting that chooses one of its entries: the one that has the
	// same value. What the entry says wins over the rest of the file. Without it, the entries
	// are for the program.
	By string
	// Shared settings may also stand in the entries of every group. The
	// command's value is then the default of the entry.
	Shared bool
	// Default is the value if nothing is given, written as a user would.
	Default string
	// Unset says what applies if nothing is given and there is no single
	// default.
	Unset string
	// Unit is what a number counts.
	Unit string
	// Value is the word for the value in the help, such as FILE.
	Value string
	// Like is an example of a good value, for messages.
	Like string
	// OneOf are the allowed values. If it is empty, every value is allowed.
	OneOf []string
	// Least and Most bound a number, a size or a time. They are written as a
	// user would. A Least of "" is 1 of the unit; for a time it is anything
	// above zero.
	Least, Most string
	// About is one sentence on what the setting does.
	About string
	// Secret values are never shown.
	Secret bool
}

// of returns the rows of a command.
func (t *Table) of(command string) (rows []Setting) {
	for _, s := range t.Rows {
		if slices.Contains(s.Commands, command) {
			rows = append(rows, s)
		}
	}
	return rows
}

// within returns the rows that stand in an entry of a group.
func within(group string, rows, all []Setting) (list []Setting) {
	for _, s := range all {
		if s.Group == group {
			list = append(list, s)
		}
	}
	for _, s := range rows {
		if s.Shared {
			list = append(list, s)
		}
	}
	return list
}

// find returns the row of that name, nil if there is none.
func find(rows []Setting, name string) *Setting {
	i := slices.IndexFunc(rows, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &rows[i]
}

func namesOf(rows []Setting) []string {
	names := make([]string, len(rows))
	for i, s := range rows {
		names[i] = s.Name
	}
	return names
}

// Variable returns the name of the setting in the environment.
func (t *Table) Variable(name string) string {
	return t.Prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Reads reports whether a command reads the settings file and the environment.
func (t *Table) Reads(command string) bool {
	config := find(t.Rows, t.Config)
	return config != nil && slices.Contains(config.Commands, command)
}

// placeholder returns the word for the value in the help.
func (s *Setting) placeholder() string {
	if len(s.OneOf) > 0 {
		return strings.Join(s.OneOf, "|")
	}
	return s.Value
}
