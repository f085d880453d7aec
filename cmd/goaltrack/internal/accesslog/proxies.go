package accesslog

import (
	"bytes"
	"time"
)

// isAWS reports whether a line may be one of a load balancer of AWS: it begins with a
// time, or with the kind of the connection and a time.
func isAWS(line []byte) bool {
	if line[0] >= 'a' && line[0] <= 'z' {
		kind, rest, _ := bytes.Cut(line, []byte(" "))
		switch string(kind) {
		case "http", "https", "h2", "grpcs", "ws", "wss":
			line = rest
		default:
			return false
		}
	}
	return len(line) > 20 && line[4] == '-' && line[7] == '-' && line[10] == 'T' && bytes.IndexByte(line, '"') > 0
}

// readAWS reads a line of an Application Load Balancer
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html):
//
//	type time elb client:port target:port 0.000 0.001 0.000 status status received sent "request" "user agent" ...
//
// and of a Classic Load Balancer, which has no type and perhaps no user agent
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html).
// More may follow; AWS adds fields at the end.
func (l *Line) readAWS(line []byte) bool {
	quote := bytes.IndexByte(line, '"')
	var words [12][]byte
	n := 0
	for word := range bytes.FieldsSeq(line[:quote]) {
		if n == len(words) {
			return false
		}
		words[n] = word
		n++
	}
	if n < 11 {
		return false
	}
	l.Time = parseTime(words[n-11])
	request, rest, ok := cutQuoted(line[quote:])
	if method, target := splitRequest(request); !ok || !l.setTarget(method, target) || !l.setStatus(words[n-4]) {
		return false
	}
	if l.Bytes, ok = parseDigits(words[n-1]); !ok {
		return false
	}
	if len(rest) > 0 && rest[0] == '"' {
		agent, _, ok := cutQuoted(rest)
		l.UserAgent = present(agent)
		return ok
	}
	return true
}

// readEnvoy reads a line of Envoy's default format
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#default-format-string),
// or of Istio's, which has more words before the sizes and behind the upstream
// (https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format):
//
//	[time] "request" status flags ... received sent duration time "for" "user agent" "ID" "authority" "upstream" ...
//
// It reports false, and changes nothing, if the line has another form.
func (l *Line) readEnvoy(line []byte) bool {
	end := bytes.Index(line, []byte(`] "`))
	if end < 0 || bytes.IndexByte(line[1:end], '[') >= 0 || !hasFlags(line[end+3:]) {
		return false
	}
	request, rest, ok := cutQuoted(line[end+2:])
	method, target := splitRequest(request)
	var read Line
	if read.Bytes = -1; !ok || !read.setTarget(method, target) {
		return false
	}
	status, rest, _ := bytes.Cut(rest, []byte(" "))
	if !read.setStatus(status) {
		return false
	}
	var room [maxQuoted]quotedField
	fields := quotedFields(rest, room[:0])
	if len(fields) < 5 {
		return false
	}
	if fields = fields[len(fields)-5:]; !endsInNumbers(rest[:fields[0].at]) {
		return false
	}
	read.Time = parseTime(line[1:end])
	read.UserAgent, read.Host = present(fields[1].text), present(withoutPort(fields[3].text))
	numbers := 0
	for word := range bytes.FieldsSeq(rest) {
		if size, ok := parseDigits(word); ok {
			if numbers++; numbers == 2 { // after what was received
				read.Bytes = size
				break
			}
		}
	}
	*l = read
	return true
}

// endsInNumbers reports whether four numbers stand at the end, each perhaps "-": what was
// received and sent, how long it took, and how long behind Envoy.
func endsInNumbers(text []byte) bool {
	for range 4 {
		text = bytes.TrimRight(text, " ")
		word := text[bytes.LastIndexByte(text, ' ')+1:]
		if _, ok := parseDigits(word); !ok && string(word) != "-" {
			return false
		}
		text = text[:len(text)-len(word)]
	}
	return true
}

// isCacheWord reports whether a word is what nginx says of its cache
// ($upstream_cache_status, https://nginx.org/en/docs/http/ngx_http_upstream_module.html).
func isCacheWord(word []byte) bool {
	switch string(word) {
	case "HIT", "MISS", "BYPASS", "EXPIRED", "STALE", "UPDATING", "REVALIDATED":
		return true
	}
	return false
}

// hasFlags reports whether behind a request and its status come flags, as Envoy writes
// them, and a word that is none of quotes. What a cache of nginx says looks like one.
func hasFlags(text []byte) bool {
	_, rest, _ := bytes.Cut(text, []byte(`" `)) // the request
	_, rest, _ = bytes.Cut(rest, []byte(" "))   // the status
	flags, rest, ok := bytes.Cut(rest, []byte(" "))
	return ok && len(flags) > 0 && !isCacheWord(flags) && len(rest) > 0 && rest[0] != '"' && !bytes.ContainsFunc(flags, func(c rune) bool {
		return (c < 'A' || c > 'Z') && c != ',' && c != '-'
	})
}

// readHAProxy reads a line of HAProxy's format for HTTP
// (https://docs.haproxy.org/3.0/configuration.html#8.2.3), of which quote is where the
// request begins:
//
//	client:port [time] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes - - ---- 1/1/1/1/0 0/0 {captured} "request"
//
// Headers that were captured stand without names. They are known by their looks. It
// changes nothing unless it reports true.
func (l *Line) readHAProxy(line []byte, quote int) bool {
	start := bytes.IndexByte(line[:quote], '[')
	end := bytes.Index(line[:quote], []byte("] "))
	if start < 0 || end < start {
		return false
	}
	var words [5][]byte
	n := 0
	for word := range bytes.FieldsSeq(line[end+2 : quote]) {
		if words[n] = word; n == len(words)-1 {
			break
		}
		n++
	}
	var read Line
	size, ok := parseDigits(bytes.TrimPrefix(words[4], []byte("+")))
	if bytes.Count(words[2], []byte("/")) != 4 || !ok || !read.setStatus(words[3]) {
		return false
	}
	request, _, ok := cutQuoted(line[quote:])
	if method, target := splitRequest(request); !ok || !read.setTarget(method, target) {
		return false
	}
	host := read.Host
	read.Bytes, read.Time = size, haproxyTime(line[start+1:end])
	if open := bytes.IndexByte(line[end:quote], '{'); open >= 0 {
		captured, _, _ := bytes.Cut(line[end+open+1:quote], []byte("} "))
		read.capture(captured)
	}
	if host != nil {
		read.Host = host // of a whole address
	}
	*l = read
	return true
}

// capture takes the headers of the request that HAProxy captured.
func (l *Line) capture(headers []byte) {
	for value := range bytes.SplitSeq(headers, []byte("|")) {
		switch {
		case looksLikeAddress(value):
			l.Referer = value
		case looksLikeAgent(value):
			l.UserAgent = value
		case l.Host == nil && looksLikeHost(value):
			l.Host = present(withoutPort(value))
		}
	}
}

// looksLikeHost reports whether a text is a name such as www.example.com, and no number.
func looksLikeHost(text []byte) bool {
	letter := false
	for _, c := range text {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letter = true
		case '0' <= c && c <= '9', c == '-', c == '.', c == ':':
		default:
			return false
		}
	}
	return letter && bytes.IndexByte(text, '.') > 0
}

// haproxyTime reads 06/Feb/2009:12:14:14.655, which has no zone: it is taken for UTC.
func haproxyTime(text []byte) time.Time {
	t, err := time.Parse("02/Jan/2006:15:04:05", string(text)) // and fractions
	if err != nil {
		return time.Time{}
	}
	return t
}
