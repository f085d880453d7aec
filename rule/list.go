package rule

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
)

// maxList bounds how many values a list of an event has. A longer one is no list that a
// person made.
const maxList = 100

// list reads a source that may have several values. That is a field that a form repeats, a
// parameter that an address repeats, a list of JSON or one that the application set. In "items.sku", sku
// is asked of every element of items. Values that are equal are one. It is empty if nothing is
// there, and not ok if one of the values is no text and no number, or is blank.
func (x *Exchange) list(s *source) (texts []string, ok bool, r Reason) {
	ok = true
	switch s.kind {
	case sourceForm:
		if x.tooLong(s) {
			return nil, false, ReasonValueTooLong
		}
		if last, there := x.lookup(s); there {
			texts = append(slices.Clone(x.others(s)), last)
		}
	case sourceQuery:
		texts = web.QueryValues(x.rawQuery, x.nameOf(s), maxList+1)
	case sourceApp, sourceJSON, sourceResponseJSON:
		if v := x.elements(s); v != nil {
			texts, ok = textsOf(v)
		}
	default:
		if text, there := x.lookup(s); there {
			texts = []string{text}
		}
	}
	if len(texts) > maxList {
		return nil, false, ReasonValueTooLong
	}
	kept := make([]string, 0, len(texts))
	for _, text := range texts {
		if len(text) > maxCollected {
			return nil, false, ReasonValueTooLong
		}
		text = strings.TrimSpace(cleanText(text))
		ok = ok && text != ""
		if !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	return kept, ok, Fires
}

// elements is what a source of many types has: the value itself or, if it is found in the
// elements of a list, one for each.
func (x *Exchange) elements(s *source) any {
	if v, _ := x.lookupTyped(s); v != nil {
		return v
	}
	for at := len(s.name); ; {
		at = strings.LastIndexByte(s.name[:max(at, 0)], '.')
		if at < 0 {
			return nil
		}
		outer := source{kind: s.kind, name: s.name[:at]}
		if v, _ := x.lookupTyped(&outer); v != nil {
			return membersOf(v, s.name[at+1:])
		}
	}
}

// membersOf asks each element of a list for a member, by a path of names. It is nil if v is no
// list. An element without the member is nil in the result.
func membersOf(v any, path string) any {
	list, ok := v.([]any)
	if !ok {
		if objects, isMaps := v.([]map[string]any); isMaps {
			for _, o := range objects[:min(len(objects), maxList+1)] {
				list = append(list, o)
			}
		} else {
			return nil
		}
	}
	members := make([]any, 0, min(len(list), maxList+1))
	for _, element := range list[:min(len(list), maxList+1)] {
		for name := range strings.SplitSeq(path, ".") {
			o, _ := element.(map[string]any)
			element = o[name]
		}
		members = append(members, element)
	}
	return members
}

// textsOf reads a list as texts. Numbers are written as JSON does. ok is false if an element
// is neither, as an object is. One value is a list of one.
func textsOf(v any) (texts []string, ok bool) {
	switch v := v.(type) {
	case []string:
		return v[:min(len(v), maxList+1)], true
	case []cdp.OrderItem:
		for i := range v[:min(len(v), maxList+1)] {
			texts = append(texts, v[i].ReferenceID)
		}
		return texts, true
	case []any:
		for _, element := range v[:min(len(v), maxList+1)] {
			text, isText := textOf(element)
			switch n := element.(type) {
			case json.Number: // inside a list they are as they were written
				text, isText = n.String(), true
			case bool:
				isText = false
			}
			if !isText {
				return nil, false
			}
			texts = append(texts, text)
		}
		return texts, true
	}
	text, ok := textOf(v)
	return []string{text}, ok
}
