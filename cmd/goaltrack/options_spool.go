package main

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack"
)

// spoolOptions are the settings of the proxy that say where events wait.
type spoolOptions struct {
	dir, level, wait     string
	required, perProcess bool
}

func (o *spoolOptions) list() []setting {
	o.level = string(goaltrack.LevelDurable)
	return []setting{
		{name: "spool", into: &o.dir, value: "DIR", path: true, about: "where events wait on disk until they are delivered, so that a crash loses none"},
		{
			name: "spool-level", into: &o.level, oneOf: []string{string(goaltrack.LevelDurable), string(goaltrack.LevelStrict)},
			about: "durable: an event is written before the answer; strict: it is synced, too, and survives a loss of power",
		},
		{name: "spool-wait", into: &o.wait, value: "DURATION", about: "how long an answer waits for that at most, such as 100ms (default 20ms, 100ms if strict)"},
		{name: "spool-required", on: &o.required, about: "do not start without the spool; else events wait in memory until it can be used"},
		{name: "spool-per-process", on: &o.perProcess, about: "give each process a directory of its own below DIR, for several that run at once"},
	}
}

// faults returns what needs a spool and has none, and a wait that is none.
func (o *spoolOptions) faults(s *settings) (faults []error) {
	for name, given := range map[string]bool{
		"spool-level": o.level != string(goaltrack.LevelDurable), "spool-wait": o.wait != "",
		"spool-required": o.required, "spool-per-process": o.perProcess,
	} {
		if given && o.dir == "" {
			faults = append(faults, fmt.Errorf("%s needs --spool", s.from(name)))
		}
	}
	if _, err := o.patience(); err != nil {
		faults = append(faults, fmt.Errorf("%s: %w", s.from("spool-wait"), err))
	}
	return faults
}

// patience is the setting spool-wait, 0 for the default.
func (o *spoolOptions) patience() (time.Duration, error) {
	if o.wait == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(o.wait)
	if err != nil || wait <= 0 || wait > 10*time.Second {
		return 0, fmt.Errorf("%q is not a time between 1ms and 10s, such as 100ms", o.wait)
	}
	return wait, nil
}

// delivery is what the library is told. What has faults was said before.
func (o *spoolOptions) delivery() goaltrack.Delivery {
	if o.dir == "" {
		return goaltrack.Delivery{}
	}
	wait, _ := o.patience()
	return goaltrack.Delivery{
		SpoolDir: o.dir, Level: goaltrack.Level(o.level), SpoolWait: wait,
		SpoolRequired: o.required, SpoolPerProcess: o.perProcess,
	}
}
