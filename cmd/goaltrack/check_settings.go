package main

import (
	"cmp"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/rule"
)

// checkedSettings are settings of the proxy, in one environment.
type checkedSettings struct {
	env   string
	sites []rule.Site
}

// settingsFor reads a settings file of the proxy. If it has environments and none is said,
// there is an entry for each of them. The warnings are those of [environmentWarnings].
func settingsFor(file, env string) (list []checkedSettings, warnings []string, err error) {
	load := func(env string) (*settings.Values, error) {
		flags := map[string]string{table.Config: file}
		if env != "" {
			flags["env"] = env
		}
		return table.Load("proxy", flags, nil)
	}
	v, err := load(env)
	if err != nil {
		return nil, nil, err
	}
	environments := v.Group("environments")
	if said := v.Text("env"); said != "" || len(environments) == 0 {
		return []checkedSettings{{said, sitesOf(v, "")}}, environmentWarnings(v), nil
	}
	for _, e := range environments {
		name := e.Text("env")
		if v, err = load(name); err != nil {
			return nil, nil, err
		}
		list = append(list, checkedSettings{name, sitesOf(v, " in "+name)})
	}
	return list, nil, nil
}

// sitesOf are the sites that settings of the proxy describe. in is added to their names.
func sitesOf(v *settings.Values, in string) (list []rule.Site) {
	of := func(v *settings.Values, name string) rule.Site {
		pos := cmp.Or(v.Text("pos"), v.Text("site-name"))
		return rule.Site{Name: cmp.Or(name, pos, "of the settings") + in, Base: rule.Base{
			Language: v.Text("language"), Currency: v.Text("currency"), Channel: v.Text("channel"), PointOfSale: pos,
		}}
	}
	if !v.Given("sites") {
		one := of(v, "")
		one.CookieAge = v.Time("cookie-max-age")
		return []rule.Site{one}
	}
	for _, one := range v.Group("sites") {
		site := of(one, one.Text("name"))
		site.CookieAge = v.Time("cookie-max-age")
		site.Hosts, site.PathPrefix = one.List("hosts"), one.Text("path-prefix")
		list = append(list, site)
	}
	return list
}

// misfits are the goals that do not fit the settings. Without settings, that is about the
// currency alone, once for a file: whoever runs the site may have set it. A goal that counts
// in one of several environments does not fail in the others.
func (c *checker) misfits(rules *goaltrack.Rules) []goaltrack.Fault {
	if c.settings == nil {
		list := rules.Misfits("", rule.Site{})
		return list[:min(len(list), 1)]
	}
	type place struct {
		goal, about  string
		line, column int
	}
	times := map[place]int{}
	var all []goaltrack.Fault
	var names []string
	for _, s := range c.settings {
		names = append(names, cmp.Or(s.env, "none"))
		for _, f := range rules.Misfits(s.env, s.sites...) {
			about, _, _ := strings.Cut(f.Message, ":")
			at := place{f.Goal, about, f.Line, f.Column}
			if times[at]++; times[at] == 1 {
				all = append(all, f)
			}
		}
	}
	var list []goaltrack.Fault
	for _, f := range all {
		about, _, _ := strings.Cut(f.Message, ":")
		never := strings.HasPrefix(f.Message, "never counts")
		if never && times[place{f.Goal, about, f.Line, f.Column}] < len(c.settings) {
			continue // though perhaps each time for another reason
		}
		if len(names) > 1 {
			f.Message = strings.Replace(f.Message, "the settings say "+names[0], "the environments of the settings are "+strings.Join(names, ", "), 1)
		}
		list = append(list, f)
	}
	return list
}
