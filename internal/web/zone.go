package web

import (
	"errors"
	"time"
	_ "time/tzdata" // time zones by name, on machines that have none installed
)

// LoadZone finds a time zone by its IANA name, "" being UTC. That of the machine,
// "Local", has none and is an error, as are names that are not known.
func LoadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New("it differs from machine to machine")
	}
	return time.LoadLocation(name)
}
