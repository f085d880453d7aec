package main

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// consentFunc reads the visitor's answer from a request.
type consentFunc = func(*http.Request) goaltrack.Consent

// consentTools are the tools whose cookies can be read.
var consentTools = map[string]func(*settings.Values) (consentFunc, error){
	"onetrust":  readOneTrust,
	"cookiebot": func(*settings.Values) (consentFunc, error) { return goaltrack.ConsentCookiebot(), nil },
	"tcf":       readTCF,
	"gpp":       readGPP,
}

// consentDetails are the settings that say more about a tool, and the tools
// that use them.
var consentDetails = map[string][]string{
	"consent-analytics":     {"onetrust", "tcf", "gpp"},
	"consent-marketing":     {"onetrust", "tcf", "gpp"},
	"consent-tool-cookie":   {"tcf", "gpp"},
	"consent-before-answer": {"onetrust"},
	"consent-no-banner-in":  {"onetrust"},
	"consent-region-header": {"onetrust"},
}

func consentToolNames() []string { return slices.Sorted(maps.Keys(consentTools)) }

func gpcWords() []string {
	return []string{string(goaltrack.GPCRefuse), string(goaltrack.GPCMarketing), string(goaltrack.GPCIgnore)}
}

// gpcOf is what the Global Privacy Control means.
func gpcOf(v *settings.Values) (goaltrack.GPC, error) {
	gpc := goaltrack.GPC(v.Text("gpc"))
	switch {
	case !v.On("ignore-gpc"):
		return gpc, nil
	case v.Given("gpc") && gpc != goaltrack.GPCIgnore:
		return gpc, fmt.Errorf("%s and %s exclude each other", v.From("gpc"), v.From("ignore-gpc"))
	}
	return goaltrack.GPCIgnore, nil
}

// consentReader makes the reader that the settings describe, nil if they
// describe none.
func consentReader(v *settings.Values) (consentFunc, error) {
	tool := v.Text("consent-tool")
	for _, name := range slices.Sorted(maps.Keys(consentDetails)) {
		if v.Given(name) && !slices.Contains(consentDetails[name], tool) {
			return nil, fmt.Errorf("%s needs --consent-tool %s", v.From(name), strings.Join(consentDetails[name], " or "))
		}
	}
	cookie := v.Text("consent-cookie")
	switch {
	case cookie != "" && tool != "":
		return nil, fmt.Errorf("%s and %s exclude each other", v.From("consent-cookie"), v.From("consent-tool"))
	case tool != "":
		return consentTools[tool](v)
	case cookie == "":
		return nil, nil
	}
	// Parsing cuts off blanks and quotes, which a browser never sends. With
	// them in the value, every visitor would have refused.
	name, value, ok := strings.Cut(cookie, "=")
	read, err := http.ParseCookie(strings.TrimSpace(name) + "=" + strings.TrimSpace(value))
	if !ok || err != nil || len(read) != 1 || read[0].Value == "" {
		return nil, fmt.Errorf("%s: a cookie is described as NAME=VALUE, such as consent=yes", v.From("consent-cookie"))
	}
	return goaltrack.ConsentCookie(read[0].Name, read[0].Value), nil
}

// readOneTrust reads OneTrust's cookies. It has one category for each of the
// two.
func readOneTrust(v *settings.Values) (consentFunc, error) {
	o := goaltrack.OneTrust{
		BeforeAnswer: v.On("consent-before-answer"), NoBanner: v.List("consent-no-banner-in"), RegionHeader: v.Text("consent-region-header"),
	}
	for _, region := range o.NoBanner {
		if !isRegion.MatchString(region) {
			return nil, fmt.Errorf("%s: %q is not a country such as US, or a part of one such as US;TX", v.From("consent-no-banner-in"), region)
		}
	}
	if o.RegionHeader != "" {
		if len(o.NoBanner) == 0 {
			return nil, fmt.Errorf("%s needs --consent-no-banner-in", v.From("consent-region-header"))
		}
		if !isHeader.MatchString(o.RegionHeader) {
			return nil, fmt.Errorf("%s: %q is not the name of a header", v.From("consent-region-header"), o.RegionHeader)
		}
	}
	for name, into := range map[string]*string{"consent-analytics": &o.Analytics, "consent-marketing": &o.Marketing} {
		switch list := v.List(name); {
		case list == nil:
		case len(list) != 1 || strings.ContainsAny(list[0], ":&=% "):
			return nil, fmt.Errorf("%s: OneTrust has one category for it, such as C0002", v.From(name))
		default:
			*into = list[0]
		}
	}
	return goaltrack.ConsentOneTrust(o), nil
}

// A region as OneTrust writes it, and the name of a header.
var (
	isRegion = regexp.MustCompile(`^[A-Za-z]{2}(;[A-Za-z0-9]{1,3})?$`)
	isHeader = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

// purposes is how many purposes the Transparency and Consent Framework has room
// for.
const purposes = 24

// readTCF reads a TC string.
func readTCF(v *settings.Values) (consentFunc, error) {
	o := goaltrack.TCF{Cookie: v.Text("consent-tool-cookie")}
	if err := readPurposes(v, &o.Analytics, &o.Marketing); err != nil {
		return nil, err
	}
	return goaltrack.ConsentTCF(o), nil
}

// readGPP reads a string of the Global Privacy Platform.
func readGPP(v *settings.Values) (consentFunc, error) {
	gpc, err := gpcOf(v)
	o := goaltrack.GPP{Cookie: v.Text("consent-tool-cookie"), GPC: gpc}
	if err == nil {
		err = readPurposes(v, &o.Analytics, &o.Marketing)
	}
	if err != nil {
		return nil, err
	}
	return goaltrack.ConsentGPP(o), nil
}

// readPurposes reads several purposes for each of the two, and looks at the name of the
// cookie that they are in.
func readPurposes(v *settings.Values, analytics, marketing *[]int) error {
	for name, into := range map[string]*[]int{"consent-analytics": analytics, "consent-marketing": marketing} {
		list := v.List(name)
		if list != nil && len(list) == 0 {
			return fmt.Errorf("%s: a purpose from 1 to %d is needed", v.From(name), purposes)
		}
		for _, text := range list {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > purposes {
				return fmt.Errorf("%s: %q is not a purpose from 1 to %d", v.From(name), text, purposes)
			}
			*into = append(*into, n)
		}
	}
	return checkCookieName(v, "consent-tool-cookie")
}

// checkCookieName returns what is wrong with a setting that names a cookie. If
// no cookie can have the name, every visitor would seem not to have answered.
func checkCookieName(v *settings.Values, setting string) error {
	name := v.Text(setting)
	if name == "" {
		return nil
	}
	if read, err := http.ParseCookie(name + "=x"); err != nil || len(read) != 1 || read[0].Name != name {
		return fmt.Errorf("%s: %q is not the name of a cookie", v.From(setting), name)
	}
	return nil
}
