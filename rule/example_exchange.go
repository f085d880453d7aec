package rule

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
)

// exchange is the example as the rules see it.
func (e Example) exchange() Exchange {
	if e.Act != nil {
		return e.actExchange()
	}
	x := Exchange{
		method: e.Method, host: e.Host, header: e.Header, location: e.Location, status: e.Status, route: e.Route,
		responseHeader: e.AnswerHeader, contentType: e.ContentType, app: e.App,
		typeKnown: true, bodyReason: Fires, confirmed: e.Confirmed,
	}
	if e.Location != "" && len(x.responseHeader["Location"]) == 0 {
		x.responseHeader = x.responseHeader.Clone()
		if x.responseHeader == nil {
			x.responseHeader = http.Header{}
		}
		x.responseHeader.Set("Location", e.Location)
	}
	x.method = cmp.Or(x.method, http.MethodGet)
	x.status = cmp.Or(x.status, http.StatusOK)
	x.path, x.rawQuery, _ = strings.Cut(e.Path, "?")
	if p, err := url.PathUnescape(x.path); err == nil {
		x.path = p
	}
	x.path = cmp.Or(x.path, "/")
	prefix := urlpath.NormalPrefix(e.PathPrefix)
	if prefix == "" && len(x.header[urlpath.ForwardedPrefix]) > 0 {
		prefix = urlpath.ReadPrefix(x.header[urlpath.ForwardedPrefix]) // an example is believed
	}
	whole := urlpath.Normal(x.path)
	x.path = urlpath.CutPrefix(whole, prefix)
	x.setOdd(oddAddress{prefix: prefix, taken: urlpath.CutOff(whole, x.path)})
	x.soft, x.nextData = navigation.IsSoft(x.header, x.path, x.rawQuery), navigation.IsNextData(x.path)
	x.navigation = navigation.MayBePage(x.header) || x.soft
	x.restarts = navigation.Restarts(x.header, x.responseHeader)
	page, other := navigation.PagesOf(x.path, "", e.Header.Get("Referer"))
	x.path = page
	x.Fetched(x.soft, other)
	if x.contentType == "" {
		x.contentType = e.usualType(x.path, x.status)
	}
	e.body(&x)
	x.answer = scan.Given(x.status, x.contentType, e.AnswerHeader, e.AnswerJSON)
	x.referer = e.Header.Get("Referer")
	x.userAgent = e.Header.Get("User-Agent")
	x.cameBy(e.Header)
	x.resumes = resumes(e.Header.Get("Range"))
	return x
}

// body fills in the body as a browser would send it: JSON if there is any, and
// otherwise a form. A Content-Type and a Content-Encoding among the headers win.
func (e *Example) body(x *Exchange) {
	text, contentType := e.JSON, "application/json"
	if e.JSON == "" {
		text, contentType = e.Form.Encode(), "application/x-www-form-urlencoded"
	}
	if text == "" {
		return // no body, of which no field is present
	}
	if t := e.Header.Get("Content-Type"); t != "" {
		contentType = t
	}
	x.bodyKind = scan.KindOf(contentType)
	switch {
	case x.bodyKind == scan.KindNone:
		x.bodyReason = ReasonFormNotAForm
	case scan.IsEncoded(e.Header):
		x.bodyReason = ReasonFormEncoded
	case len(text) > scan.BodyLimit && isJSONKind(x.bodyKind):
		x.bodyReason = ReasonFormTooLarge
	case isJSONKind(x.bodyKind):
		x.takeJSON([]byte(text))
	case e.JSON == "":
		x.form = scan.Pick("", e.Form, slices.Collect(maps.Keys(e.Form)))
	}
}

// usualType is the type of an answer that does not say: JSON if it has members,
// none without a body, else what the path looks like.
func (e *Example) usualType(page string, status int) string {
	switch {
	case e.AnswerJSON != "":
		return "application/json"
	case !scan.HasBody(status) || web.IsRedirect(status):
		return ""
	}
	return typeByPath(page)
}

// typeByPath guesses the type of an answer: HTML, unless the path ends in
// something else.
func typeByPath(p string) string { return cmp.Or(web.TypeOf(path.Ext(p)), "text/html") }
