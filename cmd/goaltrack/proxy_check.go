package main

import (
	"cmp"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/rule"
)

// checkOnly is what --check does with settings that have no faults: the examples of the rules
// are tried, and warnings shown.
func (p *proxyProgram) checkOnly(c console) error {
	found := findings{}
	if rules := p.config.Rules; rules != nil {
		found = findings{faults: rules.CheckExamples(), warnings: append(rules.Warnings(), misfits(p.config)...), goals: len(rules.Names())}
	}
	for _, fault := range found.faults {
		say(c.stderr, "%s\n", fault)
	}
	for _, warning := range found.warnings {
		say(c.stdout, "warning: %s\n", warning)
	}
	for _, warning := range environmentWarnings(p.settings) {
		say(c.stdout, "warning: %s\n", warning)
	}
	if err := tryOut(p.config, c.logger); err != nil { // no fault: check has asked before
		return err
	}
	if len(found.faults) > 0 {
		return errSaid
	}
	say(c.stdout, "settings and rules: no faults, %s\n", counted(found.goals, "goal"))
	return nil
}

// misfits are the goals that never count with these settings.
func misfits(c goaltrack.Config) []goaltrack.Fault {
	list := make([]rule.Site, 0, len(c.Sites))
	for _, s := range c.Sites {
		name := s.Name
		switch to := s.CDP.(type) {
		case cdp.Direct:
			name = cmp.Or(name, to.PointOfSale)
		case cdp.Edge:
			name = cmp.Or(name, to.SiteName)
		}
		list = append(list, rule.Site{Name: name, Base: rule.Base{Currency: s.Currency}, Hosts: s.Hosts, PathPrefix: s.PathPrefix})
	}
	return c.Rules.Misfits(c.Env, list...)
}
