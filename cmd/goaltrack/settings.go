package main

import (
	"context"
	"strings"
	"text/tabwriter"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// settingsShower is the settings command: it shows the values in force, and
// where they come from.
type settingsShower struct {
	settings *settings.Values
	json     bool
}

func settingsCommand() command {
	return command{
		name: "settings", summary: "show each setting of proxy and doctor, and where it comes from",
		note: `It takes what these commands take, prints what holds, and starts nothing. Secrets
are not shown. For each site of the settings file, its own settings follow.

With --json, what is printed is a list:
  [{"name":"listen","value":"127.0.0.1:8080","from":"default"}]
Of several sites, a name is that of the site and of the setting: sites[0].pos.
`,
		program: &settingsShower{},
	}
}

func (s *settingsShower) check(v *settings.Values, _ []string) error {
	s.settings, s.json = v, v.On("json")
	return nil
}

func (s *settingsShower) run(_ context.Context, c console) error {
	lines := s.settings.Lines()
	if s.json {
		return sayJSON(c.stdout, lines)
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	say(t, "SETTING\tVALUE\tFROM\n")
	for _, l := range lines {
		say(t, "%s\t%s\t%s\n", l.Name, l.Value, l.From)
	}
	sayTable(c.stdout, t, &b)
	return nil
}
