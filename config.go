package goaltrack

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
)

// Config says what a [Tracker] watches, for whom, and where its goals go. Only
// Sites is required; the zero value of every other field is a working default.
// [New] copies what it needs: a later change of a Config has no effect. New
// refuses values that make no sense and names all of them in one error. The
// functions in a Config are called by many goroutines at once.
type Config struct {
	// Sites are the sites served, at least one. A request goes to the site
	// whose Hosts fit and whose PathPrefix is the longest that fits. If two
	// prefixes are equally long, a site that names the host goes before one
	// with "*.host", and that before one that serves every host. A request that
	// fits no site passes through untouched.
	Sites []Site

	// Rules are the goals, from [LoadRules], [ParseRules] or [NewRules].
	// Default: no goals; page views (Views) and browser IDs work without them.
	// [Tracker.SetRules] replaces the rules while the site runs.
	Rules *Rules

	// Keys seal the visit cookie. A shared key makes count:, after: and the sources
	// $utm and $referrer work on any number of instances. Keys derived from these
	// also seal personal data that waits on disk. The first key seals, and every
	// key opens. Give all instances of a site the same keys. Make a key with
	// securecookie.GenerateRandomKey or "openssl rand".
	//
	// To change the key, add the new one in the second place. When every
	// instance can read it, move it to the first place. Remove the old key when
	// the cookies that it sealed may be lost, and no event that it sealed waits
	// any more: such an event would become a dead letter (key_unknown).
	// Default: a random key that only this process has, so a restart forgets
	// what counted, and what waits on disk is not sealed.
	Keys []Key

	// Views says who tells the CDP about page views. Default: ViewsOff, because
	// a site with a Sitecore browser script already sends them.
	Views Views

	// VariantHeader names a header of answers in which the site says the
	// pageVariantId of the page, for the page's VIEW events. Without such a
	// header, a VIEW has what [Tracker.SetVariant] was told, else the parameter
	// variantid of the address, else the variant in X-Sc-Rewrite, which Sitecore's
	// middleware for Next.js sets. Default: "", there is no such header.
	VariantHeader string

	// ViewsWithoutVariants lets ViewsServer go on without pageVariantId when an
	// answer names a variant that cannot be sent. SitecoreAI then counts the page
	// for no variant. Default: false; the first such answer stops the site's VIEW
	// events (reason variant_unknown), and the log says so.
	ViewsWithoutVariants bool

	// Cookie sets how the browser-ID cookie looks and when an ID is made.
	Cookie Cookie

	// Consent reads the visitor's answer from a request, usually from the
	// cookie of the site's consent banner. It is [ConsentCookie],
	// [ConsentOneTrust], [ConsentCookiebot], [ConsentTCF], [ConsentGPP] or a
	// function of the site's own. With a reader, a goal counts only if the
	// visitor granted the consent that its rule names, by default every
	// category. Page views and browser IDs need consent to every category, too.
	// Unknown is not yes. Default: no reader; every visitor who did not opt out
	// (OptOutCookie, Sec-GPC) counts.
	//
	// It runs on the goroutine of the request. If the request concerns a goal
	// or a new visitor, it runs at most once. For other requests it runs once
	// for each call of [Tracker.Trigger], [Tracker.BrowserID] or [Tracker.Privacy]. A panic in it
	// is recovered and counts as ConsentUnknown.
	Consent func(*http.Request) Consent

	// ConsentHoldBy names a cookie that tells visitors apart before they have
	// answered. It is a cookie that the site sets anyway and whose value stays
	// the same for one visitor, such as a session cookie. While consent is
	// unknown, this process holds what would count. When a request with the
	// same cookie says granted, the events are sent with the time at which they
	// happened. When it says refused, they are dropped.
	//
	// Bounds: 20 events for each visitor and 4 MiB in all (reason
	// consent_hold_full), and 30 minutes (reason consent_expired). When there is
	// no room, the oldest event of a visitor who has not come back goes.
	//
	// Meanwhile the tracker reads no other cookie, except those that say no or
	// mark an editor. So a goal whose rule reads another cookie is not held. An
	// identity is never held. A goal with identify: is held without it. Orders
	// and calls of [Tracker.Identify] are not held at all. Nothing is held for a
	// cookie of fewer than 16 bytes, because it cannot tell visitors apart. It
	// needs Consent. Default: "", nothing is held and unknown does not count.
	ConsentHoldBy string

	// RequireConsent makes New fail if no Consent reader is set. It protects a
	// site that must never count without asking. Default: false.
	RequireConsent bool

	// OptOutCookie names a cookie that says "do not track me" with any value
	// except "", "0" and "false". Default: "gt_optout".
	OptOutCookie string

	// GPC says what it means that a visitor's browser sends Sec-GPC: 1, the Global
	// Privacy Control (https://www.w3.org/TR/gpc/). Goals that it keeps from
	// counting have the reason gpc. [Tracker.Privacy] tells a page that it was
	// seen. Default: GPCRefuse.
	GPC GPC

	// IgnoreGPC is GPC with the value GPCIgnore.
	//
	// Deprecated: set GPC.
	IgnoreGPC bool

	// Bots corrects which user agents are bots.
	Bots Bots

	// Ignore says which requests come from a machine or an editor.
	Ignore Ignore

	// Staff are networks whose visitors are not counted, such as the company's
	// own; the reason is staff. The visitor's address is that of the
	// connection, or the one that TrustedProxies name. Default: none.
	Staff []netip.Prefix

	// TrustedProxies are the networks of the proxies in front of this server.
	// The tracker believes what they say in these headers:
	//
	//   - X-Forwarded-For: the visitor's address, for Staff
	//   - X-Forwarded-Host: the host, for Sites, for hosts: in rules, and for
	//     every test whether an address is of the same site
	//   - Forwarded (RFC 7239): for= and host=, for the same, if there is no
	//     X-Forwarded-For or X-Forwarded-Host. One that breaks the grammar is
	//     not read at all
	//   - X-Forwarded-Prefix: the PathPrefix, if none is set
	//
	// Of several addresses it takes the last one that is not a trusted proxy's
	// own. Of several hosts it takes the last one. A visitor can invent the
	// earlier ones. Several prefixes are cut off one after the other. Name only
	// proxies that replace these headers or append to them. Default: none, and
	// the Host header counts.
	TrustedProxies []netip.Prefix

	// PathPrefix is the path below which visitors see the site, such as
	// "/shop", if a proxy or http.StripPrefix cuts it off in front of this
	// server. The tracker cuts it off every address that begins with it: of the
	// request, of the page of a form, of a redirect. So write rules and
	// Site.PathPrefix without it, and Cookie.Path with it. Default: what
	// TrustedProxies say in X-Forwarded-Prefix, else none.
	PathPrefix string

	// Path gives the path that rules and page names see. It is for handlers
	// behind a proxy that rewrites paths. Default: r.URL.Path without
	// PathPrefix; if Next.js fetches the data of a page, the path of that page.
	//
	// Rules see the normal form of the path in both cases. It has no parameters
	// (";jsessionid=..."), no empty segments, no dot segments and no blanks at
	// the end of a segment, and is in Unicode's form NFC. Path runs on the
	// goroutine of the request. A panic in it is recovered, and the default
	// counts.
	Path func(*http.Request) string

	// NextDefaultLocale is for a site with the pages router of Next.js. It is the
	// locale of pages whose addresses name none: defaultLocale under i18n in
	// next.config.js, such as "en". When a visitor clicks, Next.js fetches the data
	// of such a page from an address with the locale all the same
	// (/_next/data/<build>/en/products/42.json). Use "none" for a site without
	// i18n. Default: "", then the page from which the visitor comes may tell; if it
	// does not, a goal counts on the page with the locale and on the one without.
	NextDefaultLocale string

	// Forms bounds what is kept of the bodies that goals read.
	Forms Forms

	// NothingWritten says what it means that a handler returned and wrote
	// nothing. In some frameworks (Echo, PocketBase) handlers return their
	// errors, and the framework writes them later. If goaltrack is mounted
	// inside such a framework, it does not see those answers: wrap the whole
	// framework in it. Default: NothingAuto, which means 200 if the writer is
	// that of net/http, and undecided in any other writer.
	NothingWritten NothingWritten

	// BeforeSend sees every event before it is queued and may change it. If it
	// returns false, the event is dropped. The tracker validates the result
	// again and does not queue what the CDP would refuse. It runs on the
	// goroutine of the request. A panic in it is recovered and drops the event.
	// If it refuses what a connector counts (CDP4SGOAL), the goal is sent without.
	// Default: none.
	BeforeSend func(*cdp.Event) bool

	// NoEventID leaves out ext.eventId, a random ID by which readers of the
	// CDP's data can remove duplicates. Default: false, the ID is sent, because
	// the CDP has no idempotency key.
	NoEventID bool

	// RulesHash sends the fingerprint of the rule file with every goal, as
	// ext.goalConfig. With it, somebody can trace a jump in the numbers to a
	// change of the file. Default: false.
	RulesHash bool

	// Env names the environment, such as "production", for goals whose rule
	// says env:. Default: "", and those goals never count.
	Env string

	// Delivery sets where events wait and how they are sent.
	Delivery Delivery

	// Report takes a fact for every decision about a goal and for every page
	// that a person went to: what a report of conversions over time is made of.
	// Package report has one. It must not block, as a request may wait for it;
	// package fact says who calls it, and what it is told. Of visitors who may
	// not be counted it is told the reason and nothing else. A panic in it is
	// recovered. With a Report, pages that no rule concerns are watched too.
	// Default: nil, no facts are made.
	Report fact.Sink

	// Limits say what a month may cost at Sitecore: how many browser IDs are made, and
	// how many events are sent. The log warns at 80 %; when all IDs are made, they are
	// made for goals alone. Default: no limits.
	Limits fact.Limits

	// Preview explains to people what becomes of their own requests, once they
	// have marked their browser for that; package report/live has one. It is
	// asked only for requests that have its cookie. Such requests count as
	// others do, unless the Preview says that they are dry. Then nothing is sent
	// for them, no cookie is changed, and their goals have the reason preview.
	// With a Preview, pages that no rule concerns are watched too. Default: nil.
	Preview fact.Preview

	// DryRun decides and counts as a live site does, but sets no cookie and opens
	// no connection. It is for unit tests and for trying rules on a live site. A
	// request in a test has to be one that counts on the live site. It has the
	// cookie of a browser ID. Or it has a user agent, "Accept: text/html", and
	// https or Sec-Fetch-Site, else it is insecure or not_a_browser. Nobody gets
	// an ID, and no goal is lost because there is none. Default: false.
	DryRun bool

	// Logger gets one line for each change of state: the CDP refuses the key,
	// the queue is full, all is well again. It never gets a visitor's data.
	// Default: slog.Default(). Use slog.New(slog.DiscardHandler) for silence.
	Logger *slog.Logger
}

// Site is one web site: which requests belong to it, and how the CDP knows it.
type Site struct {
	// Name identifies the site in the queue and in counters. It must be unique
	// among the sites. Default: the point of sale or the site name.
	Name string

	// Hosts are the host names served, without port, such as "shop.example" or
	// "*.shop.example". Default: every host.
	Hosts []string

	// PathPrefix limits the site to a part of the host, such as "/de/". It ends
	// at a segment: "/de" does not serve "/design". Default: "/".
	PathPrefix string

	// CDP is where the events go: a [cdp.Direct] or a [cdp.Edge]. Required.
	CDP cdp.Site

	// Language is sent with every event: two letters, ISO 639-1. A region is
	// cut off, so "de-DE" is sent as "DE". Default: "EN".
	Language string

	// Currency is sent with every event: three letters, ISO 4217. Default:
	// none. Then New and SetRules refuse goals with a value that have no
	// currency of their own.
	Currency string

	// Channel is sent with every event. Default: "WEB". With "auto", a phone is
	// sent as MOBILE_WEB; Sec-CH-UA-Mobile says what a phone is, or else the
	// user agent. Set what the page's own script sends: the CDP groups events
	// into sessions by channel, point of sale and browser ID.
	Channel string

	// DataModel is that of the tenant: "2.1", or "2.0" for one that is older than March
	// 2021 and was never moved. A tenant of 2.0 has no ext, no ORDER_CHECKOUT and no
	// people who are known by identifiers alone. New and SetRules refuse goals that
	// need them. goaltrack then leaves out what it sends in ext itself: eventId, and
	// that an event is late. So what Trigger is given beside the rule's own fields is not
	// sent. Default: "2.1".
	DataModel string

	// TimeZone is where a day of "count: once per day", a week or a month begins and ends, if the
	// goal says no timezone: itself. It is an IANA name such as
	// "Europe/Berlin". Default: "UTC".
	TimeZone string

	// SessionLength is how long a visitor may pause without ending their
	// session. Set what the tenant has. It is used by "count: once per session",
	// by after:, and by $utm and $referrer of the session. It also ends the time
	// of events that are not sent after their session (see rule.Goal's Late). If the
	// tenant's sessions are shorter, a goal counts once here and belongs to two
	// sessions there. If they are longer, it may count twice in one. Whole
	// minutes, from 1 minute to 24 hours. A session without a pause ends after
	// 24 hours. Default: 20 minutes, which is what tenants usually have.
	SessionLength time.Duration
}

// Forms bounds the memory for the bodies of requests: the forms and the JSON that goals
// read. A body is kept while the handler reads it, and only if a goal reads it. Only the
// fields that goals read are kept of a form, however long it is. The handler always gets
// all of it. No field of more than 2 KiB is read, and no more than 1000 parts of a
// multipart form; that cannot be set.
type Forms struct {
	// BodyBytes is how many bytes are kept of one body. If more had to be kept, a
	// goal that needs a field of it does not count (form_too_large). One that only
	// sends a field counts without it. From 1 KiB to 16 MiB. Default: 64 KiB.
	BodyBytes int

	// TotalBytes is how many bytes are kept of all bodies at once. If there is no
	// room for a body, it is as with BodyBytes (form_over_budget). Bodies of which more
	// than 4 KiB are kept have half of it. One that makes no progress gives its room
	// back when another needs it. At least BodyBytes, at most 4 GiB. Default: 32 MiB.
	TotalBytes int64
}

// GPC says what the Global Privacy Control of a visitor's browser means.
type GPC string

const (
	// GPCRefuse counts nothing of such a visitor.
	GPCRefuse GPC = "refuse"
	// GPCMarketing takes it as a refusal of marketing: of the sale and the sharing of
	// their data, which is what the law of California makes of it. Goals that say
	// consent: analytics or not-needed still count.
	GPCMarketing GPC = "marketing"
	// GPCIgnore does not look at it.
	GPCIgnore GPC = "ignore"
)

// Views says who sends the CDP's VIEW events.
type Views string

const (
	// ViewsOff sends none; a Sitecore script in the pages does.
	ViewsOff Views = "off"
	// ViewsServer sends one for each page that a human navigated to, with the
	// referrer and the utm_ parameters. Bounce goals, page goals and
	// landing-page conditions in Sitecore Personalize read these events. If a page
	// also has a script that sends them, each view counts twice: the log warns of the
	// first such page that is found.
	ViewsServer Views = "server"
	// ViewsRules sends those that goals say (rule.Goal with Sends "VIEW"), and no
	// others. No script of the pages may send any. With another value, New and
	// SetRules refuse such goals, because each page would be two visits.
	ViewsRules Views = "rules"
)

// Key seals visit cookies: Hash signs them (HMAC-SHA-256), and Block encrypts
// them (AES). All instances of a site need the same keys.
type Key struct {
	// Hash is at least 32 random bytes. Required.
	Hash []byte
	// Block is 16, 24 or 32 random bytes, for AES-128, AES-192 or AES-256.
	// Required.
	Block []byte
}
