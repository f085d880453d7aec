package rule

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/spelling"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Lead is a page to which accepted forms of a goal led. Somebody who knows the
// site sees from it whether all of those forms were accepted.
type Lead struct {
	// To is its path without the query, in which what looks like an ID is *. It
	// is "//pay.example" for another host, and "" for all beyond the first 16.
	To string `json:"to"`
	// Times is how often forms led there.
	Times uint64 `json:"times"`
}

// keptLeads bounds the pages counted for a goal.
const keptLeads = 16

// Leads counts the pages to which accepted forms of one goal led: 16 of them, and all
// others together. The zero value is ready. It belongs to one goroutine at a time.
type Leads struct {
	to     map[string]*uint64
	others uint64
}

// Count counts where the answer of a form that was accepted leads. An answer that leads
// nowhere is not counted.
func (l *Leads) Count(x *Exchange) {
	to := x.leadsTo()
	if to == "" {
		return
	}
	n := l.to[to]
	switch {
	case n != nil:
		*n++
	case len(l.to) == keptLeads:
		l.others++
	default:
		if l.to == nil {
			l.to = make(map[string]*uint64)
		}
		once := uint64(1)
		l.to[strings.Clone(to)] = &once // it may be a part of a larger text
	}
}

// List is what was counted, the most frequent first, and the others last. The list is
// the caller's.
func (l *Leads) List() []Lead {
	var list []Lead
	for to, n := range l.to {
		list = append(list, Lead{to, *n})
	}
	slices.SortFunc(list, func(a, b Lead) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.To, b.To))
	})
	if l.others > 0 {
		list = append(list, Lead{"", l.others})
	}
	return list
}

// leadsTo is where the answer leads, as Lead.To has it; "" if nowhere.
func (x *Exchange) leadsTo() string {
	if !web.IsRedirect(x.status) || x.location == "" {
		return ""
	}
	if path, _, ok := x.redirectTarget(); ok {
		return plainLead(path)
	}
	u, err := url.Parse(slashed(strings.TrimSpace(x.location)))
	if err != nil || !web.ValidHost(web.HostOnly(u.Host)) {
		return ""
	}
	return "//" + strings.ToLower(web.HostOnly(u.Host))
}

// These bound what is told of a path: segments, and bytes of one.
const (
	leadSegments = 6
	leadLength   = 40
)

// plainLead is a path as a rule could name it, without what belongs to one
// visitor: a number of an order, an address, a token.
func plainLead(path string) string {
	path = urlpath.Trim(path)
	switch {
	case path == "":
		return "/"
	case strings.Count(path, "/") <= leadSegments && !hasID(path):
		return path
	}
	var b strings.Builder
	for n := 0; path != ""; n++ {
		var segment string
		if segment, path = urlpath.NextSegment(path); n == leadSegments {
			b.WriteString("/**")
			break
		}
		if isPrivate(segment) {
			segment = "*"
		}
		b.WriteString("/" + segment)
	}
	return b.String()
}

// PathTemplate is a path, in which each part that looks like an ID is *: a number, a UUID or
// another token, and a name with two digits or more. So /account/7/settings is
// /account/*/settings, as a rule can name it.
func PathTemplate(path string) string {
	if path = urlpath.Trim(path); path == "" {
		return "/"
	}
	if !hasID(path) {
		return path
	}
	var b strings.Builder
	for path != "" {
		var segment string
		if segment, path = urlpath.NextSegment(path); isPrivate(segment) {
			segment = "*"
		}
		b.WriteString("/" + segment)
	}
	return b.String()
}

// hasID reports whether a part of a path is not the same for every visitor.
func hasID(path string) bool {
	for path != "" {
		var segment string
		if segment, path = urlpath.NextSegment(path); isPrivate(segment) {
			return true
		}
	}
	return false
}

// isPrivate recognises what is not the same for every visitor, as far as that
// can be seen, and what cannot stand in a rule.
func isPrivate(segment string) bool {
	if strings.HasPrefix(segment, ":") { // as other routers write a variable
		return true
	}
	digits := 0
	for _, c := range segment {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c == '@' || c == utf8.RuneError || strings.ContainsRune("{}*?#%", c) || !unicode.IsPrint(c):
			return true
		}
	}
	if spelling.Unseen(segment) != "" {
		return true
	}
	return digits > 1 || digits == len(segment) || len(segment) > leadLength || looksLikeToken(segment)
}
