package goaltrack

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/events"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/proxies"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// The values of Site.DataModel.
const (
	dataModel20 = "2.0"
	dataModel21 = "2.1"
)

// withDefaults returns the configuration with every default filled in.
func (c Config) withDefaults() Config {
	def(&c.Views, ViewsOff)
	def(&c.NothingWritten, NothingAuto)
	def(&c.Cookie.Path, "/")
	def(&c.Cookie.MaxAge, 730*24*time.Hour)
	def(&c.Cookie.Create, CreateVisit)
	def(&c.Cookie.Warm, 2)
	def(&c.Cookie.CreatePerSecond, 20)
	def(&c.Cookie.CreateBurst, 200)
	def(&c.OptOutCookie, "gt_optout")
	if c.IgnoreGPC {
		def(&c.GPC, GPCIgnore)
	}
	def(&c.GPC, GPCRefuse)
	def(&c.Forms.BodyBytes, scan.BodyLimit)
	def(&c.Forms.TotalBytes, 32<<20)
	def(&c.Delivery.QueueEvents, 10_000)
	def(&c.Delivery.QueueBytes, 16<<20)
	standard := deliver.Defaults()
	if c.Delivery.SpoolDir == "" {
		def(&c.Delivery.Level, LevelMemory)
		def(&c.Delivery.MaxAge, standard.MaxAge)
	} else {
		def(&c.Delivery.Level, LevelDurable)
		def(&c.Delivery.MaxAge, 72*time.Hour)
	}
	def(&c.Delivery.SpoolBytes, 1<<30)
	def(&c.Delivery.Workers, standard.Workers)
	def(&c.Delivery.Timeout, 10*time.Second)
	def(&c.Delivery.UnknownAttempts, standard.UnknownAttempts)
	def(&c.Delivery.BackoffBase, standard.BackoffBase)
	def(&c.Delivery.BackoffMax, standard.BackoffMax)
	def(&c.Delivery.ProbeBase, standard.ProbeBase)
	def(&c.Delivery.ProbeMax, standard.ProbeMax)
	c.Bots = Bots{Allow: slices.Clone(c.Bots.Allow), Deny: slices.Clone(c.Bots.Deny)}
	c.Ignore = c.Ignore.withDefaults()
	if p := urlpath.NormalPrefix(c.PathPrefix); strings.HasPrefix(c.PathPrefix, "/") && (p != "" || c.PathPrefix == "/") {
		c.PathPrefix = p // else validate says what is wrong
	}
	c.Staff, c.TrustedProxies = proxies.Plain(c.Staff), proxies.Plain(c.TrustedProxies)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Rules == nil {
		c.Rules = &Rules{}
	}
	c.Sites = slices.Clone(c.Sites)
	for i := range c.Sites {
		c.Sites[i] = c.Sites[i].withDefaults()
	}
	return c
}

func (s Site) withDefaults() Site {
	s.Hosts = slices.Clone(s.Hosts)
	switch c := s.CDP.(type) { // a pointer to a site is one as well
	case *cdp.Direct:
		if s.CDP = nil; c != nil {
			s.CDP = *c
		}
	case *cdp.Edge:
		if s.CDP = nil; c != nil {
			s.CDP = *c
		}
	}
	switch c := s.CDP.(type) {
	case cdp.Direct:
		def(&s.Name, c.PointOfSale)
	case cdp.Edge:
		def(&s.Name, c.SiteName)
	}
	def(&s.Language, "EN")
	def(&s.Channel, "WEB")
	def(&s.DataModel, dataModel21)
	def(&s.TimeZone, "UTC")
	def(&s.SessionLength, 20*time.Minute)
	return s
}

// def sets *p to v if it holds the zero value.
func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// configFaults collects what is wrong, each message beginning with the field.
type configFaults []error

func (f *configFaults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf(format, args...))
}

// validate returns every fault of a configuration whose defaults are filled in.
func (c *Config) validate() error {
	var errs configFaults

	if len(c.Sites) == 0 {
		errs.add("Sites: at least one site is needed")
	}
	for i, s := range c.Sites {
		if err := errors.Join(s.validate(), s.clash(c.Sites[:i])); err != nil {
			errs.add("Sites[%d]: %w", i, err)
		}
	}
	for i, k := range c.Keys {
		if err := k.validate(); err != nil {
			errs.add("Keys[%d]: %w", i, err)
		}
	}
	c.checkChoices(&errs)
	if strings.ContainsAny(c.NextDefaultLocale, "/?# ") {
		errs.add("NextDefaultLocale: %q is no locale, such as en or de-DE", c.NextDefaultLocale)
	}
	if c.VariantHeader != "" && !web.ValidToken(c.VariantHeader) {
		errs.add("VariantHeader: %q is not the name of a header", c.VariantHeader)
	}
	c.checkCookie(&errs)
	c.Forms.check(&errs)
	if c.RequireConsent && c.Consent == nil {
		errs.add("RequireConsent: no Consent reader is set, so nobody could ever be counted")
	}
	switch {
	case c.ConsentHoldBy == "":
	case !web.ValidToken(c.ConsentHoldBy):
		errs.add("ConsentHoldBy: %q is not a cookie name", c.ConsentHoldBy)
	case c.Consent == nil:
		errs.add("ConsentHoldBy: no Consent reader is set, so nobody would ever be released")
	}
	if c.IgnoreGPC && c.GPC != GPCIgnore {
		errs.add("IgnoreGPC: it is set, and GPC says %q", c.GPC)
	}
	if !web.ValidToken(c.OptOutCookie) {
		errs.add("OptOutCookie: %q is not a cookie name", c.OptOutCookie)
	}
	if c.PathPrefix != "" && urlpath.NormalPrefix(c.PathPrefix) != c.PathPrefix {
		errs.add("PathPrefix: %q is not a path such as /shop", c.PathPrefix)
	}
	errs = append(errs, c.Bots.validate(), c.Ignore.validate(),
		validateNetworks("Staff", c.Staff), validateNetworks("TrustedProxies", c.TrustedProxies))
	_, unfit := c.fits(c.Rules)
	errs = append(errs, c.Delivery.validate(), unfit)
	return errors.Join(errs...)
}

func validateNetworks(name string, networks []netip.Prefix) error {
	var errs configFaults
	for _, p := range networks {
		switch {
		case !p.IsValid():
			errs.add("%s: a network is invalid; write netip.MustParsePrefix(\"192.0.2.0/24\")", name)
		case p.Bits() == 0:
			errs.add("%s: %v covers every address; name the networks", name, p)
		}
	}
	return errors.Join(errs...)
}

// checkChoices looks at settings that have a few values.
func (c *Config) checkChoices(errs *configFaults) {
	switch c.NothingWritten {
	case NothingAuto, NothingIs200, NothingUndecided:
	default:
		errs.add("NothingWritten: %q is not one of %q, %q and %q", c.NothingWritten, NothingAuto, NothingIs200, NothingUndecided)
	}
	switch c.Views {
	case ViewsOff, ViewsServer, ViewsRules:
	default:
		errs.add("Views: %q is not one of %q, %q and %q", c.Views, ViewsOff, ViewsServer, ViewsRules)
	}
	switch c.Cookie.Create {
	case CreateVisit, CreateGoal, CreateNever:
	default:
		errs.add("Cookie.Create: %q is not one of %q, %q, %q", c.Cookie.Create, CreateVisit, CreateGoal, CreateNever)
	}
	switch c.GPC {
	case GPCRefuse, GPCMarketing, GPCIgnore:
	default:
		errs.add("GPC: %q is not one of %q, %q and %q", c.GPC, GPCRefuse, GPCMarketing, GPCIgnore)
	}
}

// The bounds of what may be set of Forms.
const (
	leastBodyBytes = 1 << 10
	mostBodyBytes  = 16 << 20
	mostTotalBytes = 4 << 30
)

func (f *Forms) check(errs *configFaults) {
	if f.BodyBytes < leastBodyBytes || f.BodyBytes > mostBodyBytes {
		errs.add("Forms.BodyBytes: %d is not between %d and %d", f.BodyBytes, leastBodyBytes, mostBodyBytes)
	}
	switch {
	case f.TotalBytes < 0 || f.TotalBytes > mostTotalBytes:
		errs.add("Forms.TotalBytes: %d is not between 0 and %d", f.TotalBytes, int64(mostTotalBytes))
	case f.TotalBytes < int64(f.BodyBytes):
		errs.add("Forms.TotalBytes: %d leaves no room for one body of BodyBytes, which is %d", f.TotalBytes, f.BodyBytes)
	}
}

// otherSession are goals whose events come into another session than those of their site's
// pages, by a key such as "pos: shop-de".
type otherSession struct {
	site, key string
	goals     []string
}

// fits finds goals with a value for which no site and no rule says a currency, those that
// the tenant cannot take, and those that come into another session.
func (c *Config) fits(rules *Rules) (others []otherSession, err error) {
	var errs configFaults
	for _, s := range c.Sites {
		goals := map[string][]string{}
		for _, g := range rules.Goals() {
			lacksCurrency, keys := g.Fits(events.Says(s.CDP, s.Language, s.Currency, s.Channel), s.Hosts, urlpath.Trim(urlpath.Normal(s.PathPrefix)))
			if lacksCurrency {
				errs.add("goal %s: its value has no currency, and neither has the site %s; set Currency of the site, or currency: in the goal", g.Name(), s.Name)
			}
			for _, why := range g.Unfit(s.DataModel, c.Views == ViewsRules) {
				errs.add("goal %s: %s (site %s, DataModel %s, Views %s)", g.Name(), why, s.Name, s.DataModel, c.Views)
			}
			for _, key := range keys {
				goals[key] = append(goals[key], g.Name())
			}
		}
		for _, key := range slices.Sorted(maps.Keys(goals)) {
			others = append(others, otherSession{s.Name, key, goals[key]})
		}
	}
	return others, errors.Join(errs...)
}

// maxSpoolWait bounds how long an answer may wait for a disk.
const maxSpoolWait = 10 * time.Second

func (d *Delivery) validate() error {
	var errs configFaults
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"QueueEvents", int64(d.QueueEvents)},
		{"QueueBytes", d.QueueBytes},
		{"MaxAge", int64(d.MaxAge)},
		{"Workers", int64(d.Workers)},
		{"Timeout", int64(d.Timeout)},
		{"UnknownAttempts", int64(d.UnknownAttempts)},
		{"BackoffBase", int64(d.BackoffBase)},
		{"BackoffMax", int64(d.BackoffMax)},
		{"SpoolBytes", d.SpoolBytes},
		{"SpoolWait", int64(d.SpoolWait)},
		{"Wait", int64(d.Wait)},
		{"ProbeBase", int64(d.ProbeBase)},
		{"ProbeMax", int64(d.ProbeMax)},
	} {
		if f.value < 0 {
			errs.add("Delivery.%s: must not be negative", f.name)
		}
	}
	if d.Workers > 1024 {
		errs.add("Delivery.Workers: %d is more than 1024", d.Workers)
	}
	switch {
	case d.Level != LevelMemory && d.Level != LevelDurable && d.Level != LevelStrict:
		errs.add("Delivery.Level: %q is not one of %q, %q, %q", d.Level, LevelMemory, LevelDurable, LevelStrict)
	case d.SpoolDir == "" && d.Level != LevelMemory && d.Queue == nil:
		errs.add("Delivery.Level: %q needs a SpoolDir", d.Level)
	case d.SpoolDir != "" && d.Level == LevelMemory:
		errs.add("Delivery.Level: %q keeps nothing in SpoolDir", d.Level)
	}
	if d.SpoolWait > maxSpoolWait {
		errs.add("Delivery.SpoolWait: %v is more than %v", d.SpoolWait, maxSpoolWait)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"SpoolRequired", d.SpoolRequired}, {"SpoolPerProcess", d.SpoolPerProcess}, {"SpoolWait", d.SpoolWait > 0}} {
		if f.set && d.SpoolDir == "" {
			errs.add("Delivery.%s: needs a SpoolDir", f.name)
		}
	}
	if d.SpoolDir != "" && d.Queue != nil {
		errs.add("Delivery: Queue and SpoolDir exclude each other")
	}
	return errors.Join(errs...)
}

// clash finds what the site has in common with one listed before it.
func (s *Site) clash(others []Site) error {
	var errs configFaults
	for _, o := range others {
		if s.Name != "" && s.Name == o.Name {
			errs.add("the name %q is used twice; set Name", s.Name)
		}
		if urlpath.Trim(s.PathPrefix) != urlpath.Trim(o.PathPrefix) {
			continue
		}
		if len(s.Hosts) == 0 && len(o.Hosts) == 0 {
			errs.add("no request would reach it: the site %s serves the same hosts and paths", o.Name)
		}
		for _, h := range s.Hosts {
			if slices.ContainsFunc(o.Hosts, func(other string) bool { return strings.EqualFold(h, other) }) {
				errs.add("no request to %s would reach it: the site %s serves the same host and paths", h, o.Name)
			}
		}
	}
	return errors.Join(errs...)
}

func (k Key) validate() error {
	var errs configFaults
	if len(k.Hash) < 32 {
		errs.add("Hash: %d bytes are fewer than 32", len(k.Hash))
	}
	if n := len(k.Block); n != 16 && n != 24 && n != 32 {
		errs.add("Block: %d bytes are none of 16, 24, 32", n)
	}
	return errors.Join(errs...)
}

func (s *Site) validate() error {
	var errs configFaults
	if s.CDP == nil {
		errs.add("CDP: a cdp.Direct or cdp.Edge is needed")
	} else if err := s.CDP.Validate(); err != nil {
		errs.add("CDP: %w", err)
	}
	for _, h := range s.Hosts {
		if !web.ValidHost(h) {
			errs.add("Hosts: %q is not a host name such as shop.example or *.shop.example", h)
		}
	}
	if s.PathPrefix != "" && !strings.HasPrefix(s.PathPrefix, "/") {
		errs.add("PathPrefix: %q does not begin with a slash", s.PathPrefix)
	}
	if s.Language != "" && web.Language(s.Language) == "" {
		errs.add("Language: %q is not a language such as EN or de-DE", s.Language)
	}
	if s.Currency != "" && !cdp.ValidCurrency(s.Currency) {
		errs.add("Currency: %q is not an ISO 4217 code such as EUR", s.Currency)
	}
	if s.DataModel != "" && s.DataModel != dataModel20 && s.DataModel != dataModel21 {
		errs.add("DataModel: %q is neither %q nor %q", s.DataModel, dataModel20, dataModel21)
	}
	if _, err := web.LoadZone(s.TimeZone); err != nil {
		errs.add("TimeZone: %q is not a time zone such as Europe/Berlin", s.TimeZone)
	}
	if s.SessionLength < time.Minute || s.SessionLength > visit.MaxSession*time.Minute {
		errs.add("SessionLength: %v is not between 1 minute and 24 hours", s.SessionLength)
	}
	if s.Channel != "" && s.Channel != "auto" && !cdp.ValidChannel(s.Channel) {
		errs.add("Channel: %q is neither auto nor a channel such as WEB", s.Channel)
	}
	return errors.Join(errs...)
}
