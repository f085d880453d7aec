package accesslog

import (
	"bytes"
	"net/url"
	"strings"
	"time"
)

// w3cField is a place in a Line that a column of a W3C log can fill.
type w3cField int

const (
	w3cOther w3cField = iota
	w3cDate
	w3cTime
	w3cMethod
	w3cAddress // path and query, or a whole address
	w3cStem    // the path
	w3cQuery
	w3cStatus
	w3cBytes
	w3cHost
	w3cAgent
	w3cReferer
	w3cType
	w3cLocation
	w3cFields
)

// w3cNames has the names of columns in lower case. IIS has those of
// https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging; others have
// a header in brackets after who sent it to whom, by the draft of the format,
// https://www.w3.org/TR/WD-logfile.html.
var w3cNames = map[string]w3cField{
	"date": w3cDate, "time": w3cTime, "cs-method": w3cMethod,
	"cs-uri": w3cAddress, "cs-uri-stem": w3cStem, "cs-uri-query": w3cQuery,
	"sc-status": w3cStatus, "sc-bytes": w3cBytes,
	"cs-host": w3cHost, "cs(host)": w3cHost, "x-host-header": w3cHost,
	"cs(user-agent)": w3cAgent, "cs(referer)": w3cReferer, "cs(referrer)": w3cReferer,
	"sc(content-type)": w3cType, "sc-content-type": w3cType, "sc(location)": w3cLocation,
}

// w3cParser reads a log in the extended format of the W3C. A line "#Fields:" says
// which columns follow. IIS writes another one whenever its settings change, and
// at each start.
type w3cParser struct {
	columns []w3cField
	day     []byte // of "#Date:", for logs without the column
	cloud   bool   // it is one of CloudFront, which writes %20 for a blank
	target  []byte // a path joined with its query
}

// directives are the lines that are no requests and that no request is missing in.
var directives = []string{"version", "fields", "software", "start-date", "end-date", "date", "remark"}

// direct reads a line that is about the log, and reports whether it is one.
func (p *w3cParser) direct(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || name[0] != '#' {
		return false
	}
	for _, d := range directives {
		if !strings.EqualFold(string(name[1:]), d) {
			continue
		}
		switch d {
		case "fields":
			p.take(string(value))
		case "date":
			day, _, _ := bytes.Cut(bytes.TrimSpace(value), []byte(" "))
			p.day = append(p.day[:0], day...)
		}
		return true
	}
	return false
}

// take takes the names of the columns that follow.
func (p *w3cParser) take(names string) {
	p.columns, p.cloud = p.columns[:0], false
	for name := range strings.FieldsSeq(names) {
		name = strings.ToLower(name)
		p.columns = append(p.columns, w3cNames[name])
		p.cloud = p.cloud || name == "x-edge-location"
	}
}

// read reads a request into l, and reports whether it is one. A line with more
// or fewer values than there are columns is none: nobody knows which is missing.
func (p *w3cParser) read(line []byte, l *Line) bool {
	var found [w3cFields][]byte
	n := 0
	for len(line) > 0 {
		end := bytes.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		if n == len(p.columns) {
			return false
		}
		found[p.columns[n]] = present(line[:end:end])
		n++
		line = bytes.TrimLeft(line[end:], " \t")
	}
	if n != len(p.columns) {
		return false
	}
	return p.fill(&found, l)
}

func (p *w3cParser) fill(found *[w3cFields][]byte, l *Line) bool {
	target := found[w3cAddress]
	if target == nil {
		target = found[w3cStem]
		if query := found[w3cQuery]; len(query) > 0 {
			p.target = append(append(append(p.target[:0], target...), '?'), query...)
			target = p.target
		}
	}
	if !l.setTarget(found[w3cMethod], target) || !l.setStatus(found[w3cStatus]) {
		return false // and nothing of the line was changed
	}
	if l.Host == nil {
		l.Host = present(withoutPort(found[w3cHost]))
	}
	l.Referer, l.UserAgent = found[w3cReferer], p.words(found[w3cAgent])
	l.ContentType, l.Location = p.words(found[w3cType]), found[w3cLocation]
	if size, ok := parseDigits(found[w3cBytes]); ok {
		l.Bytes = size
	}
	day := found[w3cDate]
	if day == nil {
		day = p.day
	}
	l.Time = w3cWhen(day, found[w3cTime])
	return true
}

// words undoes what was done to the blanks of a header: IIS writes a plus sign,
// and so does not tell it from a plus sign.
func (p *w3cParser) words(text []byte) []byte {
	if p.cloud {
		if plain, err := url.PathUnescape(string(text)); err == nil {
			return present([]byte(plain))
		}
	}
	for i, c := range text {
		if c == '+' {
			text[i] = ' '
		}
	}
	return text
}

// w3cWhen reads a day such as 2025-11-09 and a time such as 06:25:31, perhaps
// with fractions, of Greenwich. [time.Parse] would allocate.
func w3cWhen(day, clock []byte) time.Time {
	if len(day) != len("2006-01-02") || len(clock) < len("15:04:05") {
		return time.Time{}
	}
	var n [6]int
	for i, text := range [...][]byte{day[:4], day[5:7], day[8:], clock[:2], clock[3:5], clock[6:8]} {
		digits, ok := parseDigits(text)
		if n[i] = int(digits); !ok {
			return time.Time{}
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 60 {
		return time.Time{}
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
}
