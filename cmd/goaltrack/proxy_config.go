package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/fact"
)

// proxyConfig makes the library's configuration. The error holds every fault of
// its parts.
func proxyConfig(v *settings.Values) (c goaltrack.Config, err error) {
	c = goaltrack.Config{
		Views: goaltrack.Views(v.Text("views")), Env: v.Text("env"), PathPrefix: v.Text("path-prefix"),
		NextDefaultLocale: v.Text("next-default-locale"), VariantHeader: v.Text("variant-header"), ViewsWithoutVariants: v.On("views-without-variants"),
		RequireConsent: v.Text("consent") == consentRequired, ConsentHoldBy: v.Text("consent-hold-by"),
		OptOutCookie: v.Text("opt-out-cookie"),
		Bots:         goaltrack.Bots{Allow: v.List("bots-allow"), Deny: v.List("bots-deny")},
		Ignore:       goaltrack.Ignore{HealthPaths: v.List("health-paths"), EditorPaths: v.List("editor-paths"), EditorModes: v.List("editor-modes")},
		Staff:        v.Networks("staff"), TrustedProxies: v.Networks("trusted-proxies"),
		NoEventID: v.On("no-event-id"), RulesHash: v.On("rules-hash"), DryRun: v.On("dry-run"),
		Cookie: goaltrack.Cookie{
			Domain: v.Text("cookie-domain"), Path: v.Text("cookie-path"), MaxAge: v.Time("cookie-max-age"), Wait: v.Time("cookie-wait"),
			UnusedFile: below(v.Text("state"), "browser-ids.json"),
			Create:     goaltrack.Create(v.Text("create")), CreatePerSecond: v.Number("create-per-second"), CreateBurst: v.Count("create-burst"),
		},
		Forms:    goaltrack.Forms{BodyBytes: v.Count("form-bytes"), TotalBytes: int64(v.Number("forms-bytes"))},
		Delivery: delivery(v),
		Limits:   fact.Limits{IDs: uint64(v.Number("max-ids")), Events: uint64(v.Number("max-events"))},
	}
	var faults []error
	var bad error
	c.Sites, bad = sites(v)
	faults = append(faults, bad)
	if v.On("trust-unix") {
		c.TrustedProxies = append(c.TrustedProxies, netip.PrefixFrom(socketPeer.Addr(), socketPeer.Addr().BitLen()))
	}
	if c.Keys, bad = parseKeys(v.List("keys")); bad != nil {
		faults = append(faults, fmt.Errorf("%s: %w", v.From("keys"), bad))
	}
	c.GPC, bad = gpcOf(v)
	faults = append(faults, bad)
	c.Consent, bad = consentReader(v)
	faults = append(faults, bad)
	if rules := v.Text("rules"); rules != "" {
		c.Rules, bad = goaltrack.LoadRules(rules)
		faults = append(faults, bad)
	}
	return c, errors.Join(faults...)
}

// delivery says where events wait and how they are sent.
func delivery(v *settings.Values) goaltrack.Delivery {
	d := goaltrack.Delivery{
		QueueEvents: v.Count("queue-events"), QueueBytes: int64(v.Number("queue-bytes")),
		MaxAge: v.Time("delivery-max-age"), Workers: v.Count("delivery-workers"), Timeout: v.Time("delivery-timeout"),
		UnknownAttempts: v.Count("delivery-attempts"), Wait: v.Time("delivery-wait"),
		BackoffBase: v.Time("backoff-base"), BackoffMax: v.Time("backoff-max"),
		ProbeBase: v.Time("probe-base"), ProbeMax: v.Time("probe-max"),
	}
	if d.SpoolDir = spoolDir(v); d.SpoolDir != "" {
		d.Level, d.SpoolWait, d.SpoolBytes = goaltrack.Level(v.Text("spool-level")), v.Time("spool-wait"), int64(v.Number("spool-bytes"))
		d.SpoolRequired, d.SpoolPerProcess = v.On("spool-required"), v.On("spool-per-process")
	}
	return d
}

// spoolDir is the directory of the spool, "" if there is none.
func spoolDir(v *settings.Values) string {
	return cmp.Or(v.Text("spool"), below(v.Text("state"), eventsDir))
}

// below is a name in the directory of --state, "" if there is none.
func below(state, name string) string {
	if state == "" {
		return ""
	}
	return filepath.Join(state, name)
}

// proxyFaults returns what is missing and what does not fit together.
func proxyFaults(v *settings.Values) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if err := checkAddress(v, "listen"); err != nil {
		faults = append(faults, err)
	}
	if !v.Given("to") {
		fault("--to is missing: the address of the site, such as http://127.0.0.1:9000")
	}
	if !v.Given("rules") {
		if v.Text("views") != string(goaltrack.ViewsServer) {
			fault("--rules is missing: without goals and with views off there is nothing to count")
		}
		if v.On("watch") {
			fault("%s needs --rules", v.From("watch"))
		}
	}
	faults = append(faults, frontendFaults(v)...)
	faults = append(faults, pageFaults(v)...)
	if v.Text("spool") != "" || v.Text("state") != "" {
		return faults
	}
	for _, name := range []string{"spool-wait", "spool-bytes"} {
		if v.Given(name) {
			fault("%s needs --spool or --state", v.From(name))
		}
	}
	if v.Text("spool-level") != string(goaltrack.LevelDurable) {
		fault("%s needs --spool or --state", v.From("spool-level"))
	}
	for _, name := range []string{"spool-required", "spool-per-process"} {
		if v.On(name) {
			fault("%s needs --spool or --state", v.From(name))
		}
	}
	return faults
}

// frontendFaults returns what does not go together of the settings about how
// visitors arrive.
func frontendFaults(v *settings.Values) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	cert, key := v.Given("tls-cert"), v.Given("tls-key")
	switch {
	case cert && !key:
		fault("%s needs --tls-key", v.From("tls-cert"))
	case key && !cert:
		fault("%s needs --tls-cert", v.From("tls-key"))
	case cert && v.On("h2c"):
		fault("%s is HTTP/2 without TLS, and %s is given: leave one out", v.From("h2c"), v.From("tls-cert"))
	}
	if v.On("trust-unix") && !strings.HasPrefix(v.Text("listen"), socketPrefix) {
		fault("%s needs a --listen such as unix:/run/goaltrack.sock", v.From("trust-unix"))
	}
	if path := v.Text("ready-path"); path != "" && (path[0] != '/' || strings.ContainsAny(path, "?#")) {
		fault("%s: %q is not a path such as /readyz", v.From("ready-path"), path)
	}
	return faults
}

// secureOf reads the certificate, if the settings name one.
func secureOf(v *settings.Values) (*certificate, error) {
	cert, key := v.Text("tls-cert"), v.Text("tls-key")
	if cert == "" || key == "" {
		return nil, nil
	}
	secure, err := loadCertificate(cert, key)
	if err != nil {
		from := v.From("tls-cert") + " or " + v.From("tls-key")
		if unread, ok := errors.AsType[*fs.PathError](err); ok {
			from = v.From("tls-cert")
			if unread.Path != cert {
				from = v.From("tls-key")
			}
		}
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return secure, nil
}

// checkAddress returns what is wrong with an address to listen on.
func checkAddress(v *settings.Values, name string) error {
	address := v.Text(name)
	if path, ok := strings.CutPrefix(address, socketPrefix); ok {
		if path == "" {
			return fmt.Errorf("%s: %q names no socket, as unix:/run/goaltrack.sock does", v.From(name), address)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s: %q is not an address such as 127.0.0.1:8080", v.From(name), address)
	}
	return nil
}

// checkPrefix returns what is wrong with a prefix.
func checkPrefix(v *settings.Values) error {
	text := v.Text("path-prefix")
	if text != "" && (text[0] != '/' || strings.ContainsAny(text, ",?#{}*")) {
		return fmt.Errorf("%s: %q is not a path such as /shop", v.From("path-prefix"), text)
	}
	return nil
}

// parseTarget reads the address of the site.
func parseTarget(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	switch {
	case err != nil, target.Scheme != "http" && target.Scheme != "https", target.Host == "":
		return nil, fmt.Errorf("%q is not an address with http:// or https:// before it, such as http://127.0.0.1:9000", settings.Redacted(text))
	case target.User != nil, target.RawQuery != "", target.Fragment != "":
		return nil, fmt.Errorf("%q: only scheme, host, port and path can be given", settings.Redacted(text))
	}
	return target, nil
}
