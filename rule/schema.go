package rule

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/goaltrack/goaltrack/internal/consent"
)

// object is a part of a JSON Schema.
type object = map[string]any

// Schema returns a JSON Schema (https://json-schema.org/draft/2020-12) of the rule file, for
// editors that complete and check YAML. It is made from the loader's own tables of keys.
// [Load] still checks what a schema cannot say. The text is the caller's.
func Schema() []byte {
	defaults := object{"failure": oneOrMore()}
	for _, key := range defaultKeys {
		defaults[key] = text()
	}
	markDefaults(defaults)
	root := closed(object{
		"version": object{"enum": []any{1, "1"}}, "cookies": described(oneOrMore(), "The cookies that rules may read; no other is."), "allow": described(oneOrMore(), "Names that look like secrets and are none, such as pin_code."),
		"defaults": closed(defaults), "goals": listOf(goalSchema()),
	})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "goaltrack rule file"
	root["required"] = []string{"goals"}
	root["allOf"] = []any{secretsSchema()}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil { // maps, texts and lists always encode
		return nil
	}
	return append(out, '\n')
}

// goalSchema describes one goal.
func goalSchema() object {
	goal := object{}
	for key := range textKeys {
		goal[key] = text()
	}
	for key := range listKeys {
		goal[key] = oneOrMore()
	}
	maps.Copy(goal, triggerSchema())
	goal["any"] = listOf(closed(triggerSchema()))
	goal["success"] = object{"anyOf": []any{scalar(), conditionSchema()}}
	goal["if"], goal["unless"] = conditionSchema(), conditionSchema()
	goal["value"] = object{"anyOf": []any{scalar(), closed(object{
		"amount": object{"type": "number"}, "from": text(), "currency": text(), "max": object{"type": "number"},
	})}}
	goal["data"] = object{"type": "object", "additionalProperties": object{"anyOf": []any{
		scalar(), closed(object{"from": text(), "as": object{"enum": slices.Sorted(maps.Keys(asWords()))}}),
	}}}
	goal["identify"] = object{"type": "object", "additionalProperties": identifierSchema()}
	goal["fields"] = fieldsSchema()
	goal["after"], goal["not after"] = pastSchema(), pastSchema()
	goal["forget"] = object{"const": true}
	order := object{}
	for _, key := range orderKeys {
		order[key] = scalar()
	}
	goal["order"] = closed(order)
	goal["examples"] = closed(object{"counts": oneOrMore(), "ignores": oneOrMore()})
	for key, words := range enumKeys {
		goal[key] = object{"enum": words}
	}
	use := object{"enum": uses}
	goal["used by"] = object{"anyOf": []any{use, listOf(use)}}
	markGoal(goal)
	for key, about := range goalKeyHelp {
		goal[key] = described(goal[key].(object), about) // every value above is an object
	}
	one := closed(goal)
	one["required"] = []string{"goal"}
	one["allOf"] = append(triggerRules(), fieldsRules()...)
	one["defaultSnippets"] = snippets()
	return one
}

// described is an object with a line for people.
func described(o object, about string) object {
	o = maps.Clone(o)
	o["description"] = about
	return o
}

func text() object      { return object{"type": []string{"string", "number"}} }
func scalar() object    { return object{"type": []string{"string", "number", "boolean"}} }
func oneOrMore() object { return object{"anyOf": []any{text(), listOf(text())}} }

func listOf(items object) object { return object{"type": "array", "items": items} }

// pastSchema is a goal, a list of them, or a mapping of each to how often it has to have
// happened.
func pastSchema() object {
	times := object{"type": "integer", "minimum": 1, "maximum": maxTimes}
	often := object{"anyOf": []any{times, object{"const": everWord}, closed(object{"times": times, "within": chosen(spanPattern, "30 days", "2 weeks", everWord)})}}
	return object{"anyOf": []any{text(), listOf(text()), object{"type": "object", "additionalProperties": often}}}
}

// closed is an object that takes no other keys.
func closed(properties object) object {
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

func conditionSchema() object {
	return object{"type": "object", "propertyNames": conditionNames(), "additionalProperties": object{"anyOf": []any{scalar(), listOf(scalar())}}}
}

func triggerSchema() object {
	return object{
		"visit": pathText(), "download": pathText(), "code": object{"const": true},
		"submit": object{"anyOf": []any{pathText(), closed(object{"path": pathText(), "method": text(), "form": text()})}},
		"click":  object{"anyOf": []any{text(), closed(object{"element": text(), "to": object{"enum": clickTargets}})}},
		"played": object{"anyOf": []any{text(), closed(object{"element": text(), "part": text()})}},
		"seen":   text(), "started": text(), "read": text(), "stay": text(), "event": text(), "on": text(),
	}
}

// asWords are the types an attribute can be sent as.
func asWords() map[string]kind {
	words := maps.Clone(kinds)
	delete(words, "")
	return words
}

// enumKeys are the keys that take one of a few words.
var enumKeys = map[string][]string{
	"status":  {statusLive, statusDraft, statusPaused},
	"consent": consent.Words[:],
	"late":    {"send", "drop"},
	"decimal": {"comma", "point"},
	"bots":    {"count"},
}

// goalKeyHelp says what each key of a goal is for, in a line.
var goalKeyHelp = map[string]string{
	"goal":             "The goal's name and the event the CDP receives: upper case, such as CONTACT_SENT.",
	"label":            "What people call the goal.",
	"note":             "A remark for people.",
	"owner":            "Whom to ask about the goal.",
	"sends":            "Another event type, if goals share one, or one of Sitecore's own: VIEW, SEARCH, FORM, ADD, ADD_CONTACTS, CONFIRM, PAYMENT, CHECKOUT, CLEAR_CART, IDENTITY, ORDER_CHECKOUT.",
	"fields":           "What an event of Sitecore's own says, by the names of its page there, such as item_id.",
	"visit":            "A page: its path, such as /products/{id}; * stands for one part of the path, ** for any number.",
	"submit":           "A form the application accepted: the path it is sent to.",
	"download":         "A file: its path, such as /files/**/{file}.pdf.",
	"code":             "true: raised by the application.",
	"click":            "An element of a page that is clicked: the name in its data-goal, or a CSS selector; or { to: tel }. Needs goaltrack's script in the page.",
	"seen":             "An element that comes into view: the name in its data-goal, or a CSS selector. Needs goaltrack's script in the page.",
	"played":           "A film that is played: video, or its element; { element: video, part: start, 50% or end }. Needs goaltrack's script in the page.",
	"started":          "A form of which somebody fills in the first field: form, or its element. Needs goaltrack's script in the page.",
	"read":             "How far down a page somebody comes, such as 75%. Needs goaltrack's script in the page.",
	"stay":             "How long a page is looked at, such as 30s. Needs goaltrack's script in the page.",
	"event":            "The type of an event that Sitecore's script in the page sends, such as CLICKED. Needs goaltrack's relay.",
	"on":               "The pages on which it happens: a path, as for visit.",
	"any":              "Alternatives; one is enough.",
	"success":          "Which answer means that the form was accepted: redirect, redirect to /thanks, 303 to /thanks, 200, 2xx, confirmed.",
	"if":               "What must hold: path, host, route, referrer, response.type, query.x, form.x, json.x, header.x, cookie.x, response.header.x, response.json.x, app.x, element.x, event.x, utm.x, first.campaign.",
	"unless":           "What must not hold.",
	"status":           "live, draft (counted and never sent) or paused.",
	"from":             "From when the goal counts: 2026-12-01 or 2026-12-01 18:00.",
	"until":            "Until when, that day included.",
	"timezone":         "The time zone of dates, such as Europe/Berlin. Default UTC.",
	"env":              "The environments in which the goal counts.",
	"hosts":            "The host names on which the goal counts.",
	"count":            "How often: every, once per session, once per visitor, once per day, week or month, each perhaps for $source, or once per $source.",
	"after":            "Goals that must have happened before in the session, in this order; or each with how often: { PAGE_SEEN: 3 }, { QUOTE_SENT: { within: 30 days } }, { WEBINAR_SEEN: ever }.",
	"not after":        "Goals of which none may have happened before in the session; or each with how often, as in after:.",
	"session":          "In which session of the visitor: 1 for the first, \">= 3\" for the third and later.",
	"within":           "How long the way from the first goal of after: may take, such as 30m.",
	"consent":          "The consent the goal needs: required (to everything), analytics, marketing or not-needed.",
	"late":             "What happens to an event delivered late: send or drop. Default: by the event, and by used by.",
	"renamed":          "The names that the goal had before, the oldest first. What is remembered of visitors under that counts on.",
	"used by":          "What in Sitecore uses the goal: experiment, journey, segment. One that a journey uses is not sent once the session is over.",
	"expect":           "How often the goal counts if all is well: daily, or at least 5 per day. The report says when it does not.",
	"bots":             "count: a form by a suspected bot counts all the same.",
	"value":            "What the goal is worth: a number, a $source, or { from, currency, max }.",
	"decimal":          "How visitors write numbers: comma (1.234,56) or point (1,234.56). Default: plain, 1234.56.",
	"data":             "What is sent along: literals and $path $query $form $json $header $cookie $redirect $response $app $element $event $utm $referrer $first.",
	"identify":         "Who the visitor is: email, a provider and an ID, the person's name.",
	"identityProvider": "The provider of the e-mail address, as in the tenant's identity rule.",
	"forget":           "true: whoever comes next in this browser is another visitor, as after a log-out.",
	"order":            "An order: id, total, currency, payment.",
	"page":             "The page the event is on.",
	"language":         "The language of the event.",
	"currency":         "The currency of the event.",
	"channel":          "The channel of the event.",
	"pos":              "The point of sale of the event.",
	"examples":         "Requests that count and requests that do not.",
}
