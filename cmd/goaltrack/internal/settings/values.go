package settings

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// given is what was written for a setting, and where.
type given struct {
	text   string
	source string // as messages name it
	// words are the entries of a list in the file. listed says that there is a
	// list, which may be empty.
	words  []word
	listed bool
	dir    string // what the names of files are relative to
}

// word is an entry of a list.
type word struct{ text, source string }

func (g *given) isEmpty() bool { return g.text == "" && !g.listed }

// Values are the settings of a command: what was given for each, or its
// default.
type Values struct {
	rows    []Setting
	given   map[string]given
	parsed  map[string]any    // what is good
	written map[string]string // the text of it
	groups  map[string][]*Values
	base    *Values // of an entry of a group: what holds if it says nothing
}

// Load reads the settings of a command. A flag wins over the environment, the
// environment over the file, and the file over the default. An empty flag
// brings back the default. The error holds every fault. A setting with a fault
// has its default.
func (t *Table) Load(command string, flags map[string]string, environ []string) (*Values, error) {
	v := &Values{rows: t.of(command), given: map[string]given{}}
	fromFlags, faults := map[string]given{}, []error(nil)
	for name, text := range flags {
		fromFlags[name] = given{text: trim(text), source: "--" + name}
	}
	var file contents
	if t.Reads(command) {
		environment, err := t.environment(v.rows, environ)
		faults = append(faults, err...)
		config, ok := fromFlags[t.Config]
		if !ok {
			config = environment[t.Config]
		}
		var bad error
		file, bad = t.file(command, config.text)
		if unread, ok := errors.AsType[Unread](bad); ok {
			bad = Unread{fmt.Errorf("%s: %w", config.source, unread.error)}
		}
		faults = append(faults, bad)
		maps.Copy(v.given, file.given)
		faults = append(faults, v.choose(&file, environment, fromFlags, t)...)
		maps.Copy(v.given, environment)
	}
	maps.Copy(v.given, fromFlags)
	faults = append(faults, v.resolve())
	for name, entries := range file.groups {
		if find(v.rows, name).By != "" {
			continue // that was read
		}
		v.given[name] = given{listed: true, source: name}
		faults = append(faults, v.enter(name, entries, t.Rows))
	}
	return v, errors.Join(faults...)
}

// choose reads the groups of which a setting chooses an entry. What that one says is given.
func (v *Values) choose(file *contents, environment, flags map[string]given, t *Table) (faults []error) {
	for name, entries := range file.groups {
		s := find(v.rows, name)
		if s.By == "" {
			continue
		}
		chosen := v.given[s.By]
		for _, from := range []map[string]given{environment, flags} {
			if g, ok := from[s.By]; ok {
				chosen = g
			}
		}
		v.given[name] = given{listed: true, source: name}
		rows, others := within(name, v.rows, t.Rows), within(name, slices.Concat(v.rows, t.of(t.Main)), t.Rows)
		seen := map[string]bool{}
		for _, e := range entries {
			one := &Values{rows: rows}
			var err error
			one.given, err = readMapping(e.file, e.node, rows, others, nil)
			faults = append(faults, err, one.resolve())
			which := one.Text(s.By)
			switch {
			case which == "":
				faults = append(faults, fmt.Errorf("%s: %s: is missing", at(e.file, e.node), s.By))
			case seen[which]:
				faults = append(faults, fmt.Errorf("%s: %s: %s is listed twice", at(e.file, e.node), s.By, which))
			}
			seen[which] = true
			if v.groups == nil {
				v.groups = map[string][]*Values{}
			}
			v.groups[name] = append(v.groups[name], one)
			if which == chosen.text && which != "" {
				given := maps.Clone(one.given)
				delete(given, s.By)
				maps.Copy(v.given, given)
			}
		}
	}
	return faults
}

// enter reads the entries of a group. v has the defaults for them.
func (v *Values) enter(group string, entries []entry, all []Setting) error {
	var faults []error
	if v.groups == nil {
		v.groups = map[string][]*Values{}
	}
	rows := within(group, v.rows, all)
	for _, e := range entries {
		one := &Values{rows: rows, base: v}
		var err error
		one.given, err = readMapping(e.file, e.node, rows, rows, nil)
		faults = append(faults, err, one.resolve())
		v.groups[group] = append(v.groups[group], one)
	}
	return errors.Join(faults...)
}

// resolve reads everything that was given.
func (v *Values) resolve() error {
	var faults []error
	v.parsed, v.written = map[string]any{}, map[string]string{}
	for i := range v.rows {
		s := &v.rows[i]
		g, ok := v.given[s.Name]
		if s.Kind == Group {
			continue
		}
		if !ok || g.isEmpty() {
			if !ok && v.base != nil && s.Shared {
				v.inherit(s.Name)
			} else {
				v.setDefault(s)
			}
			continue
		}
		written, parsed, err := s.read(&g)
		if err != nil {
			faults = append(faults, err)
			v.standIn(s)
			continue
		}
		v.parsed[s.Name], v.written[s.Name] = parsed, written
	}
	return errors.Join(faults...)
}

// setDefault gives a setting its default, if it has one.
func (v *Values) setDefault(s *Setting) {
	if s.Default != "" {
		v.parsed[s.Name], _ = s.parse(s.Default, nil)
		v.written[s.Name] = s.Default
	}
}

// standIn gives a setting with a fault a value that causes no second fault.
func (v *Values) standIn(s *Setting) {
	if v.setDefault(s); s.Kind == Word && s.Default == "" {
		v.parsed[s.Name] = s.OneOf[0]
	}
}

// inherit takes the command's value.
func (v *Values) inherit(name string) {
	if parsed, ok := v.base.parsed[name]; ok {
		v.parsed[name], v.written[name] = parsed, v.base.written[name]
	}
}

// read cleans and parses what was given for a setting.
func (s *Setting) read(g *given) (written string, parsed any, err error) {
	var entries []string
	if s.Kind.isList() {
		written, entries, err = s.entries(g)
	} else if written, err = clean(g.text, s.Kind.isPath()); err != nil {
		err = fmt.Errorf("%s: %w", g.source, err)
	}
	if err != nil {
		return "", nil, err
	}
	if s.Kind.isPath() && g.dir != "" && !filepath.IsAbs(written) && written != "-" {
		written = filepath.Join(g.dir, written)
	}
	if parsed, err = s.parse(written, entries); err != nil {
		return "", nil, prefixed(g.source, err)
	}
	return written, parsed, nil
}

// prefixed puts the source before each of the faults.
func prefixed(source string, err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var list []error
		for _, one := range many.Unwrap() {
			list = append(list, prefixed(source, one))
		}
		return errors.Join(list...)
	}
	return fmt.Errorf("%s: %w", source, err)
}

// entries cleans the entries of a list. A line break may follow a comma, so
// each entry is checked and not the whole text.
func (s *Setting) entries(g *given) (written string, entries []string, err error) {
	words := g.words
	if !g.listed {
		if at, ok := quoted(g.text); ok {
			return "", nil, fmt.Errorf("%s: the value has quotes at both ends (%s): write it without", g.source, at)
		}
		words = []word{{g.text, g.source}}
	}
	entries = []string{}
	var faults []error
	for _, w := range words {
		parts := []string{w.text}
		if s.Kind != Texts || !g.listed {
			parts = strings.Split(w.text, ",")
		}
		for _, part := range parts {
			part, err := clean(part, false)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", w.source, err))
			} else if part != "" {
				entries = append(entries, part)
			}
		}
	}
	if written = g.text; g.listed {
		written = strings.Join(entries, ",")
	}
	if len(entries) == 1 && entries[0] == None {
		entries = entries[:0]
	}
	return written, entries, errors.Join(faults...)
}

// get returns the value of a setting, or the zero value if there is none. The
// kind of the setting must have a T.
func get[T any](v *Values, name string) (value T) {
	if find(v.rows, name) == nil {
		panic("settings: the command has no " + name)
	}
	if parsed, ok := v.parsed[name]; ok {
		value = parsed.(T)
	}
	return value
}

// Has reports whether the command has the setting.
func (v *Values) Has(name string) bool { return find(v.rows, name) != nil }

// Text returns the value of a Text, Word, File or Dir, "" if there is none.
func (v *Values) Text(name string) string { return get[string](v, name) }

// On reports whether a Switch is on.
func (v *Values) On(name string) bool { return get[bool](v, name) }

// Time returns the value of a Time, 0 if there is none.
func (v *Values) Time(name string) time.Duration { return get[time.Duration](v, name) }

// Number returns the value of a Count, a Size or a Number, 0 if there is none.
func (v *Values) Number(name string) float64 { return get[float64](v, name) }

// Count returns a Number that is whole.
func (v *Values) Count(name string) int { return int(v.Number(name)) }

// List returns the value of a List or Texts. It is nil if there is none. It is
// empty if it was given as None or as a list without entries.
func (v *Values) List(name string) []string { return get[[]string](v, name) }

// Networks returns the value of Networks.
func (v *Values) Networks(name string) []netip.Prefix { return get[[]netip.Prefix](v, name) }

// Written returns the text of a setting's value. The entries of a list in the
// file have commas between them.
func (v *Values) Written(name string) string { return v.written[name] }

// Group returns the entries of a group, nil if the file has none.
func (v *Values) Group(name string) []*Values { return v.groups[name] }

// Given reports whether anything was given for a setting, good or not.
func (v *Values) Given(name string) bool {
	g, ok := v.given[name]
	if !ok && v.base != nil && find(v.base.rows, name) != nil {
		return v.base.Given(name)
	}
	return ok && !g.isEmpty()
}

// From says where a setting came from, for messages. If nothing was given, it
// is the setting's flag.
func (v *Values) From(name string) string {
	if g, ok := v.given[name]; ok {
		return g.source
	}
	if v.base != nil {
		return name
	}
	return "--" + name
}

// Changed returns the names of the settings that hold other values than in other, which are
// those of the same command. Of a group it is the group's.
func (v *Values) Changed(other *Values) (names []string) {
	for i := range v.rows {
		name := v.rows[i].Name
		switch {
		case v.rows[i].Kind == Group:
			if !slices.EqualFunc(v.groups[name], other.groups[name], func(a, b *Values) bool { return len(a.Changed(b)) == 0 }) {
				names = append(names, name)
			}
		case !reflect.DeepEqual(v.parsed[name], other.parsed[name]):
			names = append(names, name)
		}
	}
	return names
}
