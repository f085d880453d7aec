package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack"
)

// consentTools are the tools whose cookies can be read, as they are by default.
var consentTools = map[string]func() func(*http.Request) goaltrack.Consent{
	"onetrust":  func() func(*http.Request) goaltrack.Consent { return goaltrack.ConsentOneTrust(goaltrack.OneTrust{}) },
	"cookiebot": goaltrack.ConsentCookiebot,
	"tcf":       func() func(*http.Request) goaltrack.Consent { return goaltrack.ConsentTCF(goaltrack.TCF{}) },
}

func consentToolNames() []string { return slices.Sorted(maps.Keys(consentTools)) }

// consentReader makes the reader that the settings describe, nil if they
// describe none.
func (o *proxyOptions) consentReader() (func(*http.Request) goaltrack.Consent, error) {
	switch {
	case o.consentCookie != "" && o.consentTool != "":
		return nil, fmt.Errorf("%s and %s exclude each other", o.settings.from("consent-cookie"), o.settings.from("consent-tool"))
	case o.consentTool != "":
		return consentTools[o.consentTool](), nil
	case o.consentCookie == "":
		return nil, nil
	}
	name, value, ok := strings.Cut(o.consentCookie, "=")
	read, err := http.ParseCookie(o.consentCookie)
	if !ok || value == "" || err != nil || len(read) != 1 {
		return nil, fmt.Errorf("%s: a cookie is described as NAME=VALUE, such as consent=yes", o.settings.from("consent-cookie"))
	}
	return goaltrack.ConsentCookie(name, value), nil
}
