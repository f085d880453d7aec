package rule

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// A file counts when its first byte is sent, so that the many ranges of a resumed or
// streamed file count once. A site may leave the sending to the server in front of
// it; then that server answers the range, and what the site says is 200 for all of
// them:
//
//	GET /files/a.pdf, Range: bytes=500000-999999
//	200, X-Accel-Redirect: /protected/files/a.pdf
//
// There the request says which part will be sent.

// smallRange is the size under which a range is taken for a probe: Safari asks for
// bytes=0-1 before it plays or shows a file
// (https://github.com/getkirby/kirby/issues/1207).
const smallRange = 1 << 10

// judgeDownload counts a download at its start.
func (c *Cause) judgeDownload(x *Exchange) Reason {
	switch x.status {
	case http.StatusOK:
		if x.resumes && handsOver(x.responseHeader) {
			return ReasonRange
		}
	case http.StatusPartialContent:
		first, last, size, ok := contentRange(x.responseHeader.Get("Content-Range"))
		if !ok || first != 0 || last < min(smallRange, size)-1 {
			return ReasonRange
		}
	default:
		return ReasonStatus
	}
	if handsOver(x.responseHeader) || c.goal.asksType() {
		return Fires
	}
	return x.judgeFile()
}

// A site may answer something else in the place of a file, with 200. It may be a page to log
// in, to agree to cookies or to pay, or JSON that says what is wrong. It can be told from the
// file by its type, if the address ends as that of a file does. A browser shows HTML as a
// page, whatever its address ends in
// (https://mimesniff.spec.whatwg.org/#determining-the-computed-mime-type-of-a-resource),
// unless the site says that it is to be saved (RFC 6266, section 4.2). An answer without a
// body is no such page.

// judgeFile reports whether the answer can be the file that the address names. It is pending
// if its type is not known yet.
func (x *Exchange) judgeFile() Reason {
	is := web.TypeOf(path.Ext(urlpath.Trim(x.path)))
	switch {
	case is == "" || web.IsHTML(is) || isSaved(x.responseHeader) || x.empty:
	case !x.typeKnown:
		return pending
	case web.IsHTML(x.contentType), isMessage(x.contentType) && !isMessage(is):
		return ReasonNotAFile
	}
	return Fires
}

// isSaved reports whether browsers save the answer, whatever its type.
func isSaved(h http.Header) bool {
	v, _ := web.First(h["Content-Disposition"])
	how, _, _ := strings.Cut(v, ";")
	how = strings.TrimSpace(how)
	return how != "" && !strings.EqualFold(how, "inline") && !strings.Contains(how, "=")
}

// savesFile reports whether a browser that is led to an address surely saves what is there, and
// goes on showing the page: an archive, a program, a text of an office. It shows a PDF.
func savesFile(address string) bool {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	is := web.TypeOf(path.Ext(address))
	return isFile(address) && strings.HasPrefix(is, "application/") && is != "application/pdf"
}

// isMessage reports whether a type is JSON, in which a site says what is wrong (RFC 9457). It
// can be a file, too.
func isMessage(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	mime = strings.ToLower(strings.TrimSpace(mime))
	return mime == "application/json" || strings.HasSuffix(mime, "+json")
}

// asksType reports whether a condition of the goal says of what type the answer is, so that
// nothing else has to.
func (g *goal) asksType() bool {
	return slices.ContainsFunc(g.late, func(c condition) bool { return c.from.ofType() })
}

// handOvers are the headers by which a site leaves it to the server in front to send a
// file. They are those of nginx
// (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers) and
// what copies it, Apache and lighttpd, perlbal, Cloudflare and LiteSpeed
// (https://www.litespeedtech.com/support/wiki/doku.php/litespeed_wiki:config:internal-redirect).
var handOvers = []string{"X-Accel-Redirect", "X-Sendfile", "X-Lighttpd-Send-File", "X-Sendfile2", "X-Reproxy-Url", "X-Reproxy-File", "X-Litespeed-Location"}

func handsOver(h http.Header) bool {
	return slices.ContainsFunc(handOvers, func(name string) bool { return len(h[name]) > 0 && h[name][0] != "" })
}

// resumes reports whether a header Range asks for something else than a file's beginning.
func resumes(header string) bool { return header != "" && !asksForBeginning(header) }

// asksForBeginning reports whether a Range (RFC 9110, section 14.2) asks for more of
// the file's beginning than a probe does. What is no range of bytes is answered with
// the whole file.
func asksForBeginning(header string) bool {
	unit, set, ok := strings.Cut(header, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return true
	}
	begins := false
	for spec := range strings.SplitSeq(set, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
		first, err := strconv.ParseUint(from, 10, 63)
		switch {
		case !ok || err != nil && from != "":
			return true // no range at all, of which nothing is obeyed
		case from == "":
			if _, err := strconv.ParseUint(to, 10, 63); err != nil {
				return true
			}
			continue // the last bytes
		}
		last, err := strconv.ParseUint(to, 10, 63)
		if to != "" && (err != nil || last < first) {
			return true
		}
		begins = begins || first == 0 && (to == "" || last >= smallRange-1)
	}
	return begins
}

// contentRange reads "bytes 0-1023/4096" (RFC 9110, section 14.4). An unknown
// size, "*", is taken for a large one.
func contentRange(s string) (first, last, size int64, ok bool) {
	unit, s, _ := strings.Cut(s, " ")
	span, total, ok1 := strings.Cut(s, "/")
	from, to, ok2 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if total == "*" {
		size, err3 = 1<<62, nil
	}
	ok = ok1 && ok2 && err1 == nil && err2 == nil && err3 == nil && first <= last && last < size
	return first, last, size, ok && strings.EqualFold(unit, "bytes")
}
