package goaltrack

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/queue"
)

// Config says what a [Tracker] watches, for whom, and where its goals go.
// The zero value of every field but Sites is a working default.
// New copies what it needs; changing a Config afterwards has no effect.
type Config struct {
	// Sites are the sites served, at least one. A request goes to the site
	// whose host fits and whose path prefix is the longest that fits; of two
	// alike, the one that names the host goes before "*.host", and that before
	// every host. A request that fits none passes through untouched.
	Sites []Site

	// Rules are the goals, from [LoadRules], [ParseRules] or [NewRules].
	// Default: none, which leaves page views (Views) and browser IDs.
	// [Tracker.SetRules] replaces them while the site runs.
	Rules *Rules

	// Keys seal the visit cookie, which makes count:, after: and the sources
	// $utm and $referrer work on any number of instances: the first seals, all
	// of them open. Give every instance the same; make them with
	// securecookie.GenerateRandomKey or "openssl rand". To change them, deploy
	// the new key in the second place first, and in the first place when every
	// instance can read it; the old one may go when its cookies may.
	// Default: a key for this process alone, so that counts end with it.
	Keys []Key

	// Views says who tells the CDP about page views. Default: ViewsOff,
	// because a site with a Sitecore browser script already sends them.
	Views Views

	// Cookie shapes the browser-ID cookie and says when an ID is made.
	Cookie Cookie

	// Consent reads the visitor's answer from a request, usually from the
	// cookie of the site's consent banner: [ConsentCookie], [ConsentOneTrust],
	// [ConsentCookiebot], [ConsentTCF] or a function of the site's own. With a
	// reader set, a goal counts only if the consent that its rule names is
	// granted, by default that to every category; page views and browser IDs
	// need that, too. Unknown is not yes. Without a reader, visitors are
	// counted unless they opted out (OptOutCookie, Sec-GPC).
	// It runs on the request's goroutine, at most once for a request that
	// concerns a goal or a new visitor; on others, once for each call of
	// [Tracker.Trigger] or [Tracker.BrowserID]. It runs under recover: a panic
	// counts as ConsentUnknown.
	Consent func(*http.Request) Consent

	// ConsentHoldBy names a cookie that the site sets anyway and whose value
	// belongs to one visitor and stays the same, such as that of its session.
	// While a visitor's consent is unknown, what would count is held in this
	// process and sent, with the time at which it happened, once a request with
	// the same cookie says granted; if it says refused, it is dropped. Bounds:
	// 20 events a visitor and 4 MiB in all (consent_hold_full), 30 minutes
	// (consent_expired). No other cookie is read meanwhile but those that
	// say no or mark an editor, so a goal whose rule reads one is not held. Neither is anything for a
	// cookie of fewer than 16 bytes, which cannot tell visitors apart. Needs
	// Consent. Default: "", nothing is held and unknown does not count.
	ConsentHoldBy string

	// RequireConsent makes New fail when no Consent reader is set: a guard
	// for sites that must never count without asking. Default: false.
	RequireConsent bool

	// OptOutCookie names a cookie that says "do not track me" with any value
	// but "", "0" and "false". Default: "gt_optout".
	OptOutCookie string

	// IgnoreGPC counts visitors whose browser sends Sec-GPC: 1, the Global
	// Privacy Control (https://www.w3.org/TR/gpc/). Default: false, they are
	// not counted.
	IgnoreGPC bool

	// Bots amends the verdicts on which user agents are bots.
	Bots Bots

	// Ignore says which requests are a machine's or an editor's.
	Ignore Ignore

	// Staff are networks whose visitors are not counted, such as the
	// company's own; the reason is staff. The address is that of the
	// connection, or what TrustedProxies say. Default: none.
	Staff []netip.Prefix

	// TrustedProxies are the networks of the proxies in front of this server.
	// What they say in X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Prefix
	// is believed: the visitor's address for Staff, the host for Sites, for
	// hosts: in rules and wherever it matters that an address is of the same
	// site, and the PathPrefix if none is set. Of several addresses or hosts
	// the last one counts that no trusted proxy stands behind, since the
	// earlier ones can be made up; several prefixes are taken off one after the
	// other. Name only proxies that replace these headers or append to them.
	// Default: none, and the Host header counts.
	TrustedProxies []netip.Prefix

	// PathPrefix is where visitors see the site, such as "/shop", if what is in
	// front of it takes that off the path: a proxy, or http.StripPrefix. The
	// prefix is taken off every address that begins with it (the request's, that
	// of the form's page, that of a redirect), so rules are written without it,
	// and so is Site.PathPrefix. Cookie.Path is written with it. Default: what
	// TrustedProxies say in X-Forwarded-Prefix, else none.
	PathPrefix string

	// Path gives the path that rules and page names see, for handlers mounted
	// behind a rewriting proxy. Default: r.URL.Path without PathPrefix, of which
	// the data that Next.js fetches for a page is taken for the page. Either way
	// rules see its normal form: without parameters (";jsessionid=..."), empty
	// segments, dot segments and blanks at the end of a segment, in Unicode's
	// form NFC.
	// It runs on the request's goroutine and under recover: a panic counts as
	// the default.
	Path func(*http.Request) string

	// NothingWritten says what it means that a handler returned and wrote
	// nothing. Frameworks whose handlers return their errors (Echo, PocketBase)
	// write those when goaltrack's part is over, if it is mounted inside of
	// them; put it around the whole there. Default: NothingAuto, which takes it
	// for 200 in net/http's own writer alone, and for undecided elsewhere.
	NothingWritten NothingWritten

	// BeforeSend sees every event before it is queued and may change it;
	// false drops the event. The result is validated again: what the CDP would
	// refuse is not queued. It runs on the request's goroutine and under
	// recover: a panic drops the event. Default: none.
	BeforeSend func(*cdp.Event) bool

	// NoEventID leaves out ext.eventId, the random ID that lets whoever reads
	// the CDP's data remove duplicates. Default: false, the ID is sent,
	// because the CDP has no idempotency key of its own.
	NoEventID bool

	// RulesHash sends the fingerprint of the rule file with every goal, as
	// ext.goalConfig, so that a jump in the numbers can be traced to a change
	// of the file. Default: false.
	RulesHash bool

	// Env names the environment, such as "production", for goals whose rule
	// says env:. Default: none, and those goals never count.
	Env string

	// Delivery bounds and paces what is sent.
	Delivery Delivery

	// DryRun decides and counts, but sets no cookie and opens no connection.
	// Meant for unit tests and for trying rules on a live site.
	DryRun bool

	// Logger gets one line for each change of state (the CDP refuses the key,
	// the queue is full, all is well again) and never a visitor's data.
	// Default: slog.Default(). Silence it with slog.New(slog.DiscardHandler).
	Logger *slog.Logger
}

// Site is one web site: how it is recognised, and what the CDP knows it by.
type Site struct {
	// Name keys the site's queue items and counters. Default: the point of
	// sale or the site name. It must be unique among the sites.
	Name string

	// Hosts are the host names served, without port, such as "shop.example" or
	// "*.shop.example". Default: every host.
	Hosts []string

	// PathPrefix narrows the site to a part of the host, such as "/de/".
	// It ends at a segment: "/de" does not serve "/design". Default: "/".
	PathPrefix string

	// CDP is where the events go: a [cdp.Direct] or a [cdp.Edge].
	CDP cdp.Site

	// Language is sent with every event: two letters, ISO 639-1. A region is
	// cut off, so "de-DE" is sent as "DE". Default: "EN".
	Language string

	// Currency is sent with every event: three letters, ISO 4217.
	// Default: none, and no goal of the site may then have a value without
	// a currency of its own.
	Currency string

	// Channel is sent with every event. Default: "WEB". "auto" sends
	// MOBILE_WEB for a phone, told by Sec-CH-UA-Mobile or else the user agent.
	// The CDP groups events into sessions by channel, point of sale and
	// browser ID, so set what the page's own script sends.
	Channel string

	// TimeZone is where a day of "count: once per day" begins and ends, for
	// goals that say no timezone: themselves: an IANA name such as
	// "Europe/Berlin". Default: "UTC".
	TimeZone string

	// SessionLength is how long a visitor may pause without ending his
	// session, for "count: once per session", after: and the session's
	// $utm and $referrer. Whole minutes, from 1 minute to 24 hours; a session
	// that never pauses ends after 24 hours. Default: 30 minutes.
	SessionLength time.Duration
}

// Views says who sends the CDP's VIEW events.
type Views string

const (
	// ViewsOff sends none; a Sitecore script in the pages does.
	ViewsOff Views = "off"
	// ViewsServer sends one for each page a human navigated to, with the
	// referrer and utm_ parameters. Bounce goals, page goals and landing-page
	// conditions in Sitecore Personalize read these events.
	ViewsServer Views = "server"
)

// Create says when a browser ID is made for a visitor who has none.
// Each one makes a guest profile in the CDP.
type Create string

const (
	// CreateVisit makes one on the first page a human navigates to.
	CreateVisit Create = "visit"
	// CreateGoal makes one only when a goal fires.
	CreateGoal Create = "goal"
	// CreateNever leaves it to the browser script; goaltrack adopts the ID.
	// A goal by a visitor without an ID is not sent (reason no_browser_id).
	CreateNever Create = "never"
)

// Key seals visit cookies: Hash signs them (HMAC-SHA-256), Block encrypts them
// (AES). All instances of a site need the same.
type Key struct {
	// Hash is at least 32 random bytes.
	Hash []byte
	// Block is 16, 24 or 32 random bytes, for AES-128, AES-192 or AES-256.
	Block []byte
}

// Cookie shapes the browser-ID cookie, which goaltrack shares with Sitecore's
// own scripts: its name is theirs (bid_<client key>, or sc_cid on the edge), and
// so are Secure, SameSite=None and the absence of HttpOnly, which cannot be
// changed. Every SDK sets them on the client and on the server, and rewrites the
// cookie with them whenever it makes or moves an ID, so another choice would not
// last; and without HttpOnly's absence the scripts could not read the ID and
// would make a second guest.
type Cookie struct {
	// Domain is the cookie's Domain attribute: a host name that every site's
	// Hosts lie in, such as "shop.example", perhaps with a dot before it. It
	// has to be the same as in the page script's settings (cookieDomain), or
	// browsers keep two cookies of one name and visitors get two IDs. Default:
	// none, the cookie belongs to the host alone.
	Domain string

	// Path is the cookie's Path attribute. Default: "/", which is what every
	// Sitecore SDK writes, whatever its cookiePath setting says. With any other
	// path their scripts keep a second cookie beside this one, and of the two a
	// page reads the one with the longer path: set it only where no such script
	// runs, to keep apart two sites on one host. Every site's PathPrefix has to
	// lie within it.
	Path string

	// MaxAge is how long the browser keeps the ID, at least a second; it is
	// sent in whole seconds. Default: 730 days, as in Sitecore's SDKs. Browsers
	// cut it to 400 days
	// (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie).
	MaxAge time.Duration

	// Create says when an ID is made. Default: CreateVisit.
	Create Create

	// Warm is how many IDs are fetched when the tracker starts, so that the
	// first visitors have one at once. Default: 2. Negative: none.
	Warm int

	// Wait is how long the answer to a new visitor's page may wait for an ID
	// when none is ready, at most 10 seconds. Default: 0, never: the visitor
	// gets his ID on a later page. The wait is at the first call of
	// [Tracker.BrowserID] or when the header is written, and delays the first
	// byte of that answer: as long as the CDP takes to make an ID, often 300 ms,
	// and while it makes them slowly, Wait. It ends with the request's context.
	// Only an answer that is to carry the cookie waits, for an ID that is being
	// made for it: at most 128 at once, and nobody once one has waited in vain
	// or the CDP has failed, until an ID is made again. While it lasts, other goroutines of
	// the same request wait in Trigger, Identify, Confirm, Reject and Set.
	// An ID that did not come in time is noted as id_wait_timed_out.
	Wait time.Duration

	// CreatePerSecond and CreateBurst bound the IDs made, since every one is a
	// guest in the CDP and a scanner can ask for thousands. Beyond them the
	// fate is id_limited. Defaults: 20 a second, bursts of 200.
	CreatePerSecond float64
	CreateBurst     int
}

// Delivery bounds and paces the sending of events.
type Delivery struct {
	// Queue keeps events until they are delivered. Default: a
	// [queue.Memory] with the bounds below. A queue given here is closed by
	// [Tracker.Close].
	Queue queue.Queue

	// QueueEvents and QueueBytes bound the default queue.
	// Defaults: 10,000 events and 16 MiB.
	QueueEvents int
	QueueBytes  int64

	// SpoolDir is a directory on a local disk in which events wait until they
	// are delivered, so that they outlive the process; see [Level]. It is made
	// if it is not there, and belongs to one process at a time. If it cannot be
	// used, the site starts all the same with a queue in memory: one line with
	// the level Error says so, and Snapshot's Queue.Degraded and HeldBy. It is
	// tried again every two seconds. When it can be used, because the process
	// before has ended, what that left is delivered, and what waits in memory goes
	// to the disk; one line says so.
	// Default: "", events wait in memory.
	SpoolDir string

	// SpoolRequired makes New fail if the SpoolDir cannot be used. Default: false,
	// events then wait in memory.
	SpoolRequired bool

	// SpoolPerProcess gives each process a directory of its own below SpoolDir,
	// for several that run at once. What one that ended left behind is taken over
	// by the next that starts. Default: false, one process has the SpoolDir.
	SpoolPerProcess bool

	// SpoolWait is how long a request whose goal fired waits at most until its
	// event is on the disk. What takes longer is accepted all the same and noted
	// as not_yet_on_disk: it is lost if the process ends before it is written. At
	// most 10 s. Default: 20 ms with LevelDurable, 100 ms with LevelStrict.
	SpoolWait time.Duration

	// Level is what a crash may cost. Default: LevelDurable with a SpoolDir,
	// else LevelMemory. The other two need one.
	Level Level

	// SpoolBytes bounds what the spool takes of the disk. Default: 1 GiB.
	SpoolBytes int64

	// MaxAge is how long an event is tried before it goes to the dead letters
	// with the reason "expired". Default: 10 minutes, 72 hours with a SpoolDir.
	MaxAge time.Duration

	// Workers is how many requests to the CDP may be under way for each site,
	// and so the ceiling of its delivery: workers divided by the CDP's answer
	// time. 16 workers and 50 ms make 320 events a second. Default: 16.
	Workers int

	// Timeout ends one attempt. A timeout below the CDP's own makes
	// duplicates. Default: 10 s.
	Timeout time.Duration

	// UnknownAttempts is how often an event is sent in all when it is unknown
	// whether an earlier attempt counted (a timeout or a reset after the
	// request was written, 500, 502, 504). 1 means never again; then its fate
	// is the dead letter "unknown". Default: 3.
	UnknownAttempts int

	// BackoffBase and BackoffMax shape the waits after a failed attempt: a
	// random time up to base x 2^failures, at most max.
	// Defaults: 1 s and 5 min.
	BackoffBase, BackoffMax time.Duration

	// Wait is for serverless platforms, which freeze a process as soon as it
	// has answered (AWS Lambda; Cloud Run with CPU during requests only): what
	// is queued then would be sent with the next request, or never. A request
	// whose goals fired returns when its events have met their fate, but waits
	// no longer than this; if that is too short, the note wait_timed_out is
	// counted and the events stay queued. Other requests do not wait. The
	// handler has returned by then, but the answer may not have left.
	// Tracker.Send and a Tracker.Trigger that sends at once wait as well.
	// Default: 0, nobody waits.
	Wait time.Duration

	// ProbeBase and ProbeMax say what is done while nothing is accepted, because
	// the CDP does not answer or refuses this sender. After twenty sends in a
	// row, and ProbeBase without one that was accepted, one event at a time is
	// sent. The wait before each is a sixteenth of the time since the last
	// acceptance, from ProbeBase/16 to ProbeMax: so delivery resumes soon after
	// a short fault, and a long one costs little more than a request a minute.
	// After ProbeMax without an acceptance the log says so. An event that is
	// refused while others are accepted is tried again after ProbeBase, then
	// after four times as long each time, up to ProbeMax.
	// Defaults: 1 s and 1 min.
	ProbeBase, ProbeMax time.Duration

	// HTTPClient sends the events. Default: one made for the purpose.
	// Redirects are refused whatever it says, because a redirected POST
	// becomes an empty GET that looks delivered. Its idle connections are
	// closed while the CDP does not answer, so that the next attempt looks its
	// address up again.
	HTTPClient *http.Client
}
