package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// settingsOf are the settings for each field of the library's configuration.
// The library's faults begin with the field.
var settingsOf = map[string][]string{
	"Views": {"views"}, "NextDefaultLocale": {"next-default-locale"}, "VariantHeader": {"variant-header"}, "RequireConsent": {"consent"}, "ConsentHoldBy": {"consent-hold-by"}, "PathPrefix": {"path-prefix"}, "OptOutCookie": {"opt-out-cookie"},
	"Bots.Allow": {"bots-allow"}, "Bots.Deny": {"bots-deny"}, "Ignore.HealthPaths": {"health-paths"}, "Ignore.EditorPaths": {"editor-paths"}, "Ignore.EditorModes": {"editor-modes"},
	"Cookie.Domain": {"cookie-domain"}, "Cookie.Path": {"cookie-path"}, "Cookie.MaxAge": {"cookie-max-age"}, "Cookie.Wait": {"cookie-wait"},
	"Forms.BodyBytes": {"form-bytes"}, "Forms.TotalBytes": {"form-bytes", "forms-bytes"},
	"Keys[0]": {"keys"}, "Keys[1]": {"keys"}, "Staff": {"staff"}, "TrustedProxies": {"trusted-proxies"},
}

// settingsOfSite are the settings for the fields of a site, if there is one
// site.
var settingsOfSite = map[string][]string{
	"CDP": {"cdp"}, "Language": {"language"}, "Currency": {"currency"}, "Channel": {"channel"}, "DataModel": {"data-model"}, "TimeZone": {"time-zone"}, "SessionLength": {"session-length"},
}

// inFlags says with flags what the library says with its fields.
var inFlags = strings.NewReplacer(
	"allow it with PlainHTTP", "allow it with --cdp-plain-http",
	"one body of BodyBytes,", "one body of --form-bytes,",
	"no Consent reader is set, so", "neither --consent-cookie nor --consent-tool is given, so",
)

// asFlag names the flags in place of the library's fields.
func asFlag(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(inFlags.Replace(err.Error()))
}

// field matches the field with which a line of the library's faults begins.
var field = regexp.MustCompile(`^(?:goaltrack: )?(?:Sites\[0\]: )?([A-Za-z.]+(?:\[\d+\])?):`)

// bySetting writes the settings that were given in front of the library's
// faults. Whoever starts the proxy does not know the library's fields.
func bySetting(v *settings.Values, err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(asFlag(err).Error(), "\n")
	for i, line := range lines {
		found := field.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		names := settingsOf[found[1]]
		if names == nil && !v.Given("sites") {
			names = settingsOfSite[found[1]]
		}
		var from []string
		for _, name := range names {
			if v.Given(name) {
				from = append(from, v.From(name))
			}
		}
		if from != nil {
			known := found[0]
			if strings.Contains(found[1], "[") {
				known = "goaltrack: " // which of the keys it is stays
			}
			lines[i] = strings.Join(from, " or ") + ": " + strings.TrimSpace(strings.TrimPrefix(line, known))
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}
