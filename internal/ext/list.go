package ext

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// List copies what an application may give a rule beside an attribute: a list of texts, of
// anything or of objects, the items of an order, or a time. It reports false for all else.
func List(v any) (any, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case []cdp.OrderItem:
		return slices.Clone(v), true
	case []string:
		return slices.Clone(v), true
	case []any, []map[string]any: // which may hold others
		text, err := json.Marshal(v)
		if err != nil {
			return nil, false
		}
		var list []any
		err = json.Unmarshal(text, &list)
		return list, err == nil
	}
	return nil, false
}
