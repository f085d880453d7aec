package rule

// identifierSchema is a value of identify:.
func identifierSchema() object {
	long := closed(object{"from": text(), "hash": object{"enum": []string{"sha256"}}, "expires": text()})
	return object{"anyOf": []any{object{"type": []string{"string", "boolean"}}, long}}
}

// fieldsSchema is fields:. Which names there may be depends on sends:, which [Load] checks.
func fieldsSchema() object {
	list := object{"type": "array", "items": text(), "minItems": 1, "maxItems": maxList}
	return object{"type": "object", "additionalProperties": object{"anyOf": []any{scalar(), list, object{"type": "object"}}}}
}
