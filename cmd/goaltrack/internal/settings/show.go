package settings

import (
	"fmt"
	"net/url"
	"strings"
)

// Line is a setting as it can be shown.
type Line struct {
	// Name is the name of the setting.
	Name string `json:"name"`
	// Value is the value in force. It is masked if it is a secret, and "" if
	// there is none.
	Value string `json:"value"`
	// From is the flag, the variable or the place in the file. It is "default"
	// if nothing was given.
	From string `json:"from"`
}

// masked stands for a secret.
const masked = "(set)"

// Lines returns all settings, in the order of the table, without secrets. The
// settings of an entry of a group have its place before their name:
// sites[0].pos.
func (v *Values) Lines() (lines []Line) {
	for i := range v.rows {
		s := &v.rows[i]
		if s.Kind == Group {
			for n, entry := range v.groups[s.Name] {
				for _, line := range entry.Lines() {
					line.Name = fmt.Sprintf("%s[%d].%s", s.Name, n, line.Name)
					lines = append(lines, line)
				}
			}
			continue
		}
		line := Line{Name: s.Name, Value: s.Unset, From: "default"}
		if written, ok := v.written[s.Name]; ok {
			line.Value = s.shown(written)
		} else if s.Kind == Switch {
			line.Value = "false"
		}
		if v.Given(s.Name) {
			line.From = v.origin(s.Name)
		}
		lines = append(lines, line)
	}
	return lines
}

// origin returns where a value came from. Inside a group, it may come from the
// command.
func (v *Values) origin(name string) string {
	if g, ok := v.given[name]; ok {
		return g.source
	}
	return v.base.origin(name)
}

// shown returns a value without what nobody may see: a secret, or the password
// in an address.
func (s *Setting) shown(written string) string {
	if s.Secret {
		return masked
	}
	return Redacted(written)
}

// Redacted returns a text without the password in it, if it is an address with
// one.
func Redacted(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !strings.Contains(rest, "@") {
		return text
	}
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return scheme + "://" + masked + rest[strings.LastIndex(rest, "@"):]
}
