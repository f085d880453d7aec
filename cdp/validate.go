package cdp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxExt is the number of ext attributes the CDP takes in one event.
const maxExt = 50

// maxFaults bounds what Validate reports of one event.
const maxFaults = 64

// A FieldError is one fault of an event. [Event.Validate] joins several; errors.AsType finds
// the first, and unwrapping to []error gives all.
type FieldError struct {
	// Field says where the fault is: "type", "ext.formId", "identifiers[0].provider".
	Field string

	// Problem says what is wrong, without the value: events hold personal data, and
	// errors end in logs.
	Problem string
}

// Error returns "cdp: event: ", the field and its problem.
func (e *FieldError) Error() string { return "cdp: event: " + clean(e.Field) + " " + e.Problem }

// faults collects what is wrong with one event.
type faults struct{ errs []error }

func (f *faults) full() bool { return len(f.errs) >= maxFaults }

func (f *faults) add(field, problem string) {
	if !f.full() {
		f.errs = append(f.errs, &FieldError{Field: cut(field, 200), Problem: problem})
	}
}

// object checks the members of m. A fault's field begins with prefix.
func (f *faults) object(prefix string, rules []requirement, m map[string]any) {
	for _, r := range rules {
		switch v, ok := m[r.name]; {
		case ok && v != nil:
			r.check(f, prefix+r.name, v)
		case r.required:
			f.add(prefix+r.name, "is required")
		}
	}
}

// Validate reports every fault of the event at once, at most 64. The error joins a
// [*FieldError] for each; it is nil if there is none.
//
// It is stricter than the official SDKs, which check neither names nor types nor codes. The
// CDP answers 201 to many events that it will never show. What a standard event requires is
// what doc.sitecore.com says on its page; for FORM it is what the SDKs send.
//
// The browser ID may be missing; if it is there, it must be a UUID. The check of a valid custom
// event without Fields allocates nothing. Validate does not change the event.
func (e *Event) Validate() error {
	if e == nil {
		return &FieldError{Field: "event", Problem: "is nil"}
	}
	var f faults
	f.base(e)
	f.utm(e.UTM)
	f.ext(e.Ext)
	f.fields(e.Fields)
	if std, ok := standards[e.Type]; ok {
		// A collector of its own: this one stays on the stack.
		f.errs = std.faults(e, f.errs)
	}
	return errors.Join(f.errs...)
}

func (f *faults) base(e *Event) {
	if e.BrowserID != "" && !ValidBrowserID(e.BrowserID) {
		f.add("browser_id", "must be a UUID of 36 characters")
	}
	f.typ(e.Type)
	if e.Channel != "" && !channelName(e.Channel) {
		f.add("channel", "must be in upper case, such as WEB or MOBILE_WEB")
	}
	if l := e.Language; l != "" && (len(l) != 2 || !letter(l[0]) || !letter(l[1])) {
		f.add("language", "must be two letters (ISO 639-1)")
	}
	if e.Currency != "" && !knownCurrency(e.Currency) {
		f.add("currency", "must be an ISO 4217 code in upper case")
	}
	if y := e.RequestedAt.UTC().Year(); y < 0 || y > 9999 {
		f.add("requested_at", "must be in the years 0 to 9999")
	}
	if e.PointOfSale != "" && checkLabel("pos", e.PointOfSale) != nil {
		f.add("pos", "must be one line of text without space around it")
	}
	f.utf8("page", e.Page)
	f.utf8("referrer", e.Referrer)
}

func (f *faults) utf8(field, s string) {
	if !utf8.ValidString(s) {
		f.add(field, "is not valid UTF-8")
	}
}

func (f *faults) typ(typ string) {
	_, isStandard := standards[typ]
	switch {
	case typ == "":
		f.add("type", "is required")
	case isStandard:
	case Reserved(typ):
		f.add("type", fmt.Sprintf("%q is reserved by Sitecore", cut(typ, 80)))
	case !typeName(typ):
		f.add("type", fmt.Sprintf("%q must be upper case letters, digits and \"_\", such as "+
			"BROCHURE_REQUESTED or shop:BROCHURE_REQUESTED", cut(typ, 80)))
	}
}

// typeName accepts VERB_NOUN, perhaps after prefixes that end in ":". Sitecore advises to put
// the site's name there, which is not always in upper case.
func typeName(s string) bool {
	last := strings.LastIndexByte(s, ':')
	for part := range strings.SplitSeq(s[:max(last, 0)], ":") {
		for i := range len(part) {
			if c := part[i]; !letter(c) && !digit(c) && c != '_' && c != '-' && c != '.' {
				return false
			}
		}
		if part == "" && last >= 0 {
			return false
		}
	}
	name := s[last+1:]
	for i := range len(name) {
		if c := name[i]; !upper(c) && !digit(c) && c != '_' {
			return false
		}
	}
	return name != "" && upper(name[0])
}

// channelName also accepts channels that are not on Sitecore's list, which has grown before. It
// does not accept lower case, a common mistake.
func channelName(s string) bool {
	for i := range len(s) {
		if !upper(s[i]) && s[i] != '_' {
			return false
		}
	}
	return true
}

func (f *faults) utm(utm []Attr) {
	for i, a := range utm {
		switch s, isText := a.Value.(string); {
		case !utmName(a.Name) || !utf8.ValidString(a.Name):
			f.add("utm", "has a name that is not utm_ and more")
		case !isText:
			f.add(a.Name, "must be a string")
		case !utf8.ValidString(s):
			f.add(a.Name, "is not valid UTF-8")
		}
		for _, b := range utm[:min(i, maxExt)] {
			if asciiFold(a.Name, b.Name) {
				f.add(a.Name, "is there twice")
				break
			}
		}
		if f.full() {
			return
		}
	}
	if len(utm) > maxExt {
		f.add("utm", "has more than 50 parameters")
	}
}

func asciiFold(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

func (f *faults) ext(ext Ext) {
	if len(ext) > maxExt {
		f.add("ext", fmt.Sprintf("has %d attributes; the CDP takes 50", len(ext)))
		ext = ext[:maxExt]
	}
	for i := range ext {
		name := ext[i].Name
		if !attrName(name) {
			f.add("ext."+name, "must have a name of a letter, then letters, digits and \"_\"")
		}
		if problem := scalarProblem(ext[i].Value); problem != "" {
			f.add("ext."+name, problem)
		}
		for j := range i {
			if ext[j].Name == name {
				f.add("ext."+name, "is there twice")
				break
			}
		}
	}
}

// attrName accepts the name of an attribute. Sitecore documents letters and digits; its own
// SDKs put "_" between the parts of a flattened name.
func attrName(s string) bool {
	if s == "" || !letter(s[0]) {
		return false
	}
	for i := range len(s) {
		if !letter(s[i]) && !digit(s[i]) && s[i] != '_' {
			return false
		}
	}
	return true
}

// scalarProblem returns why v cannot be the value of an attribute, "" if it can.
func scalarProblem(v any) string {
	switch v := v.(type) {
	case string:
		return textProblem(v)
	case bool, int, int64, int32, uint64, uint32:
		return ""
	case float64:
		return floatProblem(v)
	case json.Number:
		if !validNumber(v) {
			return "is not a number"
		}
		return ""
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String:
		return textProblem(r.String())
	case reflect.Float32, reflect.Float64:
		return floatProblem(r.Float())
	case reflect.Bool,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return ""
	case reflect.Invalid:
		return "has no value"
	default:
		return "must be a string, a bool or a number"
	}
}

func textProblem(s string) string {
	if !utf8.ValidString(s) {
		return "is not valid UTF-8"
	}
	return ""
}

func floatProblem(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "is not a finite number"
	}
	return ""
}

// fields checks the rules for Event.Fields that hold for every type.
func (f *faults) fields(fields map[string]any) {
	if len(fields) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var buf bytes.Buffer
		switch {
		case name == "" || !utf8.ValidString(name):
			f.add("fields", "has a name that is empty or not valid UTF-8")
		case ownMember(name):
			f.add(name, "is a member of Event and cannot be in Fields")
		case encode(&buf, fields[name]) != nil: // before validText: it finds maps that contain themselves
			f.add(name, "cannot be written as JSON")
		case !validText(fields[name]):
			f.add(name, "holds text that is not valid UTF-8")
		}
	}
}

// validText looks for invalid UTF-8, which encoding/json would silently replace. It looks at
// the kinds that JSON decodes to, and at those that the builders make.
func validText(v any) bool {
	switch v := v.(type) {
	case string:
		return utf8.ValidString(v)
	case []string:
		return !slices.ContainsFunc(v, func(s string) bool { return !utf8.ValidString(s) })
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !validText(e) })
	case []map[string]any:
		return !slices.ContainsFunc(v, func(m map[string]any) bool { return !validText(m) })
	case map[string]any:
		for name, element := range v {
			if !utf8.ValidString(name) || !validText(element) {
				return false
			}
		}
	case []Identifier:
		return !slices.ContainsFunc(v, func(id Identifier) bool {
			return !utf8.ValidString(id.ID) || !utf8.ValidString(id.Provider)
		})
	}
	return true
}

// faults checks a standard event by its row of the table, and returns errs with what it found.
// It checks the JSON that the fields become, so that structs and maps are the same.
func (std standard) faults(e *Event, errs []error) []error {
	f := &faults{errs}
	if len(std.ext) > 0 {
		ext := make(map[string]any, len(e.Ext))
		for _, a := range e.Ext {
			ext[a.Name] = a.Value
		}
		f.object("ext.", std.ext, ext)
	}
	if len(std.fields) == 0 {
		return f.errs
	}
	rules, wire := std.fields, make(map[string]any, len(e.Fields))
	for name, v := range e.Fields {
		var buf bytes.Buffer
		if encode(&buf, v) != nil { // reported already
			rules = slices.DeleteFunc(slices.Clone(rules), func(r requirement) bool { return r.name == name })
			continue
		}
		dec := json.NewDecoder(&buf)
		dec.UseNumber()
		var decoded any
		if dec.Decode(&decoded) == nil {
			wire[name] = decoded
		}
	}
	f.object("", rules, wire)
	if std.also != nil {
		std.also(f, wire)
	}
	return f.errs
}

func isNumber(v any) bool {
	_, ok := v.(json.Number)
	return ok
}

// cut shortens s to at most n bytes, at the start of a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
