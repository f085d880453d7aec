package rule

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Suggestion is a goal that the rules do not have.
type Suggestion struct {
	// What is what the log shows: "POST /demo-request was accepted 41 times".
	What string
	// Times is how often.
	Times uint64
	// YAML is the goal, ready to be put under goals: of a rule file.
	YAML string
	// Goal is the name that the goal has there, and Path the address, of a file if Download
	// is true, else of a form. If several addresses differ in their IDs, it is the template.
	Goal, Path string
	Download   bool
	// LedTo tells where the form led, as far as the log does, the most frequent first.
	LedTo []Lead
}

// unruled is how often a form was accepted, or a file fetched, without a goal. What has an
// ID in its address is one form, and kept by its template.
type unruled struct {
	path    string // the first one
	several bool   // there are others of the template
	times   uint64
	leads   Leads
}

// noteUnruled counts forms that were accepted and files that were fetched
// without a goal that says so.
func (r *Replay) noteUnruled(e *LogEntry, page string) {
	isForm := e.Method == http.MethodPost && (e.Status == http.StatusSeeOther || e.Status == http.StatusFound || e.Status == http.StatusCreated)
	isFile := e.Method == http.MethodGet && e.Status == http.StatusOK && slices.Contains(documents, strings.ToLower(path.Ext(page)))
	if !isForm && !isFile || len(page) > maxUnruled || r.isBot(e) {
		return
	}
	if isForm && e.Location != "" && e.Status != http.StatusCreated && r.x.judgeRedirect(r.rules.failure, false) == ReasonNotSuccessful {
		return
	}
	// A log is written by strangers too: what they sent as %1B or %0A must not
	// reach a terminal or a rule file by way of a suggestion.
	if strings.ContainsFunc(page, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return
	}
	template := unruledTemplate(page, isFile)
	seen := r.unruled[request{e.Method, template}] // the map must not keep the text of e as its key
	if seen == nil {
		if len(r.unruled) == keptUnruled {
			return
		}
		seen = &unruled{path: strings.Clone(page)}
		r.unruled[request{strings.Clone(e.Method), strings.Clone(template)}] = seen
	}
	seen.several = seen.several || seen.path != page
	if seen.times++; isForm && e.Location != "" {
		seen.leads.Count(&r.x)
	}
}

// unruledTemplate is the template of an address. The name of a file is no ID, because
// people look for it: price-list-2026.pdf.
func unruledTemplate(page string, isFile bool) string {
	if !isFile {
		return PathTemplate(page)
	}
	if folder := page[:max(strings.LastIndexByte(page, '/'), 0)]; hasID(folder) {
		return PathTemplate(folder) + page[len(folder):]
	}
	return page
}

// documents are endings of files that people download on purpose.
var documents = []string{".pdf", ".zip", ".docx", ".xlsx", ".pptx", ".csv", ".epub", ".dmg", ".exe", ".msi", ".mp4"}

// Suggestions returns the most frequent forms and downloads without a goal, at most n.
// Of their addresses, 10,000 are kept.
func (r *Replay) Suggestions(n int) []Suggestion {
	all := slices.SortedFunc(maps.Keys(r.unruled), func(a, b request) int {
		return cmp.Or(cmp.Compare(r.unruled[b].times, r.unruled[a].times), strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	})
	list, taken := []Suggestion(nil), r.rules.Names()
	for _, at := range all {
		if len(list) >= n {
			break
		}
		seen := r.unruled[at]
		if !seen.several {
			at.path = seen.path
		}
		s, name := suggest(at, seen.times, taken)
		s.LedTo = seen.leads.List()
		if _, err := Parse([]byte("goals:\n" + s.YAML)); err != nil {
			continue // an address that no template can say, such as one with braces
		}
		list, taken = append(list, s), append(taken, name)
	}
	return list
}

// suggest writes a goal under a name that is not taken.
func suggest(at request, times uint64, taken []string) (s Suggestion, name string) {
	key, what, suffix := "submit", "was accepted", "_SENT"
	if at.method == http.MethodGet {
		key, what, suffix = "download", "was downloaded", "_DOWNLOADED"
	}
	named := strings.TrimRight(at.path, "/*") // the last part that is no ID
	name = strings.TrimPrefix(suggestName(strings.TrimSuffix(path.Base(named), path.Ext(named))), "write ")
	if !goalName.MatchString(name + suffix) {
		name = "NEW_GOAL"
	}
	name += suffix
	for base, i := name, 2; slices.Contains(taken, name); i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	often := fmt.Sprintf("%d times", times)
	switch times {
	case 1:
		often = "once"
	case 2:
		often = "twice"
	}
	return Suggestion{
		What:  fmt.Sprintf("%s %s %s %s", at.method, at.path, what, often),
		Times: times,
		YAML:  fmt.Sprintf("  - goal: %s\n    %s: %q\n", name, key, at.path),
		Goal:  name, Path: at.path, Download: at.method == http.MethodGet,
	}, name
}
