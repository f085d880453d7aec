package main

import (
	"bytes"

	"github.com/goaltrack/goaltrack/internal/recent"
)

// jsonField is a place in a logLine that a member of a JSON line can fill.
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
//   - Azure Front Door: the access log,
//     https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/how-to-logs
//
//   - Google Cloud (httpRequest), Istio, and Cloudflare's Logpush
//
// An object may also be inside others: see [jsonScanner.keep].
//
// A plain content_type is not among them, because nginx means that of the request.
var jsonNames = rankNames([jsonFields][]string{
	jsonMethod: {
		vercelMethod, "requestmethod", "method", "httpmethod", "httprequestmethod", "reqmethod", "clientrequestmethod",
	},
	jsonHost: {
		"proxyhost", "requesthost", "httphost", "vhost", "urldomain", "reqheadershost", "clientrequesthost", "authority",
		"host", "domain", "servername",
	},
	jsonTarget: {vercelPath, "requesturi", "urloriginal", "clientrequesturi"},
	jsonLine:   {"request", "requestline"},
	jsonPath:   {"requestpath", "requrl", "requesturl", "originalurl", "url", "uri", "path", "urlpath"},
	jsonQuery:  {"querystring", "query", "args", "urlquery"},
	jsonStatus: {
		vercelStatus, "statuscode", "httpstatuscode", "httpresponsestatuscode", "edgeresponsestatus", "responsecode", "resstatuscode", "downstreamstatus", "originstatus", "responsestatus", "status",
	},
	jsonBytes: {
		"bodybytessent", "downstreamcontentsize", "origincontentsize", "httpresponsebodybytes",
		"responsesize", "responsebytes", "size", "bytes", "bytessent",
	},
	jsonAgent: {
		"proxyuseragent", "httpuseragent", "clientrequestuseragent", "requestuseragent", "requestheadersuseragent", "reqheadersuseragent",
		"useragentoriginal", "useragent", "agent", "ua",
	},
	jsonReferer: {
		"proxyreferer", "httpreferer", "httpreferrer", "clientrequestreferer", "requestreferer", "requestheadersreferer", "reqheadersreferer",
		"httprequestreferrer", "referer", "referrer",
	},
	jsonType: {
		"senthttpcontenttype", "respheaderscontenttype", "downstreamcontenttype", "origincontenttype",
		"resheaderscontenttype", "responsecontenttype", "upstreamhttpcontenttype",
	},
	jsonLocation: {
		"senthttplocation", "respheaderslocation", "downstreamlocation", "originlocation",
		"resheaderslocation", "location", "upstreamhttplocation",
	},
	jsonTime: {"proxytimestamp", "startutc", "starttime", "timeiso8601", "timelocal", "msec", "ts", "timestamp", "time"},

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
	frontDoorMethod     = "httpmethod" // and frontDoorTarget beside it
	frontDoorTarget     = "requesturi"
	frontDoorFromClient = "isreceivedfromclient"
)

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

// maxDepth is how deep objects and arrays may nest in a line.
const maxDepth = 32

// jsonScanner reads an object of JSON (RFC 8259) and keeps the members whose
// names it knows. Once its buffers have grown, it allocates nothing. Decoding
// into a value would allocate for every line.
type jsonScanner struct {
	text   []byte
	pos    int
	name   []byte // that of the value to come, as in jsonNames
	inside []jsonInside
	known  int // objects so far
	found  [jsonFields]jsonFinding
	target []byte      // a path joined with its query
	seen   *recent.Set // requests of Vercel
}

// jsonInside is an object around the value to come.
type jsonInside struct {
	start  int // of the rest of the name
	object int // which one of the line it is, counted from 1
}

// jsonFinding is the best value of a field so far.
type jsonFinding struct {
	value  []byte
	name   jsonName
	rank   int // of name, and worse by deeper for each object around the one below
	object int // in which the name begins
}

// deeper is more than there are names for a field.
const deeper = 100

// scan reads a line and unescapes its strings in place.
func (s *jsonScanner) scan(line []byte) bool {
	s.text, s.pos, s.name, s.inside, s.known = line, 0, s.name[:0], s.inside[:0], 0
	clear(s.found[:])
	return s.value(0) && s.next() == 0 && s.pos == len(line)
}

// fill writes what was found into l, and reports whether it is a request.
func (s *jsonScanner) fill(l *logLine) bool {
	get := s.get
	if s.is(jsonMethod, vercelMethod) && !s.is(jsonTarget, vercelPath) {
		return false
	}

	method, target := get(jsonMethod), get(jsonTarget)
	lineMethod, lineTarget := splitRequest(get(jsonLine))
	if method == nil {
		method = lineMethod
	}
	if target == nil {
		target = lineTarget
	}
	if target == nil {
		target = s.join(get(jsonPath), get(jsonQuery))
	}
	l.host = present(withoutPort(get(jsonHost)))
	l.userAgent, l.referer = get(jsonAgent), get(jsonReferer)
	l.contentType, l.location = get(jsonType), get(jsonLocation)
	l.time = parseTime(get(jsonTime))
	if size, ok := parseDigits(get(jsonBytes)); ok {
		l.bytes = size
	}
	if !l.setTarget(method, target) || !l.setStatus(get(jsonStatus)) {
		return false
	}
	if s.is(jsonMethod, vercelMethod) {
		s.remember()
	}
	return true
}

// get returns the value of a field. If the method is inside an object, what makes
// a request is there, too, and the rest is there or outside of all objects.
// Otherwise a status of something else would become that of the request.
func (s *jsonScanner) get(f jsonField) []byte {
	root := s.found[jsonMethod]
	if root.value == nil {
		root = s.found[jsonLine]
	}
	found := s.found[f]
	if found.object == root.object {
		return found.value
	}
	switch f {
	case jsonMethod, jsonTarget, jsonLine, jsonPath, jsonQuery, jsonStatus:
		return nil
	}
	if found.object > 1 {
		return nil
	}
	return found.value
}

// is reports whether a field was found under a name.
func (s *jsonScanner) is(f jsonField, name string) bool {
	found := s.found[f]
	return found.value != nil && found.name == jsonNames[name]
}

// format tells who wrote the line.
func (s *jsonScanner) format() logFormat {
	switch {
	case s.is(jsonMethod, vercelMethod):
		return vercelFormat
	case s.is(jsonMethod, frontDoorMethod) && s.is(jsonTarget, frontDoorTarget):
		return frontDoorFormat
	}
	return jsonFormat
}

// beside reports whether the line is about a request that has a line of its own,
// or about none of a client. Vercel writes a line for each message of a function,
// and -1 for a page that it makes anew by itself. Front Door writes a line for
// what one of its caches asks another.
func (s *jsonScanner) beside() bool {
	if s.is(jsonMethod, vercelMethod) {
		again := s.seen != nil && s.seen.Has(view(s.found[jsonRequestID].value))
		return again || s.is(jsonStatus, vercelStatus) && string(s.get(jsonStatus)) == "-1"
	}
	return string(s.found[jsonFromClient].value) == "false"
}

// wrapped is the line inside of another, as far as the scanned one is no request itself. A
// message of a function of Vercel is none: the request has a line of its own.
func (s *jsonScanner) wrapped() []byte {
	if s.found[jsonMethod].value != nil || s.found[jsonLine].value != nil || bytes.Contains(s.text, []byte(`"deploymentId"`)) {
		return nil
	}
	return bytes.TrimSpace(s.found[jsonWrapped].value)
}

// keptRequests is how many requests of Vercel are remembered. The lines of one
// are close to each other.
const keptRequests = 10_000

// remember keeps the request of the line, if it has a name.
func (s *jsonScanner) remember() {
	if id := s.found[jsonRequestID].value; id != nil {
		if s.seen == nil {
			s.seen = recent.NewSet(keptRequests)
		}
		s.seen.Add(string(id))
	}
}

// join appends the query to a path that was logged without it.
func (s *jsonScanner) join(path, query []byte) []byte {
	query = bytes.TrimPrefix(query, []byte("?"))
	if len(query) == 0 || bytes.IndexByte(path, '?') >= 0 {
		return path
	}
	s.target = append(append(append(s.target[:0], path...), '?'), query...)
	return s.target
}

// keep remembers the value of the name, if it may be of use. An object that is
// known may be inside others that are not: Azure has the request under
// "properties". The whole name is better than its end. If two values have the
// same name, the last one counts, as in encoding/json.
func (s *jsonScanner) keep(value []byte) {
	if present(value) == nil || bytes.IndexByte(s.name, '#') >= 0 {
		return
	}
	for above, in := range s.inside {
		name, ok := jsonNames[string(s.name[in.start:])]
		if !ok {
			continue
		}
		rank := name.rank + above*deeper
		if best := &s.found[name.field]; best.value == nil || rank <= best.rank {
			*best = jsonFinding{value, name, rank, in.object}
		}
		return
	}
}

// keepWord remembers true or false, which are of use in one field only.
func (s *jsonScanner) keepWord(word string) bool {
	start := s.pos
	if !s.word(word) {
		return false
	}
	if bytes.HasSuffix(s.name, []byte(frontDoorFromClient)) {
		s.keep(s.text[start:s.pos])
	}
	return true
}
