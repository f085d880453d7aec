package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// tenantKeys are the settings that tell one tenant from another.
var tenantKeys = []string{"client-key", "context-id"}

// environmentWarnings says where the settings of one environment seem to be used in another:
// tests would then fill the data of production, or the other way round.
func environmentWarnings(v *settings.Values) (list []string) {
	listed := v.Group("environments")
	if len(listed) == 0 {
		return nil
	}
	env := v.Text("env")
	owners := map[string][]string{} // environments by key
	known := false
	for _, e := range listed {
		known = known || e.Text("env") == env
		for _, name := range tenantKeys {
			if key := e.Text(name); key != "" {
				owners[key] = append(owners[key], e.Text("env"))
			}
		}
	}
	switch {
	case env == "":
		list = append(list, "the settings file has environments, and --env names none of them")
	case !known:
		list = append(list, fmt.Sprintf("the settings file has no environment %q", env))
	}
	used := []*settings.Values{v}
	if v.Has("sites") {
		used = append(used, v.Group("sites")...)
	}
	for _, one := range used {
		for _, name := range tenantKeys {
			key := one.Text(name)
			if of := owners[key]; key != "" && len(of) > 0 && !slices.Contains(of, env) {
				list = append(list, fmt.Sprintf("%s is that of the environment %s, and --env is %q", one.From(name), strings.Join(of, " and "), env))
			}
		}
	}
	return list
}
