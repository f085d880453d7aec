package cdptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep a JSON text may nest. An event needs five levels, for the extension of an
// item of an order. The limit keeps the recursion small.
const maxDepth = 64

// decodeObject reads raw as one JSON object. It is stricter than [json.Unmarshal]. It requires
// UTF-8 (RFC 8259, section 8.1). And no object may have a member twice, because parsers disagree
// on which one counts (section 4). Numbers become float64.
func decodeObject(raw []byte) (map[string]any, error) {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, errors.New("there is no JSON")
	case !utf8.Valid(raw):
		return nil, errors.New("malformed JSON: not UTF-8")
	}
	// Unmarshal into RawMessage checks the whole syntax, with what follows the object, and
	// names the offset. Decoder.Token alone stops after the first value.
	var syntax json.RawMessage
	if err := json.Unmarshal(raw, &syntax); err != nil {
		return nil, fmt.Errorf("malformed JSON: %w", err)
	}
	v, err := decodeValue(json.NewDecoder(bytes.NewReader(raw)), 1)
	if err != nil {
		return nil, fmt.Errorf("malformed JSON: %w", err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("malformed JSON: an object is needed, this is %s", jsonType(v))
	}
	return object, nil
}

func decodeValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeMembers(dec, depth)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := decodeValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token() // the closing bracket
		return list, err
	}
	return token, nil
}

func decodeMembers(dec *json.Decoder, depth int) (map[string]any, error) {
	object := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("a member name is needed, this is %s", jsonType(token))
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("member %.50q appears twice", name)
		}
		if object[name], err = decodeValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token() // the closing brace
	return object, err
}

// jsonType names the JSON type of a decoded value.
func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}
