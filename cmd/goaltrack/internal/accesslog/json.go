package accesslog

import (
	"bytes"
	"net/url"

	"github.com/goaltrack/goaltrack/internal/recent"
)

// maxDepth is how deep objects and arrays may nest in a line.
const maxDepth = 32

// deeper is more than there are names for a field.
const deeper = 100

// maxFindings is how many values of a field are kept. A line of a shop that logs its
// whole catalogue has more members with such a name than anybody looks through.
const maxFindings = 32

// jsonScanner reads an object of JSON (RFC 8259) and keeps the members whose
// names it knows. Once its buffers have grown, it allocates nothing. Decoding
// into a value would allocate for every line.
type jsonScanner struct {
	text   []byte
	pos    int
	others int    // arrays around the value to come of which it is not in the first element
	name   []byte // that of the value to come, as in jsonNames
	inside []jsonInside
	around []int // of each object of the line, counted from 1, the one around it; 0 is none
	found  [jsonFields][]jsonFinding
	root   int         // the object that is the request
	target []byte      // a path joined with its query
	seen   *recent.Set // requests of Vercel
}

// jsonInside is an object around the value to come.
type jsonInside struct {
	start  int // of the rest of the name
	object int // which one of the line it is, counted from 1
}

// jsonFinding is a value that may be that of a field.
type jsonFinding struct {
	value  []byte
	rank   int // of its name
	object int // in which the name begins
}

// scan reads a line and unescapes its strings in place.
func (s *jsonScanner) scan(line []byte) bool {
	s.others = 0
	s.text, s.pos, s.name, s.inside, s.around = line, 0, s.name[:0], s.inside[:0], append(s.around[:0], 0)
	for f := range s.found {
		s.found[f] = s.found[f][:0]
	}
	if !s.value(0) || s.next() != 0 || s.pos != len(line) {
		return false
	}
	s.root = s.request()
	return true
}

// request finds the object that tells of a request: one with a method, an address and
// a status, of which the name of the method is the best. If none is whole, it is the one
// with the best method, so that what is missing can be told. Names may begin in an object
// further out: req.method and res.statusCode are of the one around req and res.
func (s *jsonScanner) request() int {
	best, whole, rank := 0, false, 0
	for _, f := range [...]jsonField{jsonMethod, jsonLine} {
		for _, found := range s.found[f] {
			all := s.isWhole(found.object)
			if better := found.rank < rank || found.rank == rank && found.object < best; best == 0 || all && !whole || all == whole && better {
				best, whole, rank = found.object, all, found.rank
			}
		}
		if whole {
			break
		}
	}
	return best
}

// isWhole reports whether an object has what makes a request, beside its method.
func (s *jsonScanner) isWhole(object int) bool {
	if s.of(jsonStatus, object) == nil {
		return false
	}
	line := s.of(jsonLine, object)
	return s.of(jsonTarget, object) != nil || s.of(jsonPath, object) != nil || line != nil && bytes.IndexByte(line.value, ' ') > 0
}

// of returns the best finding of a field in an object, or nil.
func (s *jsonScanner) of(f jsonField, object int) (best *jsonFinding) {
	for i := range s.found[f] {
		if found := &s.found[f][i]; found.object == object && (best == nil || found.rank < best.rank) {
			best = found
		}
	}
	return best
}

// fill writes what was found into l, and reports whether it is a request.
func (s *jsonScanner) fill(l *Line) bool {
	get := s.get
	if s.is(jsonMethod, vercelMethod) && !s.is(jsonTarget, vercelPath) {
		return false
	}

	method, target := get(jsonMethod), get(jsonTarget)
	line := get(jsonLine)
	lineMethod, lineTarget := splitRequest(line)
	if lineMethod == nil && isMethod(line) {
		lineMethod = line // Fastly's req.request is the method alone
	}
	if method == nil {
		method = lineMethod
	}
	if target == nil {
		target = lineTarget
	}
	if target == nil {
		target = s.join(get(jsonPath), get(jsonQuery))
	}
	l.Host = present(withoutPort(get(jsonHost)))
	l.UserAgent, l.Referer = plainAgent(get(jsonAgent)), get(jsonReferer)
	l.ContentType, l.Location = get(jsonType), get(jsonLocation)
	if l.Time = parseTime(get(jsonTime)); l.Time.IsZero() {
		l.Time = w3cWhen(get(jsonDate), get(jsonTime))
	}
	if size, ok := parseDigits(get(jsonBytes)); ok {
		l.Bytes = size
	}
	if !l.setTarget(method, target) || !l.setStatus(get(jsonStatus)) {
		return false
	}
	if s.is(jsonMethod, vercelMethod) {
		s.remember()
	}
	return true
}

// plainAgent undoes what some vendors do to the blanks of a user agent: CloudFront
// and Akamai write %20, Application Gateway a plus sign. A text with blanks is as it
// was sent.
func plainAgent(agent []byte) []byte {
	switch {
	case bytes.IndexByte(agent, ' ') >= 0:
	case bytes.Contains(agent, []byte("%20")):
		if plain, err := url.PathUnescape(string(agent)); err == nil {
			return present([]byte(plain))
		}
	case bytes.Contains(agent, []byte("+(")):
		return bytes.ReplaceAll(agent, []byte("+"), []byte(" "))
	}
	return agent
}

// isMethod reports whether a text is the name of a method in capital letters.
func isMethod(text []byte) bool {
	return len(text) > 2 && !bytes.ContainsFunc(text, func(c rune) bool { return c < 'A' || c > 'Z' })
}

// get returns the value of a field of the request. What makes a request is in one
// object, and the rest is there or around it. Otherwise a status of something else would
// become that of the request.
func (s *jsonScanner) get(f jsonField) []byte {
	for object := s.root; object > 0; object = s.around[object] {
		if found := s.of(f, object); found != nil {
			return found.value
		}
		switch f {
		case jsonMethod, jsonTarget, jsonLine, jsonPath, jsonQuery, jsonStatus:
			return nil
		}
	}
	return nil
}

// is reports whether a field of the request has a name.
func (s *jsonScanner) is(f jsonField, name string) bool {
	for object := s.root; object > 0; object = s.around[object] {
		for _, found := range s.found[f] {
			if found.object == object && found.rank == jsonNames[name].rank {
				return true
			}
		}
	}
	return false
}

// format tells who wrote the line.
func (s *jsonScanner) format() logFormat {
next:
	for _, v := range jsonVendors {
		for f, name := range v.members {
			if !s.is(f, name) {
				continue next
			}
		}
		return v.format
	}
	return jsonFormat
}

// beside reports whether the line is about a request that has a line of its own,
// or about none of a client. Vercel writes a line for each message of a function,
// and -1 for a page that it makes anew by itself. Front Door writes a line for
// what one of its caches asks another.
func (s *jsonScanner) beside() bool {
	if s.is(jsonMethod, vercelMethod) {
		again := s.seen != nil && s.seen.Has(view(s.get(jsonRequestID)))
		return again || s.is(jsonStatus, vercelStatus) && string(s.get(jsonStatus)) == "-1"
	}
	return string(s.get(jsonFromClient)) == "false"
}

// wrapped is the line inside of another, as far as the scanned one is no request itself. A
// message of a function of Vercel is none: the request has a line of its own.
func (s *jsonScanner) wrapped() []byte {
	if s.root > 0 || bytes.Contains(s.text, []byte(`"deploymentId"`)) {
		return nil
	}
	var best jsonFinding
	for _, found := range s.found[jsonWrapped] {
		if best.value == nil || found.rank+deeper*found.object < best.rank+deeper*best.object {
			best = found
		}
	}
	return bytes.TrimSpace(best.value)
}

// keptRequests is how many requests of Vercel are remembered. The lines of one
// are close to each other.
const keptRequests = 10_000

// remember keeps the request of the line, if it has a name.
func (s *jsonScanner) remember() {
	if id := s.get(jsonRequestID); id != nil {
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
// "properties". So each end of the name counts, for the object in which it begins. If
// two values have the same name, the last one counts, as in encoding/json.
func (s *jsonScanner) keep(value []byte) {
	if present(value) == nil || s.others > 0 {
		return
	}
	for _, in := range s.inside {
		if len(s.name)-in.start > longestName {
			continue // a line may have a name of many thousand bytes, and as many values below it
		}
		if name, ok := jsonNames[string(s.name[in.start:])]; ok {
			s.add(name.field, jsonFinding{value, name.rank, in.object})
		}
	}
}

func (s *jsonScanner) add(f jsonField, finding jsonFinding) {
	for i := range s.found[f] {
		if found := &s.found[f][i]; found.rank == finding.rank && found.object == finding.object {
			found.value = finding.value
			return
		}
	}
	if len(s.found[f]) < maxFindings {
		s.found[f] = append(s.found[f], finding)
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
