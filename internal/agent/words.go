package agent

// kinds are words that machines use of themselves, by what kind of machine that is.
// They count where they stand alone, or as a part that begins with a capital
// ("SiteMonitor").
var kinds = []struct {
	kind  string
	words []string
}{
	{"a library", []string{
		"aiohttp", "axios", "cfnetworkclient", "curl", "libcurl", "pycurl", "ehttp", "faraday", "fasthttp", "gohttp", "guzzle", "guzzlehttp", "httpclient", "httpie", "httpunit", "httpx", "httpurlconnection",
		"indy", "jersey", "jetty", "libwww", "libhttp", "lwp", "mechanize", "mechanicalsoup", "okhttp", "openssl", "perl", "php", "python", "cpython", "restsharp", "rustls", "reqwest", "simplepie",
		"superagent", "typhoeus", "undici", "urllib", "urlgrabber", "wget", "winhttp", "xmlhttp", "xmlrpc", "deno", "bun", "grpc", "gsoap", "powershell", "windowspowershell", "postman", "insomnia", "resty", "nodejs", "webdav", "symfony",
	}},
	{"a crawler", []string{
		"bot", "bots", "robot", "robots", "crawl", "crawler", "crawlers", "crawling", "crawls", "spider", "spiders", "scrape", "scraper", "scraping", "scrapes", "archiver",
		"harvest", "harvester", "indexer", "slurp", "grabber", "copier", "downloader", "extractor", "siphon", "leech", "sucker", "fetch", "fetcher", "collector", "miner", "nutch",
	}},
	{"a monitor", []string{
		"monitor", "monitors", "monitoring", "monitis", "uptime", "pinger", "ping", "check", "checker", "checks", "checkup", "healthcheck", "heartbeat", "prober", "probe", "probes",
		"synthetic", "synthetics", "watcher", "watchdog", "inspector", "inspection", "inspect", "observatory", "diagnostics", "measurement", "exporter", "tester", "loadtest", "benchmark",
		"pagespeed", "webpagetest",
	}},
	{"a preview", []string{
		"preview", "previews", "previewer", "thumbnail", "thumbnails", "thumbnailer", "screenshot", "screenshots", "snapshotter", "capture", "unfurl", "unfurler", "unfurling", "expander",
		"unshortener", "resolver", "retriever", "favicon", "oembed", "embedder", "imageproxy", "imgproxy", "transcoder", "prerender", "renderer", "prefetcher",
	}},
	{"a scanner", []string{
		"scan", "scans", "scanner", "scanners", "scanning", "vulnerability", "pentest", "recon", "audit", "auditor", "auditing", "analyzer", "analyser", "validator", "validation",
		"verifier", "verification", "verify", "detector", "detectify", "survey", "lookup", "fuzzer", "fingerprint", "classifier", "honeypot", "wvs",
	}},
	{"a tool for search engines", []string{
		"seo", "backlink", "backlinks", "linkcheck", "linkchecker", "sitemap", "sitemaps", "serp", "keyword", "grader", "optimizer", "rank", "ranking", "adsense", "adwords",
	}},
	{"an AI agent", []string{"llm", "externalagent", "externalfetcher"}},
	{"a browser without a person", []string{
		"headless", "headlesschrome", "phantomjs", "slimerjs", "puppeteer", "playwright", "selenium", "webdriver", "cypress", "jsdom", "testcafe", "nightmare", "casperjs", "zombie", "htmlunit",
		"splash", "automation", "automated",
	}},
	{"a feed reader", []string{"rss", "feed", "feeds", "feeder", "feedfetcher", "feedparser", "subscribers", "magpierss", "librss"}},
}

// endings are words that names of machines end with, also in lower case:
// "googlebot", "skypeuripreview". Names of people's devices that end so are in
// notMachines.
var endings = []string{
	"bot", "bots", "crawler", "spider", "spyder", "scraper", "monitor", "uripreview", "linkpreview", "fetcher", "checker", "linkcheck", "scanner", "synthetics", "validator", "archiver",
	"pinger", "analyzer", "screenshot", "sitecheck", "webcopy", "httpagent", "indexer", "grabber", "extractor",
}

// beginnings are those that names of machines begin with.
var beginnings = []string{"crawl", "scrap", "headless", "spider", "linkcheck", "larbin", "backlink", "urlresolver", "feedfetch", "httpclient", "httpcheck", "httpscheck", "unshort", "webcrawl"}

// notMachines are words that end or begin as those above and are nobody's machine.
var notMachines = []string{
	"cubot",                              // phones, https://www.cubot.net
	"xbot",                               // tablets for children
	"talbot", "abbot", "cabot", "turbot", // names of people, firms and places
	"scrapbook", "scrapbooking", "scrappy", "spidermonkey", "spiderman",

	"camscanner", "adobescan", "barcodescanner", "docscanner", "geniusscan", "pdfscanner", // apps with
	"qrscanner", "qrcodescanner", "scannerpro", "scanbot", "agentweb", // a browser in them
	"checkpoint", "surveymonkey", "pingone", "pingid", // firms
	"firephp",   // an extension of Firefox
	"20preview", // "Safari%20Technology%20Preview"
}
