package rule

type sourceKind uint8

// sourceKinds are the words before the dot. A $source may use those of the
// first group; a condition may use them all but path.x and redirect.x, which
// are matched by the templates themselves.
var sourceKinds = map[string]sourceKind{
	"path":            sourcePath,
	"query":           sourceQuery,
	"header":          sourceHeader,
	"cookie":          sourceCookie,
	"form":            sourceForm,
	"redirect":        sourceRedirect,
	"json":            sourceJSON,
	"response.header": sourceResponseHeader,
	"response.json":   sourceResponseJSON,
	"app":             sourceApp,
	"utm":             sourceUTM,
	"element":         sourceElement,
	"event":           sourceEvent,
	"first":           sourceFirst,
}

var bareSources = map[string]sourceKind{
	"path":          sourceWholePath,
	"host":          sourceHost,
	"route":         sourceRoute,
	"response.type": sourceResponseType,
}

// late reports whether the source is known only when the handler has answered.
func (s *source) late() bool {
	switch s.kind {
	case sourceForm, sourceJSON, sourceRedirect, sourceResponseHeader, sourceResponseJSON, sourceResponseType, sourceRoute, sourceApp, sourceElement, sourceEvent:
		return true
	case sourceLiteral, sourcePath, sourceQuery, sourceHeader, sourceCookie, sourceUTM, sourceReferrer, sourceFirst, sourceWholePath, sourceHost:
	}
	return false
}

// visitorWrites reports whether the visitor can make the value up.
func (s *source) visitorWrites() bool {
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourcePath, sourceHeader, sourceCookie, sourceUTM, sourceReferrer, sourceFirst, sourceElement, sourceEvent:
		return true
	case sourceLiteral, sourceRedirect, sourceResponseHeader, sourceResponseJSON, sourceApp: // the application does
	case sourceWholePath, sourceHost, sourceRoute, sourceResponseType: // of conditions only
	}
	return false
}

// ofAnswer reports whether the source is a part of the answer.
func (s *source) ofAnswer() bool {
	return s.kind == sourceResponseJSON || s.kind == sourceResponseHeader || s.kind == sourceResponseType
}

// ofType reports whether the source is the answer's Content-Type, which net/http
// may yet detect.
func (s *source) ofType() bool {
	return s.kind == sourceResponseType || s.kind == sourceResponseHeader && s.name == "Content-Type"
}

// fold reports whether values of this source are compared without regard to
// case, as the names of hosts and media types are.
func (s *source) fold() bool { return s.kind == sourceHost || s.kind == sourceResponseType }

// hidden reports whether a log does not tell the source.
func (s *source) hidden(x *Exchange) bool {
	switch s.kind {
	case sourceQuery, sourceWholePath, sourceUTM, sourceReferrer, sourceLiteral:
		return false
	case sourceHost:
		return x.host == ""
	case sourceResponseType:
		return x.contentType == ""
	case sourcePath, sourceHeader, sourceCookie, sourceForm, sourceJSON, sourceRedirect, sourceResponseHeader, sourceResponseJSON, sourceApp, sourceRoute, sourceElement, sourceEvent, sourceFirst:
	}
	return true
}
