package main

// tell is what --check does with settings that have no faults: the examples of the rules
// are tried, and warnings shown.
func (p *proxyProgram) tell(c console) error {
	found := findings{}
	if rules := p.config.Rules; rules != nil {
		found = findings{faults: rules.CheckExamples(), warnings: rules.Warnings(), goals: len(rules.Names())}
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
