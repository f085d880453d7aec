package rule

import (
	"maps"
	"slices"
	"strings"
)

// What a schema can say of texts: patterns, and words to choose from. Each refuses only what
// [Load] refuses as well, so that an editor never marks what is right. Patterns are in what
// Go and JavaScript both read.

// pathText is a path. What stands in braces may have any character.
func pathText() object {
	return object{"type": "string", "pattern": "^/", "not": object{"pattern": `^[^{]*\?|/:[A-Za-z]`}}
}

// chosen is one of some words, which editors offer, or a text that fits a pattern.
func chosen(pattern string, words ...string) object {
	return object{"anyOf": []any{object{"enum": words}, object{"type": "string", "pattern": pattern}}}
}

func texts(pattern string) object { return object{"type": "string", "pattern": pattern} }

// The patterns. A $ at the beginning is a source, where one may stand.
const (
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{1,2}:[0-9]{2}.*)?$`
	countPattern    = `^(every|once per [a-z]+( for \$.+)?|once per \$.+)$`
	spanPattern     = `^(ever|[0-9]+ (days?|weeks?)|[+]?([0-9.]+(ns|us|µs|μs|ms|s|m|h))+)$`
	sessionPattern  = `^ *((<=|>=|<|>) *)?[1-9][0-9]{0,5} *$`
	timePattern     = `^[+]?([0-9.]+(ns|us|µs|μs|ms|s|m|h))+$`
	languagePattern = `^[A-Za-z][A-Za-z]([-_].*)?$`
	currencyPattern = `^([A-Za-z]{3}|none)$`
	successPattern  = `^ *([2-5][0-9][0-9]|[2-5]xx|(redirect|3[0-9][0-9]) +to +/.*)$`
)

// orSource lets a $source stand in place of what fits a pattern.
func orSource(pattern string) string { return `^\$|` + pattern }

// markGoal replaces what is said of the keys of a goal by what more can be said.
func markGoal(goal object) {
	maps.Copy(goal, object{
		"goal":     texts(goalName.String()),
		"sends":    chosen(goalName.String(), sendableTypes()...),
		"renamed":  object{"anyOf": []any{texts(goalName.String()), listOf(texts(goalName.String()))}},
		"from":     texts(datePattern),
		"until":    texts(datePattern),
		"count":    chosen(countPattern, "every", "once per session", "once per visitor", "once per day", "once per week", "once per month"),
		"session":  object{"anyOf": []any{object{"type": "integer", "minimum": 1}, chosen(sessionPattern, "1", ">= 2", ">= 3")}},
		"within":   chosen(timePattern, "30m", "2h"),
		"language": texts(orSource(languagePattern)),
		"currency": texts(orSource(currencyPattern)),
		"success": object{"anyOf": []any{
			object{"enum": []string{"redirect", "2xx", "confirmed"}},
			object{"type": "integer", "minimum": 200, "maximum": 599},
			texts(successPattern), conditionSchema(),
		}},
		"value": object{"anyOf": []any{
			object{"type": "number", "not": object{"const": 0}},
			texts(`^\$`),
			closed(object{"amount": object{"type": "number"}, "from": text(), "currency": chosen(currencyPattern, "EUR", "USD", "none"), "max": object{"type": "number"}}),
		}},
	})
	data := maps.Clone(goal["data"].(object)) // made by Schema
	data["propertyNames"] = object{"pattern": extName.String()}
	goal["data"] = data
	order := maps.Clone(goal["order"].(object))
	order["required"] = []string{"id", "total"}
	goal["order"] = order
}

// markDefaults does the same for defaults:.
func markDefaults(defaults object) {
	maps.Copy(defaults, object{
		"language":  texts(languagePattern),
		"currency":  texts(currencyPattern),
		"count":     chosen(countPattern, "every", "once per session", "once per visitor", "once per day", "once per week", "once per month"),
		"consent":   object{"enum": enumKeys["consent"]},
		"decimal":   object{"enum": enumKeys["decimal"]},
		"connector": object{"enum": []string{connectorCDP4S}},
	})
}

// conditionNames are what conditions can look at.
func conditionNames() object {
	dotted := slices.Sorted(maps.Keys(sourceKinds))
	bare := append(slices.Sorted(maps.Keys(bareSources)), "referrer")
	escape := func(list []string) string { return strings.ReplaceAll(strings.Join(list, "|"), ".", `\.`) }
	return object{"pattern": `^((` + escape(bare) + `)$|(` + escape(dotted) + `)\..)`}
}

// triggerRules say that a goal has one trigger, and that success: is for forms. A goal that
// sends its own name must not have that of an event of the CDP.
func triggerRules() []any {
	own := slices.DeleteFunc(slices.Clone(triggerKeys), func(k string) bool { return k == "on" })
	has := func(keys ...string) (list []any) {
		for _, k := range keys {
			list = append(list, object{"required": []string{k}})
		}
		return list
	}
	others := slices.DeleteFunc(slices.Clone(own), func(k string) bool { return k == "submit" })
	return []any{
		object{"oneOf": has(append(own, "any")...)},
		object{"if": object{"anyOf": has(others...)}, "then": object{"not": object{"required": []string{"success"}}}},
		object{
			"if":   object{"not": object{"required": []string{"sends"}}},
			"then": object{"properties": object{"goal": object{"not": object{"enum": reservedNames}}}},
		},
	}
}

// reservedNames are the events of Sitecore's list that a goal's name is most likely to hit
// (doc.sitecore.com, "Custom event").
var reservedNames = []string{"VIEW", "SEARCH", "ADD", "CONFIRM", "CHECKOUT", "PAYMENT", "IDENTITY", "FORM", "CLEAR_CART", "ORDER_CHECKOUT", "ADD_CONTACTS", "ADD_CONSUMERS", "FORCE_CLOSE"}

// snippets are goals to begin with, which editors of YAML offer
// (https://github.com/redhat-developer/yaml-language-server#adding-custom-tags, "defaultSnippets").
func snippets() []any {
	one := func(label, about string, body object) any {
		return object{"label": label, "description": about, "body": body}
	}
	return []any{
		one("a page", "Somebody looks at a page.", object{"goal": "${1:PRICING_VIEWED}", "visit": "${2:/pricing}"}),
		one("a form", "The application accepts a form.", object{"goal": "${1:CONTACT_SENT}", "submit": "${2:/contact}", "success": "redirect to ${3:/thanks}"}),
		one("a download", "Somebody fetches a file.", object{"goal": "${1:BROCHURE_DOWNLOADED}", "download": "${2:/files/**/*.pdf}"}),
	}
}
