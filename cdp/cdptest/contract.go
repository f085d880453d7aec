package cdptest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxExt is how many ext attributes an event may have: doc.sitecore.com,
// "send-additional-event-data"; the SDKs hold the same constant.
const maxExt = 50

// checkEvent checks an event's JSON against those published rules that need no memory of
// earlier events. It reports all breaches.
func checkEvent(body map[string]any) error {
	var breaches []error
	breach := func(format string, a ...any) { breaches = append(breaches, fmt.Errorf(format, a...)) }

	// Only these two are a reason for 400 according to "troubleshooting-1153275". The
	// SDKs send events of type FORM without the others.
	for _, name := range []string{"browser_id", "type"} {
		if s, isString := body[name].(string); body[name] == nil || isString && s == "" {
			breach("%s is missing", name)
		}
	}
	for _, name := range []string{
		"browser_id", "type", "channel", "pos", "language", "currency", "page", "client_key", "referrer", "requested_at",
	} {
		if v := body[name]; v != nil && jsonType(v) != "string" {
			breach("%s must be a string, this is %s", name, jsonType(v))
		}
	}
	if err := checkType(body); err != nil {
		breaches = append(breaches, err)
	}
	if ext, sent := body["ext"]; sent {
		breaches = append(breaches, checkExt(ext))
	}
	return errors.Join(breaches...)
}

// checkType applies the rules of the event type. The page "custom-event-1166461" has those of
// the name: upper case, of the advised shape site:VERB_NOUN. [bodies] has those of what a standard
// event holds.
func checkType(body map[string]any) error {
	name, _ := body["type"].(string)
	own := name[strings.LastIndexByte(name, ':')+1:]
	switch {
	case own != strings.ToUpper(own):
		return fmt.Errorf("type %.100q must be upper-case", name)
	case strings.HasPrefix(name, "SC_"):
		return fmt.Errorf("type %.100q is reserved: names beginning with SC_ are Sitecore's", name)
	}
	return checkBody(name, body)
}

// checkExt accepts one flat object of scalars. The documentation says that names are letters
// and digits. The underscore is let through, because every SDK makes such names when it
// flattens a nested object.
func checkExt(v any) error {
	ext, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("ext must be an object, this is %s", jsonType(v))
	}
	var breaches []error
	if len(ext) > maxExt {
		breaches = append(breaches, fmt.Errorf("ext has %d attributes, %d are allowed", len(ext), maxExt))
	}
	for _, name := range slices.Sorted(maps.Keys(ext)) {
		if !plainName(name) {
			breaches = append(breaches, fmt.Errorf("ext attribute %.50q: a name is letters and digits", name))
		}
		if t := jsonType(ext[name]); t != "string" && t != "boolean" && t != "number" {
			breaches = append(breaches, fmt.Errorf("ext attribute %.50q must be a string, boolean or number, this is %s", name, t))
		}
	}
	return errors.Join(breaches...)
}

func plainName(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' {
			return false
		}
	}
	return s != ""
}

// The bounds of what is remembered of all event types together: how many attributes, and how
// long the names of type and attribute may be.
const (
	maxSchema     = 10_000
	maxSchemaName = 256
)

// schema remembers the JSON type of every ext attribute of every event type. A name must keep
// its type, or the real CDP stops ingesting that attribute ("send-additional-event-data").
type schema map[extName]string

type extName struct{ event, attribute string }

// check reports the attributes of e that changed their type.
func (s schema) check(e *Event) error {
	var breaches []error
	for _, name := range slices.Sorted(maps.Keys(e.Ext)) {
		was, now := s[extName{e.Type, name}], jsonType(e.Ext[name])
		if was != "" && was != now {
			breaches = append(breaches, fmt.Errorf("ext attribute %.50q of %.100s was a %s before, this is %s", name, e.Type, was, now))
		}
	}
	return errors.Join(breaches...)
}

// learn remembers the types of e's attributes.
func (s schema) learn(e *Event) {
	for name, v := range e.Ext {
		if len(s) >= maxSchema || len(e.Type)+len(name) > maxSchemaName {
			continue
		}
		s[extName{e.Type, name}] = jsonType(v)
	}
}
