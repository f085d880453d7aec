package web

import (
	"errors"
	"time"
	_ "time/tzdata" // time zones by name, on machines that have none installed
)

// LoadZone finds a time zone by its IANA name; "" is UTC. "Local", the zone of
// the machine, has no such name and is an error, as is every unknown name.
func LoadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New("it differs from machine to machine")
	}
	return time.LoadLocation(name)
}
