package accesslog

// jsonField is a place in a Line that a member of a JSON line can fill.
type jsonField int

const (
	jsonMethod jsonField = iota
	jsonHost
	jsonTarget // path and query, as the client sent them
	jsonLine   // the request line
	jsonPath   // a path, or a whole address, that may lack its query
	jsonQuery
	jsonStatus
	jsonBytes
	jsonAgent
	jsonReferer
	jsonType
	jsonLocation
	jsonTime
	jsonDate // of a time that has none
	jsonRequestID
	jsonFromClient
	jsonWrapped // a line of another log
	jsonFields
)

// jsonNames has the names that loggers give to a field, the best first. Of a name
// only letters and digits count, in lower case, after those of the objects that
// contain it. So request_method of nginx, request.method of Caddy and
// RequestMethod of Traefik are the same name. The sources:
//
//   - nginx: the variables of ngx_http_core_module and ngx_http_log_module, by
//     which most people call the members of their log_format
//
//   - Caddy: the log encoder json of its HTTP server
//
//   - Traefik: the fields of its access logs in JSON, with headers kept
//
//   - Elastic Common Schema: http, url and user_agent
//
//   - pino-http: req and res
//
//   - Vercel: the log drain, https://vercel.com/docs/drains/reference/logs; the
//     path beside "proxy" is that of a function
//
//   - the other vendors of testdata/logs/README.md, by the pages that it names
//
// An object may also be inside others: see [jsonScanner.keep].
//
// A plain content_type is not among them, because nginx means that of the request.
var jsonNames = rankNames([jsonFields][]string{
	jsonMethod: {
		vercelMethod, "requestmethod", "method", azureMethod, "httprequestmethod", akamaiMethod, cloudflareMethod,
		cloudFrontMethod, "verb",
	},
	jsonHost: {
		"proxyhost", "requesthost", "httphost", "vhost", "urldomain", "reqheadershost", "clientrequesthost", "authority",
		"originalhost", "xhostheader", akamaiHost, "host", "domain", "servername",
	},
	jsonTarget: {vercelPath, "originalrequesturiwithargs", azureTarget, "urloriginal", "clientrequesturi"},
	jsonLine:   {"request", "requestline"},
	jsonPath: {
		"requestpath", "originalurl", "requrl", googleURL, "url", "uri", "path", "urlpath", "requesturl", "clientrequestpath",
		"csuristem", "reqpath",
	},
	jsonQuery: {"querystring", "query", "args", "urlquery", "csuriquery", "querystr"},
	jsonStatus: {
		vercelStatus, "statuscode", frontDoorStatus, "httpresponsestatuscode", "edgeresponsestatus", envoyStatus, "resstatuscode",
		"downstreamstatus", "originstatus", "responsestatus", "responsestatuscode", "resstatus", "httpresponsestatus",
		gatewayStatus, "scstatus", "status",
	},
	jsonBytes: {
		"bodybytessent", "downstreamcontentsize", "origincontentsize", "httpresponsebodybytes", "responsesize", "responsebytes",
		"responsebodysize", "edgeresponsebytes", "sentbytes", "scbytes", "size", "bytes", "bytessent",
	},
	jsonAgent: {
		"proxyuseragent", "httpuseragent", "clientrequestuseragent", "requestuseragent", "requestheadersuseragent", "reqheadersuseragent",
		"useragentoriginal", "csuseragent", "useragent", "agent", "ua",
	},
	jsonReferer: {
		"proxyreferer", "httpreferer", "httpreferrer", "clientrequestreferer", "requestreferer", "requestreferrer",
		"requestheadersreferer", "reqheadersreferer", "httprequestreferrer", "csreferer", "referer", "referrer",
	},
	jsonType: {
		"senthttpcontenttype", "respheaderscontenttype", "downstreamcontenttype", "origincontenttype", "resheaderscontenttype",
		"responsecontenttype", "responseheaderscontenttype", "upstreamhttpcontenttype", "edgeresponsecontenttype", "sccontenttype",
		"rspcontenttype",
	},
	jsonLocation: {
		"senthttplocation", "respheaderslocation", "downstreamlocation", "originlocation", "resheaderslocation",
		"responseheaderslocation", "location", "upstreamhttplocation",
	},
	jsonTime: {
		"proxytimestamp", "startutc", "starttime", "timeiso8601", "timelocal", "msec", "ts", "edgestarttimestamp", "reqtimesec",
		"timestamp", "timestampms", "time",
	},
	jsonDate: {"date"},

	jsonRequestID:  {"requestid"},
	jsonFromClient: {frontDoorFromClient},

	// Docker's json-file driver has a line under log, journald under MESSAGE, and Google Cloud
	// under textPayload.
	jsonWrapped: {"log", "message", "textpayload", "msg", "event", "body", "line"},
})

// These names tell who wrote a line.
const (
	vercelMethod        = "proxymethod"
	vercelPath          = "proxypath"
	vercelStatus        = "proxystatuscode"
	azureMethod         = "httpmethod" // and azureTarget beside it
	azureTarget         = "requesturi"
	frontDoorStatus     = "httpstatuscode"
	frontDoorFromClient = "isreceivedfromclient"
	gatewayStatus       = "httpstatus"
	cloudflareMethod    = "clientrequestmethod"
	cloudFrontMethod    = "csmethod"
	akamaiMethod        = "reqmethod" // and akamaiHost beside it
	akamaiHost          = "reqhost"
	googleURL           = "httprequestrequesturl"
	envoyStatus         = "responsecode"
)

// jsonVendors are the formats that have a name, by the members that no other has.
var jsonVendors = []struct {
	format  logFormat
	members map[jsonField]string
}{
	{vercelFormat, map[jsonField]string{jsonMethod: vercelMethod}},
	{frontDoorFormat, map[jsonField]string{jsonMethod: azureMethod, jsonTarget: azureTarget, jsonStatus: frontDoorStatus}},
	{gatewayFormat, map[jsonField]string{jsonMethod: azureMethod, jsonStatus: gatewayStatus}},
	{cloudflareFormat, map[jsonField]string{jsonMethod: cloudflareMethod}},
	{cloudFrontFormat, map[jsonField]string{jsonMethod: cloudFrontMethod}},
	{akamaiFormat, map[jsonField]string{jsonMethod: akamaiMethod, jsonHost: akamaiHost}},
	{googleFormat, map[jsonField]string{jsonPath: googleURL}},
	{envoyFormat, map[jsonField]string{jsonStatus: envoyStatus}},
}

// longestName is how long the longest name is.
var longestName = func() (most int) {
	for name := range jsonNames {
		most = max(most, len(name))
	}
	return most
}()

// jsonName says what a name stands for.
type jsonName struct {
	field jsonField
	rank  int // the smallest is the best
}

func rankNames(names [jsonFields][]string) map[string]jsonName {
	ranked := make(map[string]jsonName)
	for field := range names {
		for rank, name := range names[field] {
			ranked[name] = jsonName{jsonField(field), rank}
		}
	}
	return ranked
}
