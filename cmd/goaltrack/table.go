package main

import (
	"slices"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/page"
)

//go:generate go test -run ^TestSettingsPage$ . -args -write-page

// table is every setting of every command. Flags, variables, the settings file,
// help, completion and docs/settings.md are made from it.
var table = &settings.Table{
	Prefix: "GOALTRACK_", Config: "config", Main: "proxy",
	Rows: slices.Concat(siteRows, frontendRows, tenantRows, eventRows, visitorRows, consentRows, pageRows, cookieRows, deliveryRows, reportRows, hookRows, adminRows, runRows, doctorRows, groupRows, fileRows),
}

// These are the commands that take a setting. The command settings shows the
// settings of the other two.
var (
	ofProxy  = []string{"proxy", "settings"}
	ofDoctor = []string{"doctor", "settings"}
	ofTenant = []string{"proxy", "doctor", "announce", "settings"}

	ofProxyAndAnnounce = []string{"proxy", "announce", "settings"}

	ofProxyAndForget = []string{"proxy", "forget", "settings"}
	ofAll            = []string{"proxy", "doctor", "announce", "forget", "settings"}
)

// siteRows say where visitors arrive, and which rules apply.
var siteRows = []settings.Setting{
	{Name: "listen", Commands: ofProxy, Value: "HOST:PORT", Default: "127.0.0.1:8080", Like: "127.0.0.1:8080", About: "The address at which visitors arrive. Port 0 takes a free one; unix:/PATH is a Unix socket."},
	{Name: "listen", Commands: []string{"cdp"}, Value: "HOST:PORT", Default: "127.0.0.1:7000", Like: "127.0.0.1:7000", About: "The address at which events arrive. A browser sees there what arrived."},
	{Name: "to", Commands: ofProxy, Value: "URL", Like: "http://127.0.0.1:9000", About: "The site behind the proxy."},
	{Name: "rules", Kind: settings.File, Commands: ofProxy, Value: "FILE", Like: "goals.yaml", About: "The file with the goals."},
	{Name: "watch", Kind: settings.Switch, Commands: ofProxy, About: "Follow the file of --rules while the proxy runs. A file with faults leaves the rules in force."},
	{Name: "env", Commands: slices.Concat(ofTenant, []string{"check"}), Value: "NAME", Like: "production", About: "The environment, for goals that say env: and for environments: of the settings file."},
	{Name: "path-prefix", Commands: ofProxy, Value: "PATH", Like: "/shop", About: "Where visitors see the site, if a proxy in front takes that off. Rules are written without it."},
	{Name: "next-default-locale", Commands: ofProxy, Value: "LOCALE", Unset: "both addresses are tried", Like: "en", About: "The default locale of a site with the pages router of Next.js, whose pages have no locale in their addresses while their data has; \"none\" for a site without locales."},
	{Name: "trusted-proxies", Kind: settings.Networks, Commands: ofProxy, Value: "NETWORKS", Like: "10.0.0.0/8,192.0.2.7", About: "The networks of the proxies in front of this one, whose X-Forwarded-For, X-Forwarded-Host, Forwarded and X-Forwarded-Prefix are believed."},
}

// frontendRows are about the way by which visitors arrive.
var frontendRows = []settings.Setting{
	{Name: "tls-cert", Kind: settings.File, Commands: ofProxy, Value: "FILE", Like: "fullchain.pem", About: "The certificate for HTTPS, with those between it and the root, in PEM. The files are read again when they change. Give it with --tls-key."},
	{Name: "tls-key", Kind: settings.File, Commands: ofProxy, Value: "FILE", Like: "privkey.pem", About: "The key of the certificate, in PEM, without a password."},
	{Name: "no-http2", Kind: settings.Switch, Commands: ofProxy, About: "Do not speak HTTP/2 with visitors over TLS."},
	{Name: "h2c", Kind: settings.Switch, Commands: ofProxy, About: "Speak HTTP/2 without TLS too, with clients that begin with it, such as a proxy in front."},
	{Name: "trust-unix", Kind: settings.Switch, Commands: ofProxy, About: "Believe whoever connects to the Unix socket of --listen as if they were in --trusted-proxies."},
	{Name: "max-header-bytes", Kind: settings.Size, Commands: ofProxy, Value: "SIZE", Default: "64KiB", Least: "4KiB", Most: "16MiB", Like: "64KiB", About: "How large the header of a request may be, with its target. What is larger is answered 431."},
	{Name: "header-timeout", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Default: "10s", Like: "10s", About: "How long a visitor may take to send the header, and for the TLS handshake."},
	{Name: "answer-timeout", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Default: "60s", Least: "0s", Like: "60s", About: "How long the site may do nothing before its answer begins. Then the visitor gets 504. An upgrade, and an answer that has begun, may take any time; 0s is no limit."},
	{Name: "max-body", Kind: settings.Size, Commands: ofProxy, Value: "SIZE", Unset: "no limit", Like: "10MiB", About: "How large the body of a request may be. What is larger is answered 413."},
	{Name: "ready-path", Commands: ofProxy, Value: "PATH", Like: "/readyz", About: "A path at which the proxy itself says whether it takes requests: 200, and 503 once it is ending. The site does not see it."},
}

// tenantRows name the CDP.
var tenantRows = []settings.Setting{
	{Name: "region", Kind: settings.Word, Commands: ofTenant, Shared: true, OneOf: []string{string(cdp.EU), string(cdp.US), string(cdp.AP), string(cdp.JP)}, About: "The region in which the CDP tenant lives."},
	{Name: "cdp", Commands: ofTenant, Shared: true, Value: "URL", Like: "http://127.0.0.1:7000", About: "Another base address of the CDP, such as that of \"goaltrack cdp\"."},
	{Name: "cdp-plain-http", Kind: settings.Switch, Commands: ofTenant, Shared: true, About: "Let --cdp lead to another machine by http://. Whoever is on the way can then read the events, with people's addresses in them."},
	{Name: "client-key", Commands: ofTenant, Shared: true, Value: "KEY", About: "The client key of the tenant. Give it with --pos."},
	{Name: "pos", Commands: ofTenant, Shared: true, Value: "NAME", Like: "shop", About: "The point of sale."},
	{Name: "context-id", Commands: ofTenant, Shared: true, Value: "ID", About: "The context of the SitecoreAI edge, in place of a tenant. Give it with --site-name."},
	{Name: "site-name", Commands: ofTenant, Shared: true, Value: "NAME", About: "The name of the site on the edge."},
}

// eventRows shape what is sent.
var eventRows = []settings.Setting{
	{Name: "language", Commands: ofProxyAndAnnounce, Shared: true, Value: "CODE", Unset: "EN", Like: "DE", About: "The language sent with every event, in two letters."},
	{Name: "currency", Commands: ofProxyAndAnnounce, Shared: true, Value: "CODE", Like: "EUR", About: "The currency sent with every event, in three letters. Goals with a value need it."},
	{Name: "channel", Commands: ofProxyAndAnnounce, Shared: true, Value: "NAME", Unset: "WEB", Like: "auto", About: "The channel sent with every event. It has to be what the page's script sends; auto tells phones apart."},
	{Name: "data-model", Kind: settings.Word, Commands: ofProxy, Shared: true, OneOf: []string{"2.1", "2.0"}, Unset: "2.1", About: "The data model of the tenant. One of 2.0 has no ext, no ORDER_CHECKOUT and no people known by identifiers alone; goals that need them are refused."},
	{Name: "time-zone", Commands: ofProxy, Shared: true, Value: "ZONE", Unset: "UTC", Like: "Europe/Berlin", About: "Where a day of \"once per day\" begins."},
	{Name: "session-length", Kind: settings.Time, Commands: ofTenant, Shared: true, Value: "TIME", Unset: "20m", Least: "1m", Most: "24h", Like: "20m", About: "How long a visitor may pause without ending their session, as the tenant has it."},
	{Name: "views", Kind: settings.Word, Commands: ofProxy, Default: string(goaltrack.ViewsOff), OneOf: []string{string(goaltrack.ViewsOff), string(goaltrack.ViewsServer), string(goaltrack.ViewsRules)}, About: "Who sends page views: the proxy for every page (server), for the pages of goals that say sends: VIEW (rules), or a script in the pages (off)."},
	{Name: "variant-header", Commands: ofProxy, Value: "NAME", Like: "X-Page-Variant", About: "A header of answers in which the site says the pageVariantId of the page, by which SitecoreAI counts A/B tests. Without it, the address (variantid) and X-Sc-Rewrite tell."},
	{Name: "views-without-variants", Kind: settings.Switch, Commands: ofProxy, About: "Go on with page views when an answer names a variant that cannot be sent. Else that stops them (variant_unknown)."},
	{Name: "rules-hash", Kind: settings.Switch, Commands: ofProxy, About: "Send the fingerprint of the rule file with every goal, as ext.goalConfig."},
	{Name: "no-event-id", Kind: settings.Switch, Commands: ofProxy, About: "Leave out ext.eventId, by which readers of the CDP's data remove duplicates."},
	{Name: "dry-run", Kind: settings.Switch, Commands: ofProxy, About: "Decide and count, but set no cookie and send nothing."},
}

// visitorRows say who is not counted.
var visitorRows = []settings.Setting{
	{Name: "staff", Kind: settings.Networks, Commands: ofProxy, Value: "NETWORKS", Like: "10.0.0.0/8,192.0.2.7", About: "The networks whose visitors are not counted."},
	{Name: "bots-allow", Kind: settings.Texts, Commands: ofProxy, Value: "AGENTS", Like: "HeadlessChrome,Pingdom*bot", About: "Parts of user agents that are no bots, whatever the list of bots says; * stands for any text."},
	{Name: "bots-deny", Kind: settings.Texts, Commands: ofProxy, Value: "AGENTS", Like: "Pingdom*bot", About: "Parts of user agents that are bots, even if --bots-allow has them."},
	{Name: "health-paths", Kind: settings.List, Commands: ofProxy, Value: "PATHS", Unset: "/health, /healthz, /livez, /readyz, /ping and a few more", Like: "/healthz,/up", About: "The paths of health checks, which are not counted; \"none\" for no path."},
	{Name: "editor-paths", Kind: settings.List, Commands: ofProxy, Value: "PATHS", Unset: "/sitecore, /api/editing", Like: "/sitecore,/preview", About: "The paths at which editors work, with all below, which are not counted; \"none\" for no path."},
	{Name: "editor-modes", Kind: settings.List, Commands: ofProxy, Value: "NAMES", Unset: "sc_mode", Like: "sc_mode", About: "The query parameters and cookies that mark a page as shown to editors; \"none\" for no name."},
	{Name: "opt-out-cookie", Commands: ofProxy, Value: "NAME", Unset: "gt_optout", Like: "gt_optout", About: "The cookie by which visitors say that they do not want to be counted."},
	{Name: "form-bytes", Kind: settings.Size, Commands: ofProxy, Value: "SIZE", Unset: "64KiB", Least: "1KiB", Most: "16MiB", Like: "256KiB", About: "How long the fields of a form may be that goals read, all together, and JSON that they read. The site gets a longer body all the same."},
	{Name: "forms-bytes", Kind: settings.Size, Commands: ofProxy, Value: "SIZE", Unset: "32MiB", Least: "1KiB", Most: "4GiB", Like: "64MiB", About: "How much memory these forms take at most, all together."},
	{Name: "gpc", Kind: settings.Word, Commands: ofProxy, Default: string(goaltrack.GPCRefuse), OneOf: gpcWords(), About: "What Sec-GPC: 1, the Global Privacy Control of a visitor's browser, means: they are not counted (refuse); they refuse marketing, and goals for analytics count (marketing); nothing (ignore)."},
	{Name: "ignore-gpc", Kind: settings.Switch, Commands: ofProxy, About: "The same as --gpc ignore, its older name."},
}

// The values of --consent.
const (
	consentRequired  = "required"
	consentNotNeeded = "not-needed"
)

// consentRows say how the visitor's answer is read.
var consentRows = []settings.Setting{
	{Name: "consent", Kind: settings.Word, Commands: ofProxy, Default: consentNotNeeded, OneOf: []string{consentNotNeeded, consentRequired}, About: "With \"required\" the proxy does not start without a way to read the visitor's consent."},
	{Name: "consent-cookie", Commands: ofProxy, Value: "NAME=VALUE", Like: "consent=yes", About: "The cookie that says that the visitor agreed. Nobody else is then counted."},
	{Name: "consent-tool", Kind: settings.Word, Commands: ofProxy, OneOf: consentToolNames(), About: "The tool whose cookie says so, in place of --consent-cookie."},
	{Name: "consent-analytics", Kind: settings.List, Commands: ofProxy, Value: "CATEGORIES", Unset: "C0002 of onetrust; 1, 8, 9 of tcf and gpp", Like: "C0002", About: "What stands for consent to analytics: the category of onetrust, or all purposes that are needed, of tcf or of the European section of gpp."},
	{Name: "consent-marketing", Kind: settings.List, Commands: ofProxy, Value: "CATEGORIES", Unset: "C0004 of onetrust; 1, 3, 4, 5, 6 of tcf and gpp", Like: "C0004", About: "What stands for consent to marketing, likewise."},
	{Name: "consent-tool-cookie", Commands: ofProxy, Value: "NAME", Unset: "euconsent-v2 of tcf; __gpp of gpp", Like: "euconsent-v2", About: "The cookie that the string of tcf or gpp is in."},
	{Name: "consent-before-answer", Kind: settings.Switch, Commands: ofProxy, About: "Read the categories of onetrust also while its banner is open, for banners whose categories are on until they are switched off."},
	{Name: "consent-no-banner-in", Kind: settings.List, Commands: ofProxy, Value: "REGIONS", Like: "US,CA;ON", About: "Where onetrust shows no banner: there its categories are read at once. Countries, or parts of them as onetrust writes them."},
	{Name: "consent-region-header", Commands: ofProxy, Value: "NAME", Like: "CF-IPCountry", About: "The header in which a CDN says the visitor's country, for --consent-no-banner-in. onetrust's cookie says it too, and both have to agree."},
	{Name: "consent-hold-by", Commands: ofProxy, Value: "COOKIE", Like: "session", About: "Hold what unknown visitors do until they answer, by a cookie that the site sets anyway, such as that of its session."},
}

// pageRows are about goals that happen inside pages, and about Sitecore's own scripts in them.
var pageRows = []settings.Setting{
	{Name: "page", Kind: settings.Switch, Commands: ofProxy, About: "Serve the script that tells what happens in pages, and take what it tells: for goals with click:, seen: and the like, and for pages that a cache answered. The site's pages need the tag <script src=\"/goals/e/s.js\" defer></script>."},
	{Name: "page-path", Commands: ofProxy, Value: "PATH", Default: page.DefaultPath, Like: "/_x", About: "Where the script is, with all that belongs to it. The site does not see requests to it and below. \"derived\" makes a path of the first of --keys."},
	{Name: "page-inject", Kind: settings.Switch, Commands: ofProxy, About: "Put the tag into the site's pages, before </head>, if nobody can change them. Pages that are encoded, forbid changes, or have a Content-Security-Policy that would stop the script stay as they are."},
	{Name: "page-several", Kind: settings.Switch, Commands: ofProxy, About: "Say that several proxies serve the pages of one visitor, so that none knows all that were shown. Pages that a cache answered then do not count. A proxy that is not told notices it after a while, if the sites have keys."},
	{Name: "relay", Kind: settings.Switch, Commands: ofProxy, About: "Take what Sitecore's own scripts send, below /r of --page-path. The CDP then sees the address of this proxy, and takes the visitor's place from that."},
	{Name: "relay-forward-ip", Kind: settings.Switch, Commands: ofProxy, About: "Send the visitor's address with what is relayed, in X-Forwarded-For. Nothing public says that the CDP reads it; see doctor --ask-location."},
	{Name: "relay-identity", Kind: settings.Switch, Commands: ofProxy, About: "Take the events, too, by which a script says who the visitor is. Without it they are dropped."},
	{Name: "relay-search-without-consent", Kind: settings.Switch, Commands: ofProxy, About: "Relay calls of the Search SDK also for visitors who may not be counted."},
}

// cookieRows shape the cookies.
var cookieRows = []settings.Setting{
	{Name: "keys", Kind: settings.List, Commands: ofProxyAndForget, Secret: true, Value: "HEX,HEX[,OLDHASH,OLDBLOCK]", Unset: "new ones with every start, and nothing sealed on the disk", About: "The keys that seal the visit cookie, and what waits of people's data on the disk: 32 random bytes and 32 more (openssl rand -hex 32). Better given in the environment."},
	{Name: "create", Kind: settings.Word, Commands: ofProxy, Default: string(goaltrack.CreateVisit), OneOf: []string{string(goaltrack.CreateVisit), string(goaltrack.CreateGoal), string(goaltrack.CreateNever)}, About: "When a visitor gets a browser ID, which makes a guest in the CDP."},
	{Name: "create-per-second", Kind: settings.Number, Commands: ofProxy, Value: "NUMBER", Unset: "20", Unit: "browser IDs", Least: "0.001", Like: "20", About: "How many browser IDs are made in a second at most."},
	{Name: "create-burst", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Unset: "200", Unit: "browser IDs", Like: "200", About: "How many browser IDs may be made at once."},
	{Name: "max-ids", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Unset: "no limit", Unit: "browser IDs", Like: "20000", About: "How many browser IDs may be made in a month, for all sites together. Each is a profile in the CDP. The log and the report warn at 80 %; after the last, IDs are made for goals alone. The report remembers how many there were; without --report or --state the count begins with every start."},
	{Name: "max-events", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Unset: "no limit", Unit: "events", Like: "100000", About: "How many events may be sent in a month, those that are sent again too. The log and the report warn at 80 % and at 100 %; events are sent all the same."},
	{Name: "cookie-domain", Commands: ofProxy, Value: "DOMAIN", Like: "shop.example", About: "The domain of the browser-ID cookie, as in the settings of the page's script."},
	{Name: "cookie-path", Commands: ofProxy, Value: "PATH", Unset: "/", Like: "/shop", About: "The path of the browser-ID cookie. Leave it where a Sitecore script runs in the pages."},
	{Name: "cookie-max-age", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "730d", Least: "1s", Like: "400d", About: "How long browsers keep the browser ID."},
	{Name: "cookie-wait", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "nobody waits", Least: "0s", Most: "10s", Like: "300ms", About: "How long the answer to a new visitor waits for a browser ID if none is ready."},
}

// deliveryRows say where events wait and how they are sent.
var deliveryRows = []settings.Setting{
	{Name: "state", Kind: settings.Dir, Commands: ofProxyAndForget, Value: "DIR", Like: "/var/lib/goaltrack", About: "The directory for all that outlives the process. The events that wait are in spool, the report of conversions over time in report, and the browser IDs that nobody was given yet in browser-ids.json. Without it and --spool, events wait in memory, and those beyond --queue-events are lost."},
	{Name: "spool", Kind: settings.Dir, Commands: ofProxyAndForget, Value: "DIR", Unset: "spool below --state", Like: "/var/lib/goaltrack/spool", About: "The directory in which events wait until they are delivered, so that a crash loses none. It wins over --state."},
	{Name: "spool-level", Kind: settings.Word, Commands: ofProxy, Default: string(goaltrack.LevelDurable), OneOf: []string{string(goaltrack.LevelDurable), string(goaltrack.LevelStrict)}, About: "Before the answer, an event is written (durable), or synced, so that it survives a loss of power (strict)."},
	{Name: "spool-wait", Kind: settings.Time, Commands: ofProxy, Value: "DURATION", Unset: "20ms, 100ms if strict", Most: "10s", Like: "100ms", About: "How long an answer waits for that at most."},
	{Name: "spool-required", Kind: settings.Switch, Commands: ofProxy, About: "Do not start without the spool. Else events wait in memory until it can be used."},
	{Name: "spool-per-process", Kind: settings.Switch, Commands: ofProxy, About: "Give each process a directory of its own below that of --spool, for several that run at once."},
	{Name: "spool-bytes", Kind: settings.Size, Commands: ofProxy, Value: "SIZE", Unset: "1GiB", Like: "512MiB", About: "How much of the disk the spool takes at most."},
	{Name: "queue-events", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Unset: "10000", Unit: "events", Like: "10000", About: "How many events wait in memory at most, without a spool."},
	{Name: "queue-bytes", Kind: settings.Size, Commands: ofProxy, Value: "SIZE", Unset: "16MiB", Like: "16MiB", About: "How much memory these take at most."},
	{Name: "delivery-max-age", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "10m, 72h with a spool", Like: "24h", About: "How long an event is tried before it goes to the dead letters."},
	{Name: "delivery-workers", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Unset: "16", Unit: "requests", Most: "1024", Like: "16", About: "How many requests to the CDP may be under way for each site."},
	{Name: "delivery-timeout", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "10s", Like: "10s", About: "How long one request to the CDP may take."},
	{Name: "delivery-attempts", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Unset: "3", Unit: "attempts", Like: "3", About: "How often an event is sent in all while it is unknown whether an earlier attempt counted."},
	{Name: "delivery-wait", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "nobody waits", Least: "0s", Like: "2s", About: "How long a request whose goals fired waits until its events are delivered, for platforms that freeze a process once it has answered."},
	{Name: "backoff-base", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "1s", Like: "1s", About: "The wait after the first failed attempt. It doubles with each failure, and a random part of it is waited."},
	{Name: "backoff-max", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "5m", Like: "5m", About: "The longest of these waits."},
	{Name: "probe-base", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "1s", Like: "1s", About: "How long nothing must have been accepted before one event at a time is sent."},
	{Name: "probe-max", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Unset: "1m", Like: "1m", About: "The longest wait between these."},
}

// reportRows are about the report of conversions over time.
var reportRows = []settings.Setting{
	{Name: "report", Kind: settings.Dir, Commands: ofProxy, Value: "DIR", Unset: "report below --state", Like: "/var/lib/goaltrack/report", About: "The directory of the report, which counts conversions and page visits over time. \"goaltrack report\" prints it. \"" + noReport + "\" keeps none."},
	{Name: "report-min", Kind: settings.Count, Commands: ofProxy, Value: "NUMBER", Default: "5", Unit: "page visits or conversions", Like: "5", About: "How many have to share a value, or a combination of values, when its day is over. Else it joins (other). 1 keeps all."},
	{Name: "report-keep", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Default: "400d", Least: "1d", Like: "400d", About: "How long the report is kept whole. Older days have totals only."},
}

// hookRows are about programs that are told. An address may hold a secret.
var hookRows = []settings.Setting{
	{Name: "notify", Commands: ofProxy, Secret: true, Value: "URL", Like: "https://hooks.example/goals", About: "Who is told of each goal that counted, by a signed POST over https or to this machine. With --state, messages wait in notify below it, else in memory. Needs --webhook-secret. docs/webhooks.md shows the messages."},
	{Name: "health-webhook", Commands: ofProxy, Secret: true, Value: "URL", Like: "https://hooks.example/health", About: "Who is told when a goal with expect: does not do what is expected of it, and when that is over. At most one message a goal, site and day goes out, and one for the end. Needs a report and --webhook-secret."},
	{Name: "webhook-secret", Commands: ofProxy, Secret: true, Value: "SECRET", About: "What signs the messages of the two: whsec_ and 24 to 64 random bytes in base64 (echo whsec_$(openssl rand -base64 32)). Better given in the environment."},
}

// adminRows are about the pages for those who run the proxy.
var adminRows = []settings.Setting{
	{Name: "admin", Commands: ofProxy, Value: "HOST:PORT", Like: "127.0.0.1:9090", About: "The address of the report, the state of delivery, /metrics, /healthz and /readyz. Who is on this machine may look. An address that others can reach needs one of the next two settings. Port 0 takes a free one."},
	{Name: "admin-password-file", Kind: settings.File, Commands: ofProxy, Value: "FILE", Like: "/run/secrets/goaltrack", About: "A file with the password for these pages, at least 12 characters; any user name does. It is sent in the clear, unless TLS is in front."},
	{Name: "admin-trust-header", Commands: ofProxy, Value: "NAME", Like: "X-Auth-Request-User", About: "The header by which a proxy in front says who is logged in. It is believed from this machine and from --trusted-proxies; they have to remove it from what visitors send. They ask by an address, by the name of --admin, or by one of --admin-hosts."},
	{Name: "admin-hosts", Kind: settings.List, Commands: ofProxy, Value: "HOSTS", Like: "goals.example", About: "The names by which people reach these pages through a proxy in front that keeps the Host. Others are refused, as a page of another site could have its name lead here."},
	{Name: "admin-feed-token", Commands: ofProxy, Secret: true, Value: "TOKEN", About: "A token of at least 16 characters with which programs read /feed.csv of --admin without the password, and nothing else (openssl rand -hex 16). Better given in the environment."},
	{Name: "admin-pprof", Kind: settings.Switch, Commands: ofProxy, About: "Show Go's profiles at /debug/pprof/ of --admin, too."},
}

// runRows are about the process itself.
var runRows = []settings.Setting{
	{Name: "check", Kind: settings.Switch, Commands: []string{"proxy"}, About: "Look for faults in settings and rules, and end: with exit code 0 if there are none, else 1. Nothing is listened to, written or sent."},
	{Name: "shutdown-delay", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Default: "5s", Least: "0s", Like: "5s", About: "How long the proxy goes on taking requests after SIGTERM, until load balancers send none. SIGINT does not wait."},
	{Name: "request-grace", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Default: "25s", Least: "0s", Like: "20s", About: "How long requests may go on after that. What runs the proxy has to wait for all three times; Docker kills after ten seconds if it is not told otherwise."},
	{Name: "delivery-grace", Kind: settings.Time, Commands: ofProxy, Value: "TIME", Default: "5s", Least: "0s", Like: "5s", About: "How long events may be delivered after the last request."},
	{Name: "log-level", Kind: settings.Word, Commands: []string{"proxy", "cdp", "settings"}, Default: "info", OneOf: []string{"debug", "info", "warn", "error"}, About: "The least level of the lines that are logged to standard error."},
	{Name: "log-format", Kind: settings.Word, Commands: []string{"proxy", "cdp", "settings"}, Default: "text", OneOf: []string{"text", "json"}, About: "How these lines are written."},
	{Name: "access-log", Kind: settings.File, Commands: ofProxy, Value: "FILE", Like: "access.log", About: "The file to which a line is added for each answer; - is the standard output. It has addresses of visitors and what is in their queries."},
	{Name: "access-log-format", Kind: settings.Word, Commands: ofProxy, Default: "combined", OneOf: []string{"combined", "json"}, About: "How these lines are written. \"goaltrack replay\" reads both; json also tells where redirects lead."},
	{Name: "config", Kind: settings.File, Commands: slices.Concat(ofAll, []string{"check"}), Value: "FILE", Like: "goaltrack.yaml", About: "A YAML file with these settings."},
}

// doctorRows are for the questions to a tenant.
var doctorRows = []settings.Setting{
	{Name: "api-token", Commands: ofDoctor, Secret: true, Value: "TOKEN", About: "The tenant's API token, to read back what became of an event. Better given in the environment."},
	{Name: "ask-location", Kind: settings.Switch, Commands: ofDoctor, About: "Send two events that say by X-Forwarded-For that they come from other countries, to see in Sitecore what the tenant makes of that. It is what --relay-forward-ip of the proxy does."},
	{Name: "ask-session", Kind: settings.Switch, Commands: ofDoctor, About: "Send two events, a minute more than --session-length apart, to see in Sitecore whether they are of one session. A FORCE_CLOSE then ends the last session."},
	{Name: "yes", Kind: settings.Switch, Commands: []string{"announce"}, About: "Send without asking."},
	{Name: "timeout", Kind: settings.Time, Commands: []string{"doctor", "announce", "settings"}, Value: "TIME", Default: "10s", Like: "10s", About: "How long one request may take."},
	{Name: "patience", Kind: settings.Time, Commands: ofDoctor, Value: "TIME", Default: "30s", Like: "10s", About: "How long to wait until an event shows, with an API token."},
}

// groupRows are for several sites.
var groupRows = []settings.Setting{
	{Name: "sites", Kind: settings.Group, Commands: ofProxy, Value: "site", Unset: "one site, of the settings above", About: "Several sites, each with settings of its own."},
	{Name: "environments", Kind: settings.Group, Commands: ofTenant, By: "env", Value: "tenant", Unset: "one for all", About: "Settings for each environment, such as its keys. That of --env is in force."},
	{Name: "env", Group: "environments", Value: "NAME", Like: "production", About: "The name of the environment, as --env has it. Required."},
	{Name: "name", Group: "sites", Value: "NAME", Unset: "the point of sale or the site name", Like: "shop", About: "What the site is called in counters and in the log."},
	{Name: "hosts", Kind: settings.List, Group: "sites", Value: "HOSTS", Unset: "every host", Like: "shop.example,*.shop.example", About: "The hosts of the site."},
	{Name: "path-prefix", Group: "sites", Value: "PATH", Unset: "/", Like: "/press", About: "The part of the hosts that the site is."},
}

// fileRows are for the commands that read files and print.
var fileRows = []settings.Setting{
	{Name: "by", Kind: settings.Word, Commands: []string{"replay"}, Default: "goal", OneOf: []string{"goal", "day"}, About: "What is counted: goals, or goals by day as well."},
	{Name: "health-paths", Kind: settings.List, Commands: []string{"replay"}, Value: "PATHS", Unset: "those of the proxy", Like: "/healthz,/readyz", About: "The paths of health checks, which count nothing, as for the proxy."},
	{Name: "editor-paths", Kind: settings.List, Commands: []string{"replay"}, Value: "PATHS", Unset: "those of the proxy", Like: "/sitecore,/api/editing", About: "The paths below which editors work, as for the proxy."},
	{Name: "editor-modes", Kind: settings.List, Commands: []string{"replay"}, Value: "NAMES", Unset: "those of the proxy", Like: "sc_mode", About: "Query parameters that mark pages shown to editors, as for the proxy."},
	{Name: "path-prefix", Commands: []string{"try", "replay", "init"}, Value: "PATH", Like: "/shop", About: "Where visitors see the site, as for the proxy."},
	{Name: "from-xp", Kind: settings.Dir, Commands: []string{"init"}, Value: "DIR", Like: "serialization", About: "A directory with serialized items of Sitecore XP, of the Sitecore CLI or of Unicorn."},
	{Name: "start-item", Commands: []string{"init"}, Value: "PATH", Unset: "the first item named Home above a page", Like: "/sitecore/content/Shop/Home", About: "With --from-xp: the item that the site's home page is."},
	{Name: "out", Kind: settings.File, Commands: []string{"init"}, Value: "FILE", Default: "goals.yaml", Like: "goals.yaml", About: "The file to write; - is the standard output."},
	{Name: "overwrite", Kind: settings.Switch, Commands: []string{"init"}, About: "Write over a file that is there."},
	{Name: "goals", Kind: settings.Count, Commands: []string{"init"}, Value: "NUMBER", Default: "20", Unit: "goals", Like: "20", About: "How many goals are made of logs at most."},
	{Name: "pages", Kind: settings.Count, Commands: []string{"init"}, Value: "NUMBER", Default: "50", Unit: "pages", Most: "1000", Like: "50", About: "How many pages of an address are looked at, at most."},
	{Name: "pause", Kind: settings.Time, Commands: []string{"init"}, Value: "TIME", Default: "500ms", Least: "0s", Like: "1s", About: "How long to wait between two of them, unless robots.txt asks for more."},
	{Name: "list", Short: "l", Kind: settings.Switch, Commands: []string{"fmt"}, About: "Print the names of the files whose layout is another, and nothing else."},
	{Name: "diff", Short: "d", Kind: settings.Switch, Commands: []string{"fmt"}, About: "Print what would change. The exit code is 1 if anything would."},
	{Name: "write", Short: "w", Kind: settings.Switch, Commands: []string{"fmt"}, About: "Write the layout into the files."},
	{Name: "show-identity", Kind: settings.Switch, Commands: []string{"try"}, About: "Show who the visitor is in the events of the request, in place of ***."},
	{Name: "into", Kind: settings.Dir, Commands: []string{"replay"}, Value: "DIR", Unset: "it is only printed", Like: "/var/lib/goaltrack/report", About: "Fill in the report of --report or --state with what the log has of days that are over and have no counts yet. A day is filled in as a whole, so give all logs of a day at once."},
	{Name: "writer", Commands: []string{"replay", "report"}, Value: "NAME", Unset: "logs", Like: "logs", About: "With replay --into: under which name days are filled in. With report drop: the name under which days were filled in that are to be deleted."},
	{Name: "site", Commands: []string{"replay"}, Value: "NAME", Unset: "the only one of the report", Like: "shop", About: "With --into: the site that the log is of."},
	{Name: "time-zone", Commands: []string{"replay"}, Value: "ZONE", Unset: "that of the report, else UTC", Like: "Europe/Berlin", About: "With --into: where the days of the site begin, if the report does not know it yet. With --by day: where days begin."},
	{Name: "report-min", Kind: settings.Count, Commands: []string{"replay"}, Value: "NUMBER", Default: "5", Unit: "page visits or conversions", Like: "5", About: "With --into: how many have to share a value, or a combination of values, as for the proxy."},
	{Name: "currency", Commands: []string{"try", "replay"}, Value: "CODE", Like: "EUR", About: "The currency of the site, as for the proxy."},
	{Name: "session", Kind: settings.Switch, Commands: []string{"try"}, About: "Take the requests for those of one visitor, in their order: what counts once does not count again, and what counts after other goals waits for them."},
	{Name: "at", Commands: []string{"try"}, Value: "DATE", Unset: "now", Like: "2027-01-15", About: "When the first request is sent: a day, which is noon in UTC, or a time such as \"2027-01-15 18:00\", also UTC."},
	{Name: "goal", Commands: []string{"try"}, Value: "NAME", Like: "CONTACT_SENT", About: "Show this goal only."},
	{Name: "fired", Kind: settings.Switch, Commands: []string{"try"}, About: "Show the goals that count only."},
	{Name: "log", Kind: settings.File, Commands: []string{"diff"}, Value: "LOG", Like: "access.log", About: "An access log, to see how the numbers would change; - is the standard input."},
	{Name: "goal", Commands: []string{"spool", "report"}, Value: "NAME", Like: "CONTACT_SENT", About: "Only events, or conversions, of this goal."},
	{Name: "site", Commands: []string{"spool"}, Value: "NAME", Like: "shop", About: "Only events of this site."},
	{Name: "site", Commands: []string{"report"}, Value: "NAME", Unset: "the only one, or the first by name", Like: "shop", About: "The site to report on."},
	{Name: "since", Kind: settings.Time, Commands: []string{"report"}, Value: "TIME", Default: "30d", Least: "1d", Most: "4000d", Like: "30d", About: "How many days to report on, today included."},
	{Name: "from", Commands: []string{"report"}, Value: "DATE", Like: "2026-11-01", About: "The first day, in place of --since."},
	{Name: "until", Commands: []string{"report"}, Value: "DATE", Unset: "today", Like: "2026-11-30", About: "The last day."},
	{Name: "by", Kind: settings.Word, Commands: []string{"report"}, Default: "goal", OneOf: []string{"goal", "day", "hour", "page", "source", "campaign", "language", "device", "variant"}, About: "What the rows are."},
	{Name: "format", Kind: settings.Word, Commands: []string{"report"}, Default: "text", OneOf: []string{"text", "csv", "json", "html"}, About: "How they are printed. html is the overview of all goals, as a page that stands alone."},
	{Name: "format", Kind: settings.Word, Commands: []string{"docs"}, Default: "markdown", OneOf: []string{"markdown", "csv"}, About: "How the plan is printed."},
	{Name: "before", Commands: []string{"report"}, Value: "DATE", Like: "2026-01-01", About: "With drop: the first day that stays."},
	{Name: "reason", Commands: []string{"spool"}, Value: "REASON", Like: "rejected_400", About: "Only dead letters with this reason."},
	{Name: "all", Kind: settings.Switch, Commands: []string{"spool"}, About: "With drop: all dead letters, where no other flag says which."},
	{Name: "browser", Commands: []string{"forget"}, Value: "ID", Like: "7f3d1c52-0c6b-4f6a-9a8e-2b1d5d1f0a11", About: "The browser ID whose events are removed."},
	{Name: "email", Commands: []string{"forget"}, Value: "ADDRESS", Like: "ann@example.com", About: "The e-mail address of the person whose events are removed."},
	{Name: "json", Kind: settings.Switch, Commands: []string{"check", "try", "replay", "diff", "spool", "forget", "doctor", "settings"}, About: "Print JSON, for programs."},
	{Name: "json", Kind: settings.Switch, Commands: []string{"schema"}, About: "Changes nothing, since a schema is JSON."},
}
